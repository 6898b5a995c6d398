//! A server that says what a script of bytes holds, and remembers who said what when.
//!
//! Bytes stand for themselves but for the marks below. Behind the last one it is silent.

use std::future::Future as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fondly::deliver::Dial;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Goes on once the client has said something more.
const YOUR_TURN: u8 = 0xFF;
/// Hangs up; what follows is for the next connection.
const HANG_UP: u8 = 0xFE;
/// Goes on after a while.
const WAIT: u8 = 0xFD;
/// Says the line before it again and again.
const ENDLESS: u8 = 0xFC;
/// The network fails.
const RESET: u8 = 0xFB;
/// From here on nothing can be written any more.
const DEAF: u8 = 0xFA;
/// From here on nothing is taken any more.
const FULL: u8 = 0xF9;

/// How long a wait is: less than most deadlines, so that it takes some to pass one.
const WHILE: Duration = Duration::from_mins(2);

/// The longest reply that is taken, in bytes: its words, the ends of its lines, and what is read
/// ahead of it.
const LONGEST_REPLY: usize = 16_384 + 2 * 128 + 4 * 4_096;

/// What happened on a connection, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// The courier began with a letter on a connection that it had kept.
    Letter,
    /// The client read this.
    Read(Vec<u8>),
    /// The client wrote this.
    Wrote(Vec<u8>),
    /// The client tried to write, and couldn't.
    Tried,
    /// The caller was asked for its commit.
    Commit,
}

/// All connections of one courier.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    shared: Arc<Mutex<Shared>>,
    piece: usize,
}

#[derive(Debug)]
struct Shared {
    /// What is said on each connection.
    scripts: Vec<Vec<u8>>,
    visits: Vec<Vec<Event>>,
}

impl Peer {
    pub(super) fn new(script: &[u8], piece: usize) -> Self {
        let scripts = script.split(|byte| *byte == HANG_UP).map(<[u8]>::to_vec);
        let shared = Shared {
            scripts: scripts.collect(),
            visits: Vec::new(),
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            piece,
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// A letter begins; the first connection that may be about it.
    pub(super) fn begin(&self) -> usize {
        let mut shared = self.shared();
        if let Some(kept) = shared.visits.last_mut() {
            kept.push(Event::Letter);
        }
        shared.visits.len().saturating_sub(1)
    }

    /// The caller is asked.
    pub(super) fn committed(&self) {
        let mut shared = self.shared();
        shared.visits.last_mut().unwrap().push(Event::Commit);
    }

    /// The connections from this one on.
    pub(super) fn since(&self, first: usize) -> Vec<Vec<Event>> {
        self.shared().visits[first..].to_vec()
    }

    /// However long it talked, no more was taken than the replies to what was said can have.
    pub(super) fn is_bounded(&self) {
        for events in &self.shared().visits {
            let (mut read, mut turns) = (0, 1);
            for event in events {
                match event {
                    Event::Read(bytes) => read += bytes.len(),
                    Event::Wrote(bytes) => turns += bytes.split(|b| *b == b'\n').count(),
                    Event::Letter | Event::Tried | Event::Commit => turns += 1,
                }
            }
            assert!(
                read <= turns * LONGEST_REPLY,
                "{read} bytes in {turns} turns"
            );
        }
    }
}

impl Dial for Peer {
    type Stream = Visit;

    async fn dial(&self, _: &str, _: u16) -> io::Result<(Visit, IpAddr)> {
        let mut shared = self.shared();
        let number = shared.visits.len();
        let Some(script) = shared.scripts.get(number).cloned() else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let is_last = number + 1 == shared.scripts.len();
        shared.visits.push(Vec::new());
        let visit = Visit {
            shared: Arc::clone(&self.shared),
            number,
            script,
            at: 0,
            hangs_up: !is_last,
            piece: self.piece,
            spoken: false,
            takes: Takes::All,
            wait: None,
            reader: None,
        };
        Ok((visit, Ipv4Addr::LOCALHOST.into()))
    }
}

/// What becomes of what the client writes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    All,
    Fails,
    Nothing,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Visit {
    shared: Arc<Mutex<Shared>>,
    number: usize,
    script: Vec<u8>,
    at: usize,
    hangs_up: bool,
    piece: usize,
    /// The client said something since the last mark that waits for it.
    spoken: bool,
    takes: Takes,
    wait: Option<Pin<Box<Sleep>>>,
    reader: Option<Waker>,
}

impl Visit {
    fn note(&self, event: Event) {
        self.shared.lock().unwrap().visits[self.number].push(event);
    }

    /// The line before the mark, from its beginning on.
    fn line_before(&self) -> Vec<u8> {
        let before = &self.script[..self.at];
        let end = before.strip_suffix(b"\n").unwrap_or(before);
        let start = end.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        before[start..].to_vec()
    }

    fn next_bytes(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<Vec<u8>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                if wait.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.wait = None;
            }
            let Some(next) = self.script.get(self.at).copied() else {
                return if self.hangs_up {
                    Poll::Ready(Ok(Vec::new()))
                } else {
                    Poll::Pending
                };
            };
            match next {
                YOUR_TURN if !self.spoken => return Poll::Pending,
                YOUR_TURN => self.spoken = false,
                WAIT => self.wait = Some(Box::pin(sleep(WHILE))),
                ENDLESS => {
                    let line = self.line_before();
                    if line.is_empty() {
                        return Poll::Pending;
                    }
                    let most = room.min(self.piece.max(line.len()));
                    return Poll::Ready(Ok(line.iter().copied().cycle().take(most).collect()));
                }
                RESET => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                DEAF => self.takes = Takes::Fails,
                FULL => self.takes = Takes::Nothing,
                _ => {
                    let rest = self.script[self.at..].iter();
                    let plain = rest.take_while(|byte| **byte < FULL);
                    let bytes: Vec<u8> = plain.take(room.min(self.piece)).copied().collect();
                    self.at += bytes.len();
                    return Poll::Ready(Ok(bytes));
                }
            }
            self.at += 1;
        }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let visit = self.get_mut();
        visit.reader = Some(cx.waker().clone());
        match visit.next_bytes(cx, buf.remaining()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(bytes)) => {
                buf.put_slice(&bytes);
                if !bytes.is_empty() {
                    visit.note(Event::Read(bytes));
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Visit {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.takes {
            Takes::All => {
                let taken = &bytes[..bytes.len().min(self.piece)];
                self.note(Event::Wrote(taken.to_vec()));
                Poll::Ready(Ok(taken.len()))
            }
            Takes::Fails => {
                self.note(Event::Tried);
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Takes::Nothing => {
                self.note(Event::Tried);
                Poll::Pending
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let visit = self.get_mut();
        visit.spoken = true;
        if let Some(reader) = visit.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
