//! What was sent -> its records: a single one, a list, or a list under its name.
//!
//! May not know fields.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::Feeds;
use super::{Flaw, list_name, object};

/// Records that one request may hold.
const MOST: usize = 1000;

/// The records of one request.
#[derive(Debug)]
pub enum Body<'a> {
    /// One record.
    One(&'a RawValue),
    /// Several, and the way to their list, name by name.
    Many(Vec<&'a RawValue>, Vec<String>),
}

/// A body that can't be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotUsable {
    /// It isn't JSON: where, and why.
    NotJson(String),
    /// It has so many records, where so many may be.
    TooMany(usize, usize),
    /// It is JSON, but not of the form that is asked for.
    Form(Flaw),
}

/// Takes a body apart; `feeds` says what the records are.
///
/// # Errors
/// A body that can't be taken apart; nothing of it may be used.
pub fn body(bytes: &[u8], feeds: Feeds) -> Result<Body<'_>, NotUsable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        NotUsable::NotJson(format!("it isn't UTF-8 at byte {at}; JSON always is"))
    })?;
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    match whole.get().bytes().next() {
        Some(b'[') => many(whole, Vec::new()),
        Some(b'{') => {
            let name = list_name(feeds);
            let entries = object::entries(whole, &[], &mut Vec::new()).unwrap_or_default();
            match entries.iter().find(|(known, _)| known == name) {
                None => Ok(Body::One(whole)),
                Some((_, list)) if entries.len() == 1 => many(list, vec![name.to_owned()]),
                Some(_) => Err(form(
                    Vec::new(),
                    format!("beside `{name}` there is something else; leave only the list"),
                )),
            }
        }
        _ => Err(form(
            Vec::new(),
            "send a record `{…}` or a list of records `[…]`".to_owned(),
        )),
    }
}

fn form(path: Vec<String>, reason: String) -> NotUsable {
    let value = String::new();
    NotUsable::Form(Flaw {
        path,
        value,
        reason,
    })
}

fn not_json(text: &str, error: &serde_json::Error) -> NotUsable {
    if text.trim().is_empty() {
        return NotUsable::NotJson("it is empty".to_owned());
    }
    if text.starts_with('\u{feff}') {
        return NotUsable::NotJson("it begins with a byte order mark; leave that out".to_owned());
    }
    NotUsable::NotJson(format!("it isn't JSON: {error}"))
}

fn many(list: &RawValue, path: Vec<String>) -> Result<Body<'_>, NotUsable> {
    let Ok(Bounded(records, count)) = serde_json::from_str(list.get()) else {
        return Err(form(path, "it must be a list of records: `[…]`".to_owned()));
    };
    if count > MOST {
        return Err(NotUsable::TooMany(count, MOST));
    }
    Ok(Body::Many(records, path))
}

/// The first records of a list, and how many there are: a list of a million zeros takes no room.
struct Bounded<'a>(Vec<&'a RawValue>, usize);

impl<'de: 'a, 'a> Deserialize<'de> for Bounded<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = (Vec<&'de RawValue>, usize);

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut records = Vec::new();
                while records.len() < MOST {
                    let Some(record) = list.next_element::<&RawValue>()? else {
                        let count = records.len();
                        return Ok((records, count));
                    };
                    records.push(record);
                }
                let mut count = records.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok((records, count))
            }
        }
        from.deserialize_seq(First)
            .map(|(records, count)| Self(records, count))
    }
}
