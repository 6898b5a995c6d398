//! `usage`: a trigger that looks at how much of something there is, against what is usual.
//!
//! Text in, values out: no files, no clock, no store.

use super::events::event_kind;
use crate::model::Amount;
use crate::model::period::Period;
use crate::model::tables::{Node, Table, Value, percent};
use crate::rules::trigger::Trigger;
use crate::rules::usage::{Measure, Usage};

/// The agreed days of a window.
const DEFAULT_WINDOW: i32 = 30;
/// The agreed days of the base.
const DEFAULT_VERSUS: i32 = 90;
/// Ten years: more history than a change is seen against.
const MOST_DAYS: i32 = 3_660;
/// Hundredths of a percent in the whole: nobody uses less than nothing.
const WHOLE: u32 = 10_000;

const KINDS: &str = "[\"visit\", \"purchase\"]";
const CHANGE: &str =
    "write a sign, a number and a percent sign, such as `-30%` for less or `+33%` for more";

pub(super) fn usage(mut table: Table<'_>) -> Option<Trigger> {
    let measure = table.require("measure", "\"count\"").and_then(|value| {
        value.one_of(&[
            ("count", Measure::Count),
            ("amount", Measure::Amount),
            ("quantity", Measure::Quantity),
        ])
    });
    let kinds = table.require("of", KINDS).and_then(|value| kinds(&value));
    let window = table.get("window").and_then(|v| v.read(days));
    let versus = table.get("versus").and_then(|v| v.read(days));
    let change = table.require("change", "\"-30%\"");
    let change = change.and_then(|v| v.read(change_of));
    let min_base = table.get("min_base").and_then(|v| at_least(&v));
    table.finish(&[]);
    Some(Trigger::Usage(Usage {
        measure: measure?,
        kinds: kinds?,
        window_days: window.unwrap_or(DEFAULT_WINDOW),
        versus_days: versus.unwrap_or(DEFAULT_VERSUS),
        change: change?,
        min_base: min_base.unwrap_or_default(),
    }))
}

fn kinds(value: &Value<'_>) -> Option<Vec<String>> {
    let kinds = value.list(KINDS)?;
    if kinds.is_empty() {
        let help = "name the kinds of event that count, such as `[\"visit\", \"purchase\"]`";
        value.complain(
            "without a kind there is nothing to count",
            Some(help.into()),
        );
    }
    kinds.iter().map(|kind| kind.read(event_kind)).collect()
}

/// A stretch in civil days, at least one.
fn days(text: &str) -> Result<i32, String> {
    match Period::parse(text)? {
        Period::Days(days) if (1..=MOST_DAYS).contains(&days) => Ok(days),
        Period::Days(_) => Err(format!(
            "`{text}` is no stretch to look at; write from `1 day` to `{MOST_DAYS} days`"
        )),
        Period::Months(_) | Period::Minutes(_) => {
            let unit = text.split_whitespace().nth(1).unwrap_or("");
            Err(format!(
                "a stretch of use is counted in days, not in `{unit}`; write days or weeks such as `30 days`"
            ))
        }
    }
}

/// `-30%` or `+33%`, in hundredths of a percent.
fn change_of(text: &str) -> Result<i32, String> {
    let (less, number) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(number), _) => (true, number),
        (_, Some(number)) => (false, number),
        (None, None) if percent(text).is_some() => {
            return Err(format!(
                "`{text}` doesn't say whether more or less is meant; write `-{text}` or `+{text}`"
            ));
        }
        (None, None) => return Err(format!("`{text}` is no change; {CHANGE}")),
    };
    let parts = percent(number).ok_or_else(|| format!("`{text}` is no change; {CHANGE}"))?;
    match parts {
        0 => Err(format!("`{text}` is no change at all; {CHANGE}")),
        _ if less && parts > WHOLE => Err(format!(
            "`{text}` would be less than nothing; write from `-1%` to `-100%`"
        )),
        _ => {
            let parts = i32::try_from(parts).map_err(|error| error.to_string())?;
            Ok(if less { -parts } else { parts })
        }
    }
}

/// A number from 0 up, exact.
fn at_least(value: &Value<'_>) -> Option<Amount> {
    let written = match &value.item().node {
        Node::Whole(n) => n.to_string(),
        Node::Fraction(n) if n.is_finite() => n.to_string(),
        Node::Fraction(_)
        | Node::Text(_)
        | Node::Loose(_)
        | Node::YesNo(_)
        | Node::Moment(_)
        | Node::List(_)
        | Node::Table(_) => String::new(),
    };
    let number = Amount::parse(&written).filter(|number| *number >= Amount::default());
    if number.is_none() {
        let help = "write the number alone, without quotes or a unit, such as `min_base = 5`";
        let message = "this must be a number from 0 up, with at most four decimals";
        value.complain(message, Some(help.into()));
    }
    number
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::finding::SourceText;
    use crate::rules::{OwnHolidays, parse};

    fn read(keys: &str) -> Result<Usage, Vec<String>> {
        let text = format!(
            "title = \"T\"\ntemplate = \"t\"\nclass = \"service\"\naudience = \"owner\"\n\
             [trigger.usage]\n{keys}"
        );
        let source = SourceText {
            name: "rules/x.toml".to_owned(),
            text,
        };
        let (rule, findings) = parse(&Arc::new(source), "x", &OwnHolidays::default());
        match rule.map(|rule| rule.trigger) {
            Some(Trigger::Usage(usage)) => Ok(usage),
            _ => Err(findings
                .into_iter()
                .map(|finding| finding.message)
                .collect()),
        }
    }

    #[test]
    fn everything_that_can_be_said_is_heard() {
        let usage = read(
            "measure = \"amount\"\nof = [\"purchase\", \"usage\"]\nwindow = \"2 weeks\"\n\
             versus = \"56 days\"\nchange = \"+12.5%\"\nmin_base = 99.5",
        );
        let wanted = Usage {
            measure: Measure::Amount,
            kinds: vec!["purchase".to_owned(), "usage".to_owned()],
            window_days: 14,
            versus_days: 56,
            change: 1_250,
            min_base: Amount::parse("99.5").unwrap(),
        };
        assert_eq!(usage, Ok(wanted));
    }

    #[test]
    fn what_isnt_said_has_its_default() {
        let usage = read("measure = \"count\"\nof = [\"visit\"]\nchange = \"-100%\"").unwrap();
        assert_eq!((usage.window_days, usage.versus_days), (30, 90));
        assert_eq!((usage.change, usage.min_base), (-10_000, Amount::default()));
    }

    #[test]
    fn a_change_says_which_way() {
        assert_eq!(change_of("-30%"), Ok(-3_000));
        assert_eq!(change_of("+999.99 %"), Ok(99_999));
        for bad in [
            "30%", "-30", "", "-0%", "+0.00%", "-101%", "--3%", "+-3%", "a third",
        ] {
            let said = change_of(bad).unwrap_err();
            assert!(said.contains("; write "), "{bad}: {said}");
        }
    }
}
