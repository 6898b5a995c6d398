//! Template and facts -> letter -> the bytes of a message.
//!
//! May not touch the store, the network or the clock; only [`Catalogue::load`] and
//! [`Phrases::load`] read files, once.
//! Whatever a record says stays words: it can't become markup, a link or a header.

pub mod alert;
pub mod catalogue;
pub mod digest;
pub mod footer;
pub mod links;
pub mod mail;
pub mod phrases;

mod engine;
mod front;
mod inert;
mod lint;
mod markdown;
mod notice;
mod page;
mod plain;
mod template;
mod words;

pub use catalogue::{Catalogue, Letter};
pub use inert::{inline, quoted_lines};
pub use notice::{notice, quoted};
pub use phrases::{Phrases, Words};
pub use template::RenderError;

#[cfg(test)]
mod tests;
