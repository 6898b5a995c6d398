//! Changes in use in sentences: what was used, what is usual, and how the two compare.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{any_of, counted, date};
use crate::decide::usage::{Standing, Sums, Tally, amount, back, day_after_window, reach};
use crate::model::{Amount, Occasion, View};
use crate::rules::{Measure, Usage};

/// "14 of `visit` in the 30 days to 3 May 2027, against usually 21 in 30 days over the 90 days
/// before: 33 % fewer, and the rule asks for 30 %"
pub(super) fn arises(view: &View, trigger: &Usage, occasion: &Occasion) -> String {
    let tally = Tally::new(view, trigger);
    let day = day_after_window(trigger, occasion);
    let standing = day.map(|day| (day, tally.standing(trigger, day)));
    let Some((day, Standing::Compared { now, last_year })) = standing else {
        let start = date(occasion.anchor);
        return format!("The change that began on {start} isn't in the records any more");
    };
    let asked = asked(trigger);
    let mut words = figures(&tally, trigger, day, now);
    _ = write!(words, ", and the rule asks for {asked}");
    if let Some(then) = last_year {
        _ = write!(words, "; {}", season(trigger, then));
    }
    words
}

/// Why nothing comes of it from this day on.
pub(super) fn nothing(view: &View, trigger: &Usage, from: Date) -> String {
    let tally = Tally::new(view, trigger);
    let kinds = any_of(&trigger.kinds);
    match tally.standing(trigger, from) {
        Standing::Nothing => {
            let with = match trigger.measure {
                Measure::Count => "",
                Measure::Amount => " with an amount",
                Measure::Quantity => " with a quantity",
            };
            format!("There is no {kinds}{with} on record before {}", date(from))
        }
        Standing::TooShort(enough) => {
            let needed = counted(reach(trigger), "day");
            let first = back(enough, reach(trigger)).map(date).unwrap_or_default();
            let enough = date(enough);
            format!(
                "The first {kinds} is of {first}; what is usual is known after {needed}, on {enough}"
            )
        }
        Standing::Mixed => {
            let days = counted(reach(trigger), "day");
            let end = back(from, 1).map(date).unwrap_or_default();
            format!(
                "The amounts of the {days} to {end} are in several currencies and can't be compared"
            )
        }
        Standing::TooLittle(now) => too_little(&tally, trigger, from, now),
        Standing::Compared { now, last_year } => {
            let mut words = figures(&tally, trigger, from, now);
            match last_year {
                _ if !now.reach(trigger) => {
                    _ = write!(words, ", and the rule asks for {}", asked(trigger));
                }
                Some(then) if !now.beyond(then, trigger) => {
                    let season = season(trigger, then);
                    _ = write!(
                        words,
                        "; {season}, and the rule is for more than the season"
                    );
                }
                Some(_) | None => {
                    let since = tally.reached_since(trigger, from).map(date);
                    words += &since.map_or_else(
                        || "; it came with the season, as it did a year earlier".to_owned(),
                        |since| format!("; that is so since {since}, and is told only once"),
                    );
                }
            }
            words
        }
    }
}

fn too_little(tally: &Tally<'_>, trigger: &Usage, from: Date, now: Sums) -> String {
    let end = back(from, 1 + trigger.window_days);
    let end = end.map(date).unwrap_or_default();
    let (window, versus) = (
        counted(trigger.window_days, "day"),
        counted(trigger.versus_days, "day"),
    );
    if now.base <= 0 {
        return format!("The {versus} to {end} add up to nothing that could be compared with");
    }
    let usual = measured(trigger, now.usual(trigger), tally.currency(from));
    let least = measured(trigger, Some(trigger.min_base), tally.currency(from));
    format!(
        "Usual is {usual} in {window}, over the {versus} to {end}, and the rule looks at {least} or more"
    )
}

/// "14 of `visit` in the 30 days to 3 May 2027, against usually 21 in 30 days over the 90 days
/// before: 33 % fewer"
fn figures(tally: &Tally<'_>, trigger: &Usage, day: Date, now: Sums) -> String {
    let currency = tally.currency(day);
    let used = measured(trigger, amount(now.used), currency);
    let usual = measured(trigger, now.usual(trigger), currency);
    let (window, versus) = (
        counted(trigger.window_days, "day"),
        counted(trigger.versus_days, "day"),
    );
    let end = back(day, 1).map(date).unwrap_or_default();
    let (kinds, how) = (any_of(&trigger.kinds), compared(trigger, now));
    format!(
        "{used} of {kinds} in the {window} to {end}, against usually {usual} in {window} over the {versus} before: {how}"
    )
}

/// "the same days a year earlier brought 10 % fewer"
fn season(trigger: &Usage, then: Sums) -> String {
    let how = compared(trigger, then);
    format!("the same days a year earlier brought {how}")
}

/// `33 % fewer`, `5 % more`, `hardly any change`
fn compared(trigger: &Usage, sums: Sums) -> String {
    let Some(parts) = sums.hundredths(trigger) else {
        return "more than can be counted".to_owned();
    };
    let number = percentage(trigger, parts.unsigned_abs());
    if number == "0" {
        return "hardly any change".to_owned();
    }
    format!("{number} % {}", side(trigger, parts < 0))
}

/// `30 % fewer`
fn asked(trigger: &Usage) -> String {
    let number = percentage(trigger, trigger.change.unsigned_abs().into());
    let side = side(trigger, trigger.change < 0);
    format!("{number} % {side}")
}

const fn side(trigger: &Usage, less: bool) -> &'static str {
    match (less, trigger.measure) {
        (true, Measure::Count) => "fewer",
        (true, Measure::Amount | Measure::Quantity) => "less",
        (false, _) => "more",
    }
}

/// Hundredths of a percent, as finely as the rule's own figure is: `33`, `12.75`.
fn percentage(trigger: &Usage, parts: u128) -> String {
    let (whole, rest) = (parts / 100, parts % 100);
    let text = match (trigger.change % 100, trigger.change % 10) {
        (0, _) => return whole.to_string(),
        (_, 0) => format!("{whole}.{}", rest / 10),
        _ => format!("{whole}.{rest:02}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `14`, `20.7`, `120.00 EUR`
fn measured(trigger: &Usage, number: Option<Amount>, currency: Option<&str>) -> String {
    let Some(number) = number else {
        return "more than can be counted".to_owned();
    };
    let n = i128::from(number.ten_thousandths());
    if trigger.measure == Measure::Amount {
        let cents = amount((n + 50).div_euclid(100) * 100).unwrap_or(number);
        return match currency {
            Some(currency) => format!("{cents} {currency}"),
            None => cents.to_string(),
        };
    }
    let tenths = (n + 500).div_euclid(1000);
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, tenth) => format!("{sign}{whole}.{tenth}"),
    }
}
