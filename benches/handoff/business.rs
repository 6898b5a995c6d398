//! A business in a temporary folder, with as many customers as wanted.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::bail;
use fondly::clock::Clock;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use tempfile::TempDir;

/// Where letters go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// Into files.
    Files,
    /// To this port of this machine, over so many connections.
    Relay { port: u16, connections: u32 },
}

/// A business; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Business {
    folder: TempDir,
}

impl Business {
    /// The shipped rules and letters, due at midnight.
    pub(crate) fn found(to: To) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fondly-bench-").tempdir()?;
        let config = folder.path().join("config");
        let made = Command::new(env!("CARGO_BIN_EXE_fondly"))
            .arg("init")
            .arg(&config)
            .output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("fondly.toml"), settings(to))?;
        for rule in fs::read_dir(config.join("rules"))? {
            let path = rule?.path();
            let text = fs::read_to_string(&path)?;
            fs::write(path, text.replace("at = \"09:00\"", "at = \"00:00\""))?;
        }
        Ok(Self { folder })
    }

    /// Customers whose birthday is today.
    pub(crate) fn with_birthdays(self, count: u32) -> anyhow::Result<Self> {
        let today = TimeZone::UTC.to_datetime(Clock::System.now()).date();
        let born = today.checked_sub(36.years())?;
        let mut file = self.file("customers.csv")?;
        writeln!(file, "id,email,first_name,last_name,language,birthday")?;
        for n in 0..count {
            writeln!(file, "c{n},ann{n}@customer.example,Ann {n},Smith,en,{born}")?;
        }
        file.flush()?;
        writeln!(self.file("events.csv")?, "id,customer_id,kind,at")?;
        Ok(self)
    }

    /// Customers of whom none has anything due for weeks: their birthdays are far, and they were
    /// here lately.
    pub(crate) fn with_nothing_due(self, count: u32) -> anyhow::Result<Self> {
        let today = TimeZone::UTC.to_datetime(Clock::System.now()).date();
        let mut customers = self.file("customers.csv")?;
        let mut events = self.file("events.csv")?;
        writeln!(customers, "id,email,first_name,last_name,language,birthday")?;
        writeln!(events, "id,customer_id,kind,at")?;
        for n in 0..count {
            let days = i64::from(n % 300 + 30);
            let born = today.checked_sub(40.years())?.checked_add(days.days())?;
            let here = today.checked_sub(i64::from(n % 60 + 1).days())?;
            writeln!(
                customers,
                "c{n},ann{n}@customer.example,Ann {n},Smith,en,{born}"
            )?;
            writeln!(events, "e{n},c{n},visit,{here}")?;
        }
        customers.flush()?;
        events.flush()?;
        Ok(self)
    }

    fn file(&self, name: &str) -> anyhow::Result<BufWriter<File>> {
        Ok(BufWriter::new(File::create(self.folder.path().join(name))?))
    }

    /// A command of the program's, not yet started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fondly"));
        command
            .arg("--config")
            .arg(self.folder.path().join("config/fondly.toml"))
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

    /// The files in the outbox.
    pub(crate) fn letters(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.folder.path().join("outbox"))?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        paths.collect()
    }
}

fn settings(to: To) -> String {
    let mail = match to {
        To::Files => "[mail]\ntransport = \"file\"\ndir = \"../outbox\"\n".to_owned(),
        To::Relay { port, connections } => format!(
            "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
             security = \"none\"\nconnections = {connections}\nper_second = 10000\n"
        ),
    };
    format!(
        "[business]\nname = \"Thorn & Rose\"\nfrom = \"Thorn & Rose <hello@thorn.example>\"\n\
         reply_to = \"anna@thorn.example\"\nowner = [\"anna@thorn.example\"]\n\
         timezone = \"UTC\"\nlanguage = \"en\"\n\
         postal_address = \"1 High Street, Leeds LS1 1AA, United Kingdom\"\n\
         unsubscribe_mailto = \"unsubscribe@thorn.example\"\n\
         [store]\nurl = \"sqlite:../fondly.db\"\n{mail}\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [guard]\nmax_per_rule_per_day = 1000000\n\
         [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../customers.csv\"\n\
         feeds = \"customers\"\n\
         [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../events.csv\"\n\
         feeds = \"events\"\n"
    )
}
