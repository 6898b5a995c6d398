//! Marks: what is kept of somebody who asked to be forgotten, recognisable and not readable.
//!
//! A mark is a keyed hash; the key is the store's own and never leaves it. Whoever has only the
//! marks can't tell who it was, nor try out names. May not know any table but those of the marks.

use std::collections::HashSet;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::columns::{address_key, hex};
use super::dialect::Connection;
use super::person::{fields, words};
use crate::model::{Customer, Event, Refusal};

/// What every mark begins with.
const HEAD: &str = "forgotten:";
/// Bytes of a mark that are kept: nobody hits one by chance.
const BYTES: usize = 16;
/// Bytes of an entry's new id, as many as its old one had.
const ENTRY_BYTES: usize = 8;

/// The key of a store's marks.
pub(super) type Secret = [u8; 32];

/// An address of somebody who asked to be forgotten.
pub(super) fn forgotten_key(secret: &Secret, address: &str) -> String {
    mark(secret, "address", &address_key(address))
}

/// The id of a customer who asked to be forgotten.
pub(super) fn forgotten_id(secret: &Secret, customer: &str) -> String {
    mark(secret, "customer", customer)
}

/// What an occasion of theirs is called in the ledger from then on: it may name an order, or a birthday.
pub(super) fn forgotten_occasion(secret: &Secret, entry: &str) -> String {
    mark(secret, "occasion", entry)
}

/// What an entry of theirs is called from then on. Its old id can be worked out by whoever knows
/// customer and occasion, and must not be found.
pub(super) fn forgotten_entry(secret: &Secret, entry: &str) -> String {
    hex(&hash(secret, "entry", entry, ENTRY_BYTES))
}

fn mark(secret: &Secret, of: &str, what: &str) -> String {
    format!("{HEAD}{}", hex(&hash(secret, of, what, BYTES)))
}

fn hash(secret: &Secret, of: &str, what: &str, bytes: usize) -> Vec<u8> {
    // A key of any length is accepted; without one there would be no mark of anybody, and a test
    // would notice.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return Vec::new();
    };
    mac.update(b"fondly forgotten ");
    mac.update(of.as_bytes());
    mac.update(&[0]);
    mac.update(what.as_bytes());
    let mut all = mac.finalize().into_bytes().to_vec();
    all.truncate(bytes);
    all
}

/// Everybody who asked to be forgotten, at hand while a file is read.
#[derive(Debug, Default)]
pub(super) struct Marks {
    secret: Secret,
    known: HashSet<String>,
}

impl Marks {
    /// As they are in this transaction.
    pub(super) async fn read(tx: &mut Connection, secret: &Secret) -> sqlx::Result<Self> {
        let known: Vec<String> = sqlx::query_scalar(
            "SELECT mark FROM forgotten \
             UNION ALL SELECT address FROM suppression WHERE address LIKE 'forgotten:%'",
        )
        .fetch_all(tx)
        .await?;
        Ok(Self {
            secret: *secret,
            known: known.into_iter().collect(),
        })
    }

    /// Whether it is somebody who asked to be forgotten, by id or by address.
    pub(super) fn know(&self, one: &Customer) -> bool {
        !self.known.is_empty()
            && (self.id(&one.id)
                || one
                    .email
                    .as_deref()
                    .is_some_and(|email| self.address(email)))
    }

    /// Whether it happened to one of them.
    pub(super) fn know_whose(&self, event: &Event) -> bool {
        !self.known.is_empty() && self.id(&event.customer_id)
    }

    /// Whether a record that can't be used is one of theirs: it says so, or it has their address
    /// somewhere. Where it can't be read whose it is, any field that is their id is enough.
    pub(super) fn know_refused(&self, refusal: &Refusal) -> bool {
        if self.known.is_empty() {
            return false;
        }
        let texts = [refusal.record.as_str(), refusal.value.as_str()];
        let address = |text: &str| words(text).any(|word| word.contains('@') && self.address(word));
        if texts.iter().any(|text| address(text)) {
            return true;
        }
        match &refusal.of.customer {
            Some(customer) => self.id(customer),
            None => texts
                .iter()
                .any(|text| fields(text).any(|field| self.id(field))),
        }
    }

    fn id(&self, id: &str) -> bool {
        self.known.contains(&forgotten_id(&self.secret, id))
    }

    fn address(&self, address: &str) -> bool {
        self.known.contains(&forgotten_key(&self.secret, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_address_is_recognised_whatever_its_case() {
        let key = [7; 32];
        let mark = forgotten_key(&key, "Ann@Shop.example ");
        assert_eq!(mark, forgotten_key(&key, "ann@shop.example"));
        assert_ne!(mark, forgotten_key(&[8; 32], "ann@shop.example"));
        assert_eq!(mark.len(), HEAD.len() + 2 * BYTES);
        assert!(!mark.contains("ann"));
    }

    /// An address that serves as an id gives two marks, or one could be tried out by the other.
    #[test]
    fn marks_of_different_things_are_different() {
        let (key, text) = ([7; 32], "ann@shop.example");
        let all = [
            forgotten_key(&key, text),
            forgotten_id(&key, text),
            forgotten_occasion(&key, text),
        ];
        let distinct: HashSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(forgotten_entry(&key, text).len(), 2 * ENTRY_BYTES);
    }
}
