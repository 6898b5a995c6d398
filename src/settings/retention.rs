//! `[retention]`: how long what isn't needed any more is kept. Nothing is taken out unless it is set.
//!
//! Text in, values out: no files.

use crate::model::Period;
use crate::model::tables::Table;

/// Shorter than this, events would be gone before anybody could be missed.
const LEAST_DAYS_OF_EVENTS: i32 = 30;
/// Shorter than this, a letter might lose its text while it is on its way.
const LEAST_DAYS: i32 = 1;

/// How long things are kept; `None` for as long as the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// A customer's events, from the last of them on: then all of theirs go at once.
    pub events: Option<Period>,
    /// An entry's address, subject, letter and replies, from the day it was due on. That it was,
    /// and what became of it, stays.
    pub ledger_text: Option<Period>,
    /// Letters in an outbox folder, from when they were written on.
    pub copies: Option<Period>,
}

/// Reads `[retention]`.
pub(super) fn retention(mut table: Table<'_>) -> Retention {
    let mut period = |key, least| {
        let value = table.get(key);
        value.and_then(|value| value.read(|text| kept(text, least)))
    };
    let retention = Retention {
        events: period("events", LEAST_DAYS_OF_EVENTS),
        ledger_text: period("ledger_text", LEAST_DAYS),
        copies: period("copies", LEAST_DAYS),
    };
    table.finish(&[]);
    retention
}

fn kept(text: &str, least: i32) -> Result<Period, String> {
    let period = Period::parse(text)?;
    let civil = matches!(period, Period::Days(_) | Period::Months(_));
    if !civil || period.days_between().0 < least.min(28) || period.days_at_most() < least {
        let days = if least == 1 { "1 day" } else { "30 days" };
        return Err(format!(
            "`{text}` is too short; keep it for {days} at least, such as `3 years`"
        ));
    }
    Ok(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_kept_for_days_at_least() {
        for (text, least) in [
            ("3 years", 30),
            ("1 month", 30),
            ("30 days", 30),
            ("1 day", 1),
        ] {
            assert!(kept(text, least).is_ok(), "{text}");
        }
        for (text, least) in [
            ("29 days", 30),
            ("0 days", 1),
            ("-3 years", 1),
            ("48 hours", 1),
            ("for ever", 1),
        ] {
            assert!(kept(text, least).is_err(), "{text}");
        }
    }
}
