//! A business in a temporary folder, as every bench needs one: the shipped rules and letters, due at
//! midnight, and customers who have their birthday today.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::bail;
use fondly::clock::Clock;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tempfile::TempDir;

/// A business; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Business {
    folder: TempDir,
    program: PathBuf,
}

impl Business {
    /// With these settings besides those that every business has.
    pub(crate) fn found(program: &Path, settings: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fondly-bench-").tempdir()?;
        let program = program.to_owned();
        let business = Self { folder, program };
        let config = business.path("config");
        let made = Command::new(&business.program)
            .arg("init")
            .arg(&config)
            .output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("fondly.toml"), format!("{SETTINGS}{settings}"))?;
        for rule in fs::read_dir(config.join("rules"))? {
            let path = rule?.path();
            let text = fs::read_to_string(&path)?;
            fs::write(path, text.replace("at = \"09:00\"", "at = \"00:00\""))?;
        }
        Ok(business)
    }

    /// Customers whose birthday is today.
    pub(crate) fn with_birthdays(self, count: u32) -> anyhow::Result<Self> {
        let born = today().checked_sub(36.years())?;
        let mut file = self.file("customers.csv")?;
        writeln!(file, "id,email,first_name,last_name,language,birthday")?;
        for n in 0..count {
            writeln!(file, "c{n},ann{n}@customer.example,Ann {n},Smith,en,{born}")?;
        }
        file.flush()?;
        writeln!(self.file("events.csv")?, "id,customer_id,kind,at")?;
        Ok(self)
    }

    /// A file or folder of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str) -> anyhow::Result<BufWriter<File>> {
        Ok(BufWriter::new(File::create(self.path(name))?))
    }

    /// A command of the program's, not yet started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.path("config/fondly.toml"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("FONDLY_LOG");
        command
    }

    /// Runs a command to its end; what it said.
    pub(crate) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let done = self.command(words).output()?;
        if !done.status.success() {
            bail!(
                "fondly {words:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Ok(String::from_utf8(done.stdout)?)
    }
}

/// The civil day at the business.
pub(crate) fn today() -> Date {
    TimeZone::UTC.to_datetime(Clock::System.now()).date()
}

/// Letters go to this port of this machine, over so many connections.
pub(crate) fn relay(port: u16, connections: u32) -> String {
    format!(
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
         security = \"none\"\nconnections = {connections}\nper_second = 10000\n"
    )
}

const SETTINGS: &str = r#"[business]
name = "Thorn & Rose"
from = "Thorn & Rose <hello@thorn.example>"
reply_to = "anna@thorn.example"
owner = ["anna@thorn.example"]
timezone = "UTC"
language = "en"
postal_address = "1 High Street, Leeds LS1 1AA, United Kingdom"
unsubscribe_mailto = "unsubscribe@thorn.example"
[store]
url = "sqlite:../fondly.db"
[sending]
quiet_hours = "none"
caps = {}
[guard]
max_per_rule_per_day = 1000000
[[source]]
name = "customers"
kind = "csv"
path = "../customers.csv"
feeds = "customers"
[[source]]
name = "events"
kind = "csv"
path = "../events.csv"
feeds = "events"
"#;
