//! How fast letters are handed over, to a relay beside us and to one that is far away, with a quick
//! disk and with a slow one; and what a pass costs when nothing is due.
//!
//! `cargo bench --bench handoff` for everything; `-- --letters 2000 --customers 50000` for a short
//! look. Runs the real program, as it is released, against Postfix's `smtp-sink`, and in the same
//! breath Postfix's own load tool `smtp-source` with as many kept connections: on any machine only
//! the ratio of the two says something. May use nothing of the program but its commands.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it measured"
)]

mod business;
mod handoff;
mod idle;
mod measure;
mod sink;
mod slow;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The program, as it is released.
const PROGRAM: &str = env!("CARGO_BIN_EXE_fondly");
/// Letters go into files.
const FILES: &str = "[mail]\ntransport = \"file\"\ndir = \"../outbox\"\n";

/// Measures the release build against Postfix's tools.
#[derive(Debug, Parser)]
struct Args {
    /// Letters a round
    #[arg(long, default_value_t = 20_000)]
    letters: u32,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Customers in the larger of the two idle businesses
    #[arg(long, default_value_t = 1_000_000)]
    customers: u32,
    /// Customers in the smaller one
    #[arg(long, default_value_t = 10_000)]
    few: u32,
    /// Passes of each idle business
    #[arg(long, default_value_t = 40)]
    passes: u32,
    /// Letters a round and connection to the relay that is far away
    #[arg(long, default_value_t = 250)]
    far_letters: u32,
    /// Only one of them
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Letters a second.
    Handoff,
    /// The same, to a relay that answers each command after 10 ms.
    Far,
    /// The same, to a relay beside us, with a disk that takes 4 ms more for each commit.
    SlowDisk,
    /// Nothing to do.
    Idle,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match measure_all(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("handoff: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(args: &Args) -> anyhow::Result<()> {
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Handoff) {
        handoff::to_sink(args.letters, args.connections, args.rounds, false)?;
    }
    if wanted(Part::SlowDisk) {
        handoff::to_sink(args.letters, args.connections, args.rounds, true)?;
    }
    if wanted(Part::Far) {
        handoff::to_far_relay(args.far_letters, args.rounds)?;
    }
    if wanted(Part::Idle) {
        idle::measure((args.few, args.customers), args.passes)?;
    }
    Ok(())
}
