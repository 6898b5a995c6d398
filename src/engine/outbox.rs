//! The ways by which letters leave, in order, and which of them is open.
//!
//! Every letter asks here before it goes, and what became of it is told here: the breaker of each
//! way (`deliver::breaker`) decides, the store remembers. May not judge letters.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::way::{Asked, Exit, Way};
use super::{EngineError, House};
use crate::clock::Clock;
use crate::deliver::breaker::{self, Heard, May};
use crate::deliver::{Courier, Simulated, Verdict};
use crate::model::{Reason, Standing, State};
use crate::settings::{Settings, Transport};

/// Where letters go. Clones share it.
#[derive(Debug, Clone)]
pub struct Outbox {
    ways: Arc<[Way]>,
    /// Raised when a way opened or closed, or a probe came back.
    changed: Arc<Notify>,
}

/// What a letter that asks is told.
#[derive(Debug)]
pub(super) enum Route {
    /// This way, now.
    Go(Turn),
    /// None is open, for this reason.
    Closed(Reason),
    /// Enough has gone to its domain, until this moment.
    Full(Timestamp),
}

/// A letter's leave to go.
#[derive(Debug)]
pub(super) struct Turn {
    outbox: Outbox,
    /// Which way.
    pub(super) way: usize,
    probe: bool,
    /// The place it took in its domain's budget, until it is used.
    place: Option<(String, Timestamp)>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(way) = self.outbox.way(self.way) else {
            return;
        };
        if let Some((domain, at)) = &self.place {
            way.budgets().give_back(domain, *at);
        }
        if self.probe {
            way.probing.store(false, Ordering::Release);
            self.outbox.changed.notify_waiters();
        }
    }
}

impl Outbox {
    /// As the settings have it.
    pub(super) fn new(
        settings: &Settings,
        durable: bool,
        clock: &Clock,
    ) -> Result<Self, EngineError> {
        Ok(Self::of(match &settings.mail.transport {
            Transport::File { dir } => vec![Way::folder(dir.clone(), durable)],
            Transport::Smtp(relays) => {
                let ways = relays.iter().map(|one| Way::relay(settings, one, clock));
                ways.collect::<Result<_, _>>()?
            }
        }))
    }

    /// As the settings have it, but whoever plays the mail servers is on the other end.
    pub(super) fn played(
        settings: &Settings,
        clock: &Clock,
        by: &Simulated,
    ) -> Result<Self, EngineError> {
        let Transport::Smtp(relays) = &settings.mail.transport else {
            return Self::new(settings, false, clock);
        };
        let ways = relays.iter().map(|one| Way::relay(settings, one, clock));
        let ways = ways.map(|way| way.map(|way| way.played(by)));
        Ok(Self::of(ways.collect::<Result<_, _>>()?))
    }

    /// Letters go nowhere.
    pub(super) fn nowhere() -> Self {
        Self::of(vec![Way::new(String::new(), Exit::Nowhere, String::new())])
    }

    fn of(ways: Vec<Way>) -> Self {
        Self {
            ways: ways.into(),
            changed: Arc::default(),
        }
    }

    fn way(&self, number: usize) -> Option<&Way> {
        self.ways.get(number)
    }

    /// Whether there is such a way.
    pub(super) fn has(&self, via: &str) -> bool {
        self.ways.iter().any(|way| way.via == via)
    }

    /// The ways that take a letter a second time without harm.
    pub(super) fn resending(&self) -> Vec<&str> {
        let ways = self.ways.iter().filter(|way| way.resends);
        ways.map(|way| way.via.as_str()).collect()
    }

    /// Every way but this one.
    pub(super) fn all_but(&self, via: &str) -> Vec<usize> {
        let ways = self.ways.iter().enumerate();
        let others = ways.filter(|(_, way)| way.via != via);
        others.map(|(number, _)| number).collect()
    }

    /// Whether the way that takes letters now, the first that is open, has a connection for the
    /// worker of this number, from 0. The first worker is always wanted.
    pub(super) fn wants(&self, worker: u32) -> bool {
        let is_open = |way: &&Way| way.lock().state == State::Works;
        let open = self.ways.iter().find(is_open);
        worker == 0 || open.is_none_or(|way| worker < way.connections)
    }

    /// As many workers as the way with the most connections keeps busy.
    pub(super) fn workers(&self) -> u32 {
        let connections = self.ways.iter().map(|way| way.connections);
        connections.max().unwrap_or(1)
    }

    /// What the store keeps of a letter: the whole, unless it goes nowhere.
    pub(super) fn kept(&self, message: &[u8]) -> Arc<str> {
        let leave = |way: &Way| !matches!(way.exit, Exit::Nowhere);
        if self.ways.iter().any(leave) {
            String::from_utf8_lossy(message).into()
        } else {
            Arc::default()
        }
    }

    /// Recalls what the store knows of the ways. One whose settings have changed begins anew, and
    /// so do the letters that waited for it or for one that is no more.
    pub(super) async fn recall(&self, house: &House) -> Result<(), EngineError> {
        let now = house.clock.now();
        for (via, known) in house.store.relays().await? {
            let way = self.ways.iter().find(|way| way.via == via);
            match way.filter(|way| way.lock().print == known.print) {
                Some(way) => *way.lock() = known,
                None => drop(house.store.relay_works(&via, true, now).await?),
            }
        }
        for way in self.ways.iter() {
            way.count(house, now).await?;
        }
        Ok(())
    }

    /// The way that a letter to this domain may take now, for which nothing else is in its way.
    /// Where a letter is out to see whether the only way works again, waits for its return.
    pub(super) async fn route(
        &self,
        house: &House,
        (domain, but): (Option<&str>, &[usize]),
        stop: &CancellationToken,
    ) -> Result<Route, EngineError> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let mut awaited = false;
            for (number, way) in self.ways.iter().enumerate() {
                if but.contains(&number) {
                    continue;
                }
                let now = house.clock.now();
                let place = domain.map(|domain| (domain.to_owned(), now));
                match way.ask(domain, now) {
                    Asked::Go => return Ok(Route::Go(self.turn(number, false, place))),
                    Asked::Full(until) => return Ok(Route::Full(until)),
                    Asked::Probe(standing) => {
                        let turn = self.turn(number, true, place);
                        // Noted before it goes: after a restart nobody asks again too soon.
                        way.keep(house, &standing).await?;
                        return Ok(Route::Go(turn));
                    }
                    Asked::Awaited => awaited = true,
                    Asked::Closed => {}
                }
            }
            if !awaited {
                return Ok(Route::Closed(self.reason()));
            }
            tokio::select! {
                () = changed => {}
                () = stop.cancelled() => return Ok(Route::Closed(self.reason())),
            }
        }
    }

    /// Waits until the way's pace allows another letter.
    pub(super) async fn pace(&self, turn: &mut Turn, clock: &Clock) {
        let Some(way) = self.way(turn.way) else {
            return;
        };
        clock.wait_until(way.pace.turn(clock.instant())).await;
        // What counts is when it goes, not when it was allowed to.
        if let Some((domain, at)) = &mut turn.place {
            let mut budgets = way.budgets();
            budgets.give_back(domain, *at);
            *at = clock.now();
            budgets.note(domain, *at);
        }
    }

    fn turn(&self, way: usize, probe: bool, place: Option<(String, Timestamp)>) -> Turn {
        Turn {
            outbox: self.clone(),
            way,
            probe,
            place,
        }
    }

    /// The next moment at which there is room for a letter that found none.
    pub(super) fn next_place(&self, now: Timestamp) -> Option<Timestamp> {
        let ways = self.ways.iter();
        ways.filter_map(|way| way.budgets().next_place(now)).min()
    }

    /// When a letter is looked at again that can't go now, and why it can't: no way is open, and
    /// nobody asks at the moment whether one is.
    pub(super) fn closed(&self, now: Timestamp) -> Option<(Timestamp, Reason)> {
        let mut again = None;
        for way in self.ways.iter() {
            let standing = way.lock();
            let waits = matches!(breaker::may(&standing, now), May::Wait(_));
            if way.probing.load(Ordering::Acquire) || !waits {
                return None;
            }
            let at = breaker::judged_again(&standing, now);
            again = again.map_or(Some(at), |known: Timestamp| Some(known.min(at)));
        }
        again.map(|at| (at, self.reason()))
    }

    /// Whether it is time to ask whether a way is open again, and none is.
    pub(super) fn wants_probe(&self, now: Timestamp) -> bool {
        let may = |way: &Way| breaker::may(&way.lock(), now);
        let ways = || self.ways.iter().map(may);
        ways().all(|may| may != May::Send) && ways().any(|may| may == May::Probe)
    }

    /// Whether some way is open, but for these.
    pub(super) fn is_open(&self, but: &[usize]) -> bool {
        let mut ways = self.ways.iter().enumerate();
        ways.any(|(n, way)| !but.contains(&n) && way.lock().state == State::Works)
    }

    /// A courier by the first way that was open when last heard of, without asking anybody.
    pub(super) fn courier_apart(&self) -> Option<Courier> {
        let open = |way: &&Way| way.lock().state == State::Works;
        self.ways.iter().find(open).map(Way::courier)
    }

    /// Why letters wait.
    fn reason(&self) -> Reason {
        let refuses = |way: &Way| way.lock().state == State::RefusesUs;
        if self.ways.iter().all(refuses) {
            Reason::RelayRefusesUs
        } else {
            Reason::RelayTrouble
        }
    }

    /// What is wrong, where the last that was heard of every way is trouble.
    pub(super) fn trouble(&self) -> Option<String> {
        let mut words = None;
        for way in self.ways.iter() {
            let standing = way.lock();
            if standing.troubles == 0 {
                return None;
            }
            words.get_or_insert_with(|| standing.words.clone());
        }
        words
    }

    /// How each way stands.
    pub(super) fn standings(&self) -> Vec<(String, Standing)> {
        let ways = self.ways.iter();
        ways.map(|way| (way.via.clone(), way.lock().clone()))
            .collect()
    }

    /// Keeps what was heard of a way. What waited for one is due when one has opened.
    pub(super) async fn keep(&self, house: &House, heard: Change) -> Result<(), EngineError> {
        let Some(way) = self.way(heard.way) else {
            return Ok(());
        };
        let _one_by_one = way.keeping.lock().await;
        let now = house.clock.now();
        let standing = way.lock().clone();
        if standing.is_fine() {
            house.store.relay_works(&way.via, heard.opened, now).await?;
        } else {
            house.store.keep_relay(&way.via, &standing, now).await?;
        }
        Ok(())
    }
}

impl Turn {
    /// Whether the way has a connection for the worker of this number, from 0.
    pub(super) fn suits(&self, worker: u32) -> bool {
        let way = self.outbox.way(self.way);
        worker == 0 || way.is_some_and(|way| worker < way.connections)
    }

    /// How the ledger calls the way.
    pub(super) fn via(&self) -> &str {
        self.outbox.way(self.way).map_or("", |way| &way.via)
    }

    /// A courier for the way.
    pub(super) fn courier(&self) -> Courier {
        let way = self.outbox.way(self.way);
        way.map_or(Courier::Nowhere, Way::courier)
    }

    /// Learns from a verdict how the way stands; what has to be kept, if anything.
    pub(super) fn heard(mut self, house: &House, verdict: &Verdict) -> Option<Change> {
        let (relay, reply) = (self.via(), verdict.reply());
        tracing::debug!(relay, reply, reason = ?verdict.reason(), "handed over");
        let heard = breaker::heard(verdict);
        let went = match verdict {
            Verdict::Withdrawn | Verdict::Stopped { .. } => false,
            Verdict::Deferred { relay, .. } => !relay,
            Verdict::Accepted { .. } | Verdict::Rejected { .. } | Verdict::Unknown { .. } => true,
        };
        if went {
            self.place = None;
        }
        let way = self.outbox.way(self.way)?;
        let mut standing = way.lock();
        if heard == Heard::Nothing || (heard == Heard::Works && standing.is_fine()) {
            return None;
        }
        let after = breaker::after(&standing, heard, verdict.reply(), house.clock.now());
        way.tell(standing.state, &after);
        let opened = after.is_fine() && standing.state != State::Works;
        *standing = after;
        drop(standing);
        self.outbox.changed.notify_waiters();
        Some(Change {
            way: self.way,
            opened,
        })
    }
}

/// Something that was heard of a way and has to be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    way: usize,
    /// It has opened again.
    pub(super) opened: bool,
}
