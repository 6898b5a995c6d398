//! The wire: lines out, replies in, over any stream. Counts bytes and lines, but doesn't know what
//! they mean, and holds no deadline of its own.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::reply::{Assembler, MAX_LINE, Reply};

/// How much is read at once, in bytes: replies are short.
const READ_SIZE: usize = 4_096;

/// The longest time that a step may be given: nobody means more, and a sum with it stays in range.
const LONGEST: Duration = Duration::from_hours(24);

/// Until when a step has to be through, from the first byte of its command to the last of its
/// reply. Writing and reading share one limit, or a step could take twice its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    time: Duration,
    end: Instant,
}

impl Limit {
    /// From now on.
    pub(super) fn start(time: Duration) -> Self {
        Self {
            time,
            end: Instant::now() + time.min(LONGEST),
        }
    }
}

/// Why the conversation broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Break {
    /// The other side hung up.
    #[error("the server closed the connection")]
    Closed,
    /// The network failed.
    #[error("{0}")]
    Network(#[from] io::Error),
    /// The other side took too long.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The other side said something although it was our turn.
    #[error("the server spoke out of turn")]
    OutOfTurn,
    /// What came isn't SMTP.
    #[error("the answer can't be understood: {0}")]
    Garbled(&'static str),
}

/// What a server did although it was our turn.
#[derive(Debug)]
pub(super) enum Interruption {
    /// It refused something or says goodbye.
    Reply(Reply),
    /// Anything else, hanging up included.
    Break(Break),
}

/// A stream, what was read from it, and what is about to be written.
pub(super) struct Wire<S> {
    stream: S,
    /// What was read and not yet used, from `used` on.
    input: Vec<u8>,
    used: usize,
    /// What goes out with the next [`Wire::send`]; kept for its memory.
    pub(super) output: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            input: Vec::with_capacity(READ_SIZE),
            used: 0,
            output: Vec::new(),
        }
    }

    /// The bare stream, and whether something was read from it that nobody asked for.
    pub(super) fn into_stream(self) -> (S, bool) {
        let leftover = self.used < self.input.len();
        (self.stream, leftover)
    }

    /// Writes `output` in one piece and flushes it, which TLS needs.
    pub(super) async fn send(&mut self, limit: Limit) -> Result<(), Break> {
        let write = async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await
        };
        let written = timeout_at(limit.end, write).await;
        self.output.clear();
        match written {
            Ok(sent) => sent.map_err(Break::Network),
            Err(_) => Err(Break::Deadline(limit.time)),
        }
    }

    /// The next whole reply within `limit`, however many pieces it comes in.
    pub(super) async fn hear(&mut self, limit: Limit) -> Result<Reply, Break> {
        timeout_at(limit.end, self.next_reply())
            .await
            .unwrap_or(Err(Break::Deadline(limit.time)))
    }

    async fn next_reply(&mut self) -> Result<Reply, Break> {
        let mut assembler = Assembler::default();
        loop {
            if let Some(reply) = self.reply_in_hand(&mut assembler)? {
                return Ok(reply);
            }
            self.input.reserve(READ_SIZE);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(Break::Closed);
            }
        }
    }

    /// Feeds the lines read so far to `assembler`; the reply, if they complete one.
    fn reply_in_hand(&mut self, assembler: &mut Assembler) -> Result<Option<Reply>, Break> {
        loop {
            let waiting = self.input.get(self.used..).unwrap_or_default();
            let Some(end) = waiting.iter().position(|byte| *byte == b'\n') else {
                if waiting.len() > MAX_LINE {
                    return Err(Break::Garbled("a line is too long"));
                }
                // What is used up needn't be kept; usually that is everything.
                self.input.drain(..self.used);
                self.used = 0;
                return Ok(None);
            };
            if end > MAX_LINE {
                return Err(Break::Garbled("a line is too long"));
            }
            let line = waiting.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let reply = assembler.push(line).map_err(Break::Garbled)?;
            self.used += end + 1;
            if reply.is_some() {
                return Ok(reply);
            }
        }
    }

    /// Whether the server said or did something although it is our turn, without waiting.
    ///
    /// It may say that it closes (421), refuse the message half-way, or hang up. Left unread, it
    /// would be taken for the answer to what we say next.
    pub(super) async fn interruption(&mut self) -> Option<Interruption> {
        let waiting = self.used < self.input.len();
        match self.glance().await {
            None if !waiting => return None,
            Some(Err(cause)) if !waiting => return Some(Interruption::Break(cause)),
            Some(Ok(bytes)) => self.input.extend_from_slice(&bytes),
            None | Some(Err(_)) => {}
        }
        Some(match self.reply_in_hand(&mut Assembler::default()) {
            Ok(Some(reply)) if reply.code >= 400 => Interruption::Reply(reply),
            _ => Interruption::Break(Break::OutOfTurn),
        })
    }

    /// Polls the stream once: nothing, bytes, or its end.
    async fn glance(&mut self) -> Option<Result<Vec<u8>, Break>> {
        poll_fn(|cx| {
            let mut piece = [0; 512];
            let mut buffer = ReadBuf::new(&mut piece);
            let stream = Pin::new(&mut self.stream);
            Poll::Ready(match stream.poll_read(cx, &mut buffer) {
                Poll::Pending => None,
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Some(Err(Break::Closed)),
                Poll::Ready(Ok(())) => Some(Ok(buffer.filled().to_vec())),
                Poll::Ready(Err(error)) => Some(Err(Break::Network(error))),
            })
        })
        .await
    }
}

impl<S> std::fmt::Debug for Wire<S> {
    /// Without the buffers: logins and customers' letters pass through them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_step_that_is_slow_to_be_heard_has_less_time_for_its_answer() {
        let (ours, mut theirs) = duplex(4);
        let mut wire = Wire::new(ours);
        wire.output.extend_from_slice(b"EHLO relay\r\n");
        let start = Instant::now();
        let limit = Limit::start(3 * MINUTE);
        let peer = async {
            tokio::time::sleep(2 * MINUTE).await;
            let mut command = [0; 12];
            theirs.read_exact(&mut command).await.unwrap();
            std::future::pending::<()>().await;
        };
        let step = async {
            wire.send(limit).await.unwrap();
            wire.hear(limit).await
        };
        tokio::select! {
            () = peer => {}
            heard = step => assert!(matches!(heard, Err(Break::Deadline(_))), "{heard:?}"),
        }
        assert_eq!(start.elapsed().as_secs(), 180);
    }

    /// A server that talks without end, and one that says many replies at once, which are then
    /// used up one by one.
    #[tokio::test(start_paused = true)]
    async fn what_is_kept_of_a_talkative_server_is_bounded() {
        let floods: [&[u8]; 3] = [b"x", b"250-and so on\r\n", b"250 ok\r\n"];
        for flood in floods {
            let (ours, mut theirs) = duplex(1 << 20);
            theirs.write_all(&flood.repeat(60_000)).await.unwrap();
            let mut wire = Wire::new(ours);
            for _ in 0..1_000 {
                if wire.hear(Limit::start(MINUTE)).await.is_err() {
                    break;
                }
            }
            assert!(wire.interruption().await.is_some());
            let kept = wire.input.capacity();
            assert!(kept <= 4 * READ_SIZE, "{kept} bytes");
        }
    }

    #[test]
    fn a_limit_that_nobody_means_is_no_panic() {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(async { drop(format!("{:?}", Limit::start(Duration::MAX))) });
    }
}
