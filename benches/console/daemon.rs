//! The program at work beside us, and where its console is.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::business::Business;

/// Longer than starting takes, even with much to look through.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running daemon; ends with us.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: RefCell<Child>,
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
    /// Starts the business's.
    pub(crate) fn start(business: &Business) -> anyhow::Result<Self> {
        let log = business.path("run.log");
        let mut command = business.command(&["run"]);
        command
            .env("FONDLY_LOG_FORMAT", "json")
            .stdout(Stdio::null());
        let process = command.stderr(File::create(&log)?).spawn()?;
        Ok(Self {
            process: process.into(),
            log,
            begun: Instant::now(),
        })
    }

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
