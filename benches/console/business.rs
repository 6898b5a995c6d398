//! A business in a temporary folder, of whose customers everybody has their birthday today.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use tempfile::TempDir;

/// Longer than starting takes, even with much to look through.
const PATIENCE: Duration = Duration::from_mins(2);

/// A business; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Business {
    folder: TempDir,
    program: PathBuf,
}

impl Business {
    /// The shipped rules and letters, due at midnight, and customers who are read in already.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program's own clock would bring in the whole program"
    )]
    pub(crate) fn found(program: &Path, port: u16, customers: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fondly-bench-").tempdir()?;
        let program = program.to_owned();
        let business = Self { folder, program };
        let config = business.folder.path().join("config");
        let mut init = Command::new(&business.program);
        let made = init.arg("init").arg(&config).output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("fondly.toml"), settings(port))?;
        let birthday = config.join("rules/birthday.toml");
        let text = fs::read_to_string(&birthday)?;
        let text = text.replace("at = \"09:00\"", "at = \"00:00\"");
        fs::write(birthday, text.replace("enabled = false", "enabled = true"))?;
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        let born = today.checked_sub(36.years())?;
        let mut file = business.file("customers.csv")?;
        writeln!(file, "id,email,first_name,last_name,language,birthday")?;
        for n in 0..customers {
            writeln!(file, "c{n},ann{n}@customer.example,Ann {n},Smith,en,{born}")?;
        }
        file.flush()?;
        let read = business.command(&["sync"]).output()?;
        if !read.status.success() {
            bail!("fondly sync: {}", String::from_utf8_lossy(&read.stderr));
        }
        Ok(business)
    }

    fn file(&self, name: &str) -> anyhow::Result<BufWriter<File>> {
        Ok(BufWriter::new(File::create(self.folder.path().join(name))?))
    }

    /// The database.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("fondly.db")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.folder.path().join("config/fondly.toml"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_remove("FONDLY_LOG");
        command
    }

    /// Starts it.
    pub(crate) fn start(&self) -> anyhow::Result<Daemon> {
        let log = self.folder.path().join("run.log");
        let mut command = self.command(&["run"]);
        command.env("FONDLY_LOG_FORMAT", "json");
        let process = command.stderr(File::create(&log)?).spawn()?;
        Ok(Daemon {
            process: process.into(),
            log,
            begun: Instant::now(),
        })
    }
}

/// A running daemon; ends with us.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: std::cell::RefCell<Child>,
    log: PathBuf,
    begun: Instant,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let mut process = self.process.borrow_mut();
        // It may have ended already, which is as good.
        _ = process.kill();
        _ = process.wait();
    }
}

impl Daemon {
    /// Where the console is, once it is open.
    pub(crate) fn console(&self) -> anyhow::Result<SocketAddr> {
        while self.begun.elapsed() < PATIENCE {
            for line in BufReader::new(File::open(&self.log)?).lines() {
                let Ok(line) = serde_json::from_str::<serde_json::Value>(&line?) else {
                    continue;
                };
                let is_it = line
                    .get("message")
                    .is_some_and(|it| it == "the console is open");
                let address = line.get("address").and_then(serde_json::Value::as_str);
                if let Some(address) = address.filter(|_| is_it) {
                    return Ok(address.parse()?);
                }
            }
            self.is_alive()?;
            std::thread::park_timeout(Duration::from_millis(20));
        }
        bail!("the console didn't open")
    }

    /// That it hasn't ended.
    pub(crate) fn is_alive(&self) -> anyhow::Result<()> {
        let ended = self.process.borrow_mut().try_wait()?;
        if let Some(status) = ended {
            let log = fs::read_to_string(&self.log).context("its log")?;
            let last: Vec<&str> = log.lines().rev().take(3).collect();
            bail!("fondly run ended with {status}: {last:?}");
        }
        Ok(())
    }

    /// Seconds since it was started.
    pub(crate) fn since(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

fn settings(port: u16) -> String {
    format!(
        "[business]\nname = \"Thorn & Rose\"\nfrom = \"Thorn & Rose <hello@thorn.example>\"\n\
         reply_to = \"anna@thorn.example\"\nowner = [\"anna@thorn.example\"]\n\
         timezone = \"UTC\"\nlanguage = \"en\"\n\
         postal_address = \"1 High Street, Leeds LS1 1AA, United Kingdom\"\n\
         unsubscribe_mailto = \"unsubscribe@thorn.example\"\n\
         [store]\nurl = \"sqlite:../fondly.db\"\n\
         [mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
         security = \"none\"\nconnections = 8\nper_second = 10000\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [guard]\nmax_per_rule_per_day = 1000000\n\
         [console]\nbind = \"127.0.0.1:0\"\n\
         [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../customers.csv\"\n\
         feeds = \"customers\"\n"
    )
}
