//! A test command: kills the sending program again and again, and then counts.
//!
//! `cargo build --release && cargo run --release --example killer -- --kills 300 --seed 7`
//!
//! Lays out a business in a temporary folder and runs the real `fondly tick`, over and over,
//! against a relay of its own that notes every letter the moment its final dot is read. Each run is
//! killed (SIGKILL) at a moment drawn from the seed; nothing is repaired in between. When a last
//! pass has ended by itself, the ledger is held against what really arrived: nobody got a letter
//! twice, nobody's was lost, and whatever is uncertain is said to be so. Ends with 1 when that
//! doesn't hold. May use nothing of the program but its commands, its clock and its files.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

mod business;
mod check;
mod luck;
mod relay;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use business::Business;
use luck::Luck;
use relay::Relay;

/// Kills fondly while it sends, and then counts what arrived.
#[derive(Debug, Parser)]
struct Args {
    /// How often to kill
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Over which transport letters leave
    #[arg(long, value_enum, default_value = "smtp")]
    transport: Transport,
    /// The program [default: `fondly` in the folder above this one's]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Keep the business's folder, and say where it is
    #[arg(long)]
    keep: bool,
}

/// How letters leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// To a relay.
    Smtp,
    /// As files.
    File,
}

fn main() -> ExitCode {
    match kill_and_count(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("killer: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
fn kill_and_count(args: &Args) -> anyhow::Result<bool> {
    let binary = binary(args)?;
    let folder = tempfile::Builder::new()
        .prefix("fondly-killer-")
        .tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let relay = match args.transport {
        Transport::Smtp => Some(runtime.block_on(Relay::start(args.seed))?),
        Transport::File => None,
    };
    let mut business = Business::found(
        folder.path(),
        &binary,
        relay.as_ref().map(|relay| relay.port),
    )?;
    let told = run::kill_again_and_again(
        &mut business,
        relay.as_ref(),
        args.kills,
        &mut Luck::new(args.seed),
    );
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            eprintln!(
                "killer: the business is kept in {}",
                folder.keep().display()
            );
            return Err(error);
        }
    };
    let arrived = match &relay {
        Some(relay) => runtime.block_on(relay.arrived()),
        None => business.files()?,
    };
    let found = check::check(&business, &arrived, &told)?;
    println!(
        "fondly killed {} times over {} (seed {})\n",
        told.kills,
        match args.transport {
            Transport::Smtp => "smtp",
            Transport::File => "file",
        },
        args.seed
    );
    println!("{}", check::figures(&business, &arrived, &told, &found));
    for line in found.violations.iter().take(check::SHOWN) {
        println!("VIOLATION: {line}");
    }
    let sound = found.violations.is_empty();
    if sound {
        println!("Everything held.");
    } else {
        println!("{} violations.", found.violations.len());
    }
    if args.keep || !sound {
        println!("The business is kept in {}", folder.keep().display());
    }
    Ok(sound)
}

fn binary(args: &Args) -> anyhow::Result<PathBuf> {
    let binary = if let Some(binary) = &args.binary {
        binary.clone()
    } else {
        let me = std::env::current_exe()?;
        let above = me.parent().and_then(std::path::Path::parent);
        above
            .context("this program is in no folder")?
            .join("fondly")
    };
    binary.canonicalize().with_context(|| {
        format!(
            "{} isn't there; `cargo build --release` makes it, or name one with --binary",
            binary.display()
        )
    })
}
