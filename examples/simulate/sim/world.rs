//! One world: a business, its records, a relay, a clock, and fondly at work between them, killed and
//! started anew as the seed has it. May not judge what comes of it.
//!
//! Everything happens on one thread and in one order. Tokio's clock stands still unless the relay
//! takes its time; the database is waited for, whatever it takes.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyhow::Context as _;
use fondly::clock::Clock;
use fondly::deliver::Simulated;
use fondly::engine::tick::{self, Pass};
use fondly::engine::{EngineError, House, Plans, Report, control};
use fondly::model::Outcome;
use fondly::points;
use fondly::render::links::Links;
use fondly::store::Filter;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::books::{self, Books, Seen};
use super::business::{Business, Delivered, Records, SOURCES};
use super::calendar::{DAY, HOUR, MINUTE, shown};
use super::luck::Luck;
use super::relay::{Relay, Wait, Weather, outage};
use super::trace::Trace;
use super::{Plant, Played, Wanted};

/// Links in these letters lead nowhere.
const WORTHLESS_KEY: [u8; 32] = [0; 32];
/// Whatever came due is settled after this long, in milliseconds: the longest `late` and more.
const LONG_AFTER: i64 = 45 * DAY;
/// Letters of one pass that may be the moment of a death.
const MOMENTS: u64 = 4;

/// A world at work.
struct World {
    business: Business,
    plans: Plans,
    house: Option<Arc<House>>,
    relay: Relay,
    clock: Clock,
    books: Books,
    /// What the program has read of the sources, and what it last read of each.
    records: Records,
    read: [String; 2],
    /// When the records last changed.
    lived: i64,
    /// Letters that the checker has looked at.
    looked: usize,
    away_until: i64,
    plant: Plant,
    luck: Luck,
}

/// How a piece of work ended.
enum Ended<T> {
    Well(T),
    /// The process died.
    Killed,
}

/// What the sources hold before a pass, and what of it was taken in.
#[derive(Default)]
struct Feed {
    waiting: VecDeque<(usize, Delivered)>,
    taken: Vec<(usize, Delivered)>,
}

/// Plays a world to its end.
pub(crate) async fn play(wanted: &Wanted, folder: &Path) -> anyhow::Result<Played> {
    let mut luck = Luck::new(wanted.seed);
    let start = a_beginning(&mut luck);
    let at = Timestamp::from_millisecond(start)?;
    let clock = Clock::manual(at);
    let business = Business::found(folder, luck.fork(), start)?;
    let plans = Plans::read(&business.config())
        .map_err(|findings| anyhow::anyhow!("the plans can't be read: {findings:#?}"))?;
    let relay = Relay::new(luck.fork(), clock.clone(), Trace::new(wanted.aloud));
    {
        let mut desk = relay.desk();
        desk.drops_repeats = business.resend;
        desk.lies = (wanted.plant == Plant::Liar).then_some(7);
        let faults = *luck.one_of(&[0, 10, 30, 30, 60, 120]);
        desk.weather = Weather::Faults(faults);
    }
    let mut world = World {
        business,
        plans,
        house: None,
        relay,
        clock,
        books: Books::default(),
        records: Records::default(),
        read: [String::new(), String::new()],
        lived: start,
        looked: 0,
        away_until: 0,
        plant: wanted.plant,
        luck,
    };
    world.open().await?;
    let end = start + wanted.days * DAY;
    world.go_on(end).await?;
    world.come_to_rest().await?;
    world.told(wanted, end).await
}

/// Any time from 2006 to 2034, and often one close to a day that isn't like others.
fn a_beginning(luck: &mut Luck) -> i64 {
    let from = *luck.one_of(&[
        // Before Samoa left out a day; before leap days; anywhere.
        "2011-09-20T00:00:00Z",
        "2012-01-02T00:00:00Z",
        "2015-12-01T00:00:00Z",
        "2006-01-01T00:00:00Z",
        "2018-06-01T00:00:00Z",
        "2027-11-20T00:00:00Z",
    ]);
    let from = from
        .parse::<Timestamp>()
        .map_or(0, Timestamp::as_millisecond);
    let minutes = i64::try_from(luck.below(2 * 365 * 24 * 60)).unwrap_or(0);
    if luck.once_in(2) {
        from + minutes * MINUTE
    } else {
        from + minutes * MINUTE / 20
    }
}

impl Luck {
    /// A chance of its own for somebody else.
    fn fork(&mut self) -> Self {
        Self::new(self.below(u64::MAX))
    }
}

impl World {
    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn set(&self, ms: i64) {
        if let Ok(at) = Timestamp::from_millisecond(ms) {
            self.clock.set(at);
        }
    }

    fn say(&self, line: String) {
        self.relay.desk().trace.say(line);
    }

    fn count(&self, what: &str) {
        self.relay.desk().trace.count(what);
    }

    fn house(&self) -> anyhow::Result<Arc<House>> {
        self.house.clone().context("fondly isn't running")
    }

    /// Starts the program, as `fondly run` starts.
    async fn open(&mut self) -> anyhow::Result<()> {
        loop {
            let relay = Simulated(Arc::new(self.relay.clone()));
            let mut house =
                House::for_simulation(self.plans.clone(), self.clock.clone(), relay).await?;
            house.links = Arc::new(Links::by(WORTHLESS_KEY));
            let house = Arc::new(house);
            self.house = Some(Arc::clone(&house));
            let deadly = self.luck.once_in(30);
            let began = self.now();
            let mut feed = Feed::default();
            let ended = self
                .alive(deadly, &mut feed, async { tick::recover(&house).await })
                .await?;
            drop(house);
            match ended {
                Ended::Well(report) => {
                    report?;
                    return Ok(());
                }
                Ended::Killed => self.bury(began).await,
            }
        }
    }

    /// The process is gone: nothing of it goes on.
    async fn bury(&mut self, began: i64) {
        self.count("killed");
        self.books.deaths.push((began, self.now()));
        self.shut().await;
        self.relay.desk().revive();
    }

    async fn shut(&mut self) {
        let Some(house) = self.house.take() else {
            return;
        };
        let store = house.store.clone();
        drop(house);
        // Workers that were told to end let go of what they hold.
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
        // Of a writer that died in the middle of something, this says that it is no more.
        drop(store.close().await);
    }

    /// Lives until then: passes at times of all kinds, and times without any.
    async fn go_on(&mut self, end: i64) -> anyhow::Result<()> {
        while self.now() < end {
            // How the next days go: hours between passes, at most, and for how many passes.
            let (hours, passes) = match self.luck.below(10) {
                0 => (5, 12),
                1 => (24 * 20, 2),
                2 => (1, 6),
                3..7 => (18, 16),
                _ => (48, 12),
            };
            for _ in 0..passes {
                let wait = 1 + self.luck.below(hours * 60);
                let next = self.now() + i64::try_from(wait).unwrap_or(1) * MINUTE;
                if next >= end {
                    self.set(end);
                    return Ok(());
                }
                self.set(next);
                self.turn().await?;
                if !self.books.violations.is_empty() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What happens before a pass, the pass, and what people say afterwards.
    async fn turn(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        self.change_weather(now);
        self.business.live(self.lived, now);
        self.lived = now;
        if self.luck.once_in(60) {
            self.say("restarted".to_owned());
            self.count("restarted");
            self.shut().await;
            self.open().await?;
        }
        let deadly = self.luck.once_in(12);
        self.pass(deadly).await
    }

    fn change_weather(&mut self, now: i64) {
        let mut desk = self.relay.desk();
        if desk.weather == Weather::Away {
            if now >= self.away_until {
                desk.weather = Weather::Faults(*self.luck.one_of(&[0, 10, 30, 60, 120, 400]));
                desk.trace.say("relay: back".to_owned());
            }
        } else if self.luck.once_in(60) {
            desk.weather = Weather::Away;
            desk.trace.count("relay away");
            desk.trace.say("relay: away".to_owned());
            self.away_until = now + outage(&mut self.luck);
        }
    }

    /// Lays the files out as the sources deliver them now.
    fn deliver(&mut self) -> anyhow::Result<Feed> {
        let mut feed = Feed::default();
        for (number, source) in SOURCES.into_iter().enumerate() {
            let file = self.business.file(source);
            match self.luck.below(40) {
                0 => {
                    self.count("source missing");
                    drop(fs::remove_file(&file));
                    continue;
                }
                1 => {
                    self.count("source broken");
                    fs::write(&file, "<html><h1>504 Gateway Time-out</h1></html>\n")?;
                    continue;
                }
                // Whatever lies there, lies there still.
                2..6 if file.exists() && self.lies_there(number, &file) => continue,
                _ => {}
            }
            let half = self.luck.once_in(25);
            if half {
                self.count("source half");
            }
            let delivered = self.business.deliver(source, half);
            fs::write(&file, &delivered.text)?;
            if self.read.get(number) != Some(&delivered.text) {
                feed.waiting.push_back((number, delivered));
            }
        }
        Ok(feed)
    }

    /// Whether the file is the one that was read last.
    fn lies_there(&self, number: usize, file: &Path) -> bool {
        fs::read_to_string(file).is_ok_and(|text| self.read.get(number) == Some(&text))
    }

    /// One pass, as `fondly run` makes it, which may be its last.
    async fn pass(&mut self, deadly: bool) -> anyhow::Result<()> {
        let began = self.now();
        let mut feed = self.deliver()?;
        let sync = !self.luck.once_in(6);
        if !sync {
            feed.waiting.clear();
        }
        self.say(format!("pass at {} (sync: {sync})", shown(began)));
        let house = self.house()?;
        let ended = self
            .alive(deadly, &mut feed, one_pass(&house, sync))
            .await?;
        drop(house);
        for (number, file) in feed.taken {
            self.records.take(&file.records);
            if let Some(read) = self.read.get_mut(number) {
                *read = file.text;
            }
        }
        self.plant_a_wish();
        let ended = match ended {
            Ended::Well(report) => Some(report?),
            Ended::Killed => {
                self.bury(began).await;
                // Somebody notices after a while.
                let hours = if self.luck.once_in(4) { 72 } else { 3 };
                let minutes = i64::try_from(1 + self.luck.below(hours * 60)).unwrap_or(1);
                self.set(self.now() + minutes * MINUTE);
                self.open().await?;
                None
            }
        };
        self.count("passes");
        self.look(began, ended.is_some()).await?;
        if let Some(report) = ended {
            let said = self.now();
            self.speak(&report).await?;
            self.look(said, false).await?;
        }
        Ok(())
    }

    /// A planted fault: a customer wished for no more letters, and the program wasn't told.
    fn plant_a_wish(&mut self) {
        if self.plant == Plant::Deaf {
            for person in self.records.people.values_mut() {
                person.unsubscribed = true;
            }
        }
    }

    /// Holds what came of a pass against what ought to.
    async fn look(&mut self, began: i64, complete: bool) -> anyhow::Result<()> {
        let house = self.house()?;
        let filter = Filter {
            unsettled_before: Some(Timestamp::from_millisecond(began)?),
            ..Filter::default()
        };
        let entries = house.store.log(&filter).await?;
        let (letters, faults) = {
            let desk = self.relay.desk();
            let new = desk.letters.get(self.looked..).unwrap_or_default().to_vec();
            (new, desk.faults > 0)
        };
        self.looked += letters.len();
        let seen = Seen {
            business: &self.business,
            records: &self.records,
            began,
            complete,
            letters: &letters,
            faults,
        };
        let lines = self.books.pass(&seen, entries);
        let mut desk = self.relay.desk();
        for line in lines {
            desk.trace.say(line);
        }
        Ok(())
    }

    /// People say what is to become of what is held.
    async fn speak(&mut self, report: &Report) -> anyhow::Result<()> {
        let house = self.house()?;
        for batch in &report.held {
            if !self.luck.once_in(3) {
                continue;
            }
            let yes = !self.luck.once_in(4);
            self.say(format!("person: {} on {}: {yes}", batch.rule, batch.day));
            self.count(if yes { "approved" } else { "declined" });
            let (who, which) = (control::BY_COMMAND, (&*batch.rule, batch.day));
            control::decide(&house, who, which, yes, self.clock.now()).await?;
            let day = books::chrono_day(batch.day);
            self.books.said.insert((batch.rule.clone(), day), yes);
        }
        Ok(())
    }

    /// Calm weather, until everything that came due so far must be settled.
    async fn come_to_rest(&mut self) -> anyhow::Result<()> {
        if !self.books.violations.is_empty() {
            return Ok(());
        }
        self.relay.desk().weather = Weather::Calm;
        let last = self.now();
        for _ in 0..5 {
            self.set(self.now() + 7 * HOUR);
            self.pass(false).await?;
        }
        self.set(last + LONG_AFTER);
        for _ in 0..2 {
            self.pass(false).await?;
            self.set(self.now() + HOUR);
        }
        let house = self.house()?;
        let mut ledger = house.store.log(&Filter::default()).await?;
        for entry in &ledger {
            if let Some(shown) = house.store.entry(&entry.id).await? {
                self.books.history(&self.business, entry, &shown.history);
                self.same_letter(&entry.id, entry.outcome, shown.message.as_deref());
            }
        }
        if self.plant == Plant::LostRow {
            let sent = ledger
                .iter()
                .position(|entry| entry.outcome == Outcome::Sent);
            sent.map(|place| ledger.remove(place));
        }
        let letters = std::mem::take(&mut self.relay.desk().letters);
        self.books.close((&self.business, &letters), &ledger, last);
        self.relay.desk().letters = letters;
        Ok(())
    }

    /// What arrived is, to the letter, what the ledger keeps.
    fn same_letter(&mut self, id: &str, outcome: Outcome, kept: Option<&str>) {
        if outcome != Outcome::Sent {
            return;
        }
        let desk = self.relay.desk();
        let mut theirs = desk.letters.iter().rev();
        let came =
            theirs.find(|letter| letter.arrived && letter.message_id.split('@').next() == Some(id));
        let same =
            came.is_none_or(|came| kept.is_some_and(|kept| kept.lines().eq(came.text.lines())));
        if !same && !self.business.resend {
            self.books
                .violations
                .push(format!("{id} isn't what arrived"));
        }
    }

    async fn told(mut self, wanted: &Wanted, end: i64) -> anyhow::Result<Played> {
        self.shut().await;
        let mut outcomes = std::collections::BTreeMap::new();
        for entry in self.books.known.values() {
            let reason = entry.reason.map_or("-", |reason| reason.as_str());
            *outcomes
                .entry(format!("{} {reason}", entry.outcome))
                .or_default() += 1;
        }
        let desk = self.relay.desk();
        let days = (self.now().min(end) - end + wanted.days * DAY) / DAY;
        Ok(Played {
            seed: wanted.seed,
            days: u64::try_from(days).unwrap_or(0),
            print: desk.trace.print(),
            counts: desk.trace.counts.clone(),
            letters: desk.letters.iter().filter(|letter| letter.arrived).count() as u64,
            outcomes,
            violations: self.books.violations.clone(),
            tail: desk.trace.tail(),
        })
    }

    /// Does a piece of work, which may be killed in the middle.
    async fn alive<T>(
        &mut self,
        deadly: bool,
        feed: &mut Feed,
        work: impl Future<Output = T>,
    ) -> anyhow::Result<Ended<T>> {
        let shared = Rc::new(RefCell::new(std::mem::take(feed)));
        let death = deadly.then(|| self.draw_a_death()).flatten();
        points::watch(Some(watcher(&self.relay, Rc::clone(&shared), death)));
        let ended = self.until_it_ends(work).await;
        points::watch(None);
        self.relay.desk().dies_in = None;
        *feed = shared.take();
        ended
    }

    /// At which named moment, and the how-manieth; or none, and then with some command to the relay.
    fn draw_a_death(&mut self) -> Option<(&'static str, u64)> {
        if self.luck.once_in(4) {
            let command = 1 + self.luck.below(20);
            self.relay.desk().dies_in = Some(command);
            return None;
        }
        let point = *self.luck.one_of(points::ALL);
        Some((point, 1 + self.luck.below(MOMENTS)))
    }

    async fn until_it_ends<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<Ended<T>> {
        let mut work = pin!(work);
        loop {
            let turn = poll_fn(|cx| {
                self.relay.desk().driver = Some(cx.waker().clone());
                let polled = if self.relay.desk().dead {
                    Ok(Poll::Pending)
                } else {
                    catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
                };
                let mut desk = self.relay.desk();
                if desk.dead {
                    return Poll::Ready(Turn::Killed);
                }
                match polled {
                    Err(panic) => Poll::Ready(Turn::Panicked(panic)),
                    Ok(Poll::Ready(done)) => Poll::Ready(Turn::Done(done)),
                    Ok(Poll::Pending) => match desk.wait.take() {
                        Some(wait) => Poll::Ready(Turn::Waits(wait)),
                        None => Poll::Pending,
                    },
                }
            });
            match turn.await {
                Turn::Done(done) => return Ok(Ended::Well(done)),
                Turn::Killed => return Ok(Ended::Killed),
                Turn::Panicked(panic) => resume_unwind(panic),
                Turn::Waits(wait) => {
                    let (Wait::Deadline(ms) | Wait::Slow(ms)) = wait;
                    self.set(self.now() + ms);
                    tokio::time::advance(Duration::from_millis(ms.unsigned_abs())).await;
                    if matches!(wait, Wait::Slow(_)) {
                        self.relay.desk().ripen();
                    }
                }
            }
        }
    }
}

/// What a poll brought.
enum Turn<T> {
    Done(T),
    Killed,
    Panicked(Box<dyn Any + Send>),
    Waits(Wait),
}

/// Notes what the sources gave, and ends whoever reaches the chosen moment.
fn watcher(
    relay: &Relay,
    feed: Rc<RefCell<Feed>>,
    death: Option<(&'static str, u64)>,
) -> Rc<dyn Fn(&'static str)> {
    let relay = relay.clone();
    let left = Cell::new(death.map_or(0, |(_, nth)| nth));
    Rc::new(move |name| {
        if name == "sync-durable" {
            let mut feed = feed.borrow_mut();
            if let Some(file) = feed.waiting.pop_front() {
                feed.taken.push(file);
            }
        }
        if death.is_some_and(|(point, _)| point == name) {
            left.set(left.get().saturating_sub(1));
            if left.get() == 0 {
                let mut desk = relay.desk();
                if !desk.dead {
                    desk.trace.count(format!("killed at {name}"));
                    desk.die(format!("killed at {name}"));
                    drop(desk);
                    resume_unwind(Box::new(points::Death));
                }
            }
        }
    })
}

async fn one_pass(house: &Arc<House>, sync: bool) -> Result<Report, EngineError> {
    let mut report = tick::settle_open(house).await?;
    let pass = Pass {
        sync,
        workers: Some(1),
    };
    let stop = CancellationToken::new();
    report.add(Box::pin(tick::tick(house, pass, &stop)).await?);
    Ok(report)
}
