//! Decisions in sentences that a shop owner understands, with the arithmetic.
//!
//! For yesterday and for next year alike: [`arises`] and [`nothing`] say how an occasion comes
//! about or why there is none, [`verdict`] what the gates say of it and why, [`settled`] what the
//! ledger tells. Pure, as the rest of the room; decides nothing.

mod arise;
mod gates;
mod ledger;
mod others;
mod silence;
mod usage;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use arise::{arises, nothing};
pub use gates::{Before, in_the_way, next_verdict, verdict};
pub use ledger::{Settled, settled};
pub use others::{Crowded, hangs_on_others, planned_anew, undecided, while_paused};

/// Of an entry that the records no longer give.
pub const TAKEN_BACK: &str =
    "Your records or the rule no longer give it, so the next pass takes it back.";
/// Of an occasion that no pass will enter, though the gates would let it pass.
pub const NOT_PLANNED: &str = "It won't be planned: the ledger holds another one of the same.";

/// `2 May 2027`
pub fn date(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// `2 May 2027 at 09:00 Europe/London`
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let name = zone.iana_name().unwrap_or("UTC");
    format!("{} {name}", local.strftime("%-d %B %Y at %H:%M"))
}

/// `1 day`, `3 days`
fn counted(count: impl Into<i64>, what: &str) -> String {
    let count = count.into();
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `1st`, `2nd`, `11th`
fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// `a visit`, `a visit or a purchase`, in the rules' own words.
fn any_of(kinds: &[String]) -> String {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
    kinds.join(" or ")
}
