//! What is tried on whatever bytes a fuzzer makes up, or the corpus holds: the targets in
//! `fuzz_targets` and `tests/it/corpus.rs` run the same code.
//!
//! Each module has `check`, which panics when a promise is broken.

pub(crate) mod cards;
pub(crate) mod csv_files;
mod findings;
pub(crate) mod rules;
pub(crate) mod smtp;
pub(crate) mod templates;
pub(crate) mod tokens;
pub(crate) mod workbooks;
