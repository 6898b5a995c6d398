//! What lies ahead as a calendar has it: on which day an entry shows, and under which heading.
//!
//! May not look anything up.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Forecast;
use crate::model::{self, Reason};
use crate::store::Entry;

/// What becomes of entries on one day, in the order in which people ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It goes out.
    GoesOut,
    /// It waits for a person, for this reason.
    Held(Option<Reason>),
    /// It waits at the end, for this reason, and until when.
    Waits(Option<Reason>, String),
    /// It isn't sent, for this reason.
    Not(Option<Reason>),
}

/// On which day it shows in the calendar, and under which heading.
pub fn fate(told: &Forecast, entry: &Entry) -> (Date, Fate) {
    let zone = &entry.occasion.zone;
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let decided = entry.decided_at.map_or(entry.occasion.day, day);
    match entry.outcome {
        model::Outcome::Sent => (entry.sent_at.map_or(decided, day), Fate::GoesOut),
        model::Outcome::Held => (entry.occasion.day, Fate::Held(entry.reason)),
        model::Outcome::Planned | model::Outcome::Deferred | model::Outcome::Sending => {
            let paused = told.paused.all.is_some()
                || told
                    .paused
                    .rules
                    .iter()
                    .any(|(rule, _)| *rule == entry.rule);
            let until = match entry.next_attempt_at {
                _ if paused => "as long as it is paused".to_owned(),
                Some(at) => format!("until {}", local(at, &zone)),
                None => "for its turn".to_owned(),
            };
            (entry.occasion.day, Fate::Waits(entry.reason, until))
        }
        model::Outcome::Skipped
        | model::Outcome::Rejected
        | model::Outcome::Expired
        | model::Outcome::Unknown => (decided, Fate::Not(entry.reason)),
    }
}

/// `3 go out`, `1 won't get it, There is …`
pub fn words(fate: &Fate, count: usize) -> String {
    let because = |reason: &Option<Reason>| {
        reason.map_or(String::new(), |reason| {
            format!(" ({})", reason.sentence().trim_end_matches('.'))
        })
    };
    match fate {
        Fate::GoesOut if count == 1 => "1 goes out".to_owned(),
        Fate::GoesOut => format!("{count} go out"),
        Fate::Held(reason) => format!("{count} held for you{}", because(reason)),
        Fate::Waits(reason, until) => format!("{count} waiting {until}{}", because(reason)),
        Fate::Not(reason) => format!("{count} not sent{}", because(reason)),
    }
}

/// A moment as people read it, in this zone.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M %Z")
        .to_string()
}
