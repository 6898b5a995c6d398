//! A test command: kills `fondly sync` again and again in the middle of an import, and then looks.
//!
//! `cargo build --release && cargo run --release --example imports -- --imports 500 --seed 7`
//!
//! With `--anew --customers 15000` each import is the first one of a shop with many customers, which
//! come in by another way.
//!
//! One shop's files of customers and events change from import to import. Each import is begun and
//! killed (SIGKILL) at a moment drawn from the seed, or ends at a moment that has a name, up to three
//! times; after each of them every file must be in the store whole or not at all. Then it is run to
//! its end, and the store must hold the same as a second shop's, where nobody was killed. Ends with 1
//! when that doesn't hold. May use nothing of the program but its commands, and reads its store.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

mod files;
#[path = "../killer/luck.rs"]
mod luck;
#[path = "../killer/program.rs"]
mod program;
mod shop;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Parser;

use files::Files;
use luck::Luck;
use shop::Shop;

/// Times that one import is killed at most.
const MOST_KILLS: u64 = 3;
/// Moments that have a name and lie in an import, with how often an import of two files meets them.
const POINTS: [&str; 3] = ["sync-begin", "sync-commit", "sync-durable"];

/// Kills fondly while it imports, and then looks at what is in the store.
#[derive(Debug, Parser)]
struct Args {
    /// How many imports
    #[arg(long, default_value_t = 30)]
    imports: u32,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Customers of the shop
    #[arg(long, default_value_t = 3_000)]
    customers: u32,
    /// Begin each import with an empty store
    #[arg(long)]
    anew: bool,
    /// The program [default: `fondly` in the folder above this one's]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What was counted.
#[derive(Debug, Default)]
struct Count {
    kills: u32,
    /// Files that were not in the store after a kill, …
    nothing: u32,
    /// … and files that were.
    whole: u32,
    /// Imports that were over before they could be killed.
    too_late: u32,
}

fn main() -> ExitCode {
    match kill_and_look(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("imports: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn kill_and_look(args: &Args) -> anyhow::Result<()> {
    let binary = program::find(args.binary.as_deref())?;
    let mut luck = Luck::new(args.seed);
    let (mut killed, mut spared) = (Shop::found(&binary)?, Shop::found(&binary)?);
    let mut files = Files::new(args.customers, &mut luck);
    let mut before = spared.holds()?;
    let mut count = Count::default();
    for import in 1..=args.imports {
        if args.anew && import > 1 {
            for shop in [&killed, &spared] {
                shop.is_sound()?;
            }
            (killed, spared) = (Shop::found(&binary)?, Shop::found(&binary)?);
            before = spared.holds()?;
        }
        files.go_on(&mut luck);
        spared.lay(&files)?;
        let took = spared.sync()?;
        let after = spared.holds()?;
        killed.lay(&files)?;
        for _ in 0..=luck.below(MOST_KILLS) {
            if !kill(&killed, took, &mut luck)? {
                count.too_late += 1;
                continue;
            }
            count.kills += 1;
            let found = killed.holds()?;
            for (name, one) in found.each() {
                if before.each().contains(&(name, one)) {
                    count.nothing += 1;
                } else if after.each().contains(&(name, one)) {
                    count.whole += 1;
                } else {
                    bail!("import {import}: {name} is torn; {}", killed.keep());
                }
            }
        }
        killed.sync()?;
        if killed.holds()? != after {
            bail!(
                "import {import}: run again, it isn't the same; {}",
                killed.keep()
            );
        }
        before = after;
    }
    for shop in [&killed, &spared] {
        shop.is_sound()?;
    }
    let Count {
        kills,
        nothing,
        whole,
        too_late,
    } = count;
    println!(
        "{} imports killed {kills} times ({too_late} times it was over before): of the files, \
         {nothing} weren't in the store afterwards, {whole} were whole, 0 torn; run again, every \
         import ended in the same store",
        args.imports
    );
    if nothing == 0 || whole == 0 {
        bail!("no kill came early enough, or none late enough: it has shown nothing");
    }
    Ok(())
}

/// Begins an import and kills it; whether it was still at work.
fn kill(shop: &Shop, took: Duration, luck: &mut Luck) -> anyhow::Result<bool> {
    if luck.once_in(4) {
        let point = usize::try_from(luck.below(POINTS.len() as u64))?;
        let name = POINTS.get(point).copied().unwrap_or_default();
        return shop.end_at(name, 1 + luck.below(2));
    }
    shop.kill_after(luck.up_to(took))
}
