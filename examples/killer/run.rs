//! Starting, killing, starting again.
//!
//! Two ways to choose the moment: a number of letters after the start and then a little more, which
//! hits the sending; or a time after the start, which also hits the opening of the store, the
//! reading and the planning.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use fondly::clock::Clock;
use fondly::points::ALL;

use super::business::Business;
use super::luck::Luck;
use super::relay::Relay;

/// Customers who come before a work in which passes end by themselves.
const BATCH: u32 = 500;
/// Customers who come when everything is sent before a kill: enough for a few more.
const SOME: u32 = 150;
/// Customers who come in between, so that kills also hit reading and planning.
const A_FEW: u32 = 25;
/// At most so many letters go out before a kill.
const LETTERS: u64 = 40;
/// And then up to this long.
const A_LITTLE_MORE: Duration = Duration::from_millis(4);
/// The longest pause after an edit: some are seen by a pass before the end, some aren't.
const A_MOMENT: Duration = Duration::from_millis(300);
/// How late a kill by time comes at first; it then finds out how long a pass takes.
const FIRST_GUESS: Duration = Duration::from_millis(300);
/// A pass that takes longer hangs.
const HANGS: Duration = Duration::from_mins(2);
/// Passes in a row that end before they are killed; more would be a fault of ours.
const TOO_QUICK: u32 = 1000;
/// Kills of which the time to the next letter is taken.
const RESTARTS: u32 = 20;
/// SIGKILL.
const KILL: i32 = 9;
/// SIGABRT, with which a pass ends itself.
const ABORT: i32 = 6;
/// A moment that each letter meets is let pass so often, less one, at most.
const MOMENTS: u64 = 3;

/// What the runs told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) kills: u32,
    /// Times that the daemon was asked to stop.
    pub(crate) stops: u32,
    /// Kills that came once a letter had gone out in that run.
    pub(crate) while_sending: u32,
    /// Passes that ended before they were killed.
    pub(crate) ended: u32,
    /// The last pass's exit code.
    pub(crate) last_code: i32,
    /// Letters that broke off at the relay before their dot.
    pub(crate) broken_off: u64,
    /// Dots on which the relay hung up.
    pub(crate) lost_answers: u64,
    /// From starting again to the first dot, the shortest first.
    pub(crate) restarts: Vec<Duration>,
    pub(crate) took: Duration,
    /// When the last pass began.
    pub(crate) last_began: jiff::Timestamp,
    /// What went wrong on the way.
    pub(crate) faults: Vec<String>,
}

/// A running pass; never outlives us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Running {
    fn start(business: &Business) -> anyhow::Result<Self> {
        let child = business.command(&["tick"]).spawn();
        Ok(Self(child.context("fondly can't be started")?))
    }

    /// A pass that ends when it reaches this moment for the n-th time.
    fn to_the_moment(business: &Business, name: &str, nth: u64) -> anyhow::Result<Self> {
        let mut command = business.command(&["tick"]);
        let child = command.env("FONDLY_FAULT", format!("end-at:{name}:{nth}"));
        Ok(Self(child.spawn().context("fondly can't be started")?))
    }

    fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// How it ended, with what it complained about.
    fn end(mut self) -> anyhow::Result<(ExitStatus, String)> {
        let mut words = String::new();
        if let Some(mut errors) = self.0.stderr.take() {
            std::io::Read::read_to_string(&mut errors, &mut words)?;
        }
        Ok((self.0.wait()?, words))
    }
}

/// Kills so many passes, and lets one more end.
pub(crate) fn kill_again_and_again(
    business: &mut Business,
    relay: Option<&Relay>,
    kills: u32,
    luck: &mut Luck,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let mut guess = FIRST_GUESS;
    let mut in_a_row = 0;
    business.feed(SOME)?;
    while told.kills < kills {
        if luck.once_in(10) {
            business.feed(A_FEW)?;
        }
        let before = relay.map_or(0, Relay::dots);
        let mut running = Running::start(business)?;
        match relay {
            Some(relay) if !luck.once_in(4) => {
                wait_for_letters(&mut running, relay, before + 1 + luck.below(LETTERS))?;
                pause(luck.up_to(A_LITTLE_MORE));
            }
            _ => wait_until(&mut running, luck.up_to(guess))?,
        }
        running.0.kill()?;
        let (status, words) = running.end()?;
        if status.signal() == Some(KILL) {
            told.kills += 1;
            told.while_sending += u32::from(relay.is_some_and(|relay| relay.dots() > before));
            guess += guess / 20;
            in_a_row = 0;
        } else {
            told.ended += 1;
            in_a_row += 1;
            told.note_end(status, &words);
            guess -= guess / 8;
            business.feed(SOME)?;
        }
        if in_a_row > TOO_QUICK {
            bail!("passes end before they can be killed");
        }
    }
    told.let_end(business)?;
    Ok(told)
}

/// Starts the daemon, edits a rule while it sends, and asks it to stop (SIGTERM), so many times.
/// Every second edit is a broken one.
pub(crate) fn stop_again_and_again(
    business: &mut Business,
    relay: &Relay,
    stops: u32,
    luck: &mut Luck,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    while told.stops < stops {
        business.feed(SOME)?;
        // With a broken one it wouldn't start.
        business.edit(true)?;
        let before = relay.dots();
        let child = business.command(&["run"]).spawn();
        let mut running = Running(child.context("fondly can't be started")?);
        for n in 1..=2 {
            wait_for_letters(&mut running, relay, before + n * (1 + luck.below(LETTERS)))?;
            business.edit(told.stops.is_multiple_of(2) == (n == 1))?;
            pause(luck.up_to(A_MOMENT));
        }
        let pid = running.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        wait_until(&mut running, HANGS)?;
        running.0.kill()?;
        let (status, words) = running.end()?;
        told.stops += 1;
        told.while_sending += u32::from(relay.dots() > before);
        if !status.success() {
            told.faults
                .push(format!("asked to stop, it ended with {status}: {words}"));
        }
    }
    business.edit(true)?;
    told.let_end(business)?;
    Ok(told)
}

/// Lets passes run until the relay has hung up on so many dots; then it mends its ways.
pub(crate) fn lose_answers(
    business: &mut Business,
    relay: &Relay,
    losses: u64,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    while relay.lost() < losses {
        business.feed(BATCH)?;
        told.let_end(business)?;
    }
    relay.calm_down();
    business.feed(A_FEW)?;
    told.let_end(business)?;
    told.lost_answers = relay.lost();
    Ok(told)
}

/// Fills the ledger, then kills in the middle of sending and takes the time to the next letter.
pub(crate) fn start_again(
    business: &mut Business,
    relay: &Relay,
    letters: u32,
    luck: &mut Luck,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    business.feed(letters)?;
    told.let_end(business)?;
    for _ in 0..RESTARTS {
        business.feed(BATCH)?;
        let before = relay.dots();
        let mut running = Running::start(business)?;
        wait_for_letters(&mut running, relay, before + 1 + luck.below(LETTERS))?;
        running.0.kill()?;
        told.kills += u32::from(running.end()?.0.signal() == Some(KILL));
        let (dots, again) = (relay.dots(), Instant::now());
        let mut running = Running::start(business)?;
        wait_for_letters(&mut running, relay, dots + 1)?;
        told.restarts.push(again.elapsed());
        let (status, words) = running.end()?;
        told.note_end(status, &words);
    }
    told.let_end(business)?;
    told.restarts.sort();
    Ok(told)
}

/// Ends a pass at this moment, then one at each of the others in turn, a pass that ends by itself
/// after each two.
pub(crate) fn end_at_each_pair(
    business: &mut Business,
    relay: &Relay,
    first: &str,
    luck: &mut Luck,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    for second in ALL {
        business.feed(A_FEW)?;
        for name in [first, second] {
            // There is something to read, to plan and to send in each.
            business.feed(A_FEW)?;
            let before = relay.dots();
            let nth = if name.starts_with("smtp-") || name.starts_with("phase-") {
                1 + luck.below(MOMENTS)
            } else {
                1
            };
            let mut running = Running::to_the_moment(business, name, nth)?;
            wait_until(&mut running, HANGS)?;
            running.0.kill()?;
            let (status, words) = running.end()?;
            if status.signal() == Some(ABORT) {
                told.kills += 1;
                told.while_sending += u32::from(relay.dots() > before);
            } else {
                let why = format!("`{name}` wasn't reached {nth} times, {status}: {words}");
                told.faults.push(why);
            }
        }
        told.let_end(business)?;
    }
    Ok(told)
}

impl Told {
    /// A pass that nobody kills.
    fn let_end(&mut self, business: &Business) -> anyhow::Result<()> {
        self.last_began = Clock::System.now();
        let (status, words) = Running::start(business)?.end()?;
        self.note_end(status, &words);
        self.last_code = status.code().unwrap_or(-1);
        self.ended += 1;
        Ok(())
    }

    /// A pass that ends by itself has done its work, or done it and needs a person.
    fn note_end(&mut self, status: ExitStatus, words: &str) {
        if !matches!(status.code(), Some(0 | 3)) {
            self.faults
                .push(format!("a pass ended with {status}: {words}"));
        }
    }
}

/// Waits until the relay has read this many dots, or the pass has ended.
fn wait_for_letters(running: &mut Running, relay: &Relay, dots: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !relay.wait_for_dot(dots, Duration::from_millis(5)) {
        if running.has_ended()? {
            return Ok(());
        }
        if begun.elapsed() > HANGS {
            bail!("a pass hangs: it neither ends nor sends");
        }
    }
    Ok(())
}

/// Waits this long, or until the pass has ended.
fn wait_until(running: &mut Running, wait: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < wait && !running.has_ended()? {
        pause(Duration::from_micros(500).min(wait.saturating_sub(begun.elapsed())));
    }
    Ok(())
}

/// Waits, to a fraction of a millisecond.
fn pause(wait: Duration) {
    std::thread::park_timeout(wait);
}
