//! One occasion: this rule, this customer, this birthday.
//!
//! May not know what becomes of it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::amount::Amount;

/// Bytes of the hash that make an entry's id: 64 bits, so that ten million entries collide with a
/// chance of about three in a million; the store's unique constraint would notice.
const ID_BYTES: usize = 8;

/// An occasion with the moment at which it comes due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The occasion key as the contract writes it: `2027-05-02`, an event's id, `1998-01-05/1`.
    pub key: String,
    /// The civil day on which it is due, in the send zone.
    pub day: Date,
    /// The instant at which it is due, before any deferral.
    pub due_at: Timestamp,
    /// The send zone's IANA name.
    pub zone: String,
    /// The civil date it starts from: the anniversary, the event's day, the last contact.
    pub anchor: Date,
    /// Years since the first time, for anniversaries whose year is known.
    pub years: Option<i16>,
    /// The event that caused it, by id.
    pub event: Option<String>,
}

/// How much somebody used, against what is usual for them: what an occasion of the trigger `usage`
/// is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// In the window.
    pub used: Amount,
    /// What is usual in so many days, rounded to ten-thousandths.
    pub usual: Amount,
    /// By how many percent it is more (or, negative, less), without what is behind the comma.
    pub percent: i64,
    /// The window's civil days.
    pub days: i32,
}

/// The ledger's id for an occasion: the same in every store and on every run.
pub fn entry_id(rule: &str, customer: &str, occasion: &str) -> String {
    short_hash(&[rule, customer, occasion])
}

/// The same 16 hexadecimal digits for the same parts, others for any other, whatever they are of.
pub fn short_hash(parts: &[&str]) -> String {
    digest(parts)
        .iter()
        .take(ID_BYTES)
        .fold(String::new(), |mut text, byte| {
            // Writing to a String can't fail.
            _ = write!(text, "{byte:02x}");
            text
        })
}

/// A number in 0..1 (as parts of 2^32) that is fixed for these words: drawn once, repeatable.
pub fn stable_share(words: &[&str]) -> u32 {
    digest(words)
        .iter()
        .take(4)
        .fold(0_u32, |n, byte| (n << 8) | u32::from(*byte))
}

/// A hash of all the parts, with where each ends.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_every_part_and_its_borders() {
        let id = entry_id("birthday", "1", "2027-05-02");
        assert_eq!(id.len(), 16);
        assert_eq!(id, entry_id("birthday", "1", "2027-05-02"));
        assert_ne!(id, entry_id("birthday1", "", "2027-05-02"));
        assert_ne!(id, entry_id("birthday", "1", "2028-05-02"));
    }
}
