//! What becomes of a letter that is no gate's matter: pauses, records that changed, and what other
//! customers get.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::gates::lower_first;
use super::{counted, moment};
use crate::decide::gate::Answer;

/// Of a letter that is paused: since when, and what would become of it otherwise.
pub fn while_paused(since: Timestamp, zone: &TimeZone, (first, words): (Answer, &str)) -> String {
    let since = moment(since, zone);
    let otherwise = match first {
        Answer::Pass => "Nothing else stands in its way, as things are.".to_owned(),
        Answer::Skip(_) | Answer::Defer(..) | Answer::Hold(..) => {
            format!("Were it not: {}", lower_first(words))
        }
    };
    format!("It waits as long as sending is paused, since {since}. {otherwise}")
}

/// Of an entry whose day has moved since it was planned.
pub fn planned_anew(due_at: Timestamp, zone: &TimeZone) -> String {
    let due = moment(due_at, zone);
    format!("Your records or the rule have changed since: the next pass plans it anew, for {due}.")
}

/// Of a letter that waits for a person: when it ends by itself.
pub fn undecided(over: Timestamp, zone: &TimeZone) -> String {
    let over = moment(over, zone);
    format!("If nobody decides, it ends by itself on {over} as too late.")
}

/// What of other customers may keep a letter, so that nobody can tell from one's records what becomes
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowded {
    /// The rule sends so many a day, and so many may be due.
    Day {
        /// `max_per_day`.
        most: u32,
        /// Letters.
        may_be_due: u64,
    },
    /// So many letters of one day are more than the guard lets go, unless some of them drop out.
    Guard(u64),
    /// The rule's first so many letters wait for a person, and some that are approved go before.
    First(u32),
}

/// Of a letter that hangs on what others get, or on another of the customer's own (`other`) that does.
pub fn hangs_on_others(other: Option<&str>, crowded: Crowded, customer: &str) -> String {
    let whose = other.map_or("this rule".to_owned(), |rule| format!("`{rule}`"));
    let why = match crowded {
        Crowded::Day { most, may_be_due } => format!(
            "`max_per_day` lets {} of {whose} go a day, and {may_be_due} may be due by then, so that \
             its turn may come on a later day",
            counted(most, "letter")
        ),
        Crowded::Guard(letters) => format!(
            "{letters} letters of {whose} may be due that day, more than [guard] lets go unasked; \
             whether so many are left hangs on what else those customers get"
        ),
        Crowded::First(first) => format!(
            "the first {} of {whose} wait for you, and by then enough may have gone on the days that \
             you approved",
            counted(first, "letter")
        ),
    };
    format!("That isn't certain: {why}. `fondly forecast --customer {customer}` works it out.")
}
