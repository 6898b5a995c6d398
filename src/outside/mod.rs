//! OUTSIDE: what can be asked of the world for a look at it: the DNS and web addresses.
//!
//! Every question has a time limit, and none changes anything anywhere. May not judge an answer, nor
//! know anything of the house.

mod dns;
mod web;

pub use dns::{Answer, MailHost, Names};
pub use web::{Page, Place, get};
