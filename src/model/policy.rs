//! What the business allows across all rules: caps, quiet hours, the basis for marketing.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

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
    /// Nothing due before this day, in the business's zone, exists.
    pub live_from: Option<Date>,
}
