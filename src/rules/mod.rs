//! Rule files -> rules, with findings that point at the line.
//!
//! No clock, no store, no network; only `load` reads files.

pub mod condition;
pub mod rule;

pub use condition::Condition;
pub use rule::{DateField, Feb29, Rule, Send, SendZone, Trigger, WhenCapped};
