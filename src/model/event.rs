//! Something that happened to a customer.
//!
//! May not know what follows from it.

use std::collections::BTreeMap;

use super::amount::Amount;
use super::customer::AttrValue;
use super::dates::When;

/// One event of the business's own records.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique within its source; never empty.
    pub id: String,
    /// Whose event it is; the customer may not be known yet.
    pub customer_id: String,
    /// `visit`, `purchase`, … or a kind of the business's own.
    pub kind: String,
    /// When it happened.
    pub at: When,
    /// What it was worth.
    pub amount: Option<Amount>,
    /// The amount's currency, as written.
    pub currency: Option<String>,
    /// How many or how much.
    pub quantity: Option<Amount>,
    /// The business's own attributes, by name without `attr.`.
    pub attrs: BTreeMap<String, AttrValue>,
}

/// The names of the event fields, in the contract's order; `attr.<name>` comes on top.
pub const EVENT_FIELDS: &[&str] = &[
    "id",
    "customer_id",
    "kind",
    "at",
    "amount",
    "currency",
    "quantity",
];

/// The kind of an event by which a complaint comes up.
pub const COMPLAINT_OPENED: &str = "complaint-opened";
/// The kind of an event by which it is settled.
pub const COMPLAINT_CLOSED: &str = "complaint-closed";

/// The kinds with a meaning of their own. Others are allowed.
pub const KNOWN_KINDS: &[&str] = &[
    "visit",
    "purchase",
    "usage",
    "reply",
    "call",
    COMPLAINT_OPENED,
    COMPLAINT_CLOSED,
    "cancellation",
    "feedback",
];
