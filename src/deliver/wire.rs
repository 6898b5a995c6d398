//! The wire: lines out, replies in, over any stream. Counts bytes and lines, but doesn't know what
//! they mean, and holds no deadline of its own.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::reply::{Assembler, MAX_LINE, Reply};

/// How much is read at once, in bytes: replies are short.
const READ_SIZE: usize = 4_096;

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
    pub(super) async fn send(&mut self, limit: Duration) -> Result<(), Break> {
        let write = async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await
        };
        let written = timeout(limit, write).await;
        self.output.clear();
        match written {
            Ok(sent) => sent.map_err(Break::Network),
            Err(_) => Err(Break::Deadline(limit)),
        }
    }

    /// The next whole reply within `limit`, however many pieces it comes in.
    pub(super) async fn hear(&mut self, limit: Duration) -> Result<Reply, Break> {
        timeout(limit, self.next_reply())
            .await
            .unwrap_or(Err(Break::Deadline(limit)))
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
            _ => Interruption::Break(Break::Garbled("the server spoke out of turn")),
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
