//! A test command: kills the sending program again and again, and then counts.
//!
//! `cargo build --release && cargo run --release --example killer -- --kills 300 --jobs 4 --seed 7`
//!
//! Lays out a business in a temporary folder and runs the real `fondly tick`, over and over,
//! against a relay of its own that notes every letter the moment its final dot is read. Each run is
//! killed (SIGKILL) at a moment drawn from the seed, or ends at moments that have a name
//! (`--points`), or runs while the relay hangs up on final dots (`--losses`); nothing is repaired in
//! between. When a last pass has ended by itself, the ledger is held against what really arrived:
//! nobody got a letter twice, nobody's was lost, and whatever is uncertain is said to be so. Ends
//! with 1 when that doesn't hold. May use nothing of the program but its commands, its clock and its files.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

mod business;
mod check;
mod luck;
mod program;
mod relay;
mod run;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::{Parser, ValueEnum};

use business::Business;
use check::Found;
use luck::Luck;
use relay::{Manners, Relay};
use run::Told;
use tokio::runtime::Runtime;

/// Kills of one business; after that comes another, so that ten thousand take ten times as long as
/// a thousand.
const KILLS_EACH: u32 = 250;

/// Kills fondly while it sends, and then counts what arrived.
#[derive(Debug, Parser)]
struct Args {
    /// How often to kill
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Instead of killing by chance, end a pass at every named moment, and at every pair of them
    /// one after the other
    #[arg(long, conflicts_with_all = ["kills", "transport"])]
    points: bool,
    /// Instead of killing, let the relay hang up on so many dots without an answer
    #[arg(long, value_name = "N", conflicts_with_all = ["kills", "transport", "points"])]
    losses: Option<u64>,
    /// With `when_unknown = "resend"`, and a relay that drops repeated Message-IDs
    #[arg(long, requires = "losses")]
    resend: bool,
    /// Kill in the middle of sending, with a ledger of so many letters, and tell how long it takes
    /// until the next letter leaves
    #[arg(long, value_name = "LETTERS", conflicts_with_all = ["kills", "transport", "points", "losses"])]
    restart: Option<u32>,
    /// So many businesses at a time; what becomes of each follows from the seed all the same
    #[arg(long, default_value = "1")]
    jobs: std::num::NonZeroU8,
    /// Instead of killing, start the daemon, edit a rule while it sends, and ask it to stop, so many
    /// times
    #[arg(long, value_name = "N", conflicts_with_all = ["kills", "transport", "points", "losses", "restart"])]
    stops: Option<u32>,
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

/// What is done to one business.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// So many kills by chance.
    Kills(u32),
    /// This moment, and each of the others after it.
    Pairs(&'static str),
    /// So many lost answers.
    Losses(u64),
    /// Starting again with a ledger of so many letters.
    Restart(u32),
    /// Asking it to stop so many times, with edits before.
    Stops(u32),
}

impl Work {
    fn told(self) -> String {
        match self {
            Self::Kills(_) => "killed by chance".to_owned(),
            Self::Pairs(first) => format!("ended at {first} and at each moment after it"),
            Self::Restart(letters) => {
                format!("started again with {letters} letters in the ledger")
            }
            Self::Stops(_) => "edited while it sends and then asked to stop".to_owned(),
            Self::Losses(_) => "left without an answer to the dot".to_owned(),
        }
    }
}

/// What came of one business.
#[derive(Debug)]
struct Came {
    words: String,
    kills: u32,
    due: usize,
    arrived: usize,
    found: Found,
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Sum {
    businesses: u32,
    kills: u32,
    due: usize,
    arrived: usize,
    unknown: usize,
    doubled: usize,
    lost: usize,
    violations: usize,
    seconds: f64,
}

/// Whether everything held.
fn kill_and_count(args: &Args) -> anyhow::Result<bool> {
    let binary = program::find(args.binary.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let works: Vec<Work> = if let Some(losses) = args.losses {
        vec![Work::Losses(losses)]
    } else if let Some(letters) = args.restart {
        vec![Work::Restart(letters)]
    } else if let Some(stops) = args.stops {
        in_parts(stops).map(Work::Stops).collect()
    } else if args.points {
        fondly::points::ALL
            .iter()
            .map(|name| Work::Pairs(name))
            .collect()
    } else {
        in_parts(args.kills).map(Work::Kills).collect()
    };
    let sum = all(args, &binary, &runtime, &works)?;
    if sum.businesses > 1 {
        println!("{}", sum.told());
    }
    if sum.violations == 0 {
        println!("Everything held.");
    } else {
        println!("{} violations.", sum.violations);
    }
    Ok(sum.violations == 0)
}

/// So many kills, shared out to businesses.
fn in_parts(times: u32) -> impl Iterator<Item = u32> {
    let whole = (0..times / KILLS_EACH).map(|_| KILLS_EACH);
    whole.chain(Some(times % KILLS_EACH).filter(|rest| *rest > 0))
}

/// Every work, each with its own business; several at a time if so wished.
fn all(args: &Args, binary: &Path, runtime: &Runtime, works: &[Work]) -> anyhow::Result<Sum> {
    let begun = Instant::now();
    let sum = Mutex::new(Sum::default());
    let waiting = Mutex::new(works.iter().zip(args.seed..));
    let broke = AtomicBool::new(false);
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let worker = || -> anyhow::Result<()> {
        while !broke.load(Ordering::Relaxed)
            && let Some((work, seed)) = next()
        {
            let told = one(args, binary, runtime, (*work, seed))
                .inspect_err(|_| broke.store(true, Ordering::Relaxed))?;
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            println!("{}", told.words);
            sum.add(&told);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..args.jobs.get()).map(|_| scope.spawn(worker)).collect();
        jobs.into_iter().try_for_each(|job| {
            job.join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a job panicked")))
        })
    })?;
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    sum.seconds = begun.elapsed().as_secs_f64();
    Ok(sum)
}

/// Does it to a business.
fn done(
    work: Work,
    business: &mut Business,
    relay: Option<&Relay>,
    luck: &mut Luck,
) -> anyhow::Result<Told> {
    match (work, relay) {
        (Work::Kills(kills), relay) => run::kill_again_and_again(business, relay, kills, luck),
        (Work::Pairs(first), Some(relay)) => run::end_at_each_pair(business, relay, first, luck),
        (Work::Losses(losses), Some(relay)) => run::lose_answers(business, relay, losses),
        (Work::Restart(letters), Some(relay)) => run::start_again(business, relay, letters, luck),
        (Work::Stops(stops), Some(relay)) => {
            run::stop_again_and_again(business, relay, stops, luck)
        }
        (_, None) => Err(anyhow::anyhow!("this takes a relay")),
    }
}

/// One business, and what is done to it.
fn one(
    args: &Args,
    binary: &Path,
    runtime: &Runtime,
    (work, seed): (Work, u64),
) -> anyhow::Result<Came> {
    let folder = tempfile::Builder::new()
        .prefix("fondly-killer-")
        .tempdir()?;
    let relay = match args.transport {
        Transport::Smtp => {
            let manners = Manners {
                loses: args.losses.is_some(),
                drops_repeats: args.resend,
                watched: None,
            };
            Some(runtime.block_on(Relay::start(seed, manners))?)
        }
        Transport::File => None,
    };
    let port = relay.as_ref().map(|relay| relay.port);
    let mut business = Business::found(folder.path(), binary, (port, args.resend))?;
    let luck = &mut Luck::new(seed);
    let begun = Instant::now();
    let told = done(work, &mut business, relay.as_ref(), luck);
    let mut told = match told {
        Ok(told) => told,
        Err(error) => {
            let kept = folder.keep();
            eprintln!("killer: the business is kept in {}", kept.display());
            return Err(error);
        }
    };
    told.took = begun.elapsed();
    told.broken_off = relay.as_ref().map_or(0, Relay::broken_off);
    let arrived = match &relay {
        Some(relay) => runtime.block_on(relay.arrived()),
        None => business.files()?,
    };
    let mut found = check::check(&business, &arrived, &told)?;
    // Whoever is asked to stop finishes what is on the wire, so nothing is uncertain then.
    if matches!(work, Work::Losses(_) | Work::Stops(_)) {
        found.answers(&told, args.resend);
    }
    let times = told
        .lost_answers
        .max(told.kills.into())
        .max(told.stops.into());
    let mut words = format!("fondly {}, {times} times (seed {seed})\n\n", work.told());
    words.push_str(&check::figures(&business, &arrived, &told, &found));
    for line in found.violations.iter().take(check::SHOWN) {
        writeln!(words, "VIOLATION: {line}")?;
    }
    if args.keep || !found.violations.is_empty() {
        writeln!(words, "The business is kept in {}", folder.keep().display())?;
    }
    Ok(Came {
        words,
        kills: told.kills,
        due: business.expected.len(),
        arrived: arrived.len(),
        found,
    })
}

impl Sum {
    fn add(&mut self, came: &Came) {
        self.businesses += 1;
        self.kills += came.kills;
        self.due += came.due;
        self.arrived += came.arrived;
        self.unknown += came.found.unknown();
        self.doubled += came.found.doubled;
        self.lost += came.found.lost;
        self.violations += came.found.violations.len();
    }

    fn told(&self) -> String {
        format!(
            "In all: {} kills in {} businesses, {} letters due, {} arrived, {} unknown, {} doubled, {} lost, \
             {:.0} seconds",
            self.kills,
            self.businesses,
            self.due,
            self.arrived,
            self.unknown,
            self.doubled,
            self.lost,
            self.seconds
        )
    }
}
