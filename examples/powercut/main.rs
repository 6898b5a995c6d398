//! A test command: cuts the power while the program sends, again and again, and then counts.
//!
//! `cargo build --release && cargo run --release --example powercut -- --cuts 1000 --seed 7`
//!
//! Runs the real `fondly tick` once, with every change to its files written down by
//! `tests/shim/disk.c` (which takes a C compiler, `cc`), against a relay that notes how far that
//! journal was when each letter arrived. Then, for each cut: lays out what a disk may hold after a
//! power loss at that moment, lets the program finish on that, and holds the ledger against what had
//! arrived and what arrives now. Nobody may get a letter twice, nobody's may be lost, whatever is
//! uncertain is said to be so, and the database must be sound without a hand's help. Ends with 1
//! when that doesn't hold. May use nothing of the program but its commands, its clock and its files.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

#[path = "../killer/business.rs"]
#[expect(
    dead_code,
    reason = "shared with the killer, which looks at more of it"
)]
mod business;
mod check;
mod disk;
mod journal;
#[path = "../killer/luck.rs"]
mod luck;
#[path = "../killer/program.rs"]
mod program;
#[path = "../killer/relay.rs"]
#[expect(
    dead_code,
    reason = "shared with the killer, which looks at more of it"
)]
mod relay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use tokio::runtime::Runtime;

use business::Business;
use check::Found;
use disk::{Disk, Left};
use journal::Step;
use luck::Luck;
use relay::{Arrived, Manners, Relay};

/// Customers in the first pass that is recorded, and new ones in the second.
const FIRST: u32 = 60;
const THEN: u32 = 30;
/// Cuts of one recording; then comes another.
const CUTS_EACH: u32 = 250;
/// Violations shown one by one.
const SHOWN: usize = 20;
/// The exit code that calls a person.
const NEEDS_A_PERSON: i32 = 3;

/// Cuts the power while fondly sends, and then counts what arrived.
#[derive(Debug, Parser)]
struct Args {
    /// How often to cut
    #[arg(long, default_value_t = 40)]
    cuts: u32,
    /// Everything that is left to chance follows from it, but for the order in which connections
    /// come to their turn
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Over which transport letters leave
    #[arg(long, value_enum, default_value = "smtp")]
    transport: Transport,
    /// The program [default: `fondly` in the folder above this one's]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
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
    match cut_and_count(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("powercut: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
fn cut_and_count(args: &Args) -> anyhow::Result<bool> {
    let binary = program::find(args.binary.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let mut found = Found::default();
    let (mut left, mut seed) = (args.cuts, args.seed);
    while left > 0 {
        let cuts = left.min(CUTS_EACH);
        let recording = Recording::make(&binary, &runtime, (args.transport, seed))?;
        recording.cut(&runtime, (cuts, seed), &mut found)?;
        (left, seed) = (left - cuts, seed + 1);
    }
    println!(
        "fondly lost power {} times (seed {})\n\n{}",
        found.cuts,
        args.seed,
        found.figures(begun.elapsed())
    );
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

/// A business whose passes were written down.
struct Recording {
    folder: tempfile::TempDir,
    business: Business,
    relay: Option<Relay>,
    steps: Vec<Step>,
    /// What arrived meanwhile.
    arrived: Vec<Arrived>,
}

impl Recording {
    fn make(
        binary: &Path,
        runtime: &Runtime,
        (transport, seed): (Transport, u64),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fondly-powercut-")
            .tempdir()?;
        // The journal knows files by their real names.
        let home = folder.path().canonicalize()?;
        let journal = home.join("journal");
        let relay = match transport {
            Transport::Smtp => {
                let manners = Manners {
                    watched: Some(journal.clone()),
                    ..Manners::default()
                };
                Some(runtime.block_on(Relay::start(seed, manners))?)
            }
            Transport::File => None,
        };
        let port = relay.as_ref().map(|relay| relay.port);
        let shop = home.join("shop");
        fs::create_dir(&shop)?;
        let business = Business::found(&shop, binary, (port, false))?;
        let mut recording = Self {
            folder,
            business,
            relay,
            steps: Vec::new(),
            arrived: Vec::new(),
        };
        let shim = compiled(&home)?;
        for customers in [FIRST, THEN] {
            recording.business.feed(customers)?;
            let mut tick = recording.command(&["tick"])?;
            tick.env("LD_PRELOAD", &shim)
                .env("SHIM_BELOW", &shop)
                .env("SHIM_JOURNAL", &journal);
            ended_well(&mut tick)?;
        }
        recording.steps = journal::read(&journal)?;
        recording.arrived = recording.arrived_so_far(runtime)?;
        Ok(recording)
    }

    fn shop(&self) -> anyhow::Result<PathBuf> {
        Ok(self.folder.path().canonicalize()?.join("shop"))
    }

    /// A command on what lies in the folder `var` now.
    fn command(&self, words: &[&str]) -> anyhow::Result<Command> {
        let var = self.shop()?.join("var");
        let mut command = self.business.command(words);
        command
            .env(
                "FONDLY__STORE__URL",
                format!("sqlite:{}", var.join("fondly.db").display()),
            )
            .env("FONDLY_LOG", "error")
            // The files that a cut leaves are the ones that were there, not copies of them.
            .env("FONDLY_FAULT", "place:disk");
        if self.relay.is_none() {
            command.env("FONDLY__MAIL__DIR", var.join("outbox"));
        }
        Ok(command)
    }

    /// What came to the relay, or lies in the folder.
    fn arrived_so_far(&self, runtime: &Runtime) -> anyhow::Result<Vec<Arrived>> {
        match &self.relay {
            Some(relay) => Ok(runtime.block_on(relay.arrived())),
            None => check::letters(&self.shop()?.join("var/outbox")),
        }
    }

    /// Cuts so many times.
    fn cut(
        &self,
        runtime: &Runtime,
        (cuts, seed): (u32, u64),
        found: &mut Found,
    ) -> anyhow::Result<()> {
        let luck = &mut Luck::new(seed);
        let shop = self.shop()?;
        for _ in 0..cuts {
            let steps = u64::try_from(self.steps.len())?;
            let after = usize::try_from(luck.below(steps + 1))?;
            let left = Left::drawn(luck);
            let mut disk = Disk::default();
            for step in self.steps.iter().take(after) {
                disk.step(step);
            }
            let var = shop.join("var");
            for folder in [&var, &shop.join("state")] {
                if folder.exists() {
                    fs::remove_dir_all(folder)?;
                }
            }
            disk.after_a_cut((&shop, &shop), left, luck)?;
            another_start(&var.join("fondly.db.lock"))?;
            let at = after.checked_sub(1).and_then(|last| self.steps.get(last));
            let at = at.map_or(0, |step| step.end);
            let what = format!("seed {seed}, cut after step {after} of {steps}, {left:?} left");
            let before: Vec<&Arrived> = match &self.relay {
                Some(_) => self
                    .arrived
                    .iter()
                    .filter(|one| one.position <= at)
                    .collect(),
                None => Vec::new(),
            };
            let passes = self.finish(runtime)?;
            found.check(self, (&before, &passes), &what)?;
        }
        Ok(())
    }

    /// Lets the program finish, and then once more, when there is nothing left to do.
    fn finish(&self, runtime: &Runtime) -> anyhow::Result<Vec<Pass>> {
        let mut passes = Vec::new();
        for _ in 0..2 {
            let already = match &self.relay {
                Some(_) => self.arrived_so_far(runtime)?.len(),
                None => 0,
            };
            let output = self.command(&["tick"])?.output()?;
            let code = output.status.code().unwrap_or(-1);
            passes.push(Pass {
                fault: (!matches!(code, 0 | NEEDS_A_PERSON)).then(|| {
                    let words = String::from_utf8_lossy(&output.stderr);
                    format!("a pass ended with {code}: {}", words.trim())
                }),
                arrived: self.arrived_so_far(runtime)?.split_off(already),
            });
        }
        Ok(passes)
    }
}

/// A pass after a cut.
struct Pass {
    fault: Option<String>,
    /// What arrived in it; of files, what is there after it.
    arrived: Vec<Arrived>,
}

/// After a power cut the machine has started anew, which the holder's note doesn't know.
fn another_start(lock: &Path) -> anyhow::Result<()> {
    let Ok(text) = fs::read_to_string(lock) else {
        return Ok(());
    };
    let lines = text.lines().map(|line| match line.strip_prefix("boot ") {
        Some(_) => "boot before-the-cut\n".to_owned(),
        None => format!("{line}\n"),
    });
    Ok(fs::write(lock, lines.collect::<String>())?)
}

/// The library that writes down what is done to files.
fn compiled(folder: &Path) -> anyhow::Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/disk.c");
    let library = folder.join("disk.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    ended_well(&mut cc).context("a C compiler is needed, such as Debian's build-essential")?;
    Ok(library)
}

fn ended_well(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdout(Stdio::null()).output()?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {words}", output.status);
    }
    Ok(())
}
