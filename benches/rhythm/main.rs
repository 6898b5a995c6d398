//! How well silences are understood: on real customers, and on made-up regular ones.
//!
//! `cargo bench --bench rhythm -- --events FILE` with the CDNOW events (columns `CustomerNo`
//! and `Date`), the data on which the literature measures itself; without a file only the made-up ones.
//! Fits on what was known on one day, and judges by what came after it. May use nothing of the
//! program but its arithmetic.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people, which prints what it measured"
)]

mod foresight;
mod regular;
mod speed;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use fondly::rhythm::{Pattern, Sample};
use jiff::civil::{Date, date};

/// Measures how well silences are understood.
#[derive(Debug, Parser)]
struct Args {
    /// A CSV file with the columns `CustomerNo` and `Date`
    #[arg(long)]
    events: Option<PathBuf>,
    /// The last day of what is known
    #[arg(long, default_value = "1997-09-30")]
    known_until: Date,
    /// The last day of the data
    #[arg(long, default_value = "1998-06-30")]
    until: Date,
    /// Made-up customers for the speed of the fit
    #[arg(long, default_value_t = 1_000_000)]
    customers: u32,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Contact days of every customer, in order and each once.
type Customers = Vec<Vec<i32>>;

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rhythm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> anyhow::Result<()> {
    if let Some(events) = &args.events {
        let customers = read(events)?;
        let (known, until) = (number(args.known_until), number(args.until));
        let pattern = fitted(&customers, known);
        println!("{}: {} customers", events.display(), customers.len());
        println!("fitted to {}: {pattern:?}\n", args.known_until);
        foresight::print(&pattern, &customers, (known, until));
        walk::print(&pattern, &customers, (known, until));
    }
    regular::print();
    speed::print(args.customers);
    Ok(())
}

fn fitted(customers: &[Vec<i32>], today: i32) -> Pattern {
    let mut sample = Sample::default();
    for days in customers {
        sample.add(days, today);
    }
    sample.fit()
}

fn read(path: &Path) -> anyhow::Result<Customers> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        let found = headers.iter().position(|header| header == name);
        found.with_context(|| format!("{}: there is no column {name}", path.display()))
    };
    let (customer, day) = (column("CustomerNo")?, column("Date")?);
    let mut found: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let text = record.get(day).unwrap_or_default();
        let day: Date = text.parse().with_context(|| format!("`{text}`"))?;
        let customer = record.get(customer).unwrap_or_default();
        found
            .entry(customer.to_owned())
            .or_default()
            .push(number(day));
    }
    let days = found.into_values().map(|mut days| {
        days.sort_unstable();
        days.dedup();
        days
    });
    Ok(days.collect())
}

/// Days since the beginning of 1970.
fn number(day: Date) -> i32 {
    date(1970, 1, 1)
        .until(day)
        .map_or(0, |span| span.get_days())
}

/// What is known of a customer at the end of a day.
fn known(days: &[i32], today: i32) -> &[i32] {
    days.get(..days.partition_point(|day| *day <= today))
        .unwrap_or_default()
}
