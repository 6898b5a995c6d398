//! The scripted relay without a network: every connection is a pair of pipes in memory.
//!
//! With tokio's clock paused, an hour of waiting takes no time, and the same cell of a matrix
//! comes out the same on every machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use fondly::deliver::Dial;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{House, Script, Seen, certificate};

/// What one direction of a connection holds, in bytes: little, so that who doesn't read is noticed.
const PIPE_SIZE: usize = 4_096;

/// What a server needs to speak TLS, and a client to trust it.
#[derive(Clone)]
pub(crate) struct Identity {
    acceptor: TlsAcceptor,
    /// The certificate to trust, as PEM.
    pub(crate) pem: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let (acceptor, pem) = certificate();
        Self { acceptor, pem }
    }
}

/// A relay that is reached by [`Pipes::dialer`].
pub(crate) struct Pipes {
    house: Arc<House>,
    seen: watch::Receiver<Seen>,
    taken: Arc<AtomicUsize>,
    guests: Arc<Mutex<JoinSet<()>>>,
}

impl Pipes {
    pub(crate) fn new(script: Script, identity: &Identity) -> Self {
        let (state, seen) = watch::channel(Seen::default());
        let acceptor = Some(identity.acceptor.clone());
        Self {
            house: Arc::new(House {
                script,
                acceptor,
                state,
                gate: watch::Sender::new(true),
            }),
            seen,
            taken: Arc::default(),
            guests: Arc::default(),
        }
    }

    /// What a courier connects with.
    pub(crate) fn dialer(&self) -> Dialer {
        Dialer {
            house: Arc::clone(&self.house),
            taken: Arc::clone(&self.taken),
            guests: Arc::clone(&self.guests),
            leads_to: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// What happened so far.
    pub(crate) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// How many bytes were read from it, over all connections.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits until this has happened.
    pub(crate) async fn until(&self, happened: impl FnMut(&Seen) -> bool) {
        drop(self.seen.clone().wait_for(happened).await.unwrap());
    }
}

/// Opens pipes instead of sockets.
pub(crate) struct Dialer {
    house: Arc<House>,
    taken: Arc<AtomicUsize>,
    guests: Arc<Mutex<JoinSet<()>>>,
    leads_to: IpAddr,
}

impl Dialer {
    /// Says that the host's name leads there.
    pub(crate) fn that_leads_to(mut self, address: IpAddr) -> Self {
        self.leads_to = address;
        self
    }
}

impl Dial for Dialer {
    type Stream = Counted;

    async fn dial(&self, _: &str, _: u16) -> io::Result<(Counted, IpAddr)> {
        let (ours, theirs) = tokio::io::duplex(PIPE_SIZE);
        let house = Arc::clone(&self.house);
        house.state.send_modify(|seen| seen.connections += 1);
        self.guests.lock().unwrap().spawn(async move {
            drop(house.receive(Box::new(theirs)).await);
            house.state.send_modify(|seen| seen.ended += 1);
        });
        let stream = Counted {
            stream: ours,
            taken: Arc::clone(&self.taken),
        };
        Ok((stream, self.leads_to))
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

/// The client's end, which counts what is read from it.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: DuplexStream,
    taken: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.taken
            .fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
