//! Letters a second: rendered, with every phase in the ledger, over kept connections to Postfix's
//! `smtp-sink`; next to Postfix's `smtp-source`, which sends the same bytes again and again and
//! keeps nothing. And the same to a relay that is far away, and with a slow disk.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::business::{Business, relay};
use super::measure::{children_cpu, is_connected_to, median, pause, peak_kib};
use super::sink::{Sink, tool};
use super::slow::FarRelay;
use super::{FILES, PROGRAM};

/// Hand-off, as a share of the load tool's.
const GOAL_RATIO: f64 = 0.40;
/// The same with a slow disk.
const GOAL_SLOW_DISK: f64 = 0.1;
/// The same to a relay that is far away: command by command, as the load tool does it, and with
/// PIPELINING, which the load tool doesn't know.
const GOAL_FAR: [(bool, f64); 2] = [(false, 0.95), (true, 1.5)];
/// Memory, in MiB.
const GOAL_MIB: f64 = 57.0;
/// What a relay that is far away takes for each answer.
const FAR: Duration = Duration::from_millis(10);
/// To a relay that is far away, waiting is all, so what counts is how many wait at once.
const FAR_CONNECTIONS: [u32; 2] = [8, 32];
/// What a slow disk takes more for each commit.
const SLOW_DISK: (&str, &str) = ("FONDLY_FAULT", "slow-commit:4ms");
/// Letters looked at for their size.
const SAMPLE: u32 = 10;

/// One round.
#[derive(Debug)]
struct Round {
    planning: f64,
    sending: f64,
    tool: f64,
    /// Of the pass, planning and all.
    cpu: f64,
    peak_kib: u64,
}

/// To Postfix's sink, with the disk as it is or slower.
pub(crate) fn to_sink(
    letters: u32,
    connections: u32,
    rounds: u32,
    slow_disk: bool,
) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let (fault, goal, disk) = if slow_disk {
        let disk = ", each commit 4 ms longer";
        (Some(SLOW_DISK), GOAL_SLOW_DISK, disk)
    } else {
        (None, GOAL_RATIO, "")
    };
    println!("hand-off to smtp-sink{disk}");
    let trial = Trial {
        port: sink.port,
        letters,
        connections,
        fault,
        goal,
    };
    trial.measure(rounds, || Ok(()))
}

/// To a relay that answers late.
pub(crate) fn to_far_relay(letters_each: u32, rounds: u32) -> anyhow::Result<()> {
    for (pipelining, goal) in GOAL_FAR {
        for connections in FAR_CONNECTIONS {
            let letters = letters_each * connections;
            let relay = FarRelay::start(FAR, pipelining)?;
            let with = if pipelining { "with" } else { "without" };
            println!("hand-off to a relay {FAR:?} away, {with} PIPELINING");
            let trial = Trial {
                port: relay.port(),
                letters,
                connections,
                fault: None,
                goal,
            };
            trial.measure(rounds, || {
                let taken = relay.taken();
                if taken != u64::from(letters) {
                    bail!("the relay took {taken} letters instead of {letters}");
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// What is measured in rounds.
#[derive(Debug)]
struct Trial {
    port: u16,
    letters: u32,
    connections: u32,
    /// An environment variable for the program.
    fault: Option<(&'static str, &'static str)>,
    goal: f64,
}

impl Trial {
    /// `check` is asked after every run, the load tool's as well.
    fn measure(&self, rounds: u32, check: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let size = size_of_a_letter()?;
        let Self {
            letters,
            connections,
            ..
        } = self;
        println!("{letters} letters of {size} bytes over {connections} connections");
        println!(
            "{:>8} {:>12} {:>12} {:>12} {:>14} {:>14} {:>10} {:>14} {:>10}",
            "round",
            "planning s",
            "sending s",
            "letters/s",
            "sending alone",
            "smtp-source",
            "ratio",
            "cpu µs/letter",
            "peak MiB"
        );
        let mut done = Vec::new();
        for n in 1..=rounds.max(1) {
            // The load tool before and after: a machine that becomes slower or faster meanwhile
            // does so for both.
            let before = self.load_tool(size)?;
            check()?;
            let mine = self.fondly()?;
            check()?;
            let after = self.load_tool(size)?;
            check()?;
            let round = Round {
                tool: f64::midpoint(before, after),
                ..mine
            };
            round.print(&n.to_string(), self.letters);
            done.push(round);
        }
        self.summary(&done);
        Ok(())
    }

    fn summary(&self, rounds: &[Round]) {
        let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field).collect());
        let middle = Round {
            planning: of(|round| round.planning),
            sending: of(|round| round.sending),
            tool: of(|round| round.tool),
            cpu: of(|round| round.cpu),
            peak_kib: rounds.iter().map(|round| round.peak_kib).max().unwrap_or(0),
        };
        middle.print("median", self.letters);
        println!(
            "median of the rounds' ratios: {:.3} with planning, {:.3} of sending alone (goal {}); peak {:.1} MiB (goal {GOAL_MIB})\n",
            of(Round::ratio),
            of(Round::ratio_of_sending),
            self.goal,
            middle.mib(),
        );
    }

    /// A pass of the program's over records that were read before.
    fn fondly(&self) -> anyhow::Result<Round> {
        let (port, letters, connections) = (self.port, self.letters, self.connections);
        let business = Business::found(PROGRAM.as_ref(), &relay(port, connections))?
            .with_birthdays(letters)?;
        business.run(&["sync"])?;
        let before = children_cpu()?;
        let begun = Instant::now();
        let mut command = business.command(&["tick", "--no-sync"]);
        command.envs(self.fault);
        let mut child = command.spawn()?;
        let mut connected = None;
        let mut peak = 0;
        while child.try_wait()?.is_none() {
            peak = peak_kib(&child).unwrap_or(0).max(peak);
            if connected.is_none() && is_connected_to(port) {
                connected = Some(begun.elapsed());
            }
            let rough = if connected.is_some() { 20 } else { 5 };
            pause(Duration::from_millis(rough));
        }
        let whole = begun.elapsed();
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        if !done.status.success() || !said.contains(&format!(": {letters} sent")) {
            let complained = String::from_utf8_lossy(&done.stderr);
            bail!("not everything was sent: {said}{complained}");
        }
        let planning = connected.context("nobody connected to the sink")?;
        Ok(Round {
            planning: planning.as_secs_f64(),
            sending: whole.saturating_sub(planning).as_secs_f64(),
            tool: 0.0,
            cpu: children_cpu()? - before,
            peak_kib: peak,
        })
    }

    /// Seconds that the load tool takes for as many messages over as many kept connections.
    fn load_tool(&self, size: u64) -> anyhow::Result<f64> {
        let mut command = tool("smtp-source")?;
        command.arg("-d");
        for (flag, number) in [
            ("-s", u64::from(self.connections)),
            ("-m", u64::from(self.letters)),
            ("-l", size),
        ] {
            command.arg(flag).arg(number.to_string());
        }
        command.arg(format!("127.0.0.1:{}", self.port));
        let begun = Instant::now();
        let status = command.status()?;
        if !status.success() {
            bail!("smtp-source ended with {status}");
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}

impl Round {
    fn whole(&self) -> f64 {
        self.planning + self.sending
    }

    fn ratio(&self) -> f64 {
        self.tool / self.whole()
    }

    fn ratio_of_sending(&self) -> f64 {
        self.tool / self.sending
    }

    #[expect(clippy::cast_precision_loss, reason = "kibibytes of one process")]
    fn mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    fn print(&self, name: &str, letters: u32) {
        let letters = f64::from(letters);
        println!(
            "{name:>8} {:>12.3} {:>12.3} {:>12.0} {:>14.0} {:>14.0} {:>10.3} {:>14.0} {:>10.1}",
            self.planning,
            self.sending,
            letters / self.whole(),
            letters / self.sending,
            letters / self.tool,
            self.ratio(),
            self.cpu * 1e6 / letters,
            self.mib(),
        );
    }
}

/// The whole letter, headers and all; what the load tool sends has the same number of bytes.
fn size_of_a_letter() -> anyhow::Result<u64> {
    let business = Business::found(PROGRAM.as_ref(), FILES)?.with_birthdays(SAMPLE)?;
    business.run(&["tick"])?;
    let sizes = fs::read_dir(business.path("outbox"))?
        .map(|letter| Ok(letter?.metadata()?.len()))
        .collect::<anyhow::Result<Vec<u64>>>()?;
    let sum: u64 = sizes.iter().sum();
    sum.checked_div(sizes.len() as u64)
        .context("no letter was written")
}
