//! `fondly demo`: everything working on a made-up business, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::{Done, Failure, Outcome, init, output, plans, run, summary};
use crate::clock::Clock;
use crate::daemon;
use crate::engine::tick::{self, Pass};
use crate::engine::{House, Report};
use crate::model;
use crate::records::made_up;
use crate::review::OpenDoors;
use crate::store::{Filter, HoldError, Holder, OpenOptions, Store};

/// Letters of the pass that are named one by one.
const NAMED: u32 = 6;

/// What others see who want the store as well.
const COMMAND: &str = "fondly demo";
/// Says that the folder is ours to empty.
const MARKER: &str = ".fondly-demo";
/// The store, in the folder.
const STORE: &str = "var/fondly.db";

/// The made-up shop's zone.
const ZONE: &str = "Europe/London";
/// Always the same customers.
const SEED: u64 = 1;
/// The shipped rules send at nine; the demo at once, whatever the hour.
const AT_NINE: &str = "\"09:00\"";
const AT_MIDNIGHT: &str = "\"00:00\"";

/// What the demo changes in the shipped settings.
const LOCAL: &str = r#"# Written by `fondly demo`: its sources, no quiet hours, so that there is something to see at any
# time of the day, and a look every ten seconds, so that nobody has to wait.
[sending]
quiet_hours = "none"

[schedule]
sync = "*/10 * * * * *"
tick = "*/10 * * * * *"

[console]
bind = "127.0.0.1:8425"

[[source]]
name = "customers"
kind = "csv"
path = "../data/customers.csv"
feeds = "customers"

[[source]]
name = "orders"
kind = "csv"
path = "../data/events.csv"
feeds = "events"
"#;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the made-up business; its earlier files there are replaced
    #[arg(long, value_name = "DIR", default_value = "demo")]
    dir: PathBuf,
    /// Stops after the first pass
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(args: Args) -> Outcome {
    let clock = Clock::System;
    // Before anything there is touched: somebody may be at work with it.
    let holder = take(&args.dir, &clock)?;
    build(&args.dir, &clock)?;
    make_store(&args.dir).await?;
    let config = args.dir.join("config/fondly.toml");
    let mut plans = plans(&config)?;
    // Before anything is done, as the daemon does it later: somebody else may have the port.
    if let Some(console) = &mut plans.settings.console
        && std::net::TcpListener::bind(console.bind).is_err()
    {
        console.bind.set_port(0);
    }
    let house = Arc::new(House::open(plans, clock).await?);
    let _holder = if is_its_own(&args.dir, house.store.path()) {
        holder
    } else {
        // The environment names another store.
        run::hold(&house, COMMAND).await?
    };
    let stop = run::stop_on_signals()?;
    let mut report = tick::recover(&house).await?;
    let pass = Pass {
        sync: true,
        workers: None,
    };
    report.add(Box::pin(tick::alone(&house, pass, &stop)).await?);
    tell(&house, &report, &args.dir).await?;
    if let Some(words) = report.broke_off {
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    }
    if args.once {
        house.store.clone().close().await?;
        return Ok(Done::Well);
    }
    let config = config.display();
    output::say("\nIt goes on watching; Ctrl-C stops it. Meanwhile, in another terminal:")?;
    output::say(format!("  fondly --config {config} log"))?;
    output::say(format!(
        "  add a row to {}/data/customers.csv and see it being greeted",
        args.dir.display()
    ))?;
    let store = house.store.clone();
    let opened = |doors: &OpenDoors| {
        if let Some(address) = doors.console() {
            // Nobody reads it when standard output is gone.
            _ = output::say(format!("\nLook at it in a browser: http://{address}"));
        }
    };
    Box::pin(daemon::run(house, stop, opened)).await?;
    store.close().await?;
    Ok(Done::Well)
}

/// Takes hold of the folder's store, which need not be there yet, if the folder is ours to replace.
fn take(dir: &Path, clock: &Clock) -> anyhow::Result<Holder> {
    let ours = dir.join(MARKER).exists();
    let empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    anyhow::ensure!(
        ours || empty,
        "{} holds other files; name an empty folder with --dir",
        dir.display()
    );
    let store = dir.join(STORE);
    let folder = store.parent().unwrap_or(dir);
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let text = "A folder made by `fondly demo`, which may empty it.\n";
    fs::write(dir.join(MARKER), text)
        .with_context(|| format!("{} can't be written", dir.join(MARKER).display()))?;
    Store::hold(&store, COMMAND, clock.now()).map_err(|error| match error {
        HoldError::HeldBy { text, .. } => anyhow::anyhow!(
            "somebody is at work in {}: {text}; stop that first, or name another folder with --dir",
            dir.display()
        ),
        error @ HoldError::Io { .. } => error.into(),
    })
}

/// Whether this is the store in the demo's folder.
fn is_its_own(dir: &Path, store: &Path) -> bool {
    match (fs::canonicalize(dir.join(STORE)), fs::canonicalize(store)) {
        (Ok(ours), Ok(store)) => ours == store,
        _ => false,
    }
}

/// Empties a folder, but for the lock that is ours.
fn empty(folder: &Path) -> std::io::Result<()> {
    let lock = Store::lock_of(Path::new(STORE));
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if Some(entry.file_name().as_os_str()) == lock.file_name() {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes an empty store. It comes from beside: where a lock lies and no store, one is gone, and
/// nobody may open a new one.
async fn make_store(dir: &Path) -> anyhow::Result<()> {
    let folder = dir.join("var/new");
    fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    let new = folder.join("fondly.db");
    let store = Store::open(&new.display().to_string(), options).await?;
    store.close().await?;
    fs::rename(&new, dir.join(STORE))
        .and_then(|()| fs::remove_dir_all(&folder))
        .with_context(|| format!("{} can't be made", dir.join(STORE).display()))
}

/// Lays out the folder: configuration, records around today, an empty outbox.
fn build(dir: &Path, clock: &Clock) -> anyhow::Result<()> {
    for folder in ["config", "data", "var"] {
        let path = dir.join(folder);
        empty(&path).with_context(|| format!("{} can't be emptied", path.display()))?;
    }
    init::write_shipped(&dir.join("config"))?;
    let today = jiff::tz::TimeZone::get(ZONE)
        .map_or(jiff::tz::TimeZone::UTC, |zone| zone)
        .to_datetime(clock.now())
        .date();
    let (customers, events) = made_up::business(today, SEED);
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("{} can't be written", path.display()))
    };
    write("data/customers.csv", &customers)?;
    write("data/events.csv", &events)?;
    for rule in ["birthday", "thank-you", "we-miss-you"] {
        let name = format!("config/rules/{rule}.toml");
        let text = fs::read_to_string(dir.join(&name)).context(name.clone())?;
        write(&name, &text.replace(AT_NINE, AT_MIDNIGHT))?;
    }
    write("config/local.toml", LOCAL)
}

async fn tell(house: &House, report: &Report, dir: &Path) -> anyhow::Result<()> {
    output::say("A made-up flower shop with 200 customers; three rules are on. Today's pass:\n")?;
    for line in summary::lines(house, report) {
        output::say(format!("  {line}"))?;
    }
    let outbox = dir.join("var/outbox");
    output::say(format!(
        "\nThe letters are files in {}, for example:",
        outbox.display()
    ))?;
    for rule in &house.plans.rules {
        let filter = Filter {
            rule: Some(rule.id.clone()),
            outcome: Some(model::Outcome::Sent),
            limit: Some(NAMED / 3),
            ..Filter::default()
        };
        for row in house.store.log(&filter).await? {
            let to = row.recipient.unwrap_or_default();
            let subject = row.subject.unwrap_or_default();
            output::say(format!("  {to:<34} {subject}"))?;
        }
    }
    let config = dir.join("config/fondly.toml");
    output::say("\nEvery yes and every no stands in the ledger with its reason:")?;
    output::say(format!("  fondly --config {} log", config.display()))?;
    Ok(())
}
