//! Words that several pages share: moments and days, outcomes and reasons, one row of the ledger.
//!
//! May not look anything up.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::show::part;
use crate::engine::House;
use crate::model::{Outcome, Reason};
use crate::store::{Entry, Named};

/// `Tue 1 Dec 2026, 09:00`, in this zone.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned_datetime(zone.clone());
    at.strftime("%a %-d %b %Y, %H:%M").to_string()
}

/// `Tuesday, 1 December 2026`
pub(super) fn day(day: Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

/// From the first moment of a day at the business to the first of the next.
pub(super) fn whole_day(house: &House, day: Date) -> (Timestamp, Timestamp) {
    let begins = |day: Date| {
        let begins = house.policy().zone.to_timestamp(day.at(0, 0, 0, 0));
        begins.unwrap_or(Timestamp::MAX)
    };
    (begins(day), begins(day.saturating_add(1.day())))
}

/// `Tue 1 Dec 2026`
pub(super) fn brief_day(day: Date) -> String {
    day.strftime("%a %-d %b %Y").to_string()
}

/// `1 Dec`
pub(super) fn short_day(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

/// `3 minutes ago`, `in 2 hours`, `just now`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    let (count, what) = match seconds.unsigned_abs() {
        0..=44 => return "just now".to_owned(),
        s @ 45..=5_399 => ((s + 30) / 60, "minute"),
        s @ 5_400..=129_599 => ((s + 1_800) / 3_600, "hour"),
        s => ((s + 43_200) / 86_400, "day"),
    };
    let s = if count == 1 { "" } else { "s" };
    if seconds < 0 {
        format!("in {count} {what}{s}")
    } else {
        format!("{count} {what}{s} ago")
    }
}

/// What became of something, for people.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Planned => "planned",
        Outcome::Held => "waits for you",
        Outcome::Deferred => "waits",
        Outcome::Sending => "on its way",
        Outcome::Sent => "sent",
        Outcome::Skipped => "not sent",
        Outcome::Rejected => "refused",
        Outcome::Expired => "given up",
        Outcome::Unknown => "nobody knows",
    }
}

/// What became of several, after their number.
pub(super) const fn outcomes(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "for you to decide",
        Outcome::Deferred => "waiting",
        Outcome::Unknown => "of which nobody knows",
        Outcome::Planned
        | Outcome::Sending
        | Outcome::Sent
        | Outcome::Skipped
        | Outcome::Rejected
        | Outcome::Expired => self::outcome(outcome),
    }
}

/// One step of an entry's history, as a sentence.
pub(super) fn step(outcome: Outcome, reason: Option<Reason>) -> String {
    let because = reason.map_or("", Reason::sentence);
    let what = match outcome {
        Outcome::Planned => "It was planned.",
        Outcome::Held => "It was held for a person.",
        Outcome::Deferred => "It was put off.",
        Outcome::Sending => "It was about to be handed over.",
        Outcome::Sent => "It went out.",
        Outcome::Skipped => "It was decided not to send it.",
        Outcome::Rejected => "It was refused.",
        Outcome::Expired => "It was given up.",
        Outcome::Unknown => "Nobody knows whether it went out.",
    };
    format!("{what} {because}").trim_end().to_owned()
}

/// The address of an entry's page.
pub(super) fn entry_link(id: &str) -> String {
    format!("/ledger/{}", part(id))
}

/// The address of a rule's page.
pub(super) fn rule_link(id: &str) -> String {
    format!("/rules/{}", part(id))
}

/// The address of a customer's page. Browsers take two dots, however they are written, for the folder
/// above, so whoever has such an id is found by the ledger alone.
pub(super) fn customer_link(id: &str) -> String {
    if matches!(id, "." | "..") {
        return super::ledger::customers_entries(id);
    }
    format!("/customers/{}", part(id))
}

/// Names by id.
pub(super) fn names(named: Vec<Named>) -> HashMap<String, String> {
    let known = named.into_iter().filter(|one| !one.name.is_empty());
    known.map(|one| (one.id, one.name)).collect()
}

/// One entry as lists show it.
pub(super) fn entry_row(house: &House, names: &HashMap<String, String>, entry: &Entry) -> Value {
    let occasion = &entry.occasion;
    json!({
        "link": entry_link(&entry.id),
        "id": entry.id,
        "due": moment(occasion.due_at, &house.policy().zone),
        "their_day": (house.policy().zone.to_datetime(occasion.due_at).date() != occasion.day)
            .then(|| short_day(occasion.day)),
        "rule": house.title(&entry.rule),
        "rule_link": rule_link(&entry.rule),
        "customer": entry.customer,
        "customer_link": customer_link(&entry.customer),
        "name": names.get(&entry.customer),
        "outcome": entry.outcome.as_str(),
        "outcome_words": outcome(entry.outcome),
        "reason": entry.reason.filter(|_| entry.outcome != Outcome::Sent).map(Reason::sentence),
        "subject": entry.subject,
        "recipient": entry.recipient,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn spans_are_told_as_people_say_them() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(10_000);
        for (seconds, words) in [
            (3, "just now"),
            (-3, "just now"),
            (60, "1 minute ago"),
            (-120, "in 2 minutes"),
            (7_200, "2 hours ago"),
            (86_400 * 3, "3 days ago"),
        ] {
            assert_eq!(ago(now - SignedDuration::from_secs(seconds), now), words);
        }
    }
}
