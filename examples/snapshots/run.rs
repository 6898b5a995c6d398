//! One business: its store is copied while letters go out, and each copy is put to work.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::business::Business;
use super::copies::{Copy, copy_folder};
use super::luck::Luck;
use super::relay::{Arrived, Manners, Relay, counted};

/// Customers with each of whom a letter is due, before each copy.
const BATCH: u32 = 30;
/// Letters after which a pass is halted, at most …
const LETTERS: u64 = 24;
/// … and then a little more, so that every phase of a letter is hit.
const A_LITTLE_MORE: Duration = Duration::from_millis(4);
/// A pass that takes longer hangs.
const HANGS: Duration = Duration::from_mins(2);
/// What fondly says where it doubts.
const HELD: &str = "Nothing is planned or sent.";
/// Whom letters go to; alerts go to the owner.
const CUSTOMERS: &str = "@customer.example";
/// The exit code that calls a person.
const NEEDS_A_PERSON: i32 = 3;

/// How a copy is put to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Way {
    /// In place of the later one; what stands beside it stays.
    InPlace,
    /// On another machine, without anything beside it.
    Alone,
    /// On another machine, with its whole folder.
    Folder,
    /// Over the whole folder in place; what stands elsewhere stays.
    WholeInPlace,
}

const WAYS: [Way; 4] = [Way::InPlace, Way::Alone, Way::Folder, Way::WholeInPlace];

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) snapshots: u32,
    ways: HashMap<Way, u32>,
    killed: u32,
    /// Letters left after the copy was made.
    behind: u32,
    held: u32,
    confirmed: u32,
    went_on: u32,
    arrived: usize,
    repeated: usize,
    unknown: usize,
    pub(crate) violations: Vec<String>,
}

impl Found {
    /// For people.
    pub(crate) fn figures(&self) -> Vec<(&'static str, String)> {
        let way = |way| self.ways.get(&way).copied().unwrap_or(0).to_string();
        vec![
            ("put in place, the witness staying", way(Way::InPlace)),
            ("alone on another machine", way(Way::Alone)),
            ("with its folder on another machine", way(Way::Folder)),
            (
                "over its folder, the second witness staying",
                way(Way::WholeInPlace),
            ),
            (
                "the pass was killed after the copy",
                self.killed.to_string(),
            ),
            ("copies after which letters left", self.behind.to_string()),
            ("held", self.held.to_string()),
            ("put to work by a person's word", self.confirmed.to_string()),
            (
                "later stores put back, which went on unasked",
                self.went_on.to_string(),
            ),
            ("letters that arrived", self.arrived.to_string()),
            (
                "said to be unknown by confirmed copies",
                self.unknown.to_string(),
            ),
            ("letters that arrived twice", self.repeated.to_string()),
        ]
    }
}

/// A business at work.
pub(crate) struct Shop<'a> {
    folder: TempDir,
    binary: &'a Path,
    runtime: &'a Runtime,
    relay: Relay,
    business: Business,
    luck: Luck,
    seed: u64,
}

impl<'a> Shop<'a> {
    pub(crate) fn open(
        binary: &'a Path,
        runtime: &'a Runtime,
        (seed, luck): (u64, Luck),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fondly-snapshots-")
            .tempdir()?;
        let relay = runtime.block_on(Relay::start(seed, Manners::default()))?;
        let business = Business::found(folder.path(), binary, (Some(relay.port), false))?;
        Ok(Self {
            folder,
            binary,
            runtime,
            relay,
            business,
            luck,
            seed,
        })
    }

    /// Takes so many copies, and puts each to work.
    pub(crate) fn work(mut self, snapshots: u32, found: &mut Found) -> anyhow::Result<()> {
        self.business.feed(BATCH)?;
        self.goes(found, "the first pass")?;
        for number in 0..snapshots {
            let place = format!("seed {}, copy {number}", self.seed);
            self.snapshot(&place, found)?;
            found.snapshots += 1;
        }
        let arrived = self.arrived();
        let mut twice = 0;
        for (id, times) in counted(arrived.iter().map(|one| &one.message_id)) {
            if times > 1 {
                twice += 1;
                let seed = self.seed;
                found
                    .violations
                    .push(format!("seed {seed}: {id} arrived {times} times"));
            }
        }
        found.arrived += arrived.len();
        found.repeated += twice;
        Ok(())
    }

    fn snapshot(&mut self, place: &str, found: &mut Found) -> anyhow::Result<()> {
        self.business.feed(BATCH)?;
        let (copy, at_copy) = self.copy_while_it_sends(found)?;
        let later = Copy::take(self.folder.path())?;
        let before = self.arrived().len();
        found.behind += u32::from(self.relay.dots() > at_copy);
        let way = WAYS
            .get(usize::try_from(self.luck.below(4))?)
            .copied()
            .unwrap_or(Way::InPlace);
        *found.ways.entry(way).or_default() += 1;
        let there = tempfile::Builder::new().prefix("fondly-copy-").tempdir()?;
        let home = match way {
            Way::InPlace | Way::WholeInPlace => self.folder.path(),
            Way::Alone | Way::Folder => there.path(),
        };
        if home == there.path() {
            for name in ["config", "customers", "events"] {
                copy_folder(&self.folder.path().join(name), &home.join(name))?;
            }
        }
        copy.lay_database(home)?;
        if matches!(way, Way::Folder | Way::WholeInPlace) {
            copy.lay_witness(home)?;
        }
        let place = format!("{place}, {way:?}");
        if !self.put_to_work((home, way), (&place, before), found)? {
            // Nothing had left since: it is the store that it was, and goes on as such.
            return Ok(());
        }
        // The later store is as it was, and so is what stands beside it.
        later.lay_database(self.folder.path())?;
        later.lay_witness(self.folder.path())?;
        later.lay_state()?;
        self.goes(found, &place)
    }

    /// A pass with the copy, then a person's word, and another pass. Whether it was held.
    fn put_to_work(
        &self,
        (home, way): (&Path, Way),
        (place, before): (&str, usize),
        found: &mut Found,
    ) -> anyhow::Result<bool> {
        let run = |words: &[&str]| self.command(home, words).output();
        let first = run(&["tick"])?;
        let held = text(&first).contains(HELD);
        let elsewhere = matches!(way, Way::Alone | Way::Folder);
        found.held += u32::from(held);
        let arrived = self.arrived().len();
        if held && arrived > before {
            let more = arrived - before;
            let words = format!("{place}: {more} letters left before anybody confirmed");
            found.violations.push(words);
        }
        if elsewhere && !held {
            let words = format!("{place}: not held: {}", text(&first));
            found.violations.push(words);
        }
        if held && first.status.code() != Some(NEEDS_A_PERSON) {
            found
                .violations
                .push(format!("{place}: held, and ended with {}", first.status));
        }
        if !held {
            return Ok(false);
        }
        let said = run(&["resume", "--only-copy"])?;
        let pass = run(&["tick"])?;
        found.confirmed += 1;
        if !said.status.success() || text(&pass).contains(HELD) {
            let words = format!("{place}: not confirmed: {}{}", text(&said), text(&pass));
            found.violations.push(words);
        }
        let ledger = run(&["log", "--format", "json", "--limit", "1000000"])?;
        self.agrees(&ledger, place, found)?;
        Ok(true)
    }

    /// Nothing that arrived is said to be anything but sent, or unknown.
    fn agrees(&self, ledger: &Output, place: &str, found: &mut Found) -> anyhow::Result<()> {
        let mut outcomes = HashMap::new();
        for line in text(ledger).lines().filter(|line| line.starts_with('{')) {
            let entry: Value = serde_json::from_str(line)?;
            let word = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
            let (id, outcome) = word("id").zip(word("outcome")).context("no outcome")?;
            found.unknown += usize::from(word("reason").as_deref() == Some("restored-copy"));
            outcomes.insert(id, outcome);
        }
        for letter in self.arrived() {
            let id = letter.message_id.split('@').next().unwrap_or_default();
            match outcomes.get(id).map(String::as_str) {
                Some("sent" | "unknown") => {}
                other => {
                    let words = format!("{place}: {id} arrived, and is {other:?} in the ledger");
                    found.violations.push(words);
                }
            }
        }
        Ok(())
    }

    /// Copies the store in the middle of a pass, which then goes on, to its end or not. With it, how
    /// many dots the relay had read.
    fn copy_while_it_sends(&mut self, found: &mut Found) -> anyhow::Result<(Copy, u64)> {
        let before = self.relay.dots();
        let mut pass = self
            .command(self.folder.path(), &["tick"])
            .stdout(Stdio::null())
            .spawn()?;
        let letters = before + 1 + self.luck.below(LETTERS);
        let mut ended = self.wait(&mut pass, letters)?;
        std::thread::park_timeout(self.luck.up_to(A_LITTLE_MORE));
        ended |= pass.try_wait()?.is_some();
        if !ended {
            signal(pass.id(), "STOP")?;
        }
        let copy = Copy::take(self.folder.path())?;
        let dots = self.relay.dots();
        if !ended {
            signal(pass.id(), "CONT")?;
        }
        if self.luck.once_in(3) {
            let more = dots + self.luck.below(LETTERS);
            self.wait(&mut pass, more)?;
            pass.kill()?;
            found.killed += 1;
        }
        pass.wait()?;
        Ok((copy, dots))
    }

    /// Waits until the relay has read this many dots; whether the pass ended before.
    fn wait(&self, pass: &mut std::process::Child, dots: u64) -> anyhow::Result<bool> {
        let begun = Instant::now();
        while !self.relay.wait_for_dot(dots, Duration::from_millis(2)) {
            if pass.try_wait()?.is_some() {
                return Ok(true);
            }
            if begun.elapsed() > HANGS {
                bail!("a pass hangs: it neither ends nor sends");
            }
        }
        Ok(false)
    }

    /// A pass with the store as it should be: nobody is asked.
    fn goes(&self, found: &mut Found, place: &str) -> anyhow::Result<()> {
        let pass = self.command(self.folder.path(), &["tick"]).output()?;
        if matches!(pass.status.code(), Some(0 | NEEDS_A_PERSON)) && !text(&pass).contains(HELD) {
            found.went_on += 1;
        } else {
            let words = format!("{place}: false alarm, {}: {}", pass.status, text(&pass));
            found.violations.push(words);
        }
        Ok(())
    }

    /// Letters to customers that arrived.
    fn arrived(&self) -> Vec<Arrived> {
        let mut arrived = self.runtime.block_on(self.relay.arrived());
        arrived.retain(|letter| letter.recipient.ends_with(CUSTOMERS));
        arrived
    }

    /// A command of the program's with the store in this folder: another folder is another machine.
    fn command(&self, home: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        let state: PathBuf = home.join("state/fondly");
        command
            .arg("--config")
            .arg(home.join("config/fondly.toml"))
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .env("STATE_DIRECTORY", state)
            .env_remove("FONDLY_LOG")
            .env_remove("FONDLY_FAULT");
        if home != self.folder.path() {
            command.env("FONDLY_FAULT", "machine:another");
        }
        command
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sends a signal, as people do.
fn signal(process: u32, name: &str) -> anyhow::Result<()> {
    let kill = format!("kill -{name} {process}");
    let done = Command::new("sh").args(["-c", &kill]).status()?;
    if !done.success() {
        bail!("`{kill}` failed");
    }
    Ok(())
}
