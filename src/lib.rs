//! fondly shows a business's customers that somebody cares: records in → rules decide → ledger →
//! render → deliver → review.
//!
//! The rooms stand in the order in which data flows. Who may use whom is written down, and
//! enforced, in `tests/it/rooms.rs`.

// HOW CUSTOMERS COME: rhythms and silences, pure arithmetic.
pub mod rhythm;

// The words of the business: plain data.
pub mod model;

// The only reader of the wall clock.
pub mod clock;
// named moments
pub mod points;
// names that outlast a power cut
pub mod durable;

// fondly.toml and the environment -> Settings.
pub mod settings;

// RECORDS IN: foreign files -> records, or refusals with a reason.
pub mod records;

// Rule files -> rules, with findings that point at the line.
pub mod rules;

// RULES DECIDE: pure; which occasions are due, and what becomes of them.
pub mod decide;

// LEDGER AND OUTBOX: all SQL we write.
pub mod store;

// RENDER: templates and facts -> letters -> bytes.
pub mod render;

// DELIVER: one recipient, one transaction, one verdict.
pub mod deliver;

// OUTSIDE: what the DNS and web addresses answer, for a look.
pub mod outside;

// The only place that strings the rooms together.
pub mod engine;

// REVIEW: what people reach by web.
pub mod review;

// Wake-ups, signals, shutdown.
pub mod daemon;

// Logs for people and machines; addresses masked.
pub mod observe;

// The commands.
pub mod cli;
