//! The letter's phrases, one set a language. `{n}` and the like are filled in.
//!
//! May not know facts. A language that isn't here reads English.

use jiff::civil::Date;

use super::Why;
use super::{english, french, german};
use crate::model::PartialDate;
use crate::render::phrases::Phrases as Texts;
use crate::render::words;

/// A phrase for one, and a phrase for several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted(pub(super) &'static str, pub(super) &'static str);

/// One language.
#[derive(Debug)]
pub(super) struct Phrases {
    pub(super) language: &'static str,
    /// Of Monday to Sunday.
    pub(super) weekdays: [&'static str; 7],
    /// Between thousands.
    pub(super) thousands: char,

    pub(super) subject: &'static str,
    pub(super) letters: Counted,
    pub(super) no_letters: &'static str,
    pub(super) subject_needs: Counted,
    pub(super) subject_broken: &'static str,
    pub(super) title: &'static str,
    pub(super) from_to: &'static str,
    pub(super) all_well: &'static str,

    pub(super) needs: &'static str,
    pub(super) held: Counted,
    pub(super) held_by_command: &'static str,
    pub(super) look: &'static str,
    pub(super) see: &'static str,
    pub(super) unknown: Counted,
    pub(super) unknown_by_command: &'static str,
    pub(super) quarantined: Counted,
    pub(super) quarantined_by_command: &'static str,
    pub(super) many_gone: Counted,
    pub(super) many_gone_by_command: &'static str,
    pub(super) paused: &'static str,

    pub(super) broken: &'static str,
    pub(super) since: &'static str,
    pub(super) edit: &'static str,
    pub(super) away: &'static str,
    pub(super) refuses: &'static str,
    pub(super) source: &'static str,
    pub(super) unusable: &'static str,
    pub(super) refusals: &'static str,

    pub(super) sent: &'static str,
    pub(super) nothing_sent: &'static str,
    pub(super) idle_paused: &'static str,
    pub(super) idle_no_rules: &'static str,
    pub(super) idle_no_customers: &'static str,
    pub(super) idle_nothing_due: &'static str,
    pub(super) idle_all_kept: &'static str,
    pub(super) idle_held: &'static str,
    pub(super) idle_coming: &'static str,
    pub(super) cared: Counted,
    pub(super) asked: Counted,
    pub(super) none_asked: &'static str,

    pub(super) not_sent: &'static str,
    /// In the order of [`Why::ALL`].
    pub(super) whys: [Counted; 12],

    pub(super) back: &'static str,
    pub(super) came_back: Counted,
    pub(super) nobody_back: &'static str,
    pub(super) and_others: Counted,
    pub(super) compared: &'static str,
    pub(super) too_few: &'static str,
    pub(super) unclear: &'static str,
    pub(super) helps: &'static str,
    pub(super) hurts: &'static str,

    pub(super) missing: &'static str,
    pub(super) nobody_missing: &'static str,
    pub(super) gone_quiet: Counted,
    pub(super) used_to_bring: &'static str,
    pub(super) other_sums: &'static str,
    pub(super) silent: Counted,
    pub(super) usually: &'static str,
    pub(super) usually_daily: &'static str,
    pub(super) a_year: &'static str,
    pub(super) all_of_them: &'static str,
    pub(super) all_by_command: &'static str,

    pub(super) ahead: &'static str,
    pub(super) nothing_ahead: &'static str,
    pub(super) ahead_unknown: &'static str,
    pub(super) will_wait: Counted,

    pub(super) and: &'static str,
    pub(super) more: Counted,
    pub(super) farewell: &'static str,
}

/// The set for this language.
pub(super) fn of(language: &str) -> &'static Phrases {
    let primary = words::primary(language);
    [&english::PHRASES, &german::PHRASES, &french::PHRASES]
        .into_iter()
        .find(|phrases| phrases.language.eq_ignore_ascii_case(primary))
        .unwrap_or(&english::PHRASES)
}

/// A phrase with its places filled.
pub(super) fn fill(phrase: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(phrase.len() + 32);
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        // Once over from left to right: a value that looks like a place isn't one.
        let Some((name, more)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let value = places.iter().find(|(place, _)| *place == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = more;
    }
    filled.push_str(rest);
    filled
}

impl Counted {
    /// The phrase for so many, whose number stands at `{n}`.
    pub(super) fn of(self, count: u64, phrases: &Phrases, places: &[(&str, &str)]) -> String {
        let phrase = if count == 1 { self.0 } else { self.1 };
        let number = phrases.number(count);
        let mut places = places.to_vec();
        places.push(("n", &number));
        fill(phrase, &places)
    }
}

impl Phrases {
    /// `12,345`
    pub(super) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(self.thousands);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// Money as people say it: `420`, and cents only where they matter: `4.50`.
    pub(super) fn amount(&self, amount: f64) -> String {
        if amount.abs() < CENTS_MATTER && (amount - amount.round()).abs() > f64::EPSILON {
            return words::decimal(&format!("{amount:.2}"), self.language);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative, and cut off where it is beyond counting"
        )]
        let whole = self.number(amount.abs().round() as u64);
        if amount.round() < 0.0 {
            format!("-{whole}")
        } else {
            whole
        }
    }

    /// A number of days with at most one decimal.
    pub(super) fn days(&self, days: f64) -> String {
        let plain = format!("{days:.1}");
        words::decimal(plain.strip_suffix(".0").unwrap_or(&plain), self.language)
    }

    /// `30 November 2026`
    pub(super) fn date(&self, day: Date) -> String {
        words::date(Texts::built_in(), PartialDate::from(day), self.language)
    }

    /// `Monday, 23 November` and `Monday, 30 November 2026`: the first bears its year only where that
    /// is another.
    pub(super) fn weekdays(&self, (since, until): (Date, Date)) -> (String, String) {
        let year = (since.year() != until.year()).then_some(since.year());
        let short = PartialDate::new(year, since.month(), since.day());
        let short = short.unwrap_or_else(|| since.into());
        let short = words::date(Texts::built_in(), short, self.language);
        (self.on(since, &short), self.on(until, &self.date(until)))
    }

    /// A date with its weekday.
    fn on(&self, day: Date, date: &str) -> String {
        let number = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        let name = self.weekdays.get(number).copied().unwrap_or_default();
        let separator = if self.language == "fr" { " " } else { ", " };
        format!("{name}{separator}{date}")
    }

    /// What kept so many letters.
    pub(super) fn why(&self, why: Why, count: u64) -> String {
        let number = Why::ALL.iter().position(|one| *one == why);
        let words = number.and_then(|number| self.whys.get(number));
        words.map_or_else(String::new, |words| words.of(count, self, &[]))
    }

    /// `a, b and c`
    pub(super) fn list(&self, items: &[String]) -> String {
        match items.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{}{}{last}", before.join(", "), self.and),
            None => String::new(),
        }
    }
}

/// Below this, an amount that isn't whole is told with its cents.
const CENTS_MATTER: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_amounts_are_written_as_people_write_them() {
        let [english, german, french] = ["en-GB", "de-AT", "fr"].map(of);
        assert_eq!(english.number(0), "0");
        assert_eq!(english.number(1_234_567), "1,234,567");
        assert_eq!(german.number(12_345), "12.345");
        assert_eq!(french.number(1_000), "1\u{202F}000");
        assert_eq!(english.amount(4.5), "4.50");
        assert_eq!(german.amount(99.95), "99,95");
        assert_eq!(german.amount(1_234.56), "1.235");
        assert_eq!(english.amount(-1_234.56), "-1,235");
        assert_eq!(english.amount(80.0), "80");
        assert_eq!(english.days(30.5), "30.5");
        assert_eq!(german.days(31.0), "31");
        assert_eq!(of("it").language, "en");
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_none() {
        let told = fill(
            "{who} of {where}",
            &[("who", "{where}"), ("where", "Leeds")],
        );
        assert_eq!(told, "{where} of Leeds");
        assert_eq!(fill("{nobody} and {", &[]), " and ");
    }

    /// A place that one language has, the others have too.
    #[test]
    fn every_language_fills_the_same_places() {
        let places = |phrases: &Phrases| {
            let told = format!("{phrases:?}").replace("\\u{a0}", " ");
            let mut found: Vec<String> = told
                .split('"')
                .skip(1)
                .step_by(2)
                .map(|phrase| {
                    let mut names: Vec<&str> = phrase
                        .split('{')
                        .skip(1)
                        .filter_map(|rest| rest.split_once('}'))
                        .map(|(name, _)| name)
                        .collect();
                    names.sort_unstable();
                    names.join(",")
                })
                .collect();
            found.remove(0);
            found
        };
        let english = places(&english::PHRASES);
        assert!(english.len() > 80, "{}", english.len());
        assert_eq!(english, places(&german::PHRASES));
        assert_eq!(english, places(&french::PHRASES));
    }
}
