//! Numbers that several commands take and print alike.

pub(super) use crate::engine::listing::four_places;
use crate::model::Period;

/// The longest time that is taken, in days.
const LONGEST: i32 = 3_650;

/// `30 days`, `6 weeks`: whole days, at least one.
pub(super) fn whole_days(text: &str) -> Result<u16, String> {
    match Period::parse(text)? {
        Period::Days(days @ 1..=LONGEST) => Ok(u16::try_from(days).unwrap_or(u16::MAX)),
        _ => Err(format!(
            "`{text}` isn't from 1 to {LONGEST} days; write such as `30 days` or `6 weeks`"
        )),
    }
}
