//! How fast customers come in, and in how little memory.
//!
//! `cargo bench --bench intake` for everything; `-- --customers 50000` for a short look. Runs the real
//! program, as it is released, on a file of customers, and in the same breath two bare loaders in
//! Python that put the same rows of the same file into a plain table of SQLite, without any index and
//! as durably: one with the least that it takes, and one that goes by the names of the columns. The goal
//! is half of the latter, which is what people write for a file with a header; the former, which
//! would put an address into the wrong column as soon as two changed places, is shown beside it. On
//! any machine only the ratios say something, and on one with other work not even those: the loaders
//! need one core, the program two. May use nothing of the program but its commands.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it measured"
)]

mod loader;
mod shop;

use std::process::ExitCode;

use clap::Parser;

use loader::Loader;
use shop::{Shape, Shop};

/// The program's rate in that of a loader.
const GOAL: f64 = 0.5;
/// The time of an unchanged file in that of its first reading.
const GOAL_UNCHANGED: f64 = 0.5;
/// The most memory, in MiB, and from how many customers on it is a promise.
const GOAL_MEMORY: f64 = 100.0;

/// Measures imports against a bare loader.
#[derive(Debug, Parser)]
struct Args {
    /// Customers in the file
    #[arg(long, default_value_t = 1_000_000)]
    customers: u32,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("intake: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> anyhow::Result<()> {
    let many = f64::from(args.customers);
    println!(
        "intake: {} customers by CSV, {} rounds, the median counts",
        args.customers, args.rounds
    );
    for shape in Shape::ALL {
        println!("\n{}", shape.told());
        let (mut first, mut again, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        let (mut least, mut named) = (Vec::new(), Vec::new());
        let mut memory = 0.0_f64;
        for _ in 0..args.rounds {
            let shop = Shop::with(shape, args.customers)?;
            least.push(Loader::Least.seconds(&shop)?);
            named.push(Loader::Named.seconds(&shop)?);
            for seconds in [&mut first, &mut again] {
                let run = shop.sync()?;
                seconds.push(run.seconds);
                memory = memory.max(run.peak_mib);
            }
            shop.change_some(shape, args.customers)?;
            let run = shop.sync()?;
            changed.push(run.seconds);
            memory = memory.max(run.peak_mib);
        }
        let (first, again, changed) = (median(first), median(again), median(changed));
        let (least, named) = (median(least), median(named));
        let rate = |name: &str, seconds: f64| {
            println!("{name:>46} {:>9.0} a second", many / seconds);
        };
        rate("fondly, first reading", first);
        rate("fondly, one in a hundred changed", changed);
        rate("bare loader, csv.reader and executemany", least);
        rate("bare loader, csv.DictReader and executemany", named);
        println!("   ratio to the barest {:.2}", least / first);
        println!(
            "   ratio to the one by names {:.2} (goal at least {GOAL})",
            named / first
        );
        println!(
            "   unchanged, in the time of the first reading {:.3} (goal at most {GOAL_UNCHANGED})",
            again / first
        );
        println!("   most memory {memory:.0} MiB (goal at most {GOAL_MEMORY})");
    }
    Ok(())
}

/// The middle one.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
