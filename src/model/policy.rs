//! What the business allows across all rules: caps, quiet hours, the basis for marketing.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::rhythm::Pattern;

/// What a message is about, and so whom it may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something the customer asked for.
    Service,
    /// Looking after them.
    Relationship,
    /// Anything that hopes for a sale.
    Marketing,
}

impl Class {
    /// As rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Relationship => "relationship",
            Self::Marketing => "marketing",
        }
    }

    /// Reads back what [`Class::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Service, Self::Relationship, Self::Marketing]
            .into_iter()
            .find(|class| class.as_str() == text)
    }
}

/// Whom a message goes to. Whatever its audience, it is about a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Audience {
    /// The customer.
    #[default]
    Customer,
    /// The customer's own contact at the business.
    Staff,
    /// The business's owner.
    Owner,
}

impl Audience {
    /// As rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Owner => "owner",
        }
    }

    /// Reads back what [`Audience::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Staff, Self::Owner]
            .into_iter()
            .find(|audience| audience.as_str() == text)
    }
}

/// On what basis marketing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketingBasis {
    /// Only with consent: yes.
    OptIn,
    /// Anything but consent: no.
    ExistingCustomers,
}

/// At most `count` messages in any `days` civil days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// The class it counts; `None` counts every message.
    pub class: Option<Class>,
    /// Messages.
    pub count: u32,
    /// Civil days in the customer's zone.
    pub days: i32,
}

/// Hours in which nobody is written to, on the recipient's wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet minute.
    pub from: Time,
    /// First minute that isn't quiet; may lie on the next day.
    pub until: Time,
}

/// How many letters of one rule and due day go without a person's word: as many as one of the two
/// allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Letters.
    pub most: u32,
    /// Share of all customers with an address, in hundredths of a percent.
    pub share: u32,
}

impl Guard {
    /// `max_share = "100%"` in hundredths of a percent.
    pub const WHOLE: u32 = 10_000;

    /// How many customers there must be for so many letters to go unasked. `None`: however many
    /// there are, it is too much. Zero: it is fine, however few there are.
    pub fn customers_for(self, letters: u64) -> Option<u64> {
        if letters <= u64::from(self.most) {
            return Some(0);
        }
        let parts = letters.saturating_mul(u64::from(Self::WHOLE));
        (self.share > 0).then(|| parts.div_ceil(u64::from(self.share)))
    }
}

/// What holds for every rule.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The business's zone.
    pub zone: TimeZone,
    /// Its IANA name.
    pub zone_name: String,
    /// The basis for marketing.
    pub basis: MarketingBasis,
    /// Quiet hours, if any.
    pub quiet: Option<QuietHours>,
    /// Frequency caps.
    pub caps: Vec<Cap>,
    /// Where notes to the owner go; nowhere without it.
    pub owner: Option<String>,
    /// Large batches.
    pub guard: Guard,
    /// Nothing due before this day, in the business's zone, exists.
    pub live_from: Option<Date>,
    /// How the business's customers come, as far as it was learnt; the earliest first.
    pub learnt: Vec<Learnt>,
}

/// How a business's customers come, as it was learnt on one day.
///
/// A silence is judged by what was known when it began, so the day on which somebody is missed
/// doesn't move under them when more is learnt; unless what was known then came from so few customers
/// that it was dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// The kinds of event that count as a contact: in order, and each once.
    pub contact: Vec<String>,
    /// From this civil day on, contacts begin a silence that is judged by it.
    pub since: Date,
    /// Customers on record with a contact by then.
    pub customers: u32,
    /// What they have in common.
    pub pattern: Pattern,
}

/// Kinds of contact as [`Learnt`] has them: in order, and each once.
pub fn in_order(contact: &[String]) -> Vec<String> {
    let mut kinds = contact.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

impl Policy {
    /// What holds where a business says nothing but where it is: customers may be written to at any
    /// hour, as often as the rules say, and as many at once.
    pub fn new(zone: TimeZone, zone_name: impl Into<String>) -> Self {
        Self {
            zone,
            zone_name: zone_name.into(),
            basis: MarketingBasis::ExistingCustomers,
            quiet: None,
            caps: Vec::new(),
            owner: None,
            guard: Guard {
                most: u32::MAX,
                share: Guard::WHOLE,
            },
            live_from: None,
            learnt: Vec::new(),
        }
    }

    /// How customers come by contacts of these kinds, as it was known on the day of a contact.
    /// What began before anything was learnt is judged by what was learnt first; `None` if nothing
    /// was.
    pub fn pattern(&self, contact: &[String], on: Date) -> Option<&Learnt> {
        let wanted = in_order(contact);
        let mut of_kind = self.learnt.iter().filter(|one| one.contact == wanted);
        let first = of_kind.next()?;
        Some(of_kind.rfind(|one| one.since <= on).unwrap_or(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_too_large_above_both_limits_only() {
        let guard = Guard {
            most: 200,
            share: 500,
        };
        assert_eq!(guard.customers_for(200), Some(0));
        // 5 % of 4,020 are 201.
        assert_eq!(guard.customers_for(201), Some(4_020));
        assert_eq!(guard.customers_for(202), Some(4_040));
        let never = Guard { share: 0, ..guard };
        assert_eq!(never.customers_for(200), Some(0));
        assert_eq!(never.customers_for(201), None);
    }
}
