//! A relay that is far away: it answers each command a while after it came, however many come at
//! once. Takes every letter, and counts them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// A running relay; ends with us.
#[derive(Debug)]
pub(crate) struct FarRelay {
    address: SocketAddr,
    taken: Arc<AtomicU64>,
    _runtime: Runtime,
}

impl FarRelay {
    /// On a port of its own; every answer takes so long.
    pub(crate) fn start(answer: Duration, pipelining: bool) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        // It ends with the runtime.
        drop(runtime.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                guests.spawn(async move {
                    // Who hangs up has got what it came for.
                    _ = stream.set_nodelay(true);
                    let (from, to) = stream.into_split();
                    let (say, words) = mpsc::unbounded_channel();
                    let answers = answer_in_time(to, words);
                    let hears = listen(from, say, (answer, pipelining), &counter);
                    tokio::join!(hears, answers);
                });
            }
        }));
        Ok(Self {
            address,
            taken,
            _runtime: runtime,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Letters taken since it was last asked.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.swap(0, Ordering::Relaxed)
    }
}

type Words = mpsc::UnboundedSender<(Instant, &'static str)>;

/// Hears commands, and plans each one's answer for when it is due.
async fn listen<R: AsyncRead + Unpin>(
    from: R,
    say: Words,
    (answer, pipelining): (Duration, bool),
    taken: &AtomicU64,
) {
    // Nobody hears what can't be said any more.
    let reply = |words| _ = say.send((Instant::now() + answer, words));
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    let mut in_body = false;
    reply("220 far.example\r\n");
    loop {
        line.clear();
        if !matches!(from.read_until(b'\n', &mut line).await, Ok(1..)) {
            return;
        }
        if in_body {
            if line == b".\r\n" {
                in_body = false;
                taken.fetch_add(1, Ordering::Relaxed);
                reply("250 2.0.0 taken\r\n");
            }
            continue;
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        reply(match verb.as_slice() {
            b"EHLO" if pipelining => "250-far.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            b"EHLO" => "250-far.example\r\n250 8BITMIME\r\n",
            b"DATA" => {
                in_body = true;
                "354 go on\r\n"
            }
            b"QUIT" => "221 2.0.0 bye\r\n",
            _ => "250 2.0.0 ok\r\n",
        });
        if verb == b"QUIT" {
            return;
        }
    }
}

/// Says each answer when it is due; those that are due together go in one piece.
async fn answer_in_time<W: AsyncWrite + Unpin>(
    mut to: W,
    mut words: mpsc::UnboundedReceiver<(Instant, &'static str)>,
) {
    let mut next = words.recv().await;
    while let Some((due, text)) = next {
        sleep_until(due).await;
        let mut piece = text.to_owned();
        next = words.try_recv().ok();
        while let Some((_, more)) = next.take_if(|(due, _)| *due <= Instant::now()) {
            piece.push_str(more);
            next = words.try_recv().ok();
        }
        if to.write_all(piece.as_bytes()).await.is_err() {
            return;
        }
        if next.is_none() {
            next = words.recv().await;
        }
    }
}
