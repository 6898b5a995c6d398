//! A person: all that stands for one customer, or for an address, and where a text names them.
//!
//! What is exported and what is forgotten go by the same answer. May not change anything.

use serde_json::Value;

use super::columns::{address_key, json, listed};
use super::dialect::{Connection, lists_of, texts};
use crate::model::Matter;

/// Stands where a text named somebody who was forgotten.
const BLOT: &str = "[forgotten]";

/// Entries looked through at a time.
const TOGETHER: i64 = 5_000;

/// Whose records are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The customer with this id.
    Customer(String),
    /// Whoever has this address.
    Address(String),
}

/// How a text names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// By their address.
    Address,
    /// A field of it is their id. Where ids are small numbers, it may be another number.
    Id,
}

impl NamedBy {
    /// A word for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Id => "id",
        }
    }
}

/// One person, as the store knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// The customer's id; several where customers share the address that was asked for.
    pub(super) ids: Vec<String>,
    /// Every address of theirs, as compared: on record, or one that a letter to them went to.
    pub(super) addresses: Vec<String>,
    /// First and last name, in lower case.
    pub(super) names: Vec<String>,
    /// Numbers of other customers' entries whose letters went to the address that was asked for: they
    /// had it once, and have another one now.
    pub(super) elsewhere: Vec<i64>,
}

impl Person {
    /// Who is meant, whether anything is there of them or not.
    pub(super) async fn find(tx: &mut Connection, whom: &Whom) -> sqlx::Result<Self> {
        let (ids, mut addresses) = match whom {
            Whom::Customer(id) => (vec![id.clone()], Vec::new()),
            Whom::Address(address) => {
                let key = address_key(address);
                let ids = "SELECT id FROM customer WHERE email_key = $1 ORDER BY id";
                let ids = sqlx::query_scalar(ids).bind(&key).fetch_all(&mut *tx);
                (ids.await?, vec![key])
            }
        };
        let list = json(&ids)?;
        let elsewhere = match (whom, addresses.first()) {
            (Whom::Address(_), Some(key)) => went_to(&mut *tx, key, &list).await?,
            _ => Vec::new(),
        };
        let known: Vec<(Option<String>, Option<String>, Option<String>)> = sqlx::query_as(concat!(
            "SELECT email, first_name, last_name FROM customer WHERE id IN ",
            texts!("$1"),
            " UNION SELECT recipient, NULL, NULL FROM ledger \
                  WHERE audience = 'customer' AND recipient IS NOT NULL AND customer IN ",
            texts!("$1")
        ))
        .bind(&list)
        .fetch_all(tx)
        .await?;
        let mut names = Vec::new();
        for (email, first, last) in known {
            addresses.extend(email.as_deref().map(address_key));
            if let (Some(first), Some(last)) = (first, last) {
                names.push(format!("{first} {last}").to_lowercase());
                names.push(format!("{last} {first}").to_lowercase());
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
        Ok(Self {
            ids,
            addresses,
            names,
            elsewhere,
        })
    }

    /// How a record with this text names them, if it does. `of`: whom it is about, where that is known;
    /// otherwise any field may be their id.
    pub(super) fn named_in(&self, text: &str, of: Option<&str>) -> Option<NamedBy> {
        if words(text).any(|word| self.is_address(word)) {
            return Some(NamedBy::Address);
        }
        let is_theirs = |one: &str| self.ids.iter().any(|id| id == one);
        let is_one = match of {
            Some(customer) => is_theirs(customer),
            None => fields(text).any(is_theirs),
        };
        is_one.then_some(NamedBy::Id)
    }

    /// The same, and also where it only has their whole name: rather too much than too little.
    pub(super) fn may_be_named_in(&self, text: &str, of: Option<&str>) -> bool {
        if self.named_in(text, of).is_some() {
            return true;
        }
        let plain: Vec<String> = words(text).map(str::to_lowercase).collect();
        let plain = format!(" {} ", plain.join(" "));
        let mut names = self.names.iter();
        names.any(|name| plain.contains(&format!(" {name} ")))
    }

    /// The text without their addresses, where it has one. What is around them stays as it is.
    pub(super) fn blotted(&self, text: &str) -> Option<String> {
        let mut found = words(text).filter(|word| self.is_address(word)).peekable();
        found.peek()?;
        Some(found.fold(text.to_owned(), |text, word| text.replace(word, BLOT)))
    }

    /// The same of a text or, where it is one, of the texts in a JSON document: there a line break in
    /// front of an address would hide it.
    pub(super) fn blotted_within(&self, text: &str) -> Option<String> {
        let Ok(mut document) = serde_json::from_str::<Value>(text) else {
            return self.blotted(text);
        };
        self.blot(&mut document).then(|| document.to_string())
    }

    /// `true`: something was blotted.
    fn blot(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.blotted(text) {
                Some(blotted) => {
                    *text = blotted;
                    true
                }
                None => false,
            },
            Value::Array(all) => {
                let all = all.iter_mut();
                all.fold(false, |found, one| self.blot(one) | found)
            }
            Value::Object(all) => {
                let all = all.values_mut();
                all.fold(false, |found, one| self.blot(one) | found)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Whether it is a complaint of theirs.
    pub(super) fn complains(&self, matter: &Matter) -> bool {
        matches!(matter, Matter::Complaint { customer, .. } if self.ids.contains(customer))
    }

    fn is_address(&self, word: &str) -> bool {
        word.contains('@') && self.addresses.contains(&address_key(word))
    }
}

/// The entries of all but these customers (a JSON list of ids) whose letters went to an address. Few
/// people ask, so that no index is kept for it: the whole ledger is looked through.
async fn went_to(tx: &mut Connection, key: &str, but: &str) -> sqlx::Result<Vec<i64>> {
    let (mut found, mut last) = (Vec::new(), i64::MIN);
    loop {
        let page: String = sqlx::query_scalar(concat!(
            "SELECT ",
            lists_of!("number, recipient"),
            " FROM (SELECT number, recipient FROM ledger \
             WHERE number > $1 AND audience = 'customer' AND recipient IS NOT NULL \
                 AND customer NOT IN ",
            texts!("$2"),
            " ORDER BY number LIMIT $3) AS some"
        ))
        .bind(last)
        .bind(but)
        .bind(TOGETHER)
        .fetch_one(&mut *tx)
        .await?;
        let some: Vec<(i64, String)> = listed(&page)?;
        let Some((number, _)) = some.last() else {
            return Ok(found);
        };
        last = *number;
        let theirs = some.iter().filter(|(_, to)| address_key(to) == key);
        found.extend(theirs.map(|(number, _)| *number));
    }
}

/// The words of a text, as far as an address may be one of them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || ",;|\"'`<>:=()[]{}".contains(c);
    let words = text.split(between).map(|word| word.trim_matches('.'));
    words.filter(|word| !word.is_empty())
}

/// The fields of a record as a file holds it, without their quotes and names: `12` of `12,ann`, of
/// `{"id": "12"}` and of `UID:12`.
pub(super) fn fields(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| matches!(c, ',' | ';' | '|' | '\t' | '\r' | '\n');
    let around = |c: char| c.is_whitespace() || "\"{}[]".contains(c);
    let fields = text.split(between).flat_map(move |field| {
        let named = field.split_once(':').filter(|(name, _)| {
            let name = name.trim_matches(around);
            name.starts_with(|c: char| c.is_ascii_alphabetic())
        });
        [Some(field), named.map(|(_, value)| value)]
    });
    let fields = fields
        .flatten()
        .map(move |field| field.trim_matches(around));
    fields.filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Person {
        Person {
            ids: vec!["12".to_owned()],
            addresses: vec!["ann@mail.example".to_owned()],
            names: vec!["ann lee".to_owned(), "lee ann".to_owned()],
            elsewhere: Vec::new(),
        }
    }

    #[test]
    fn a_record_names_whom_it_is_about_and_nobody_else() {
        let by = |text| ann().named_in(text, None);
        assert_eq!(
            by("7;Ann;ANN@Mail.example;31.02.1990"),
            Some(NamedBy::Address)
        );
        assert_eq!(by("\"12\", Ann, no-address"), Some(NamedBy::Id));
        assert_eq!(by(r#"{"id": "12", "born": "soon"}"#), Some(NamedBy::Id));
        assert_eq!(by("BEGIN:VCARD\nUID:12\n"), Some(NamedBy::Id));
        assert_eq!(
            by("550 <ann@mail.example>: no such user"),
            Some(NamedBy::Address)
        );
        assert_eq!(by("mailto:ann@mail.example."), Some(NamedBy::Address));
        for other in [
            "7,Jo,joann@mail.example",
            "12 High Street",
            "121,x",
            "09:12",
            "Ann Lee",
            "",
        ] {
            assert_eq!(by(other), None, "{other}");
        }
        // Where it is known whose it is, a quantity is no id.
        assert_eq!(ann().named_in("v1;bob;12", Some("bob")), None);
        assert_eq!(ann().named_in("v1;12;3", Some("12")), Some(NamedBy::Id));
    }

    #[test]
    fn a_whole_name_is_enough_to_be_left_out() {
        assert!(ann().may_be_named_in("9;Lee;Ann;nonsense", Some("9")));
        assert!(ann().may_be_named_in("ANN  LEE", None));
        assert!(!ann().may_be_named_in("Ann Leeds, Jo-Ann Lee-Smith", None));
    }

    #[test]
    fn a_sentence_loses_the_address_and_nothing_else() {
        let text = "550 <Ann@mail.example>: user ann@mail.example unknown";
        let blotted = ann().blotted(text).unwrap();
        assert_eq!(blotted, "550 <[forgotten]>: user [forgotten] unknown");
        assert_eq!(ann().blotted("550 <joann@mail.example>"), None);
        let facts = r#"{"said":["x\nann@mail.example"],"of":1}"#;
        let blotted = ann().blotted_within(facts).unwrap();
        assert_eq!(blotted, r#"{"said":["x\n[forgotten]"],"of":1}"#);
        assert_eq!(ann().blotted_within(r#"{"said":"ann"}"#), None);
        assert_eq!(
            ann().blotted_within(text).unwrap(),
            ann().blotted(text).unwrap()
        );
    }
}
