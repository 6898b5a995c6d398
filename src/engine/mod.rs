//! The only place that strings the rooms together.
//!
//! One pass, told once: `records` reads the sources and `store` takes each file whole or not at
//! all ([`sync`]) → for each rule the customers whose day may have come are looked at one by one,
//! the pure core says which occasions are due, and the store keeps one row for each ([`plan`]) →
//! due rows are claimed, the gates asked, the letter rendered, the gates' answer committed as
//! "about to send" only if nothing changed since, the relay spoken to, its verdict recorded
//! ([`send`]). May not print, nor know of commands.

pub mod about;
pub mod alarm;
pub mod alert;
mod amiss;
pub mod aside;
pub mod backtest;
mod batches;
pub mod check;
pub mod compare;
pub mod control;
pub mod diff;
pub mod digest;
pub mod doctor;
pub mod dossier_json;
pub mod entry_json;
pub mod explain;
pub mod explain_json;
mod folder;
pub mod forecast;
mod gone;
pub mod guard;
pub mod house;
pub mod intake;
pub mod learn;
mod letter;
pub mod links;
pub mod listing;
pub(crate) mod mishap;
pub mod opinion;
pub mod outbox;
pub mod password;
pub mod plan;
mod post;
pub mod preview;
mod print;
pub mod privacy;
pub mod progress;
pub mod quality;
pub mod quiet;
pub mod quiet_json;
mod refused;
pub mod rehearse;
pub mod reload;
mod report;
pub mod results;
pub mod retention;
mod scratch;
mod scribe;
pub mod send;
pub mod specimen;
pub mod sync;
pub mod tick;
pub mod trust;
mod unheard;
pub mod walk;
mod way;
mod wiring;
mod worker;

pub use house::{Broken, House, Plans};
pub use report::Report;

/// Trouble that ends a pass.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A file or folder of ours can't be used.
    #[error("{what}: {error}")]
    File {
        /// What it was and where.
        what: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Letters can't leave.
    #[error("[mail.smtp]: {0}")]
    Relay(#[from] crate::deliver::SetupError),
    /// Something else that the message explains.
    #[error("{0}")]
    Other(String),
}
