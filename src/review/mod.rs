//! REVIEW: what people reach by web. So far only what customers need: the way out.
//!
//! Asks the store and the engine, decides nothing.

pub mod public;
mod words;
