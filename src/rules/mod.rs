//! Rule files -> rules, with findings that point at the line.
//!
//! No clock, no store, no network; only `load` reads files.

pub mod condition;
pub mod holiday;
pub mod load;
pub mod parse;
mod parse_trigger;
pub mod rule;
pub mod trigger;
pub mod usage;
pub mod written;

pub use condition::Condition;
pub use holiday::{Holiday, OwnHolidays};
pub use load::{Loaded, files, load};
pub use parse::parse;
pub use rule::{Rule, Send, SendZone, Sender, WhenCapped};
pub use trigger::{
    AfterEvent, Anniversary, Cadences, DateField, Delay, Feb29, OnDate, OnHoliday, Patience,
    Silence, Sure, Trigger, Which,
};
pub use usage::{Measure, Usage};
pub use written::Written;
