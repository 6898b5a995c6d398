//! Letters a second: rendered, with every phase in the ledger, over kept connections to Postfix's
//! `smtp-sink`; next to Postfix's `smtp-source`, which sends the same bytes again and again and
//! keeps nothing.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::business::{Business, To};
use super::measure::{children_cpu, is_connected_to, median, pause, peak_kib};

/// Where Postfix keeps its tools; they aren't on everybody's path.
const TOOLS: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/libexec/postfix"];
/// Hand-off, as a share of the load tool's.
const GOAL_RATIO: f64 = 0.25;
/// Memory, in MiB.
const GOAL_MIB: f64 = 57.0;
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

pub(crate) fn measure(letters: u32, connections: u32, rounds: u32) -> anyhow::Result<()> {
    let size = size_of_a_letter()?;
    let sink = Sink::start()?;
    println!(
        "hand-off: {letters} letters of {size} bytes over {connections} connections to smtp-sink"
    );
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
        // The load tool before and after: a machine that becomes slower or faster meanwhile does
        // so for both.
        let before = sink.load_tool(letters, connections, size)?;
        let mine = fondly(&sink, letters, connections)?;
        let after = sink.load_tool(letters, connections, size)?;
        let round = Round {
            tool: f64::midpoint(before, after),
            ..mine
        };
        round.print(&n.to_string(), letters);
        done.push(round);
    }
    summary(&done, letters);
    Ok(())
}

fn summary(rounds: &[Round], letters: u32) {
    let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field).collect());
    let middle = Round {
        planning: of(|round| round.planning),
        sending: of(|round| round.sending),
        tool: of(|round| round.tool),
        cpu: of(|round| round.cpu),
        peak_kib: rounds.iter().map(|round| round.peak_kib).max().unwrap_or(0),
    };
    middle.print("median", letters);
    println!(
        "median of the rounds' ratios: {:.3} with planning, {:.3} of sending alone (goal {GOAL_RATIO}); peak {:.1} MiB (goal {GOAL_MIB})\n",
        of(Round::ratio),
        of(Round::ratio_of_sending),
        middle.mib(),
    );
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
    let business = Business::found(To::Files)?.with_birthdays(SAMPLE)?;
    business.run(&["tick"])?;
    let letters = business.letters()?;
    let sizes = letters
        .iter()
        .map(|path| Ok(std::fs::metadata(path)?.len()))
        .collect::<anyhow::Result<Vec<u64>>>()?;
    let sum: u64 = sizes.iter().sum();
    sum.checked_div(sizes.len() as u64)
        .context("no letter was written")
}

/// A pass of the program's over records that were read before.
fn fondly(sink: &Sink, letters: u32, connections: u32) -> anyhow::Result<Round> {
    let port = sink.port;
    let business = Business::found(To::Relay { port, connections })?.with_birthdays(letters)?;
    business.run(&["sync"])?;
    let before = children_cpu()?;
    let begun = Instant::now();
    let mut child = business.command(&["tick", "--no-sync"]).spawn()?;
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

/// Postfix's mail sink on a port of its own; ends with us.
#[derive(Debug)]
struct Sink {
    port: u16,
    child: Child,
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Sink {
    fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = tool("smtp-sink")?;
        // As root it insists on being told whose rights to take.
        if is_root()? {
            command.args(["-u", "nobody"]);
        }
        let child = command.args([address.as_str(), "1000"]).spawn()?;
        let sink = Self { port, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                bail!("smtp-sink doesn't answer");
            }
            pause(Duration::from_millis(10));
        }
        Ok(sink)
    }

    /// Seconds that the load tool takes for as many messages over as many kept connections.
    fn load_tool(&self, letters: u32, connections: u32, size: u64) -> anyhow::Result<f64> {
        let mut command = tool("smtp-source")?;
        command.arg("-d");
        for (flag, number) in [
            ("-s", u64::from(connections)),
            ("-m", u64::from(letters)),
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

fn tool(name: &str) -> anyhow::Result<Command> {
    let mut places = TOOLS
        .iter()
        .map(|folder| std::path::Path::new(folder).join(name));
    let place = places
        .find(|place| place.exists())
        .with_context(|| format!("{name} isn't there; it comes with Postfix"))?;
    let mut command = Command::new(place);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command)
}

fn is_root() -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}
