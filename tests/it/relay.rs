//! A scripted SMTP relay: answers as told, and remembers what it was told.
//!
//! ```ignore
//! let script = Script::new().at(At::Rcpt, Act::Say("550 5.1.1 no such user"));
//! let relay = Relay::start(script).await;
//! // … deliver to relay.config() …
//! assert!(relay.letters().is_empty());
//! ```
//!
//! Without a script it takes everything, over one plain connection after another. What happened
//! is in [`Seen`]; wait for it with [`Relay::until`], never with a sleep. Dropping the relay ends
//! it. [`pipes`] has the same relay without a network, for virtual time.

pub(crate) mod pipes;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fondly::deliver::{Deadlines, Security, SmtpConfig};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// What it says of a letter that it took.
const TAKEN: &str = "250 2.0.0 taken";

/// A step at which the relay can be told what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Somebody connected.
    Connect,
    Ehlo,
    StartTls,
    /// Before the handshake, whose answers aren't SMTP.
    Handshake,
    /// A challenge of AUTH LOGIN.
    Challenge,
    Auth,
    /// The empty line after a token was refused by a challenge.
    TokenRefused,
    Mail,
    Rcpt,
    Data,
    /// The first line of the body came.
    Body,
    /// The dot came.
    Dot,
    Quit,
}

/// What to do instead of the usual.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Say this (a line end is added) and go on.
    Say(&'static str),
    /// Say this and hang up.
    SayAndClose(&'static str),
    /// Hang up.
    Close,
    /// Fall silent.
    Stall,
    /// Neither read nor write.
    Deaf,
    /// Say this over and over, as it is.
    Flood(&'static str),
    /// Say what this makes of the usual, as it is, and then …
    Twist(fn(&str) -> Vec<u8>, Then),
    /// Say the usual once [`Relay::let_go`] was called.
    Wait,
    /// Say the usual after so long; for the body, read on after so long.
    Late(Duration),
    /// Say the usual, a byte each time.
    Drip(Duration),
    /// Read the rest of the body, so many bytes each time.
    Sip(usize, Duration),
}

/// What comes after a twisted answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    GoOn,
    Close,
    Stall,
    /// The same once more, for ever.
    Again,
}

impl Act {
    /// Whether this act leaves it open that the relay took the letter.
    fn takes_letter(self) -> bool {
        match self {
            Self::Say(text) | Self::SayAndClose(text) => text.starts_with('2'),
            _ => true,
        }
    }
}

/// What the relay offers and does.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    security: Security,
    offers: Vec<&'static str>,
    acts: Vec<(At, Option<usize>, Act)>,
}

impl Script {
    /// Plain, with the usual offers.
    pub(crate) fn new() -> Self {
        Self {
            security: Security::None,
            offers: vec![
                "PIPELINING",
                "8BITMIME",
                "SIZE 10000000",
                "AUTH PLAIN LOGIN",
            ],
            acts: Vec::new(),
        }
    }

    /// With TLS from the start, or after STARTTLS.
    pub(crate) fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// With these offers only. STARTTLS is added where it belongs.
    pub(crate) fn offers(mut self, offers: &[&'static str]) -> Self {
        self.offers = offers.to_vec();
        self
    }

    /// Does this every time.
    pub(crate) fn at(mut self, at: At, act: Act) -> Self {
        self.acts.push((at, None, act));
        self
    }

    /// Does this the nth time (from 1, over all connections).
    pub(crate) fn nth(mut self, at: At, n: usize, act: Act) -> Self {
        self.acts.push((at, Some(n), act));
        self
    }
}

/// A letter whose dot arrived and that wasn't refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub from: String,
    pub to: Vec<String>,
    /// The lines with CRLF ends, the doubled dots undone.
    pub message: Vec<u8>,
}

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub connections: usize,
    /// Connections that have ended.
    pub ended: usize,
    /// Every command, in order.
    pub commands: Vec<String>,
    pub letters: Vec<Letter>,
    /// How many dots came, each with a letter before it.
    pub dots: usize,
    /// How many scripted acts were begun.
    pub begun: usize,
    /// How many scripted acts were carried out, or begun when they take their time.
    pub acts: usize,
    steps: Vec<At>,
}

/// A running relay.
pub(crate) struct Relay {
    port: u16,
    security: Security,
    ca_file: Option<PathBuf>,
    seen: watch::Receiver<Seen>,
    gate: watch::Sender<bool>,
    _dir: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Starts one on a free port of this machine.
    pub(crate) async fn start(script: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (acceptor, ca_file) = match script.security {
            Security::None => (None, None),
            Security::Tls | Security::StartTls => {
                let (acceptor, pem) = certificate();
                let path = dir.path().join("ca.pem");
                std::fs::write(&path, pem).unwrap();
                (Some(acceptor), Some(path))
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let security = script.security;
        let (state, seen) = watch::channel(Seen::default());
        let gate = watch::Sender::new(false);
        let house = Arc::new(House {
            script,
            acceptor,
            state,
            gate: gate.clone(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let house = Arc::clone(&house);
                house.state.send_modify(|seen| seen.connections += 1);
                guests.spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    // However the conversation ends, the socket is closed when this returns.
                    drop(house.receive(Box::new(stream)).await);
                    house.state.send_modify(|seen| seen.ended += 1);
                });
            }
        });
        Self {
            port,
            security,
            ca_file,
            seen,
            gate,
            _dir: dir,
            _tasks: tasks,
        }
    }

    /// How to reach it: trusting its certificate, with deadlines that a hanging test can bear.
    pub(crate) fn config(&self) -> SmtpConfig {
        let patience = Duration::from_secs(20);
        let mut config = SmtpConfig::new("127.0.0.1", self.port, self.security);
        config.ca_file.clone_from(&self.ca_file);
        config.deadlines = Deadlines {
            connect: patience,
            tls: patience,
            greeting: patience,
            command: patience,
            data: patience,
            block: patience,
            dot: patience,
            quit: patience,
        };
        config
    }

    /// The letters it took.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.seen.borrow().letters.clone()
    }

    /// The commands it heard.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.borrow().commands.clone()
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    /// Whoever waits by the script goes on, now and from now on.
    pub(crate) fn let_go(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until this has happened.
    pub(crate) async fn until(&self, happened: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        drop(seen.wait_for(happened).await.unwrap());
        // One turn of the runtime's I/O driver, so that this side has noticed as well.
        tokio::task::yield_now().await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Line = BufReader<Box<dyn Stream>>;

struct House {
    script: Script,
    acceptor: Option<TlsAcceptor>,
    state: watch::Sender<Seen>,
    gate: watch::Sender<bool>,
}

impl House {
    async fn receive(&self, stream: Box<dyn Stream>) -> io::Result<()> {
        let mut line = BufReader::new(stream);
        let secure = self.script.security != Security::StartTls;
        if self.script.security == Security::Tls {
            line = self.secure(line).await?;
        }
        self.answer(&mut line, At::Connect, "220 relay.example ESMTP")
            .await?;
        self.converse(line, secure).await
    }

    async fn converse(&self, mut line: Line, mut secure: bool) -> io::Result<()> {
        let mut letter = Letter::empty();
        loop {
            let command = hear(&mut line).await?;
            self.state
                .send_modify(|seen| seen.commands.push(command.clone()));
            let verb = command.split(' ').next().unwrap().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let offers = self.offers(secure);
                    self.answer(&mut line, At::Ehlo, &offers).await?;
                }
                "STARTTLS" => {
                    self.answer(&mut line, At::StartTls, "220 2.0.0 go ahead")
                        .await?;
                    line = self.secure(line).await?;
                    secure = true;
                }
                "AUTH" => self.log_in(&mut line, &command).await?,
                "MAIL" => {
                    letter = Letter::empty();
                    if self.answer(&mut line, At::Mail, "250 2.1.0 ok").await? {
                        letter.from = path_in(&command);
                    }
                }
                "RCPT" => {
                    let usual = if letter.from.is_empty() {
                        "503 5.5.1 MAIL first"
                    } else {
                        "250 2.1.5 ok"
                    };
                    if self.answer(&mut line, At::Rcpt, usual).await? {
                        letter.to.push(path_in(&command));
                    }
                }
                "DATA" => {
                    let usual = if letter.to.is_empty() {
                        "554 5.5.1 no valid recipients"
                    } else {
                        "354 end with a dot"
                    };
                    if self.answer(&mut line, At::Data, usual).await? {
                        letter.message = self.hear_body(&mut line).await?;
                        self.finish(&mut line, std::mem::take(&mut letter)).await?;
                    }
                }
                "QUIT" => {
                    self.answer(&mut line, At::Quit, "221 2.0.0 bye").await?;
                    return line.shutdown().await;
                }
                _ => say(&mut line, "502 5.5.2 what?").await?,
            }
        }
    }

    async fn secure(&self, mut line: Line) -> io::Result<Line> {
        if self.act(At::Handshake).is_some() {
            self.answer(&mut line, At::Handshake, "").await?;
        }
        let acceptor = self.acceptor.as_ref().unwrap();
        let stream = acceptor.accept(line.into_inner()).await?;
        Ok(BufReader::new(Box::new(stream)))
    }

    fn offers(&self, secure: bool) -> String {
        let mut offers = self.script.offers.clone();
        if !secure {
            offers.push("STARTTLS");
        }
        let mut text = String::from("250-relay.example greets you");
        for offer in offers {
            text.push_str("\r\n250-");
            text.push_str(offer);
        }
        text.push_str("\r\n250 HELP");
        text
    }

    async fn log_in(&self, line: &mut Line, command: &str) -> io::Result<()> {
        if command.eq_ignore_ascii_case("AUTH LOGIN") {
            for challenge in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                if !self.answer(line, At::Challenge, challenge).await? {
                    return Ok(());
                }
                let answer = hear(line).await?;
                self.state.send_modify(|seen| seen.commands.push(answer));
            }
        }
        let refused = matches!(self.act(At::Auth), Some(Act::Say(text)) if text.starts_with("334"));
        self.answer(line, At::Auth, "235 2.7.0 welcome").await?;
        if refused {
            let answer = hear(line).await?;
            self.state.send_modify(|seen| seen.commands.push(answer));
            self.answer(line, At::TokenRefused, "535 5.7.8 no such token")
                .await?;
        }
        Ok(())
    }

    /// The body up to the dot, as a strict server reads it: only CRLF ends a line.
    async fn hear_body(&self, line: &mut Line) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        let mut first = true;
        loop {
            let mut text = Vec::new();
            while !text.ends_with(b"\r\n") {
                if line.read_until(b'\n', &mut text).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            if std::mem::take(&mut first) {
                match self.act(At::Body) {
                    Some(Act::Sip(size, gap)) => {
                        self.begin(At::Body);
                        text.extend(sip(line, size, gap).await?);
                        return Ok(undotted(&text));
                    }
                    Some(_) => drop(self.answer(line, At::Body, TAKEN).await?),
                    None => {}
                }
            }
            if text == b".\r\n" {
                return Ok(undotted(&message));
            }
            message.extend_from_slice(&text);
        }
    }

    async fn finish(&self, line: &mut Line, letter: Letter) -> io::Result<()> {
        let act = self.act(At::Dot).unwrap_or(Act::Say(TAKEN));
        self.state.send_modify(|seen| {
            seen.dots += 1;
            if act.takes_letter() {
                seen.letters.push(letter);
            }
        });
        self.answer(line, At::Dot, TAKEN).await?;
        Ok(())
    }

    /// What the script says for the coming time of this step.
    fn act(&self, at: At) -> Option<Act> {
        let nth = 1 + self
            .state
            .borrow()
            .steps
            .iter()
            .filter(|step| **step == at)
            .count();
        self.script
            .acts
            .iter()
            .find(|(step, when, _)| *step == at && when.is_none_or(|when| when == nth))
            .map(|(_, _, act)| *act)
    }

    /// Takes the coming act of this step from the script, and notes that it begins.
    fn begin(&self, at: At) -> Option<Act> {
        let act = self.act(at);
        self.state.send_modify(|seen| {
            seen.steps.push(at);
            if let Some(act) = act {
                seen.begun += 1;
                seen.acts += usize::from(act.takes_time());
            }
        });
        act
    }

    /// Says the usual, or does what the script says; whether it was a yes.
    async fn answer(&self, line: &mut Line, at: At, usual: &str) -> io::Result<bool> {
        let Some(act) = self.begin(at) else {
            say(line, usual).await?;
            return Ok(usual.starts_with(['2', '3']));
        };
        if matches!(act, Act::Wait) {
            drop(self.gate.subscribe().wait_for(|open| *open).await);
        }
        let said = perform(line, at, act, usual).await;
        if !act.takes_time() {
            self.state.send_modify(|seen| seen.acts += 1);
        }
        said
    }
}

impl Act {
    /// Whether it isn't over at once.
    fn takes_time(self) -> bool {
        match self {
            Self::Say(_) | Self::SayAndClose(_) | Self::Close => false,
            Self::Twist(_, then) => matches!(then, Then::Stall | Then::Again),
            Self::Stall
            | Self::Deaf
            | Self::Flood(_)
            | Self::Wait
            | Self::Late(_)
            | Self::Drip(_)
            | Self::Sip(..) => true,
        }
    }
}

/// Does what the script says; whether it was a yes.
async fn perform(line: &mut Line, at: At, act: Act, usual: &str) -> io::Result<bool> {
    let yes = usual.starts_with(['2', '3']);
    match act {
        Act::Say(text) => {
            say(line, text).await?;
            Ok(text.starts_with(['2', '3']))
        }
        Act::SayAndClose(text) => {
            say(line, text).await?;
            hang_up(line).await
        }
        Act::Close => Err(io::ErrorKind::ConnectionAborted.into()),
        Act::Stall => stall(line).await,
        Act::Deaf => std::future::pending().await,
        Act::Flood(text) => flood(line, text.as_bytes()).await,
        Act::Twist(twist, then) => {
            let bytes = twist(usual);
            line.write_all(&bytes).await?;
            line.flush().await?;
            match then {
                Then::GoOn => Ok(yes),
                Then::Close => hang_up(line).await,
                Then::Stall => stall(line).await,
                Then::Again => flood(line, &bytes).await,
            }
        }
        Act::Wait => {
            say(line, usual).await?;
            Ok(yes)
        }
        Act::Late(time) => {
            sleep(time).await;
            if !matches!(at, At::Body | At::Handshake) {
                say(line, usual).await?;
            }
            Ok(yes)
        }
        Act::Drip(gap) => {
            for byte in format!("{usual}\r\n").bytes() {
                sleep(gap).await;
                line.write_all(&[byte]).await?;
                line.flush().await?;
            }
            Ok(yes)
        }
        Act::Sip(..) => unreachable!("only a body can be sipped"),
    }
}

async fn hang_up(line: &mut Line) -> io::Result<bool> {
    line.shutdown().await?;
    Err(io::ErrorKind::ConnectionAborted.into())
}

/// Says nothing, but notices when the other side hangs up.
async fn stall(line: &mut Line) -> io::Result<bool> {
    tokio::io::copy(line, &mut tokio::io::sink()).await?;
    Err(io::ErrorKind::UnexpectedEof.into())
}

async fn flood(line: &mut Line, text: &[u8]) -> io::Result<bool> {
    loop {
        line.write_all(text).await?;
        line.flush().await?;
    }
}

/// Reads up to the dot, and leaves it out.
async fn sip(line: &mut Line, size: usize, gap: Duration) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n.\r\n") {
        sleep(gap).await;
        let mut piece = vec![0; size];
        let read = line.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.extend_from_slice(&piece[..read]);
    }
    text.truncate(text.len() - ".\r\n".len());
    Ok(text)
}

/// The message as it was before its leading dots were doubled.
fn undotted(text: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    message
}

impl Letter {
    fn empty() -> Self {
        Self {
            from: String::new(),
            to: Vec::new(),
            message: Vec::new(),
        }
    }
}

impl Default for Letter {
    fn default() -> Self {
        Self::empty()
    }
}

async fn hear(line: &mut Line) -> io::Result<String> {
    let mut text = String::new();
    line.read_line(&mut text).await?;
    if !text.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    assert!(text.ends_with("\r\n"), "a command without CRLF: {text:?}");
    Ok(text.trim_end().to_owned())
}

async fn say(line: &mut Line, text: &str) -> io::Result<()> {
    line.write_all(format!("{text}\r\n").as_bytes()).await?;
    line.flush().await
}

/// What stands between the angle brackets.
fn path_in(command: &str) -> String {
    let (_, rest) = command.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}

/// A certificate for this machine, as a server uses it and as a client trusts it.
fn certificate() -> (TlsAcceptor, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}
