//! A test command: programs that follow every link, and people who make links up, at the customers'
//! door of a real `fondly run`.
//!
//! `cargo build --release --bins --examples && target/release/examples/strangers --looks 100000 --forged 1000000`
//!
//! First every link of every letter is looked at (GET and HEAD, as scanners of mail do), then links
//! are forged in a dozen ways and posted with what each page would take; after each of the two, the
//! store must hold what it held. Then somebody really unsubscribes, as RFC 8058 has it, and what is
//! planned a second later must be skipped. Ends with 1 when anything of it doesn't hold. May read the
//! store's key, which a forger doesn't have, to forge all the better.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it found"
)]

mod forge;
mod http;
#[path = "../killer/luck.rs"]
#[expect(dead_code, reason = "times by chance aren't needed here")]
mod luck;
#[path = "../killer/program.rs"]
mod program;
mod shop;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Parser;
use fondly::render::links::{Links, Scope};
use tokio::task::JoinSet;

use forge::{Forger, KINDS};
use http::{Answer, Line};
use luck::Luck;
use shop::{BASE, Shop};

/// Connections at once.
const LINES: usize = 32;
/// Mail providers send the one click as a form of either kind (RFC 8058 §3.2).
const URLENCODED: (&str, &str) = (
    "application/x-www-form-urlencoded",
    "List-Unsubscribe=One-Click",
);
const MULTIPART: (&str, &str) = (
    "multipart/form-data; boundary=x",
    "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
);

/// Looks at links and forges them, and then looks at what is in the store.
#[derive(Debug, Parser)]
struct Args {
    /// How often real links are looked at
    #[arg(long, default_value_t = 2_000)]
    looks: usize,
    /// How many links are forged
    #[arg(long, default_value_t = 10_000)]
    forged: usize,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Customers of the shop; each has got a letter
    #[arg(long, default_value_t = 200)]
    customers: usize,
    /// The program [default: `fondly` in the folder above this one's]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match knock(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strangers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn knock(args: &Args) -> anyhow::Result<()> {
    if args.customers < 4 {
        bail!("--customers: there must be four at least");
    }
    let binary = program::find(args.binary.as_deref())?;
    let mut shop = Shop::open(&binary, args.customers).await?;
    let crowd = Arc::new(Crowd {
        door: shop.door,
        links: shop.links().await?,
        entries: entries_of(&shop)?,
    });
    println!(
        "{} letters are out, seed {}",
        crowd.entries.len(),
        args.seed
    );
    let before = shop.holds().await?;
    looked(&crowd, args).await?;
    same(&before, &shop.holds().await?).context("looking changed something")?;
    println!("nothing in the store has changed");
    forged(&crowd, args).await?;
    same(&before, &shop.holds().await?).context("a forged link changed something")?;
    println!("nothing in the store has changed: none was accepted");
    really(&mut shop, &crowd).await
}

/// What everybody at the door has.
#[derive(Debug)]
struct Crowd {
    door: SocketAddr,
    links: Links,
    entries: Vec<String>,
}

fn entries_of(shop: &Shop) -> anyhow::Result<Vec<String>> {
    let entries = shop.ledger()?;
    let ids = entries.iter().map(|entry| entry["id"].as_str());
    let ids: Option<Vec<String>> = ids.map(|id| id.map(str::to_owned)).collect();
    ids.context("an entry without an id")
}

/// Everybody looks at real links.
async fn looked(crowd: &Arc<Crowd>, args: &Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    let statuses = in_turns(args.looks, args.seed, crowd, |crowd, n, luck| {
        let at = usize::try_from(luck.below(crowd.entries.len() as u64))?;
        let entry = crowd.entries.get(at).context("no letters")?;
        let scope = Scope::ALL.get(n % 4).copied().context("no pages")?;
        let token = crowd.links.token(scope, entry);
        let method = if luck.once_in(4) { "HEAD" } else { "GET" };
        let query = match luck.below(4) {
            0 => "?List-Unsubscribe=One-Click",
            1 => "?utm_source=scan",
            _ => "",
        };
        let more = match luck.below(3) {
            0 => "Purpose: prefetch\r\nSec-Purpose: prefetch\r\n",
            1 => "User-Agent: LinkScan/1.0\r\nAccept: */*\r\n",
            _ => "Accept-Language: de-DE, en;q=0.4\r\nAccept: text/html\r\n",
        };
        let path = format!("/{}/{token}{query}", scope.as_str());
        Ok((
            method.to_owned(),
            format!("{method} {path}"),
            request(method, &path, more, None),
        ))
    })
    .await?;
    for ((method, status), times) in &statuses {
        println!("{times} {method} of real links: {status}");
    }
    println!("{} looks in {:.1?}", args.looks, begun.elapsed());
    Ok(())
}

/// Everybody posts forged ones.
async fn forged(crowd: &Arc<Crowd>, args: &Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    let statuses = in_turns(args.forged, !args.seed, crowd, |crowd, n, luck| {
        let forger = Forger::new(&crowd.links, &crowd.entries);
        let (scope, token) = forger.forge(n, luck)?;
        if crowd.links.verify(scope, &token).is_some() {
            bail!("not a forgery: {token}");
        }
        let path = format!("/{}/{token}", scope.as_str());
        let kind = KINDS.get(n % KINDS.len()).copied().unwrap_or_default();
        let post = request("POST", &path, "", Some((URLENCODED.0, said_to(scope))));
        Ok((kind.to_owned(), path, post))
    })
    .await?;
    for ((kind, status), times) in &statuses {
        println!("{times} forged, {kind}: {status}");
    }
    println!("{} forgeries in {:.1?}", args.forged, begun.elapsed());
    Ok(())
}

/// What each page would take.
const fn said_to(scope: Scope) -> &'static str {
    match scope {
        Scope::Unsubscribe => URLENCODED.1,
        Scope::Preferences => "language=de&fewer=on&pause=3&stop=yes",
        Scope::Birthday => "day=1&month=2",
        Scope::Opinion => "face=1&text=This%20was%20bad",
    }
}

/// Somebody really unsubscribes: twice as a mail provider does it.
async fn really(shop: &mut Shop, crowd: &Crowd) -> anyhow::Result<()> {
    let entries = shop.ledger()?;
    let who: Vec<String> = entries
        .iter()
        .take(3)
        .filter_map(|entry| entry["customer"].as_str().map(str::to_owned))
        .collect();
    let mut line = Line::to(crowd.door);
    for (entry, form) in entries.iter().zip([URLENCODED, MULTIPART]) {
        let entry = entry["id"].as_str().context("an entry without an id")?;
        let token = crowd.links.token(Scope::Unsubscribe, entry);
        let post = request("POST", &format!("/u/{token}"), "", Some(form));
        let answer = line.ask(&post).await?;
        let odd = ["location", "set-cookie"]
            .into_iter()
            .find(|name| answer.bears(name));
        if answer.status != 200 || odd.is_some() {
            bail!("one click by {}: {answer:?}", form.0);
        }
    }
    shop.visit(&who, "again-")?;
    for (n, customer) in who.iter().enumerate() {
        let became = shop.became_of(&format!("again-{customer}")).await?;
        let should = if n < 2 {
            "skipped suppressed"
        } else {
            "sent accepted"
        };
        if became != should {
            bail!("{customer}'s next letter should be {should}, and was {became}");
        }
    }
    println!(
        "2 unsubscribed by one click (200, no redirect, no cookie): their next letters are \
         skipped, another's is sent"
    );
    Ok(())
}

/// Asks so many times, on [`LINES`] connections; how often each kind got which status.
async fn in_turns(
    times: usize,
    seed: u64,
    crowd: &Arc<Crowd>,
    make: impl Fn(&Crowd, usize, &mut Luck) -> anyhow::Result<(String, String, String)>
    + Copy
    + Send
    + 'static,
) -> anyhow::Result<BTreeMap<(String, u16), usize>> {
    let mut turns = JoinSet::new();
    for first in 0..LINES {
        let crowd = Arc::clone(crowd);
        turns.spawn(async move {
            let mut statuses: BTreeMap<(String, u16), usize> = BTreeMap::new();
            let mut line = Line::to(crowd.door);
            for n in (first..times).step_by(LINES) {
                let mut luck = Luck::new(seed ^ n as u64);
                let (kind, what, request) = make(&crowd, n, &mut luck)?;
                let answer: Answer = line.ask(&request).await.with_context(|| what.clone())?;
                if answer.status >= 500 || answer.bears("set-cookie") || answer.bears("location") {
                    bail!("{what}: {answer:?}");
                }
                *statuses.entry((kind, answer.status)).or_default() += 1;
            }
            anyhow::Ok(statuses)
        });
    }
    let mut all: BTreeMap<(String, u16), usize> = BTreeMap::new();
    while let Some(done) = turns.join_next().await {
        for (what, times) in done?? {
            *all.entry(what).or_default() += times;
        }
    }
    Ok(all)
}

fn request(method: &str, path: &str, more: &str, form: Option<(&str, &str)>) -> String {
    let host = BASE.trim_start_matches("https://");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}");
    match form {
        None => format!("{head}\r\n"),
        Some((kind, body)) => format!(
            "{head}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    }
}

fn same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for (table, rows) in before {
        let now = after.get(table).map(String::as_str).unwrap_or_default();
        if now != rows {
            let old: Vec<&str> = rows.lines().collect();
            let new = now
                .lines()
                .find(|row| !old.contains(row))
                .unwrap_or_default();
            bail!("table {table}: {new}");
        }
    }
    Ok(())
}
