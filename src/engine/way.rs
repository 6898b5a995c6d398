//! One way out: a mail server or the folder of the files, with its breaker and its pace.
//!
//! May not judge letters, nor know of other ways.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{EngineError, House, wiring};
use crate::clock::Clock;
use crate::deliver::breaker::{self, May};
use crate::deliver::budget::Budgets;
use crate::deliver::{Courier, FileCourier, Relay, Simulated, Throttle};
use crate::model::{Standing, State};
use crate::settings::{Settings, Smtp, WhenUnknown};

/// Workers that write files: the disk takes several fsyncs at once.
const FILE_WORKERS: u32 = 8;

/// How an entry that goes over SMTP is marked; others carry the folder of their file.
const SMTP: &str = "smtp:";

/// No folder is called so: theirs are whole paths.
const ANY_SMTP: &str = "smtp";

/// Whether letters that went this way went to a mail server.
pub(super) fn is_relay(via: &str) -> bool {
    via.starts_with(ANY_SMTP)
}

/// A way's name for people.
pub(super) fn bare(via: &str) -> &str {
    via.strip_prefix(SMTP).unwrap_or(via)
}

/// One way out.
#[derive(Debug)]
pub(super) struct Way {
    /// As the ledger calls it: `smtp:` with host and port, or the folder.
    pub(super) via: String,
    pub(super) exit: Exit,
    /// Connections at once.
    pub(super) connections: u32,
    /// It drops repeated Message-IDs, so what nobody knows of is sent again.
    pub(super) resends: bool,
    pub(super) pace: Throttle,
    budgets: Mutex<Budgets>,
    /// What went out before, of which only the ledger knows, is counted in the budgets.
    counted: AtomicBool,
    standing: Mutex<Standing>,
    /// A letter is on its way to see whether it works again.
    pub(super) probing: AtomicBool,
    /// One change after the other goes into the store.
    pub(super) keeping: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
pub(super) enum Exit {
    /// Files in a folder.
    Folder(FileCourier),
    /// A mail server.
    Relay(Arc<Relay>),
    /// A mail server that is played.
    Played(Arc<Relay>, Simulated),
    /// Letters are written, and that is that.
    Nowhere,
}

/// What a way says to a letter.
pub(super) enum Asked {
    Go,
    /// Go and see whether it works again; so it stands meanwhile.
    Probe(Standing),
    /// Another letter is out to see.
    Awaited,
    Closed,
    /// No room for its domain before this moment.
    Full(Timestamp),
}

impl Way {
    pub(super) fn new(via: String, exit: Exit, print: String) -> Self {
        Self {
            via,
            exit,
            connections: FILE_WORKERS,
            resends: false,
            pace: Throttle::unlimited(),
            budgets: Mutex::default(),
            counted: AtomicBool::new(false),
            standing: Mutex::new(Standing::new(print)),
            probing: AtomicBool::new(false),
            keeping: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn folder(dir: PathBuf, durable: bool) -> Self {
        let via = dir.display().to_string();
        Self::new(
            via,
            Exit::Folder(FileCourier::new(dir, durable)),
            String::new(),
        )
    }

    pub(super) fn relay(
        settings: &Settings,
        smtp: &Smtp,
        clock: &Clock,
    ) -> Result<Self, EngineError> {
        let relay = Relay::new(wiring::relay(settings, smtp))?;
        let via = format!("{SMTP}{}", smtp.name());
        let mut way = Self::new(via, Exit::Relay(relay), wiring::print(smtp));
        way.connections = smtp.connections;
        way.resends = smtp.when_unknown == WhenUnknown::Resend;
        way.budgets = Mutex::new(wiring::budgets(smtp));
        if let Some(rate) = NonZeroU32::new(smtp.per_second) {
            way.pace = Throttle::per_second(rate, clock.instant());
        }
        Ok(way)
    }

    /// The same way, with somebody who plays the mail server.
    pub(super) fn played(mut self, by: &Simulated) -> Self {
        if let Exit::Relay(relay) = self.exit {
            self.exit = Exit::Played(relay, by.clone());
        }
        self
    }

    /// A courier for one worker.
    pub(super) fn courier(&self) -> Courier {
        match &self.exit {
            Exit::Folder(courier) => Courier::File(courier.clone()),
            Exit::Relay(relay) => Courier::Smtp(relay.courier()),
            Exit::Played(relay, by) => Courier::Simulated(relay.courier_by(by.clone())),
            Exit::Nowhere => Courier::Nowhere,
        }
    }

    /// Asks for a letter to this domain.
    pub(super) fn ask(&self, domain: Option<&str>, now: Timestamp) -> Asked {
        let mut standing = self.lock();
        let may = breaker::may(&standing, now);
        if may != May::Send && self.probing.load(Ordering::Acquire) {
            return Asked::Awaited;
        }
        if matches!(may, May::Wait(_)) {
            return Asked::Closed;
        }
        if let Some(domain) = domain
            && let Err(until) = self.budgets().take(domain, now)
        {
            return Asked::Full(until);
        }
        match may {
            May::Send | May::Wait(_) => Asked::Go,
            May::Probe => {
                *standing = breaker::probed(&standing, now);
                self.probing.store(true, Ordering::Release);
                Asked::Probe(standing.clone())
            }
        }
    }

    /// Counts what went out before, once.
    pub(super) async fn count(&self, house: &House, now: Timestamp) -> Result<(), EngineError> {
        let Some(longest) = self.budgets().longest() else {
            return Ok(());
        };
        if self.counted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let since = now.checked_sub(longest).unwrap_or(Timestamp::MIN);
        for letter in house.store.handed_over_since(since).await? {
            if let Some((_, domain)) = letter.recipient.rsplit_once('@')
                && letter.via == self.via
            {
                self.budgets().note(domain, letter.at);
            }
        }
        self.counted.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn keep(&self, house: &House, standing: &Standing) -> Result<(), EngineError> {
        let _one_by_one = self.keeping.lock().await;
        let now = house.clock.now();
        Ok(house.store.keep_relay(&self.via, standing, now).await?)
    }

    pub(super) fn tell(&self, before: State, after: &Standing) {
        let (relay, reply) = (self.via.as_str(), after.words.as_str());
        match (before, after.state) {
            (State::Works, State::Works) if after.is_fine() => {}
            (State::Works, State::Works) => {
                tracing::warn!(relay, reply, "a letter couldn't be handed over");
            }
            (_, State::Works) => tracing::info!(relay, "letters leave again"),
            (before, now) if before == now => {}
            (_, State::Away) => {
                tracing::error!(
                    relay,
                    reply,
                    "letters can't leave at the moment; one a minute asks whether they can"
                );
            }
            (_, State::RefusesUs) => {
                tracing::error!(relay, reply, "the mail server refuses us; letters wait");
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
