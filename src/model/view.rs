//! Everything that a decision about one customer may look at.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::customer::Customer;
use super::event::Event;
use super::policy::{Audience, Class};
use super::wishes::Wishes;

/// One customer with their events and what was sent to them.
#[derive(Debug, Clone)]
pub struct View {
    /// The record, with the birthday and the language that count.
    pub customer: Customer,
    /// What they said themselves.
    pub wishes: Wishes,
    /// They asked to be forgotten.
    pub erased: bool,
    /// Their source doesn't have them any more.
    pub gone: bool,
    /// They unsubscribed by a letter's link, or their address is on the suppression list.
    pub suppressed: bool,
    /// Rises with every change to anything in this view; the store compares it before the dot.
    pub revision: i64,
    /// Their zone, or the business's where theirs is missing or unknown.
    pub zone: TimeZone,
    /// Its IANA name.
    pub zone_name: String,
    /// Every event, the earliest first (see [`moment`]); events ahead of now included.
    pub events: Vec<Event>,
    /// What was sent about them to anybody, may have been sent, or is being sent, the earliest first.
    pub sent: Vec<Sent>,
    /// What is left of events that were kept long enough, by kind.
    pub past: Vec<Past>,
}

impl View {
    /// Somebody to whom nothing happened and nothing was sent.
    pub fn new(customer: Customer, zone: TimeZone, zone_name: impl Into<String>) -> Self {
        Self {
            customer,
            wishes: Wishes::default(),
            erased: false,
            gone: false,
            suppressed: false,
            revision: 0,
            zone,
            zone_name: zone_name.into(),
            events: Vec::new(),
            sent: Vec::new(),
            past: Vec::new(),
        }
    }

    /// What of it went to the customer, and counts towards the frequency caps.
    pub fn letters(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(|sent| sent.audience == Audience::Customer)
    }

    /// What the customer said themselves comes on top of their record.
    pub fn hears(&mut self, wishes: Wishes) {
        if wishes.language.is_some() {
            self.customer.language.clone_from(&wishes.language);
        }
        if let Some(told) = wishes.birthday {
            self.customer.birthday = told.over(self.customer.birthday);
        }
        self.wishes = wishes;
    }
}

/// Events of one kind that were taken out, all of them older than those that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The kind.
    pub kind: String,
    /// How many there were.
    pub number: u32,
    /// Of these, how many had an amount.
    pub amounts: u32,
    /// Of these, how many had a quantity.
    pub quantities: u32,
}

/// A message about a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The rule's id.
    pub rule: String,
    /// The occasion key.
    pub occasion: String,
    /// The message's class.
    pub class: Class,
    /// Whom it went to.
    pub audience: Audience,
    /// When it went out.
    pub at: Timestamp,
}

/// The first instant at which an event is seen: its own, or the first of its day in this zone.
pub fn moment(event: &Event, zone: &TimeZone) -> Timestamp {
    match event.at {
        super::dates::When::Instant(at) => at,
        super::dates::When::Day(day) => zone
            .to_timestamp(day.at(0, 0, 0, 0))
            .unwrap_or(Timestamp::MAX),
    }
}
