//! The peer matrix: every step of an SMTP conversation × everything a peer may do there × every
//! kind of connection × whether the delivery is dropped there. The clock is virtual, the deadlines
//! are those that are shipped.
//!
//! What each cell has to give is worked out in [`due`] from three facts (was it said before the
//! dot, was it an answer, was it about the letter), not from the code under test. The table in
//! `src/deliver/MATRIX.md` is written from what the cells gave; `INSTA_UPDATE=always` renews it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fondly::deliver::{
    Deadlines, Envelope, Login, Parcel, Relay, Security, SmtpConfig, SmtpCourier, Verdict,
};
use fondly::model::Reason;
use tokio::time::Instant;

use crate::relay::pipes::{Dialer, Identity, Pipes};
use crate::relay::{Act, At, Script, Then};

const SHORT: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

/// What a delivery may take beyond the deadline of the step that hangs.
const GRACE: Duration = Duration::from_secs(1);

/// What a connection may make us read, in bytes: the longest reply, what was said before, and TLS.
const MOST_TAKEN: usize = 32 * 1_024;

/// Longer than all deadlines of a conversation together; what lasts longer hangs.
const HANGS: Duration = Duration::from_hours(24);

/// A step of the conversation, or the same command in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Greeting,
    Hello,
    StartTls,
    Handshake,
    SecondHello,
    FirstChallenge,
    SecondChallenge,
    Login,
    Token,
    TokenRefused,
    Mail,
    Rcpt,
    Data,
    Body,
    Dot,
    KeptMail,
    Quit,
    QuitAfterNo,
    DataAfterNo,
}

const STEPS: &[(Step, &str)] = &[
    (Step::Greeting, "greeting"),
    (Step::Hello, "EHLO"),
    (Step::StartTls, "STARTTLS"),
    (Step::Handshake, "TLS handshake"),
    (Step::SecondHello, "EHLO under STARTTLS"),
    (Step::FirstChallenge, "AUTH LOGIN"),
    (Step::SecondChallenge, "its user name"),
    (Step::Login, "AUTH PLAIN"),
    (Step::Token, "AUTH XOAUTH2"),
    (Step::TokenRefused, "empty line after a refused token"),
    (Step::Mail, "MAIL"),
    (Step::Rcpt, "RCPT"),
    (Step::Data, "DATA"),
    (Step::Body, "body"),
    (Step::Dot, "dot"),
    (Step::KeptMail, "MAIL, kept connection"),
    (Step::Quit, "QUIT"),
    (Step::QuitAfterNo, "QUIT after RCPT was refused"),
    (
        Step::DataAfterNo,
        "DATA, said together with a RCPT that was refused",
    ),
];

impl Step {
    fn place(self) -> (At, usize) {
        match self {
            Self::Greeting => (At::Connect, 1),
            Self::Hello => (At::Ehlo, 1),
            Self::StartTls => (At::StartTls, 1),
            Self::Handshake => (At::Handshake, 1),
            Self::SecondHello => (At::Ehlo, 2),
            Self::FirstChallenge => (At::Challenge, 1),
            Self::SecondChallenge => (At::Challenge, 2),
            Self::Login | Self::Token => (At::Auth, 1),
            Self::TokenRefused => (At::TokenRefused, 1),
            Self::Mail => (At::Mail, 1),
            Self::Rcpt => (At::Rcpt, 1),
            Self::Data | Self::DataAfterNo => (At::Data, 1),
            Self::Body => (At::Body, 1),
            Self::Dot => (At::Dot, 1),
            Self::KeptMail => (At::Mail, 2),
            Self::Quit | Self::QuitAfterNo => (At::Quit, 1),
        }
    }

    fn deadline(self) -> Duration {
        let usual = Deadlines::default();
        match self {
            Self::Greeting => usual.greeting,
            Self::Handshake => usual.tls,
            Self::Data => usual.data,
            Self::Body => usual.block,
            Self::Dot => usual.dot,
            Self::Quit | Self::QuitAfterNo | Self::DataAfterNo => usual.quit,
            _ => usual.command,
        }
    }

    /// Whether a letter went well before.
    fn has_a_lead(self) -> bool {
        matches!(self, Self::KeptMail | Self::Quit)
    }

    fn is_before_mail(self) -> bool {
        self < Self::Mail
    }

    /// Whether it is taken only by a relay that hears several commands at once.
    fn is_pipelined(self) -> bool {
        self == Self::DataAfterNo
    }

    fn exists_with(self, security: Security) -> bool {
        match self {
            Self::StartTls | Self::SecondHello => security == Security::StartTls,
            Self::Handshake => security != Security::None,
            _ => true,
        }
    }
}

/// What the peer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Temporary,
    Permanent,
    PermanentAndGone,
    Goodbye,
    GoodbyeAndGone,
    Close,
    Half,
    Stall,
    Late,
    JustInTime,
    Drip,
    DripInTime,
    Garbage,
    OtherCode,
    GoAhead,
    Twice,
    NulInText,
    NulInCode,
    EndlessLine,
    EndlessReply,
    EndlessLongReply,
    TwoCodes,
    Unfinished,
}

const FAULTS: &[(Fault, &str)] = &[
    (Fault::Temporary, "450"),
    (Fault::Permanent, "554"),
    (Fault::PermanentAndGone, "554, and hangs up"),
    (Fault::Goodbye, "421, and stays"),
    (Fault::GoodbyeAndGone, "421, and hangs up"),
    (Fault::Close, "hangs up"),
    (Fault::Half, "hangs up in mid-reply"),
    (Fault::Stall, "falls silent"),
    (Fault::Late, "the usual, 1 s after the deadline"),
    (Fault::JustInTime, "the usual, 1 s before the deadline"),
    (Fault::Drip, "a byte at a time, past the deadline"),
    (Fault::DripInTime, "a byte at a time, in time"),
    (Fault::Garbage, "what isn't SMTP"),
    (Fault::OtherCode, "299, which answers nothing"),
    (Fault::GoAhead, "354, whatever was said"),
    (Fault::Twice, "the usual, and a 250 too many"),
    (Fault::NulInText, "the usual, with a NUL in its text"),
    (Fault::NulInCode, "the usual, with a NUL in its code"),
    (Fault::EndlessLine, "a line without end"),
    (Fault::EndlessReply, "a reply without end"),
    (Fault::EndlessLongReply, "a reply without end, long lines"),
    (Fault::TwoCodes, "a reply with two codes"),
    (Fault::Unfinished, "a reply that isn't finished"),
];

fn code_of(usual: &str) -> &str {
    usual.split_at(3).0
}

impl Fault {
    /// None where the fault means nothing: a handshake has no lines, and a body no reply of its
    /// own that could be finished or not.
    fn act(self, step: Step) -> Option<Act> {
        let second = Duration::from_secs(1);
        let deadline = step.deadline();
        let body = step == Step::Body;
        let act = match self {
            Self::Temporary => Act::Say("450 4.3.0 not now"),
            Self::Permanent => Act::Say("554 5.0.0 no"),
            Self::PermanentAndGone => Act::SayAndClose("554 5.0.0 no"),
            Self::Goodbye => Act::Say("421 4.3.2 shutting down"),
            Self::GoodbyeAndGone => Act::SayAndClose("421 4.3.2 shutting down"),
            Self::Close => Act::Close,
            // Who reads on in silence is silent at the dot.
            Self::Stall if body => Act::Deaf,
            Self::Stall => Act::Stall,
            Self::Late => Act::Late(deadline + second),
            Self::JustInTime => Act::Late(deadline.saturating_sub(second)),
            Self::Garbage => Act::Twist(|_| b"\x16\x03\xff what?\r\n".to_vec(), Then::GoOn),
            Self::EndlessLine => Act::Flood("a line that goes on and on, and "),
            _ if step == Step::Handshake => return None,
            Self::Half => Act::Twist(|usual| usual.split_at(7).0.into(), Then::Close),
            Self::Drip if body => Act::Sip(64, second),
            Self::DripInTime if body => Act::Sip(64, second / 10),
            Self::Drip => Act::Drip(deadline / 8),
            Self::DripInTime => Act::Drip(deadline / 1_000),
            Self::OtherCode => Act::Say("299 2.0.0 odd"),
            // To DATA it is the usual, unless the recipient was refused.
            Self::GoAhead if step == Step::Data => return None,
            Self::GoAhead => Act::Say("354 go ahead"),
            Self::Twice => Act::Twist(
                |usual| format!("{usual}\r\n250 2.0.0 too many\r\n").into(),
                Then::GoOn,
            ),
            Self::NulInText => Act::Twist(|usual| format!("{usual}\0!\r\n").into(), Then::GoOn),
            Self::NulInCode => Act::Twist(
                |usual| {
                    let (first, rest) = usual.split_at(1);
                    format!("{first}\0{rest}\r\n").into()
                },
                Then::GoOn,
            ),
            Self::EndlessReply => Act::Twist(
                |usual| format!("{}-and another thing\r\n", code_of(usual)).into(),
                Then::Again,
            ),
            Self::EndlessLongReply => Act::Twist(
                |usual| format!("{}-{}\r\n", code_of(usual), "x".repeat(1_000)).into(),
                Then::Again,
            ),
            Self::TwoCodes => Act::Twist(
                |usual| format!("{}-one\r\n555 another\r\n", code_of(usual)).into(),
                Then::GoOn,
            ),
            Self::Unfinished => Act::Twist(
                |usual| format!("{}-and\r\n", code_of(usual)).into(),
                Then::Stall,
            ),
        };
        Some(act)
    }

    fn answer(self) -> Answer {
        match self {
            Self::Temporary => Answer::Code(450),
            Self::Permanent | Self::PermanentAndGone => Answer::Code(554),
            Self::Goodbye | Self::GoodbyeAndGone => Answer::Code(421),
            Self::JustInTime | Self::DripInTime | Self::NulInText => Answer::Usual,
            Self::Twice => Answer::UsualAndMore,
            _ => Answer::None,
        }
    }

    /// Whether only the deadline ends it.
    fn is_waited_out(self, step: Step) -> bool {
        match self {
            Self::Stall | Self::Late | Self::Drip => true,
            // At the body, its beginning is a word too many.
            Self::Unfinished => step != Step::Body,
            // While both sides write, neither reads.
            Self::EndlessLine | Self::EndlessReply | Self::EndlessLongReply => step == Step::Body,
            _ => false,
        }
    }
}

/// What the peer's doing amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// As if nothing had happened.
    Usual,
    /// The usual, and something that nobody asked for.
    UsualAndMore,
    /// A clear no.
    Code(u16),
    /// No answer to this step.
    None,
}

/// What became of the letter, as the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Sent,
    RelayTrouble,
    Later,
    Refused,
    GivenUp,
    Stopped,
    Unknown,
    /// Dropped before anything irrevocable.
    NotSent,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::RelayTrouble => "relay",
            Self::Later => "later",
            Self::Refused => "refused",
            Self::GivenUp => "given up",
            Self::Stopped => "stop",
            Self::Unknown => "**unknown**",
            Self::NotSent => "not sent",
        }
    }

    fn of(verdict: &Verdict) -> Result<Self, String> {
        Ok(match verdict {
            Verdict::Accepted { .. } => Self::Sent,
            Verdict::Deferred {
                reason: Reason::RelayTrouble,
                relay: true,
                ..
            } => Self::RelayTrouble,
            Verdict::Deferred {
                reason: Reason::TemporaryRefusal,
                relay: false,
                ..
            } => Self::Later,
            Verdict::Rejected {
                reason: Reason::Refused,
                suppress,
                ..
            } if !suppress => Self::Refused,
            Verdict::Rejected { suppress: true, .. } => Self::GivenUp,
            Verdict::Stopped { .. } => Self::Stopped,
            Verdict::Unknown { .. } => Self::Unknown,
            other => return Err(format!("no class for {other:?}")),
        })
    }
}

/// What follows, from first principles.
fn due(step: Step, fault: Fault) -> Class {
    let answer = fault.answer();
    match step {
        // The letter's fate was sealed before.
        Step::Quit => Class::Sent,
        // So was this one: what is said of DATA is no news.
        Step::QuitAfterNo | Step::DataAfterNo => Class::GivenUp,
        // Here the usual answer is the refusal.
        Step::TokenRefused if matches!(answer, Answer::Usual | Answer::UsualAndMore) => {
            Class::Stopped
        }
        // Before the dot, a yes is as wrong as a word that can't be read.
        Step::Body if fault == Fault::NulInText => Class::RelayTrouble,
        // What isn't TLS is no answer, whatever it says.
        Step::Handshake if answer != Answer::Usual => Class::RelayTrouble,
        // A kept connection that ends says nothing about the letter: a new one carries it.
        Step::KeptMail
            if answer == Answer::Code(421) || matches!(fault, Fault::Close | Fault::Half) =>
        {
            Class::Sent
        }
        _ => match answer {
            Answer::Usual => Class::Sent,
            Answer::UsualAndMore if step == Step::Dot => Class::Sent,
            Answer::Code(421) => Class::RelayTrouble,
            Answer::Code(450) if step.is_before_mail() => Class::RelayTrouble,
            Answer::Code(450) => Class::Later,
            Answer::Code(_) if step.is_before_mail() => Class::Stopped,
            Answer::Code(_) if step == Step::Rcpt => Class::GivenUp,
            Answer::Code(_) => Class::Refused,
            Answer::None if step == Step::Dot => Class::Unknown,
            Answer::None | Answer::UsualAndMore => Class::RelayTrouble,
        },
    }
}

/// Whether the delivery is dropped at the step, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dropped {
    Never,
    /// The peer has heard the command and not answered it.
    BeforeTheAnswer,
    /// The answer, or what stands for it, is on its way.
    AfterTheAnswer,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    security: Security,
    pipelining: bool,
    step: Step,
    fault: Fault,
    dropped: Dropped,
}

/// A relay's configuration and what the peer needs to be that relay.
struct Bench {
    relay: Arc<Relay>,
    /// The same, with a token instead of a password.
    by_token: Arc<Relay>,
    identity: Identity,
    envelope: Envelope,
    /// More than a pipe holds.
    long: Vec<u8>,
}

impl Bench {
    fn new(security: Security, identity: &Identity, ca_file: &Path) -> Self {
        let mut config = SmtpConfig::new("127.0.0.1", 25, security);
        config.ca_file = Some(ca_file.to_path_buf());
        config.login = Some(Login::with_password("care", "tulip-17"));
        // The waits of this matrix must not make a connection old.
        config.reuse.max_age = HANGS;
        config.reuse.max_idle = HANGS;
        let mut by_token = config.clone();
        by_token.login = Some(Login::with_token_file(
            "care",
            ca_file.with_file_name("token"),
        ));
        Self {
            relay: Relay::new(config).unwrap(),
            by_token: Relay::new(by_token).unwrap(),
            identity: identity.clone(),
            envelope: Envelope {
                from: "care@shop.example".parse().unwrap(),
                to: "ada@customer.example".parse().unwrap(),
            },
            long: b"..a line of a letter, dots and all\r\n".repeat(700),
        }
    }

    fn peer(&self, trial: Trial, act: Act) -> Pipes {
        let mut offers = match trial.step {
            Step::FirstChallenge | Step::SecondChallenge => vec!["AUTH LOGIN"],
            Step::Token | Step::TokenRefused => vec!["AUTH XOAUTH2"],
            _ => vec!["AUTH PLAIN"],
        };
        if trial.pipelining {
            offers.push("PIPELINING");
        }
        let (at, nth) = trial.step.place();
        let mut script = Script::new()
            .security(trial.security)
            .offers(&offers)
            .nth(at, nth, act);
        if trial.step == Step::TokenRefused {
            script = script.nth(At::Auth, 1, Act::Say("334 eyJzdGF0dXMiOiI0MDEifQ=="));
        }
        if matches!(trial.step, Step::QuitAfterNo | Step::DataAfterNo) {
            script = script.nth(At::Rcpt, 1, Act::Say("550 5.1.1 no such user"));
        }
        Pipes::new(script, &self.identity)
    }

    fn parcel<'a>(&'a self, message: &'a [u8]) -> Parcel<'a> {
        Parcel {
            name: "birthday-4711",
            envelope: &self.envelope,
            message,
        }
    }

    /// A letter that meets no fault.
    async fn send_another(&self, courier: &mut SmtpCourier<Dialer>) -> Result<(), String> {
        let yes = std::future::ready(Ok::<_, Infallible>(true));
        let Ok(verdict) = Box::pin(courier.deliver(self.parcel(SHORT), yes)).await;
        ensure(matches!(verdict, Verdict::Accepted { .. }), || {
            format!("a letter without a fault: {verdict:?}")
        })
    }
}

/// What a cell gave.
struct Given {
    /// None when the delivery was dropped.
    verdict: Option<Verdict>,
    committed: bool,
    took: Duration,
    taken: usize,
    letters: usize,
    dots: usize,
}

/// Runs the delivery of one cell, up to its end or to the point at which it is dropped.
async fn give(
    bench: &Bench,
    trial: Trial,
    peer: &Pipes,
    courier: &mut SmtpCourier<Dialer>,
) -> Given {
    let before = (
        peer.taken(),
        peer.seen().letters.len(),
        peer.seen().dots,
        Instant::now(),
    );
    let committed = Cell::new(false);
    let commit = async {
        if trial.step == Step::Body {
            peer.until(|seen| seen.acts > 0).await;
        }
        committed.set(true);
        Ok::<_, Infallible>(true)
    };
    let message = match trial.step {
        Step::Body => &bench.long,
        _ => SHORT,
    };
    let work = async {
        if trial.step == Step::Quit {
            courier.quit().await;
            return Verdict::Accepted {
                reply: String::new(),
            };
        }
        let Ok(verdict) = Box::pin(courier.deliver(bench.parcel(message), commit)).await;
        verdict
    };
    let point = async {
        match trial.dropped {
            Dropped::Never => std::future::pending().await,
            Dropped::BeforeTheAnswer => peer.until(|seen| seen.begun > 0).await,
            Dropped::AfterTheAnswer => peer.until(|seen| seen.acts > 0).await,
        }
    };
    let verdict = tokio::select! {
        biased;
        () = point => None,
        verdict = work => Some(verdict),
    };
    Given {
        verdict,
        committed: committed.get(),
        took: before.3.elapsed(),
        taken: peer.taken() - before.0,
        letters: peer.seen().letters.len() - before.1,
        dots: peer.seen().dots - before.2,
    }
}

/// One cell: what became of the letter, or what is wrong.
async fn run(bench: &Bench, trial: Trial, act: Act) -> Result<Class, String> {
    let Trial { step, fault, .. } = trial;
    let peer = bench.peer(trial, act);
    let relay = match step {
        Step::Token | Step::TokenRefused => &bench.by_token,
        _ => &bench.relay,
    };
    let mut courier = relay.courier_by(peer.dialer());
    if step.has_a_lead() {
        bench.send_another(&mut courier).await?;
    }
    let given = give(bench, trial, &peer, &mut courier).await;
    let class = judged(trial, &given)?;
    agrees_with_the_peer(trial, class, &given)?;

    // What is in doubt isn't used again, and is hung up.
    let connections = peer.seen().connections;
    bench.send_another(&mut courier).await?;
    let anew = peer.seen().connections - connections;
    let kept = trial.dropped == Dropped::Never
        && class == Class::Sent
        && step != Step::Quit
        && !(step == Step::Dot && fault == Fault::Twice);
    ensure(anew == usize::from(!kept), || {
        format!("{class:?}, and then {anew} new connections")
    })?;
    ensure(
        peer.seen().letters.len() == 1 + given.letters + usize::from(step.has_a_lead()),
        || "the next letter didn't arrive once".to_owned(),
    )?;
    if !kept && !matches!(act, Act::Deaf) {
        peer.until(|seen| seen.ended > 0).await;
    }
    Ok(class)
}

/// The class, if it is the one that is due.
fn judged(trial: Trial, given: &Given) -> Result<Class, String> {
    let Trial { step, fault, .. } = trial;
    let Some(verdict) = &given.verdict else {
        let class = dropped_at(step);
        let unknown = class == Class::Unknown;
        ensure(given.committed == unknown, || {
            format!("dropped, committed: {}", given.committed)
        })?;
        return Ok(class);
    };
    ensure(trial.dropped == Dropped::Never, || {
        format!("it should have been dropped, and gave {verdict:?}")
    })?;
    let class = Class::of(verdict)?;
    ensure(class == due(step, fault), || format!("it gave {verdict:?}"))?;
    let deadline = step.deadline();
    let took = given.took;
    ensure(took <= deadline + GRACE, || format!("it took {took:?}"))?;
    ensure(took >= deadline || !fault.is_waited_out(step), || {
        format!("it gave up after {took:?}")
    })?;
    Ok(class)
}

/// What the engine makes of a delivery that was dropped.
fn dropped_at(step: Step) -> Class {
    match step {
        Step::Dot => Class::Unknown,
        Step::Quit => Class::Sent,
        _ => Class::NotSent,
    }
}

/// The peer keeps its own record.
fn agrees_with_the_peer(trial: Trial, class: Class, given: &Given) -> Result<(), String> {
    let Given { letters, dots, .. } = given;
    let agree = match class {
        Class::Sent if trial.step == Step::Quit => *letters == 0,
        Class::Sent => *letters == 1,
        Class::Unknown => given.committed && *dots == 1,
        _ if trial.step == Step::Dot => *letters == 0,
        _ => *letters == 0 && *dots == 0,
    };
    ensure(agree, || {
        format!("{class:?}, and the peer has {letters} letters and {dots} dots")
    })?;
    ensure(given.taken <= MOST_TAKEN, || {
        format!("{} bytes were read", given.taken)
    })
}

/// All cells over one kind of connection.
fn all_over(bench: &Bench, security: Security) -> Vec<(Trial, Result<Class, String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut given = Vec::new();
    for (trial, act) in trials(security) {
        let class = runtime.block_on(async {
            tokio::time::timeout(HANGS, Box::pin(run(bench, trial, act)))
                .await
                .unwrap_or_else(|_| Err("it hangs".to_owned()))
        });
        given.push((trial, class));
    }
    given
}

fn trials(security: Security) -> Vec<(Trial, Act)> {
    let mut trials = Vec::new();
    for (step, _) in STEPS.iter().filter(|(step, _)| step.exists_with(security)) {
        for (fault, _) in FAULTS {
            let Some(act) = fault.act(*step) else {
                continue;
            };
            for pipelining in [false, true] {
                if step.is_pipelined() && !pipelining {
                    continue;
                }
                for dropped in [
                    Dropped::Never,
                    Dropped::BeforeTheAnswer,
                    Dropped::AfterTheAnswer,
                ] {
                    let trial = Trial {
                        security,
                        pipelining,
                        step: *step,
                        fault: *fault,
                        dropped,
                    };
                    trials.push((trial, act));
                }
            }
        }
    }
    trials
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

#[test]
fn whatever_a_peer_does_the_letter_is_counted_rightly_and_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    let identity = Identity::new();
    std::fs::write(&ca_file, &identity.pem).unwrap();
    std::fs::write(dir.path().join("token"), "ya29.tulip-17\n").unwrap();
    let given: Vec<_> = std::thread::scope(|scope| {
        let threads = [Security::None, Security::StartTls, Security::Tls].map(|security| {
            let (identity, ca_file) = (&identity, &ca_file);
            scope.spawn(move || all_over(&Bench::new(security, identity, ca_file), security))
        });
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut classes = Classes::new();
    let mut wrong = Vec::new();
    for (trial, class) in &given {
        match class {
            Ok(class) => {
                let key = (trial.step, trial.fault, trial.dropped);
                let first = *classes.entry(key).or_insert(*class);
                if first != *class {
                    wrong.push(format!("{trial:?}: {class:?}, elsewhere {first:?}"));
                }
            }
            Err(why) => wrong.push(format!("{trial:?}: {why}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cells:\n{}",
        wrong.len(),
        given.len(),
        wrong.join("\n")
    );
    compare(&document(&classes, given.len()));
}

type Classes = BTreeMap<(Step, Fault, Dropped), Class>;

/// The page, as it has to stand in the repository.
fn document(classes: &Classes, cells: usize) -> String {
    let column = |step: Step| -> Vec<&'static str> {
        let class = |fault| classes.get(&(step, fault, Dropped::Never));
        FAULTS
            .iter()
            .map(|(fault, _)| class(*fault).map_or("–", |class| class.word()))
            .collect()
    };
    // Steps at which everything has the same consequence share a column.
    let mut columns: Vec<(String, Vec<&str>)> = Vec::new();
    for (step, name) in STEPS {
        let words = column(*step);
        match columns.iter_mut().find(|(_, known)| *known == words) {
            Some((names, _)) => {
                names.push_str(", ");
                names.push_str(name);
            }
            None => columns.push(((*name).to_owned(), words)),
        }
    }
    let mut text = format!("{INTRODUCTION}\n{cells} cells.\n\n");
    let names: Vec<&str> = columns.iter().map(|(names, _)| names.as_str()).collect();
    writeln!(text, "| the relay's answer | {} |", names.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(names.len())).unwrap();
    for (at, (_, fault)) in FAULTS.iter().enumerate() {
        let words: Vec<&str> = columns.iter().map(|(_, words)| words[at]).collect();
        writeln!(text, "| {fault} | {} |", words.join(" | ")).unwrap();
    }
    text.push_str(DROPPED);
    text.push_str("| step | deadline | dropped there |\n|---|---|---|\n");
    for (step, name) in STEPS {
        let seconds = step.deadline().as_secs();
        let word = dropped_at(*step).word();
        writeln!(text, "| {name} | {seconds} s | {word} |").unwrap();
    }
    text
}

/// Holds the page in the repository against what the cells gave.
fn compare(now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deliver/MATRIX.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "the same switch as for the other snapshots"
    )]
    let renew = std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always");
    if renew {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "{} isn't what the cells give; read the difference, then renew it with \
         INSTA_UPDATE=always\n{now}",
        path.display()
    );
}

const INTRODUCTION: &str = "\
# What becomes of a letter, whatever the relay does

Written by `cargo test --test it matrix`, which holds it against the code; don't edit it. A scripted
relay does each of these things at each step, over a plain connection, under STARTTLS and under TLS, with
PIPELINING and without, and each time the delivery is let run, or dropped before or after the answer was
given. The clock is virtual and the deadlines are those that are shipped. In every cell

- the letter gets the class below, and the relay's own record agrees: `sent` has arrived, once; what isn't
  sent has not; `unknown` is only what came after the dot without an answer;
- it ends within the deadline of its step and a second;
- at most 32 KiB are read from a relay that talks without end;
- a connection in doubt is hung up and never used again, and the next letter arrives.

| word | means |
|---|---|
| sent | the relay answered 250 after the dot |
| relay | not sent; trouble with the relay, tried again, and no attempt of the letter's |
| later | not sent; the relay said so of this letter, tried again after 5 minutes and ever longer |
| refused | not sent, and not tried again; the address isn't to blame |
| given up | the same, and the address gets nothing any more |
| stop | not sent; the relay refuses us, whatever the letter: the owner is told, no attempt is counted |
| **unknown** | the dot went out, and no answer came |
| not sent | dropped before \"about to send\" was written: it is due as before |
| – | can't be: a handshake has no lines, and 354 is the usual answer to DATA |
";

const DROPPED: &str = "
At the body, \"falls silent\" and what comes late mean that the relay no longer reads; who reads on in
silence is silent at the dot. What a 4xx or 5xx means with its enhanced code stands in `reply.rs`, with a
table of its own. RSET isn't in the list, because fondly never says it: after a refusal it takes leave.

A delivery that is dropped, as when the process is told to stop, gives the same whatever the relay was
about to do:

";
