//! A test command: puts older copies of a store back while letters go out, and counts repeats.
//!
//! `cargo build --release && cargo run --release --example snapshots -- --snapshots 1000 --seed 1`
//!
//! Runs the real `fondly tick` against the killer's relay, halts it (SIGSTOP) at a moment drawn from
//! the seed, and copies its files as they lie on the disk: what any backup of a running machine has.
//! The pass then goes on, to its end or to a kill. Each copy is put to work in one of four ways: in
//! its place with what stands beside it kept; alone, or with its whole folder, on another machine; or
//! over its whole folder in place. A pass must be refused then, and one after a person has said that
//! this copy goes on must repeat nothing. Afterwards the later store is put back, and must go on
//! unasked. Ends with 1 when that doesn't hold. May use nothing of the program but its commands, its
//! clock and its files.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

#[expect(dead_code, reason = "the killer uses all of it")]
#[path = "../killer/business.rs"]
mod business;
mod copies;
#[path = "../killer/luck.rs"]
mod luck;
#[path = "../killer/program.rs"]
mod program;
#[expect(dead_code, reason = "the killer uses all of it")]
#[path = "../killer/relay.rs"]
mod relay;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use luck::Luck;
use run::{Found, Shop};

/// Copies of one business; then comes another, so that ledgers stay small.
const EACH: u32 = 25;
/// Violations shown one by one.
const SHOWN: usize = 20;

/// Puts older copies of fondly's store to work, and counts what is sent twice.
#[derive(Debug, Parser)]
struct Args {
    /// How many copies
    #[arg(long, default_value_t = 20)]
    snapshots: u32,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program [default: `fondly` in the folder above this one's]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

fn main() -> ExitCode {
    match all(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("snapshots: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
fn all(args: &Args) -> anyhow::Result<bool> {
    let binary = program::find(args.binary.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let begun = std::time::Instant::now();
    let mut found = Found::default();
    let mut seed = args.seed;
    while found.snapshots < args.snapshots {
        let luck = Luck::new(seed);
        let shop = Shop::open(&binary, &runtime, (seed, luck))?;
        let left = args.snapshots - found.snapshots;
        shop.work(left.min(EACH), &mut found)?;
        seed += 1;
    }
    println!(
        "{} copies put to work (seed {})\n",
        found.snapshots, args.seed
    );
    for (name, value) in found.figures() {
        println!("{name:<46}{value}");
    }
    println!("{:<46}{:.0}", "seconds", begun.elapsed().as_secs_f64());
    for line in found.violations.iter().take(SHOWN) {
        println!("VIOLATION: {line}");
    }
    if found.violations.is_empty() {
        println!("Everything held.");
    } else {
        println!("{} violations.", found.violations.len());
    }
    Ok(found.violations.is_empty())
}
