//! fondly shows a business's customers that somebody cares: records in → rules decide → ledger →
//! render → deliver → review.
//!
//! The rooms stand in the order in which data flows. Who may use whom is written down, and
//! enforced, in `tests/it/rooms.rs`.

// The words of the business: plain data.
pub mod model;

// The only reader of the wall clock.
pub mod clock;

// RECORDS IN: foreign files -> records, or refusals with a reason.
pub mod records;
// The layers of fondly.toml and the environment -> Settings. The only reader of the environment.
pub mod settings;

// Rule files -> rules, with findings that point at the line.
pub mod rules;

// RULES DECIDE: pure; which occasions are due, and what becomes of them.
pub mod decide;

// DELIVER: one recipient, one transaction, one verdict.
pub mod deliver;

// Logs for people and machines; addresses masked.
pub mod observe;
// Template and facts -> letter -> the bytes of a message.
pub mod render;
// The ledger, the outbox and the people: all SQL that we write.
pub mod store;
