//! REVIEW: what people reach by web. So far the public side: the page behind a letter's unsubscribe
//! link, and a sign of life.
//!
//! May use the store and the engine, never a relay; decides nothing about letters. Shows nothing of
//! any customer, and answers a forged link as it answers a real one. A web server with TLS stands
//! in front.
//!
//! [`open`] listens where `[public] bind` says; [`door`] bounds who may come in and for how long,
//! [`routes`] answers, [`Pulse`] is what the daemon tells of itself, [`unsubscribe`] notes what a customer asked for.

mod door;
mod pages;
mod pulse;
mod routes;
mod unsubscribe;
mod words;

pub use door::{OpenDoor, ReviewError, open};
pub use pulse::Pulse;
