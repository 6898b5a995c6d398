//! `links`: the pages that a letter's reader reaches by it.
//!
//! May not know what opens them. What a letter may print of them is an address of ours, so it may become
//! a link, which no word of a record can.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};

use super::names;

/// The addresses of the pages; none where there are no pages, or the letter isn't for a customer.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// Which letters, how many, in which language.
    pub preferences: Option<String>,
    /// "When is your birthday?"
    pub birthday: Option<String>,
    /// "What do you think of us?"
    pub opinion: Option<String>,
}

impl Object for Links {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let address = match key {
            "preferences" => &self.preferences,
            "birthday" => &self.birthday,
            "opinion" => &self.opinion,
            _ => return names::unknown("links", key),
        };
        let address = address.clone()?;
        Some(Value::from_object(Link(address)))
    }
}

/// One of our own addresses.
#[derive(Debug)]
pub struct Link(String);

impl Link {
    /// The address.
    pub fn address(&self) -> &str {
        &self.0
    }
}

impl Object for Link {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
