//! How long the console's ledger pages take at a million entries while letters go out, and what that
//! costs the letters.
//!
//! `cargo bench --bench console` for everything; `-- --entries 100000 --letters 40000 --seconds 20` for a
//! short look. Makes a business whose ledger has that many entries, starts the real program, as it is
//! released, with as many letters due now that it sends to Postfix's `smtp-sink` all the while, and asks
//! for pages at a fixed rate. A request's time counts from the moment at which it was to be made, not from
//! when somebody came to make it: a page that keeps the next ones waiting is charged with their wait. In
//! turns there are requests and none, so that what they cost the letters is seen on any machine.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it measured"
)]

#[path = "../handoff/business.rs"]
mod business;
mod daemon;
mod ledger;
mod pages;
mod requests;
#[path = "../handoff/sink.rs"]
mod sink;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use business::{Business, relay};
use daemon::Daemon;
use pages::Page;
use requests::Answered;
use sink::Sink;

/// The slowest of a hundred pages, in milliseconds.
const GOAL_P99: f64 = 50.0;
/// How much slower letters may go out while pages are asked for.
const GOAL_LOSS: f64 = 0.10;

/// Connections to the relay.
const CONNECTIONS: u32 = 8;

/// Measures the release build.
#[derive(Debug, Parser)]
struct Args {
    /// Entries that the ledger has already
    #[arg(long, default_value_t = 1_000_000)]
    entries: u32,
    /// Letters that are due now, to go out while pages are asked for
    #[arg(long, default_value_t = 200_000)]
    letters: u32,
    /// Requests a second
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Seconds in which pages are asked for; as long again nobody asks
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Turns of asking and not asking
    #[arg(long, default_value_t = 6)]
    turns: u32,
    /// The program, where it isn't the one just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_fondly"))]
    program: PathBuf,
    /// Only pages whose name begins like this
    #[arg(long)]
    only: Option<String>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let measured = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(measure(&args)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("console: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let begun = Instant::now();
    let settings = relay(sink.port, CONNECTIONS) + "[console]\nbind = \"127.0.0.1:0\"\n";
    let business = Business::found(&args.program, &settings)?.with_birthdays(args.letters)?;
    business.run(&["sync"])?;
    let mut books = ledger::open(&business.path("fondly.db")).await?;
    ledger::fill(&mut books, args.entries, args.letters).await?;
    println!(
        "a ledger of {} entries and {} customers, made in {:.1} s",
        args.entries,
        args.letters,
        begun.elapsed().as_secs_f64()
    );
    let mut pages = pages::of(&mut books, args.letters).await?;
    if let Some(only) = &args.only {
        pages.retain(|page| page.name.starts_with(only.as_str()));
    }
    let daemon = Daemon::start(&business)?;
    let address = daemon.console()?;
    let before = ledger::steps(&mut books).await?;
    while ledger::steps(&mut books).await? == before {
        daemon.is_alive()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "planned, and the first letter out, after {:.1} s",
        daemon.since()
    );

    let turn = Duration::from_secs(args.seconds) / args.turns.max(1);
    let mut answered = Vec::new();
    let (mut asking, mut quiet) = (Vec::new(), Vec::new());
    for number in 0..args.turns {
        quiet.push(rate(&mut books, async { tokio::time::sleep(turn).await }).await?);
        let asked = requests::ask(address, &pages, (args.rate, turn), number);
        asking.push(rate(&mut books, async { answered.extend(asked.await) }).await?);
        daemon.is_alive()?;
    }
    tell(args, &pages, &answered);
    let lost = 1.0 - mean(&asking) / mean(&quiet);
    println!(
        "letters a second: {:.0} by themselves, {:.0} while pages are asked for: {:.1} % fewer \
         (goal: less than {:.0} %)",
        mean(&quiet),
        mean(&asking),
        lost * 100.0,
        GOAL_LOSS * 100.0
    );
    let left = ledger::waiting(&mut books).await?;
    println!(
        "{left} letters were still to go at the end{}",
        if left == 0 {
            ": too few letters, so the figures say little"
        } else {
            ""
        }
    );
    downloads(address, &pages).await;
    Ok(())
}

/// Letters a second while this goes on.
async fn rate(
    books: &mut ledger::Books,
    meanwhile: impl Future<Output = ()>,
) -> anyhow::Result<f64> {
    let (before, begun) = (ledger::steps(books).await?, Instant::now());
    meanwhile.await;
    let (after, took) = (ledger::steps(books).await?, begun.elapsed());
    let letters = u32::try_from(after - before)?;
    Ok(f64::from(letters) / took.as_secs_f64())
}

fn mean(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a few turns")]
    let count = sorted.len() as f64;
    sum / count
}

fn tell(args: &Args, pages: &[Page], answered: &[Answered]) {
    println!(
        "{} requests, {} a second, while letters go out; milliseconds from when each was to be made",
        answered.len(),
        args.rate
    );
    println!(
        "{:<44} {:>6} {:>8} {:>8} {:>8} {:>6}",
        "page", "asked", "p50", "p99", "worst", "KB"
    );
    for (number, page) in pages.iter().enumerate() {
        line(&page.name, answered.iter().filter(|one| one.page == number));
    }
    let whole = line("all of them", answered.iter());
    let wrong = answered.iter().filter(|one| one.status != 200).count();
    if wrong > 0 {
        println!("{wrong} requests were not answered with 200");
    }
    let verdict = if whole <= GOAL_P99 { "kept" } else { "missed" };
    println!("p99 {whole:.1} ms (goal {GOAL_P99:.0} ms): {verdict}");
}

/// One line of the table; its 99th of a hundred.
fn line<'a>(name: &str, of: impl Iterator<Item = &'a Answered>) -> f64 {
    let some: Vec<&Answered> = of.collect();
    let mut times: Vec<f64> = some
        .iter()
        .map(|one| one.took.as_secs_f64() * 1000.0)
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).max(1) - 1;
        times.get(place).copied().unwrap_or(f64::NAN)
    };
    let bytes = some.iter().map(|one| one.bytes).max().unwrap_or(0);
    println!(
        "{name:<44} {:>6} {:>8.1} {:>8.1} {:>8.1} {:>6}",
        times.len(),
        at(50),
        at(99),
        at(100),
        bytes / 1000
    );
    at(99)
}

/// Files are large, and asked for one by one.
async fn downloads(address: std::net::SocketAddr, pages: &[Page]) {
    for path in ["/ledger.csv".to_owned()]
        .into_iter()
        .chain(pages::files(pages))
    {
        let begun = Instant::now();
        if let Ok((status, bytes)) = requests::get(address, &path).await {
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            println!("{path}: {status}, {} KB in {took:.0} ms", bytes / 1000);
        }
    }
}
