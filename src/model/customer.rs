//! A customer, as the business's own records describe them.
//!
//! May not know where the record came from, nor what was ever sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dates::PartialDate;

/// One customer's record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Customer {
    /// The business's own id; never empty.
    pub id: String,
    /// A syntactically valid address, where there is one.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// "Dr", "Frau", … as the business writes it.
    pub salutation: Option<String>,
    /// A BCP 47 tag as the business has it, such as `de-AT`.
    pub language: Option<String>,
    /// An IANA zone name as the business has it; it may be unknown to us.
    pub timezone: Option<String>,
    /// Birthday, with or without the year.
    pub birthday: Option<PartialDate>,
    /// The day on which they became a customer.
    pub joined_on: Option<Date>,
    /// Address of the customer's own contact person.
    pub staff_email: Option<String>,
    /// Name of the customer's own contact person.
    pub staff_name: Option<String>,
    /// Labels the business gave.
    pub tags: Vec<String>,
    /// Whether they agreed to marketing.
    pub consent: Consent,
    /// When they said so.
    pub consent_at: Option<Timestamp>,
    /// Whether the business's own records say "no more".
    pub unsubscribed: bool,
    /// The business's own attributes, by name without `attr.`.
    pub attrs: BTreeMap<String, AttrValue>,
}

impl Customer {
    /// First and last name, as far as they are known.
    pub fn full_name(&self) -> Option<String> {
        let names: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

/// Consent to marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// They agreed.
    Yes,
    /// They refused.
    No,
    /// Nobody knows.
    #[default]
    Unknown,
}

impl Consent {
    /// As the records and the store write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// Reads back what [`Consent::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Yes, Self::No, Self::Unknown]
            .into_iter()
            .find(|c| c.as_str() == text)
    }
}

/// The value of one of the business's own attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum AttrValue {
    /// Text as it stood.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A date, as [`PartialDate`] displays it.
    #[serde(with = "date_as_text")]
    Date(PartialDate),
    /// Yes or no.
    YesNo(bool),
}

mod date_as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::model::dates::PartialDate;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    pub(super) fn serialize<S: Serializer>(date: &PartialDate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(date)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PartialDate, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// The names of the customer fields, in the contract's order; `attr.<name>` comes on top.
pub const CUSTOMER_FIELDS: &[&str] = &[
    "id",
    "email",
    "first_name",
    "last_name",
    "salutation",
    "language",
    "timezone",
    "birthday",
    "joined_on",
    "staff_email",
    "staff_name",
    "tags",
    "consent",
    "consent_at",
    "unsubscribed",
];
