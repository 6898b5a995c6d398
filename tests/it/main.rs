//! Tests that drive the real binary against real parts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should fail at once; the in-tests switches don't cover helpers"
)]

mod alerts;
mod api;
mod backtest;
mod brake;
mod broken;
mod care;
mod cdnow;
mod clock;
mod clone;
mod commands;
mod console;
mod control;
mod corpus;
mod daemon;
mod diff;
mod digest;
mod dirty;
mod disk;
mod doctor;
mod editing;
mod encodings;
mod explain;
mod folders;
mod forecast;
mod foreseen;
mod forewarned;
mod holidays;
mod isolation;
mod kinds;
mod limits;
mod mail;
mod matrix;
mod outage;
mod preview;
mod privacy;
mod public;
mod quality;
mod quiet;
mod relay;
mod relays;
mod results;
mod reviewed;
mod rooms;
mod scenarios;
mod servers;
mod settle;
mod several;
mod shipped;
mod shop;
mod simulation;
mod smtp;
mod sql_gone;
mod sql_maria;
mod sql_oscar;
mod sql_servers;
mod sql_sources;
mod sql_sqlite;
mod sure;
mod town;
mod trail;
mod triggers;
mod usage;
mod ways;
mod year;
