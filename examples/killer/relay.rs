//! The relay: takes letters slowly, and notes each one when its final dot is read, before it
//! answers. What it noted is the truth that the ledger is held against.
//!
//! What an address begins with says how it is treated: `nobody` doesn't exist, `busy` is put off,
//! `refused` is turned down after the dot.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::business::OWNER;
use super::luck::Luck;

/// The longest pause before an answer: long enough that kills hit every phase.
const SLOWNESS: Duration = Duration::from_micros(1500);
/// How long the last connections may take to be read to their end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A letter that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The `Message-ID`, without angle brackets.
    pub(crate) message_id: String,
    /// Whom it was for.
    pub(crate) recipient: String,
    /// The `List-Id`, which names the rule.
    pub(crate) list: String,
    /// How long the watched file was when its dot had been read.
    pub(crate) position: u64,
}

impl Arrived {
    /// Reads what matters from a letter's headers.
    pub(crate) fn read(recipient: &str, letter: &str) -> Self {
        let header = |name: &str| {
            let line = letter
                .lines()
                .take_while(|line| !line.is_empty())
                .find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default()
                .trim()
                .trim_matches(['<', '>'])
                .to_owned()
        };
        Self {
            message_id: header("Message-ID:"),
            recipient: recipient.to_owned(),
            list: header("List-Id:"),
            position: 0,
        }
    }
}

/// How a relay behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// It hangs up on every third dot without an answer.
    pub(crate) loses: bool,
    /// It takes a letter with the Message-ID of an earlier one, and drops it.
    pub(crate) drops_repeats: bool,
    /// A file whose length it notes with each letter.
    pub(crate) watched: Option<PathBuf>,
}

/// What the relay saw.
#[derive(Debug, Default)]
struct Seen {
    manners: Manners,
    /// Dots without an answer.
    lost: u64,
    /// Message-IDs of what arrived.
    ids: HashSet<String>,
    arrived: Vec<Arrived>,
    /// Dots read, of refused letters too.
    dots: u64,
    /// Conversations that haven't been read to their end.
    open: usize,
    /// Letters that broke off before their dot.
    broken_off: u64,
}

#[derive(Debug, Default)]
struct Notes {
    seen: Mutex<Seen>,
    news: Condvar,
}

impl Notes {
    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_all();
    }
}

/// A relay on a port of its own.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    notes: Arc<Notes>,
    _server: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(seed: u64, manners: Manners) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let notes = Arc::new(Notes::default());
        notes.note(|seen| seen.manners = manners);
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&notes), seed));
        Ok(Self {
            port,
            notes,
            _server: server,
        })
    }

    /// Waits a moment for the `n`-th dot since the start; whether it came.
    pub(crate) fn wait_for_dot(&self, n: u64, moment: Duration) -> bool {
        let seen = self
            .notes
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .notes
            .news
            .wait_timeout_while(seen, moment, |seen| seen.dots < n);
        waited.unwrap_or_else(PoisonError::into_inner).0.dots >= n
    }

    /// Dots to which nothing was said.
    pub(crate) fn lost(&self) -> u64 {
        self.notes
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lost
    }

    /// From now on every dot is answered.
    pub(crate) fn calm_down(&self) {
        self.notes.note(|seen| seen.manners.loses = false);
    }

    /// Dots read so far.
    pub(crate) fn dots(&self) -> u64 {
        self.notes
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dots
    }

    /// Letters that broke off before their dot.
    pub(crate) fn broken_off(&self) -> u64 {
        self.notes
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .broken_off
    }

    /// Everything that arrived, once every conversation has been read to its end: what a killed
    /// program had already said counts.
    pub(crate) async fn arrived(&self) -> Vec<Arrived> {
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(20);
        loop {
            {
                let seen = self
                    .notes
                    .seen
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if seen.open == 0 || waited >= PATIENCE {
                    return seen.arrived.clone();
                }
            }
            tokio::time::sleep(step).await;
            waited += step;
        }
    }
}

async fn serve(listener: TcpListener, notes: Arc<Notes>, seed: u64) {
    let mut conversations = JoinSet::new();
    let mut luck = Luck::new(seed ^ 0x5E1F);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        notes.note(|seen| seen.open += 1);
        let talk = Talk::new(stream, Arc::clone(&notes), Luck::new(luck.below(u64::MAX)));
        let notes = Arc::clone(&notes);
        conversations.spawn(async move {
            // A killed program hangs up in mid-sentence, which is no news here.
            _ = talk.run().await;
            notes.note(|seen| seen.open -= 1);
        });
        while conversations.try_join_next().is_some() {}
    }
}

/// One connection.
struct Talk {
    input: BufReader<OwnedReadHalf>,
    output: OwnedWriteHalf,
    notes: Arc<Notes>,
    luck: Luck,
}

impl Talk {
    fn new(stream: TcpStream, notes: Arc<Notes>, luck: Luck) -> Self {
        // Without it, answers wait for the other side's acknowledgements; slower, but right.
        _ = stream.set_nodelay(true);
        let (input, output) = stream.into_split();
        Self {
            input: BufReader::new(input),
            output,
            notes,
            luck,
        }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 relay.example ESMTP").await?;
        let mut recipient = String::new();
        while let Some(line) = self.line().await? {
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.say("250-relay.example\r\n250-PIPELINING\r\n250 8BITMIME")
                        .await?;
                }
                "RCPT" => {
                    recipient = address(&line);
                    let answer = if recipient.starts_with("nobody") {
                        "550 5.1.1 no such user"
                    } else if recipient.starts_with("busy") {
                        "450 4.2.1 come back later"
                    } else {
                        "250 2.1.5 fine"
                    };
                    if !answer.starts_with('2') {
                        recipient.clear();
                    }
                    self.say(answer).await?;
                }
                "DATA" if recipient.is_empty() => self.say("554 5.5.1 for whom?").await?,
                "DATA" => {
                    self.say("354 go on").await?;
                    self.letter(&std::mem::take(&mut recipient)).await?;
                }
                "QUIT" => return self.say("221 bye").await,
                _ => self.say("250 2.0.0 fine").await?,
            }
        }
        Ok(())
    }

    /// Reads one letter. Once its dot is read it has arrived, whatever becomes of the answer.
    async fn letter(&mut self, recipient: &str) -> io::Result<()> {
        let mut letter = String::new();
        loop {
            let Ok(Some(line)) = self.line().await else {
                self.notes.note(|seen| seen.broken_off += 1);
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            if line == "." {
                break;
            }
            letter.push_str(line.strip_prefix('.').unwrap_or(&line));
            letter.push('\n');
        }
        if recipient.starts_with("refused") {
            self.notes.note(|seen| seen.dots += 1);
            return self.say("554 5.6.0 not this one").await;
        }
        let mut arrived = Arrived::read(recipient, &letter);
        let (loses, takes_it) = (self.luck.once_in(3), self.luck.once_in(2));
        let mut answers = true;
        self.notes.note(|seen| {
            seen.dots += 1;
            let length = |file: &PathBuf| std::fs::metadata(file).map_or(0, |found| found.len());
            arrived.position = seen.manners.watched.as_ref().map_or(0, length);
            answers = !(seen.manners.loses && loses);
            seen.lost += u64::from(!answers);
            // Of those that get no answer, half have arrived.
            if answers || takes_it {
                let new = seen.ids.insert(arrived.message_id.clone());
                // What the owner is told of stands in no ledger.
                let counts = arrived.recipient != OWNER;
                if counts && (new || !seen.manners.drops_repeats) {
                    seen.arrived.push(arrived);
                }
            }
        });
        if !answers {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.say("250 2.0.0 taken").await
    }

    /// The next line; `None` at the end, or where a line breaks off.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).await?;
        let whole = line.strip_suffix(b"\r\n");
        Ok(whole.map(|line| String::from_utf8_lossy(line).into_owned()))
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        tokio::time::sleep(self.luck.up_to(SLOWNESS)).await;
        self.output
            .write_all(format!("{line}\r\n").as_bytes())
            .await
    }
}

/// What stands between the angle brackets.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner
        .map(|(address, _)| address.to_owned())
        .unwrap_or_default()
}

/// How often each key comes.
pub(crate) fn counted<K: Eq + std::hash::Hash>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
