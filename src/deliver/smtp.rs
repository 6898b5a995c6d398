//! The SMTP courier: one relay, at most one connection, one message at a time.
//!
//! Opens and keeps connections; the conversation itself is [`super::connection`]'s. May not touch
//! the store: the durable "about to send" is the caller's `commit`.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::config::{Security, SmtpConfig};
use super::connection::Connection;
use super::dial::{Dial, Tcp};
use super::offers::Welcome;
use super::reply::Phase;
use super::setback::{Left, Setback};
use super::socket::{Socket, Tls};
use super::wire::Break;
use super::{Parcel, Verdict};

/// What is wrong with the configuration of a relay.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No encryption, and not on this machine.
    #[error(
        "{0} isn't on this machine, and `security = \"none\"` would send everything in the clear; use \"tls\" or \"starttls\""
    )]
    InTheClear(String),
    /// Not a host name.
    #[error("{0:?} is no host name; write one such as smtp.example.net")]
    HostName(String),
    /// Not a name for EHLO.
    #[error("{0:?} can't be used in EHLO; write a host name, or an address in brackets")]
    Helo(String),
    /// Not a name for a login.
    #[error("the username {0:?} has characters that no login can carry")]
    Username(String),
    /// The extra certificates can't be used.
    #[error("the certificates in {} can't be used: {why}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nobody to trust.
    #[error(
        "the system has no certificates to trust; install ca-certificates, or name a file of your own"
    )]
    NoRoots,
    /// TLS can't be set up at all.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
}

/// A relay, checked and ready to be called; shared by the couriers of all workers.
#[derive(Debug)]
pub struct Relay {
    config: SmtpConfig,
    /// `host:port`, for what people read.
    name: Arc<str>,
    tls: Option<Tls>,
}

impl Relay {
    /// Checks the configuration and loads the certificates; connects to nothing.
    ///
    /// # Errors
    /// Says which setting can't work, and what to do.
    pub fn new(config: SmtpConfig) -> Result<Arc<Self>, SetupError> {
        let helo = &config.helo;
        if helo.is_empty() || !helo.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SetupError::Helo(helo.clone()));
        }
        let names = config.login.iter().map(|login| &login.username);
        // NUL and ^A part the fields of a login.
        if let Some(name) = names
            .into_iter()
            .find(|name| name.contains(char::is_control))
        {
            return Err(SetupError::Username(name.clone()));
        }
        let tls = match config.security {
            Security::None if is_this_machine(&config.host) => None,
            Security::None => return Err(SetupError::InTheClear(config.host)),
            Security::Tls | Security::StartTls => {
                Some(Tls::new(&config.host, config.ca_file.as_ref())?)
            }
        };
        let name = format!("{}:{}", config.host, config.port).into();
        Ok(Arc::new(Self { config, name, tls }))
    }

    /// Goes as far as every letter goes before anything of it is said (connection, TLS, EHLO, login),
    /// and takes leave. Nothing is sent.
    ///
    /// # Errors
    /// What would become of a letter instead.
    pub async fn knock(&self) -> Result<Welcome, Verdict> {
        let met = Box::pin(self.connect(&Tcp)).await;
        let live = met.map_err(|setback| setback.verdict(&self.name))?;
        let welcome = live.connection.offers().welcome();
        Box::pin(live.connection.quit()).await;
        Ok(welcome)
    }

    /// A courier of this relay, not yet connected.
    pub fn courier(self: &Arc<Self>) -> SmtpCourier {
        self.courier_by(Tcp)
    }

    /// The same, over another kind of stream.
    pub fn courier_by<D: Dial>(self: &Arc<Self>, dial: D) -> SmtpCourier<D> {
        SmtpCourier {
            relay: Arc::clone(self),
            dial,
            kept: None,
        }
    }

    /// Connects, greets, sets up TLS and logs in.
    async fn connect<D: Dial>(&self, dial: &D) -> Result<Live<D::Stream>, Setback> {
        let stream = self.dial(dial).await?;
        let helo = &self.config.helo;
        let mut connection = match (self.config.security, &self.tls) {
            (Security::Tls, Some(tls)) => {
                let mut connection = self.converse(self.handshake(tls, stream).await?);
                connection.greet().await?;
                connection.hello(helo).await?;
                connection
            }
            (Security::StartTls, Some(tls)) => {
                let mut plain = self.converse(stream);
                plain.greet().await?;
                if !plain.hello(helo).await?.start_tls {
                    plain.quit().await;
                    return Err(self.unusable(
                        "doesn't offer STARTTLS, and nothing goes out in the clear; check the port",
                    ));
                }
                let stream = plain.start_tls().await?;
                let mut connection = self.converse(self.handshake(tls, stream).await?);
                // What was offered in the clear doesn't count (RFC 3207 §4.2).
                connection.hello(helo).await?;
                connection
            }
            _ => {
                let mut connection = self.converse(Socket::Plain(stream));
                connection.greet().await?;
                connection.hello(helo).await?;
                connection
            }
        };
        if let Some(login) = &self.config.login {
            Box::pin(connection.log_in(login)).await?;
        }
        let now = Instant::now();
        Ok(Live {
            connection,
            opened: now,
            last_used: now,
            messages: 0,
            is_leaving: false,
        })
    }

    async fn dial<D: Dial>(&self, dial: &D) -> Result<D::Stream, Setback> {
        let limit = self.config.deadlines.connect;
        let dialled = timeout(limit, dial.dial(&self.config.host, self.config.port));
        let (stream, address) = dialled
            .await
            .map_err(|_| broken(Phase::Connect, Break::Deadline(limit)))?
            .map_err(|error| broken(Phase::Connect, Break::Network(error)))?;
        // A name may be called localhost and lead elsewhere.
        if self.config.security == Security::None && !address.is_loopback() {
            return Err(self.unusable(
                "isn't on this machine, and nothing goes out in the clear; use \"tls\" or \"starttls\"",
            ));
        }
        Ok(stream)
    }

    async fn handshake<S>(&self, tls: &Tls, stream: S) -> Result<Socket<S>, Setback>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limit = self.config.deadlines.tls;
        timeout(limit, tls.handshake(stream))
            .await
            .map_err(|_| broken(Phase::Tls, Break::Deadline(limit)))?
            .map_err(|error: io::Error| broken(Phase::Tls, Break::Network(error)))
    }

    fn converse<S>(&self, stream: S) -> Connection<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Connection::new(stream, Arc::clone(&self.name), self.config.deadlines)
    }

    fn unusable(&self, why: &str) -> Setback {
        Setback::Unfit(Verdict::Stopped {
            reply: format!("{} {why}", self.name),
        })
    }
}

/// An open connection and its age.
#[derive(Debug)]
struct Live<S> {
    connection: Connection<Socket<S>>,
    opened: Instant,
    last_used: Instant,
    messages: u32,
    /// All that is left to say is QUIT.
    is_leaving: bool,
}

/// Delivers to one relay, over one connection at a time. One for each worker.
#[derive(Debug)]
pub struct SmtpCourier<D: Dial = Tcp> {
    relay: Arc<Relay>,
    dial: D,
    kept: Option<Box<Live<D::Stream>>>,
}

impl<D: Dial> SmtpCourier<D> {
    /// Delivers one message; see [`super::Courier::deliver`].
    ///
    /// # Errors
    /// Only the error of `commit`, handed through; the dot wasn't sent.
    pub async fn deliver<E, C>(&mut self, parcel: Parcel<'_>, commit: C) -> Result<Verdict, E>
    where
        C: Future<Output = Result<bool, E>>,
    {
        // The connection is owned by this call until the message is through: whatever ends the
        // call early, an error or its cancellation, drops the socket with it.
        let mut live = match self.ready(parcel).await {
            Ok(live) => live,
            Err(setback) => return Ok(setback.verdict(&self.relay.name)),
        };
        let (verdict, left) = live.connection.hand_over(parcel.message, commit).await?;
        // Nothing is awaited between the reply and the return, or a cancellation there would
        // lose an answer that we have. So who takes leave does it before the next letter.
        if left != Left::Nothing {
            live.messages += 1;
            live.last_used = Instant::now();
            live.is_leaving = left == Left::Leaving;
            self.kept = Some(live);
        }
        Ok(verdict)
    }

    /// Takes leave of the relay; the next message connects again.
    pub async fn quit(&mut self) {
        if let Some(live) = self.kept.take() {
            Box::pin(live.connection.quit()).await;
        }
    }

    /// A connection that waits for this message's body.
    async fn ready(&mut self, parcel: Parcel<'_>) -> Result<Box<Live<D::Stream>>, Setback> {
        if let Some(mut live) = self.still_fresh().await {
            match live.announce(parcel).await {
                Ok(()) => return Ok(live),
                // Once, and silently: servers end idle connections as they please.
                Err(setback) if setback.is_old_age() => {}
                Err(setback) => return Err(self.part(live, setback).await),
            }
        }
        let mut live = Box::new(Box::pin(self.relay.connect(&self.dial)).await?);
        match live.announce(parcel).await {
            Ok(()) => Ok(live),
            Err(setback) => Err(self.part(live, setback).await),
        }
    }

    /// Ends the connection after a setback, unless nothing was said of the message at all.
    async fn part(&mut self, live: Box<Live<D::Stream>>, setback: Setback) -> Setback {
        if matches!(setback, Setback::Unfit(_)) {
            self.kept = Some(live);
            return setback;
        }
        live.leave(setback).await
    }

    /// The kept connection, unless it has served long enough.
    async fn still_fresh(&mut self) -> Option<Box<Live<D::Stream>>> {
        let live = self.kept.take()?;
        let reuse = self.relay.config.reuse;
        let fresh = !live.is_leaving
            && live.messages < reuse.max_messages
            && live.opened.elapsed() < reuse.max_age
            && live.last_used.elapsed() < reuse.max_idle;
        if fresh {
            return Some(live);
        }
        Box::pin(live.connection.quit()).await;
        None
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Live<S> {
    async fn announce(&mut self, parcel: Parcel<'_>) -> Result<(), Setback> {
        self.connection
            .announce(parcel.envelope, parcel.message)
            .await
    }

    /// Ends the connection after a refusal, with a QUIT where every command has been answered:
    /// servers count those who just hang up.
    async fn leave(self: Box<Self>, setback: Setback) -> Setback {
        if let Setback::Refused {
            in_sync: true,
            reply,
            ..
        } = &setback
            && reply.code != 421
        {
            Box::pin(self.connection.quit()).await;
        }
        setback
    }
}

const fn broken(phase: Phase, cause: Break) -> Setback {
    Setback::Broken { phase, cause }
}

/// Whether a host is this machine, as far as its name tells.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
