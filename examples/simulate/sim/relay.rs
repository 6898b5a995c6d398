//! The relay: reads what is said, word by word, answers or misbehaves as the seed has it, and keeps
//! its own record of every letter whose dot it read. May not know the ledger.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fondly::clock::Clock;
use fondly::deliver::{Peer, Pipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::calendar::{HOUR, MINUTE};
use super::luck::Luck;
use super::trace::Trace;

/// How the relay is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Every step has its small share of faults, in thousandths.
    Faults(u64),
    /// Nothing goes wrong.
    Calm,
    /// Nobody can connect, or everybody is sent away.
    Away,
}

/// What became of a letter whose dot was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Taken, and said so.
    Taken,
    /// Refused, and said so.
    Refused,
    /// Taken; the answer got lost.
    TakenUnsaid,
    /// Not taken, and nothing was said.
    DroppedUnsaid,
}

/// One letter whose dot was read.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) message_id: String,
    pub(crate) to: String,
    /// When its transaction began, with the connection where that was new.
    pub(crate) began: i64,
    pub(crate) fate: Fate,
    /// Arrived: taken, and not a repetition that was dropped.
    pub(crate) arrived: bool,
    /// The message as it came.
    pub(crate) text: String,
}

/// What the simulation waits for on the relay's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The client's deadline passes.
    Deadline(i64),
    /// The answer comes after so long.
    Slow(i64),
}

/// What is shared by all its connections.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) weather: Weather,
    pub(crate) letters: Vec<Letter>,
    pub(crate) trace: Trace,
    /// The process is dead: nothing is heard or said any more.
    pub(crate) dead: bool,
    /// The process dies with the n-th command from now.
    pub(crate) dies_in: Option<u64>,
    pub(crate) wait: Option<Wait>,
    /// Who is told that the simulation has something to do.
    pub(crate) driver: Option<Waker>,
    /// It drops repeated Message-IDs.
    pub(crate) drops_repeats: bool,
    /// A planted lie: it says that it takes every so-many-th letter, and doesn't.
    pub(crate) lies: Option<u64>,
    /// Faults so far.
    pub(crate) faults: u64,
    luck: Luck,
    clock: Clock,
    ids: BTreeSet<String>,
    /// What a slow answer will say, and who waits for it.
    late: Option<(Vec<u8>, Option<Waker>)>,
    ripe: bool,
}

/// The relay.
#[derive(Debug, Clone)]
pub(crate) struct Relay(Arc<Mutex<Desk>>);

impl Relay {
    pub(crate) fn new(luck: Luck, clock: Clock, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Desk {
            weather: Weather::Calm,
            letters: Vec::new(),
            trace,
            dead: false,
            dies_in: None,
            wait: None,
            driver: None,
            drops_repeats: false,
            lies: None,
            faults: 0,
            luck,
            clock,
            ids: BTreeSet::new(),
            late: None,
            ripe: false,
        })))
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer for Relay {
    fn open(&self) -> io::Result<Box<dyn Pipe>> {
        let mut desk = self.desk();
        if desk.dead {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let began = desk.now();
        desk.trace.say("relay: connected".to_owned());
        let away = desk.weather == Weather::Away;
        if away && desk.luck.once_in(2) || desk.unlucky() && desk.luck.once_in(3) {
            desk.fault("connection refused");
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let mut line = Line {
            desk: self.clone(),
            heard: Vec::new(),
            out: Vec::new(),
            state: State::Commands,
            to: String::new(),
            began,
            fresh: true,
            reader: None,
        };
        if away {
            desk.fault("421 at the greeting");
            line.out.extend_from_slice(b"421 4.3.2 back later\r\n");
            line.state = State::Closed;
        } else {
            line.answer(&mut desk, Step::Greeting);
        }
        drop(desk);
        Ok(Box::new(line))
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Greeting,
    Hello,
    Mail,
    Rcpt,
    Data,
    Dot,
    Quit,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Dot => "dot",
            Self::Quit => "QUIT",
        }
    }

    const fn usual(self) -> &'static str {
        match self {
            Self::Greeting => "220 relay.example ESMTP",
            Self::Hello => "250-relay.example\r\n250-8BITMIME\r\n250 SIZE 10000000",
            Self::Mail => "250 2.1.0 fine",
            Self::Rcpt => "250 2.1.5 fine",
            Self::Data => "354 go on",
            Self::Dot => "250 2.0.0 taken",
            Self::Quit => "221 2.0.0 bye",
        }
    }

    /// Longer than the client waits, in milliseconds.
    const fn deadline(self) -> i64 {
        match self {
            Self::Greeting | Self::Hello | Self::Mail | Self::Rcpt => 5 * MINUTE + 1_000,
            Self::Data => 2 * MINUTE + 1_000,
            Self::Dot => 10 * MINUTE + 1_000,
            Self::Quit => 3_000,
        }
    }
}

impl Desk {
    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn unlucky(&mut self) -> bool {
        match self.weather {
            Weather::Faults(share) => self.luck.below(1_000) < share,
            Weather::Calm | Weather::Away => false,
        }
    }

    fn fault(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.faults += 1;
        self.trace.say(format!("relay: {what}"));
        self.trace.count(what);
    }

    fn wake_driver(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// The time that a slow answer took is over.
    pub(crate) fn ripen(&mut self) {
        if let Some((_, waker)) = &mut self.late {
            self.ripe = true;
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }

    /// A new process: old connections are gone.
    pub(crate) fn revive(&mut self) {
        self.dead = false;
        self.dies_in = None;
        self.wait = None;
        self.late = None;
        self.ripe = false;
    }

    fn note(&mut self, line: &Line, text: &str, fate: Fate) {
        let header = |name: &str| {
            let lines = text.lines().take_while(|line| !line.is_empty());
            let mut found = lines.filter_map(|line| line.strip_prefix(name));
            let value = found.next().unwrap_or_default();
            value.trim().trim_matches(['<', '>']).to_owned()
        };
        let message_id = header("Message-ID:");
        let taken = matches!(fate, Fate::Taken | Fate::TakenUnsaid);
        let number = self.letters.len() as u64 + 1;
        let dropped =
            fate == Fate::Taken && self.lies.is_some_and(|nth| number.is_multiple_of(nth));
        let new = taken && !dropped && self.ids.insert(message_id.clone());
        let arrived = taken && !dropped && (new || !self.drops_repeats);
        self.trace.say(format!(
            "relay: dot of {message_id} to {}: {fate:?}",
            line.to
        ));
        self.letters.push(Letter {
            message_id,
            to: line.to.clone(),
            began: line.began,
            fate,
            arrived,
            text: text.to_owned(),
        });
    }
}

/// How far a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Commands,
    Letter,
    /// It hung up, once what it said is read.
    Closed,
    /// It is gone, with an error.
    Reset,
    /// It says nothing any more.
    Silent,
    /// It takes its time with an answer.
    Slow,
}

/// One connection.
#[derive(Debug)]
struct Line {
    desk: Relay,
    heard: Vec<u8>,
    out: Vec<u8>,
    state: State,
    to: String,
    began: i64,
    /// No letter was begun on it yet.
    fresh: bool,
    reader: Option<Waker>,
}

impl Pipe for Line {}

impl Line {
    fn say(&mut self, words: &str) {
        self.out.extend_from_slice(words.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// Answers a step other than the dot.
    fn answer(&mut self, desk: &mut Desk, step: Step) {
        if step == Step::Rcpt && self.to.starts_with("nobody") {
            return self.say("550 5.1.1 no such user");
        }
        if !desk.unlucky() {
            return self.say(step.usual());
        }
        let many = if step == Step::Quit { 4 } else { 9 };
        match desk.luck.below(many) {
            0 => {
                desk.fault(format!("hung up at {}", step.name()));
                self.state = State::Closed;
            }
            1 => {
                desk.fault(format!("connection reset at {}", step.name()));
                self.state = State::Reset;
            }
            2 => {
                desk.fault(format!("silent at {}", step.name()));
                desk.wait = Some(Wait::Deadline(step.deadline()));
                self.state = State::Silent;
            }
            3 => self.be_slow(desk, step, step.usual()),
            4 => {
                desk.fault(format!("421 at {}", step.name()));
                self.say("421 4.3.2 back later");
                self.state = State::Closed;
            }
            5 => {
                desk.fault(format!("nonsense at {}", step.name()));
                self.say("hello, world");
            }
            6 if !matches!(step, Step::Greeting | Step::Hello) => {
                desk.fault(format!("5xx at {}", step.name()));
                self.say("550 5.7.1 not from you");
            }
            7 if !matches!(step, Step::Greeting | Step::Hello) => {
                desk.fault(format!("5xx at {}", step.name()));
                self.say("554 5.6.0 not this one");
            }
            _ => {
                desk.fault(format!("4xx at {}", step.name()));
                self.say("451 4.3.0 not now");
            }
        }
    }

    fn be_slow(&mut self, desk: &mut Desk, step: Step, words: &str) {
        desk.fault(format!("slow at {}", step.name()));
        let most = step.deadline().unsigned_abs() - 3_000;
        let takes = 500 + desk.luck.below(most.max(1));
        desk.wait = Some(Wait::Slow(i64::try_from(takes).unwrap_or(MINUTE)));
        desk.late = Some((format!("{words}\r\n").into_bytes(), None));
        self.state = State::Slow;
    }

    /// The dot was read: whatever becomes of the answer, it is known here what became of the letter.
    fn dot(&mut self, desk: &mut Desk, text: &str) {
        self.state = State::Commands;
        let step = Step::Dot;
        if !desk.unlucky() {
            desk.note(self, text, Fate::Taken);
            return self.say(step.usual());
        }
        let unsaid = if desk.luck.once_in(2) {
            Fate::TakenUnsaid
        } else {
            Fate::DroppedUnsaid
        };
        match desk.luck.below(9) {
            0 | 1 => {
                desk.fault("answer to the dot lost: hung up");
                desk.note(self, text, unsaid);
                self.state = State::Closed;
            }
            2 => {
                desk.fault("answer to the dot lost: reset");
                desk.note(self, text, unsaid);
                self.state = State::Reset;
            }
            3 => {
                desk.fault("answer to the dot lost: silent");
                desk.note(self, text, unsaid);
                desk.wait = Some(Wait::Deadline(step.deadline()));
                self.state = State::Silent;
            }
            4 => {
                desk.fault("answer to the dot garbled");
                desk.note(self, text, unsaid);
                self.say("hello, world");
            }
            5 => {
                desk.note(self, text, Fate::Taken);
                self.be_slow(desk, step, step.usual());
            }
            6 => {
                desk.fault("5xx at dot");
                desk.note(self, text, Fate::Refused);
                self.say("554 5.6.0 not this one");
            }
            7 => {
                desk.fault("421 at dot");
                desk.note(self, text, Fate::Refused);
                self.say("421 4.3.2 back later");
                self.state = State::Closed;
            }
            _ => {
                desk.fault("4xx at dot");
                desk.note(self, text, Fate::Refused);
                self.say("451 4.3.0 not now");
            }
        }
    }

    /// Whatever can be made of what was heard so far.
    fn listen(&mut self, desk: &mut Desk) {
        loop {
            match self.state {
                State::Commands => {
                    let Some(line) = self.next_line() else { return };
                    self.command(desk, &line);
                }
                State::Letter => {
                    let Some(text) = self.next_letter() else {
                        return;
                    };
                    if desk.dies() {
                        return;
                    }
                    self.dot(desk, &text);
                }
                State::Closed | State::Reset | State::Silent | State::Slow => return,
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        let end = self.heard.windows(2).position(|two| two == b"\r\n")?;
        let line: Vec<u8> = self.heard.drain(..end + 2).collect();
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
        Some(String::from_utf8_lossy(line).into_owned())
    }

    /// The letter that ends with the dot, its own dots taken off.
    fn next_letter(&mut self) -> Option<String> {
        const DOT: &[u8] = b"\r\n.\r\n";
        let end = self.heard.windows(DOT.len()).position(|some| some == DOT)?;
        let letter: Vec<u8> = self.heard.drain(..end + DOT.len()).collect();
        let letter = letter.get(..end + 2).unwrap_or_default();
        let text = String::from_utf8_lossy(letter);
        let lines = text.split_inclusive("\r\n");
        Some(
            lines
                .map(|line| line.strip_prefix('.').unwrap_or(line))
                .collect(),
        )
    }

    fn command(&mut self, desk: &mut Desk, line: &str) {
        if desk.dies() {
            return;
        }
        let verb = line.get(..4).unwrap_or_default();
        match verb {
            "EHLO" => self.answer(desk, Step::Hello),
            "MAIL" => {
                if !std::mem::take(&mut self.fresh) {
                    self.began = desk.now();
                }
                self.to.clear();
                self.answer(desk, Step::Mail);
            }
            "RCPT" => {
                let inner = line
                    .split_once('<')
                    .and_then(|(_, rest)| rest.split_once('>'));
                self.to = inner.map(|(to, _)| to.to_owned()).unwrap_or_default();
                self.answer(desk, Step::Rcpt);
            }
            "DATA" => {
                let before = self.out.len();
                self.answer(desk, Step::Data);
                let said = self.out.get(before..).unwrap_or_default();
                let late = desk
                    .late
                    .as_ref()
                    .is_some_and(|(words, _)| words.starts_with(b"354"));
                if said.starts_with(b"354") {
                    self.state = State::Letter;
                } else if !late {
                    self.to.clear();
                }
            }
            "QUIT" => {
                self.answer(desk, Step::Quit);
                if self.state == State::Commands {
                    self.state = State::Closed;
                }
            }
            _ => self.say("250 2.0.0 fine"),
        }
    }
}

impl Desk {
    /// The process dies, and whoever drives it is told.
    pub(crate) fn die(&mut self, words: String) {
        self.dead = true;
        self.trace.say(words);
        self.wake_driver();
    }

    /// Whether the process dies with this command.
    fn dies(&mut self) -> bool {
        if let Some(left) = &mut self.dies_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.dies_in = None;
                self.trace.count("killed before an answer");
                self.die("killed before the relay's answer".to_owned());
            }
        }
        self.dead
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let relay = line.desk.clone();
        let mut desk = relay.desk();
        if desk.dead {
            return Poll::Pending;
        }
        if line.state == State::Slow && desk.ripe {
            desk.ripe = false;
            let words = desk.late.take().map(|(words, _)| words).unwrap_or_default();
            line.state = match words.get(..3) {
                Some(b"354") => State::Letter,
                Some(b"221") => State::Closed,
                _ => State::Commands,
            };
            line.out.extend_from_slice(&words);
        }
        if !line.out.is_empty() {
            let many = line.out.len().min(buf.remaining());
            let some: Vec<u8> = line.out.drain(..many).collect();
            buf.put_slice(&some);
            return Poll::Ready(Ok(()));
        }
        match line.state {
            State::Closed => return Poll::Ready(Ok(())),
            State::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            State::Slow => {
                if let Some((_, waker)) = &mut desk.late {
                    *waker = Some(cx.waker().clone());
                }
            }
            State::Commands | State::Letter | State::Silent => {}
        }
        line.reader = Some(cx.waker().clone());
        if desk.wait.is_some() {
            desk.wake_driver();
        }
        Poll::Pending
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        let relay = line.desk.clone();
        let mut desk = relay.desk();
        if desk.dead {
            return Poll::Pending;
        }
        if matches!(line.state, State::Reset | State::Closed) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        line.heard.extend_from_slice(buf);
        line.listen(&mut desk);
        if let Some(reader) = line.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How long the relay is away, in milliseconds: an hour to five days.
pub(crate) fn outage(luck: &mut Luck) -> i64 {
    let hours = if luck.once_in(3) {
        1 + luck.below(120)
    } else {
        1 + luck.below(8)
    };
    i64::try_from(hours).unwrap_or(1) * HOUR
}
