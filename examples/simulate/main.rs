//! A test command: plays years of many small businesses in a virtual time full of faults.
//!
//! `cargo run --release --example simulate -- --days 100000 --seed 1`
//!
//! Each world follows from its own seed: a business with its rules, customers whose records change,
//! sources that fail, a relay that misbehaves at any step, passes at odd times, and deaths of the
//! process at named moments. After every pass the ledger and the relay's own record are held against
//! what ought to be, worked out anew. A world that went wrong is told with its seed, and
//! `--replay SEED` plays it again, line by line. Ends with 1 when something didn't hold.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

mod sim;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;

use sim::{Plant, Played, Wanted};

/// Violations that are shown in full.
const SHOWN: usize = 5;

/// Simulates businesses with faults, and checks what comes of it.
#[derive(Debug, Parser)]
struct Args {
    /// Simulated days in all
    #[arg(long, default_value_t = 2_000)]
    days: u64,
    /// The first world's seed; the others follow, one by one
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of one world
    #[arg(long, default_value_t = 400)]
    world: u64,
    /// Worlds at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Play only the world with this seed, twice, and say what happens
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// Say what happens
    #[arg(long)]
    verbose: bool,
    /// Do something wrong on purpose, to see that it is found
    #[arg(long, value_enum, default_value = "nothing")]
    plant: Plant,
}

/// What came of all worlds.
#[derive(Debug, Default)]
struct Sum {
    worlds: u64,
    days: u64,
    letters: u64,
    counts: BTreeMap<String, u64>,
    outcomes: BTreeMap<String, u64>,
    wrong: Vec<Played>,
    errors: Vec<String>,
}

impl Sum {
    fn add(&mut self, played: Played) {
        self.worlds += 1;
        self.days += played.days;
        self.letters += played.letters;
        for (what, many) in &played.counts {
            *self.counts.entry(what.clone()).or_default() += many;
        }
        for (what, many) in &played.outcomes {
            *self.outcomes.entry(what.clone()).or_default() += many;
        }
        if !played.violations.is_empty() {
            self.wrong.push(played);
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let held = match args.replay {
        Some(seed) => replay(&args, seed),
        None => Ok(play_all(&args)),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simulate: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn wanted(args: &Args, seed: u64) -> Wanted {
    Wanted {
        seed,
        days: i64::try_from(args.world).unwrap_or(400),
        plant: args.plant,
        aloud: false,
    }
}

/// Twice the same world: once aloud.
fn replay(args: &Args, seed: u64) -> anyhow::Result<bool> {
    let silent = wanted(args, seed);
    let first = sim::play(&silent)?;
    let again = sim::play(&Wanted {
        aloud: args.verbose,
        ..silent
    })?;
    println!("seed {seed}: {} and again {}", first.print, again.print);
    show(&again);
    Ok(first == again && again.violations.is_empty())
}

fn show(played: &Played) {
    for line in &played.tail {
        println!("    {line}");
    }
    for what in &played.violations {
        println!("VIOLATION (seed {}): {what}", played.seed);
    }
}

/// Whether everything held.
fn play_all(args: &Args) -> bool {
    let begun = Instant::now();
    let worlds = args.days.div_ceil(args.world.max(1));
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= worlds {
                        break;
                    }
                    let seed = args.seed.wrapping_add(number);
                    let played = std::panic::catch_unwind(|| {
                        sim::play(&Wanted {
                            aloud: args.verbose,
                            ..wanted(args, seed)
                        })
                    });
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    match played {
                        Ok(Ok(played)) => sum.add(played),
                        Ok(Err(error)) => sum.errors.push(format!("seed {seed}: {error:#}")),
                        Err(_) => sum.errors.push(format!("seed {seed}: a panic")),
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(args, &sum, begun.elapsed().as_secs_f64());
    sum.wrong.is_empty() && sum.errors.is_empty()
}

fn tell(args: &Args, sum: &Sum, seconds: f64) {
    println!("What happened:");
    for (what, many) in &sum.counts {
        println!("{many:>10} {what}");
    }
    println!("What became of the entries:");
    for (what, many) in &sum.outcomes {
        println!("{many:>10} {what}");
    }
    for played in sum.wrong.iter().take(SHOWN) {
        show(played);
    }
    for error in sum.errors.iter().take(SHOWN) {
        println!("ERROR: {error}");
    }
    let last = args.seed.wrapping_add(sum.worlds.saturating_sub(1));
    println!(
        "{} days in {} worlds (seeds {} to {last}), {} letters, {:.1} seconds: {} worlds in which \
         something didn't hold, {} that broke off",
        sum.days,
        sum.worlds,
        args.seed,
        sum.letters,
        seconds,
        sum.wrong.len(),
        sum.errors.len()
    );
    let seeds: Vec<String> = sum.wrong.iter().map(|one| one.seed.to_string()).collect();
    if !seeds.is_empty() {
        println!("Seeds to replay: {}", seeds.join(" "));
    }
}
