//! What letters and conditions may see: `customer`, `event`, `occasion`, `business`, `links`.
//!
//! May not know templates, rules or the store. A missing value is undefined, so that
//! `default("friend")` works and printing it bare is an error; a field that doesn't exist is an
//! error whatever is done with it. Fields are worked out when they are asked for, because 20,000
//! letters on a morning each ask for three of them.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};

use super::amount::Amount;
use super::customer::{AttrValue, Customer};
use super::dates::{PartialDate, When, days_between};
use super::occasion::{Change, Occasion};
use super::signs::brief;
use super::view::{View, moment};

mod event;
mod history;
mod links;
mod names;

use event::EventFacts;
use history::History;
pub use links::{Link, Links};
pub use names::{UnknownName, check_name, nearest};

/// The kinds of event that count for `customer.last_contact`.
const CONTACT_KINDS: &[&str] = &["visit", "purchase", "usage", "reply", "call"];

/// Characters of a name; a longer one would fill the letter, or the note to those who look after its owner.
const LONGEST_NAME: usize = 100;

/// What letters may say of the business.
#[derive(Debug, Clone, Default)]
pub struct BusinessWords {
    /// Its name.
    pub name: String,
    /// The address of its door, for the footer.
    pub postal_address: Option<String>,
    /// The address customers answer to.
    pub email: Option<String>,
    /// Its language, as a BCP 47 tag.
    pub language: String,
    /// Its zone's IANA name.
    pub timezone: String,
}

/// The values for one customer, and for one occasion where there is one. Events later than `now`
/// are never seen.
pub fn build(
    view: &View,
    occasion: Option<&Occasion>,
    business: &Arc<BusinessWords>,
    now: Timestamp,
) -> Value {
    let about = About {
        occasion,
        ..About::default()
    };
    build_with(view, about, business, now)
}

/// What a letter is about, besides the customer.
#[derive(Debug, Clone, Default)]
pub struct About<'a> {
    /// The occasion, where there is one.
    pub occasion: Option<&'a Occasion>,
    /// What an occasion of the trigger `usage` is about.
    pub change: Option<Change>,
    /// The pages that its reader reaches by it.
    pub links: Links,
}

/// The same, with all that there may be to say.
pub fn build_with(
    view: &View,
    about: About<'_>,
    business: &Arc<BusinessWords>,
    now: Timestamp,
) -> Value {
    let About {
        occasion,
        change,
        links,
    } = about;
    let today = view.zone.to_datetime(now).date();
    let customer = CustomerFacts {
        record: view.customer.clone(),
        history: History::until(view, now),
        // A birthday letter that goes out a week early already speaks of the new age; one about
        // a silence speaks of the age on the day it is sent.
        on: occasion.map_or(today, |o| o.anchor.max(o.day)),
    };
    let event = occasion
        .and_then(|o| o.event.as_deref())
        .and_then(|id| view.events.iter().find(|event| event.id == id))
        .filter(|event| moment(event, &view.zone) <= now)
        .map(|event| {
            Value::from_object(EventFacts {
                record: event.clone(),
                zone: view.zone.clone(),
            })
        });
    Value::from_object(Facts {
        customer: Value::from_object(customer),
        event,
        occasion: occasion.map(|o| Value::from_object(OccasionFacts(o.clone(), change))),
        business: Value::from_dyn_object(Arc::clone(business)),
        links: Value::from_object(links),
    })
}

/// The top level: the five names.
#[derive(Debug)]
struct Facts {
    customer: Value,
    event: Option<Value>,
    occasion: Option<Value>,
    business: Value,
    links: Value,
}

impl Object for Facts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "customer" => Some(self.customer.clone()),
            "event" => self.event.clone(),
            "occasion" => self.occasion.clone(),
            "business" => Some(self.business.clone()),
            "links" => Some(self.links.clone()),
            _ => None,
        }
    }
}

/// `customer`.
#[derive(Debug)]
struct CustomerFacts {
    record: Customer,
    history: History,
    on: Date,
}

impl CustomerFacts {
    /// The field's value; `None` when the record has none, or when there is no such field.
    fn field(&self, key: &str) -> Option<Value> {
        let c = &self.record;
        match key {
            "id" => Some(Value::from(c.id.as_str())),
            "email" => text(c.email.as_deref()),
            "first_name" => name(c.first_name.as_deref()),
            "last_name" => name(c.last_name.as_deref()),
            "name" => self.name(),
            "salutation" => name(c.salutation.as_deref()),
            "language" => text(c.language.as_deref()),
            "timezone" => text(c.timezone.as_deref()),
            "birthday" => c.birthday.map(date_text),
            "age" => c.birthday?.full().and_then(|born| self.full_years(born)),
            "joined_on" => c.joined_on.map(date_text),
            "years_with_us" => c.joined_on.and_then(|day| self.full_years(day)),
            "staff_name" => name(c.staff_name.as_deref()),
            "staff_email" => text(c.staff_email.as_deref()),
            "tags" => Some(c.tags.iter().map(String::as_str).collect()),
            "consent" => Some(Value::from(c.consent.as_str())),
            "consent_at" => c.consent_at.map(|at| Value::from(at.to_string())),
            "unsubscribed" => Some(Value::from(c.unsubscribed)),
            "attr" => Some(Value::from_object(Attrs(
                c.attrs
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), attr(value)?)))
                    .collect(),
            ))),
            "last_contact" => self.history.last(CONTACT_KINDS).map(date_text),
            "last_contacts" => Some(Value::from(self.history.latest(CONTACT_KINDS))),
            "visits" => Some(Value::from(self.history.count_ever("visit"))),
            "purchases" => Some(Value::from(self.history.count_ever("purchase"))),
            _ => None,
        }
    }

    fn name(&self) -> Option<Value> {
        let parts = [&self.record.first_name, &self.record.last_name];
        let words: Vec<&str> = parts
            .into_iter()
            .filter_map(|part| part.as_deref().map(str::trim).filter(|p| !p.is_empty()))
            .collect();
        name(Some(&words.join(" ")))
    }

    /// Full years from `start` to the day that counts; `None` when it lies ahead.
    fn full_years(&self, start: Date) -> Option<Value> {
        let mut years = self.on.year() - start.year();
        // Whoever was born on 29 February is a year older from 28 February of a common year on.
        let first = if start.month() == 2 && start.day() == 29 && !self.on.in_leap_year() {
            (2, 28)
        } else {
            (start.month(), start.day())
        };
        if (self.on.month(), self.on.day()) < first {
            years -= 1;
        }
        (years >= 0).then(|| Value::from(years))
    }
}

impl Object for CustomerFacts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.field(key).or_else(|| names::unknown("customer", key))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "spend" => {
                let (period, currency) = from_args::<(Option<&str>, Option<&str>)>(args)?;
                let total = self.history.spend(period, currency).map_err(invalid)?;
                Ok(Value::from(total.to_f64()))
            }
            "count" => {
                let (kind, period) = from_args::<(&str, Option<&str>)>(args)?;
                Ok(Value::from(
                    self.history.count(kind, period).map_err(invalid)?,
                ))
            }
            "last" => {
                let (kind,) = from_args::<(&str,)>(args)?;
                Ok(self
                    .history
                    .last(&[kind])
                    .map_or(Value::UNDEFINED, date_text))
            }
            _ => Err(names::unknown_method(method)),
        }
    }

    /// Never the whole record: `"Dear " ~ customer` is a mistake, not a wish.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("customer")
    }
}

/// `occasion`.
#[derive(Debug)]
struct OccasionFacts(Occasion, Option<Change>);

impl Object for OccasionFacts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let o = &self.0;
        let value = match key {
            "key" => Some(Value::from(o.key.as_str())),
            "date" => Some(date_text(o.anchor)),
            "day" => Some(date_text(o.day)),
            "years" => o.years.map(Value::from),
            "days_silent" => Some(Value::from(days_between(o.anchor, o.day))),
            "used" => self.1.map(|change| number(change.used.to_f64())),
            "usual" => self.1.map(|change| number(change.usual.to_f64())),
            "percent" => self.1.map(|change| Value::from(change.percent.abs())),
            "window_days" => self.1.map(|change| Value::from(change.days)),
            _ => None,
        };
        value.or_else(|| names::unknown("occasion", key))
    }
}

impl Object for BusinessWords {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let value = match key {
            "name" => text(Some(&self.name)),
            "postal_address" => text(self.postal_address.as_deref()),
            "email" => text(self.email.as_deref()),
            "language" => text(Some(&self.language)),
            "timezone" => text(Some(&self.timezone)),
            _ => None,
        };
        value.or_else(|| names::unknown("business", key))
    }
}

/// `customer.attr` and `event.attr`: any name is allowed, because the business gave them.
#[derive(Debug)]
struct Attrs(std::collections::BTreeMap<String, Value>);

impl Object for Attrs {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .keys()
                .map(|name| Value::from(name.as_str()))
                .collect(),
        )
    }
}

/// A name as letters have it, where there is any.
fn name(value: Option<&str>) -> Option<Value> {
    let name = value.map(str::trim).filter(|value| !value.is_empty())?;
    if name.len() <= LONGEST_NAME {
        return Some(Value::from(name));
    }
    Some(Value::from(brief(name, LONGEST_NAME)))
}

/// Text, where there is any: blank fields are how files say "nothing".
fn text(value: Option<&str>) -> Option<Value> {
    value
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(Value::from)
}

fn date_text(date: impl Into<PartialDate>) -> Value {
    Value::from(date.into().to_string())
}

fn attr(value: &AttrValue) -> Option<Value> {
    match value {
        AttrValue::Text(words) => text(Some(words)),
        AttrValue::Number(n) => Some(number(*n)),
        AttrValue::Date(date) => Some(date_text(*date)),
        AttrValue::YesNo(yes) => Some(Value::from(*yes)),
    }
}

/// A whole number stays whole, so that `3` is printed, and not `3.0`.
fn number(n: f64) -> Value {
    /// Up to here every whole float is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within bounds")]
        return Value::from(n as i64);
    }
    Value::from(n)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests;
