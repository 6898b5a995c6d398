//! What a customer did, in the little that letters and conditions ask about.
//!
//! May not see anything later than the moment it is built for. Keeps no copy of the events
//! themselves: kinds and currencies are few, so each is kept once.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr, Value};

use super::{Amount, View, When, date_text, moment, names, text};
use crate::model::amount::same_currency;
use crate::model::period::Period;

/// As many contacts as fit into a note that is read on the way to the telephone.
const LATEST: usize = 5;

/// The kind of event whose amounts are spending.
const SPENDING: &str = "purchase";

/// Everything that happened up to a moment.
#[derive(Debug)]
pub(super) struct History {
    words: Vec<String>,
    happened: Vec<Happened>,
    zone: TimeZone,
    now: Timestamp,
}

#[derive(Debug)]
struct Happened {
    kind: usize,
    at: When,
    amount: Option<Amount>,
    currency: Option<usize>,
}

/// From when on an event counts.
enum Since {
    Ever,
    /// After this civil day: "12 months" up to 2 May begin on 3 May of the year before.
    After(Date),
    /// From this instant.
    From(Timestamp),
}

impl History {
    pub(super) fn until(view: &View, now: Timestamp) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut word = |text: &str| {
            words.iter().position(|w| w == text).unwrap_or_else(|| {
                words.push(text.to_owned());
                words.len() - 1
            })
        };
        let happened = view
            .events
            .iter()
            .filter(|event| moment(event, &view.zone) <= now)
            .map(|event| Happened {
                kind: word(&event.kind),
                at: event.at,
                amount: event.amount,
                currency: event.currency.as_deref().map(&mut word),
            })
            .collect();
        Self {
            words,
            happened,
            zone: view.zone.clone(),
            now,
        }
    }

    /// How often this happened.
    pub(super) fn count_ever(&self, kind: &str) -> usize {
        self.of(kind).count()
    }

    /// How often this happened in the period up to now.
    pub(super) fn count(&self, kind: &str, period: Option<&str>) -> Result<usize, String> {
        let since = self.since(period)?;
        Ok(self.of(kind).filter(|h| self.counts(h, &since)).count())
    }

    /// The civil day of the latest of these.
    pub(super) fn last(&self, kinds: &[&str]) -> Option<Date> {
        kinds
            .iter()
            .filter_map(|kind| self.of(kind).map(|h| h.at.civil_day(&self.zone)).max())
            .max()
    }

    /// The latest of these, the last one first; [`LATEST`] at most.
    pub(super) fn latest(&self, kinds: &[&str]) -> Vec<Value> {
        let word = |at: usize| self.words.get(at).map(String::as_str);
        self.happened
            .iter()
            .rev()
            .filter_map(|h| {
                let kind = word(h.kind).filter(|kind| kinds.contains(kind))?;
                Some(Value::from_object(ContactFacts {
                    kind: kind.to_owned(),
                    date: h.at.civil_day(&self.zone),
                    amount: h.amount,
                    currency: h.currency.and_then(word).map(str::to_owned),
                }))
            })
            .take(LATEST)
            .collect()
    }

    /// What was paid in the period up to now, in one currency.
    pub(super) fn spend(
        &self,
        period: Option<&str>,
        currency: Option<&str>,
    ) -> Result<Amount, String> {
        let since = self.since(period)?;
        let mut total = Amount::default();
        let mut seen: Option<Option<&str>> = None;
        for paid in self.of(SPENDING).filter(|h| self.counts(h, &since)) {
            let Some(amount) = paid.amount else { continue };
            let in_currency = paid
                .currency
                .and_then(|at| self.words.get(at))
                .map(String::as_str);
            match currency {
                Some(wanted) if in_currency.is_none_or(|c| !c.eq_ignore_ascii_case(wanted)) => {
                    continue;
                }
                Some(_) => {}
                None => match seen {
                    Some(first) if !same_currency(first, in_currency) => {
                        return Err(mixed(first, in_currency));
                    }
                    _ => seen = Some(in_currency),
                },
            }
            total = total
                .checked_add(amount)
                .ok_or("the customer's purchases add up to more than can be counted")?;
        }
        Ok(total)
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Happened> {
        let kind = self.words.iter().position(|word| word == kind);
        self.happened
            .iter()
            .filter(move |happened| Some(happened.kind) == kind)
    }

    fn since(&self, period: Option<&str>) -> Result<Since, String> {
        let Some(text) = period else {
            return Ok(Since::Ever);
        };
        let back = match Period::parse(text)? {
            period if period.is_negative() => {
                return Err(format!(
                    "`{text}` points ahead; a period up to now is written `12 months`"
                ));
            }
            Period::Days(n) => Period::Days(-n),
            Period::Months(n) => Period::Months(-n),
            Period::Minutes(n) => {
                let start = self.now - jiff::SignedDuration::from_mins(n);
                return Ok(Since::From(start));
            }
        };
        let today = self.zone.to_datetime(self.now).date();
        back.from_date(today)
            .map(Since::After)
            .ok_or_else(|| format!("`{text}` reaches back before the calendar begins"))
    }

    fn counts(&self, happened: &Happened, since: &Since) -> bool {
        match (since, happened.at) {
            (Since::Ever, _) => true,
            (Since::After(day), at) => at.civil_day(&self.zone) > *day,
            (Since::From(start), When::Instant(at)) => at >= *start,
            (Since::From(start), When::Day(day)) => day >= self.zone.to_datetime(*start).date(),
        }
    }
}

/// One of `customer.last_contacts`.
#[derive(Debug)]
struct ContactFacts {
    kind: String,
    date: Date,
    amount: Option<Amount>,
    currency: Option<String>,
}

impl Object for ContactFacts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let value = match key {
            "kind" => text(Some(&self.kind)),
            "date" => Some(date_text(self.date)),
            "amount" => self.amount.map(|amount| Value::from(amount.to_f64())),
            "currency" => text(self.currency.as_deref()),
            _ => None,
        };
        value.or_else(|| names::unknown("contact", key))
    }
}

fn mixed(one: Option<&str>, other: Option<&str>) -> String {
    let name = |currency: Option<&str>| currency.unwrap_or("no currency").to_owned();
    format!(
        "the purchases are in {} and in {}, which don't add up; name one: customer.spend('12 months', 'EUR')",
        name(one),
        name(other)
    )
}
