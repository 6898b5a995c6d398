//! Whatever a mail server says, nothing is called sent, refused or unknown that isn't.
//!
//! The first two bytes choose the conversation; the rest is what the server says, byte by byte,
//! with a few marks (see [`peer`]). The verdicts are held against what went over the wire, read
//! by a reader of its own.

mod oracle;
mod peer;

use std::cell::Cell;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fondly::deliver::{Deadlines, Envelope, Login, Parcel, Relay, Security, SmtpConfig, Verdict};
use tokio::time::{Instant, timeout};

use peer::Peer;

/// Letters as they may look: plain, with dots at the wrong places, and beyond ASCII.
const LETTERS: [&[u8]; 3] = [
    b"Subject: hi\r\n\r\nhello\r\n",
    b"Subject: dots\r\n\r\n.\r\n..\r\nMAIL FROM:<x@y.example>\r\n.quit",
    "Subject: flowers\r\n\r\nR\u{f6}schen\r\n".as_bytes(),
];

/// One that no server could trust; a handshake with it never succeeds here, as there is no TLS.
const SOMEBODY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUSU4Ho9aoKAVXuc/yj/1O4Tsvv6wwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGTm9ib2R5MCAXDTI2MTEyODIyMjMwOVoYDzIxMjYxMTA0MjIy
MzA5WjARMQ8wDQYDVQQDDAZOb2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARRRiqAMtg+MFkwAD/VtKP2hpwlL44K5rMD52oXvHp5aZpIkJsdj8Xq2QRFa2eg
YorCSYI5sPvjMYJEm7TmcY1Go1MwUTAdBgNVHQ4EFgQUK7Dw7g/ShVHHUhplXjXQ
Qnz9b7swHwYDVR0jBBgwFoAUK7Dw7g/ShVHHUhplXjXQQnz9b7swDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBCkKt3kVuzZ1ZMpwZs1ECiEVw1H6dn
sUlxn6Sl2Sk8dgIhAMIdRZudJ3B9dhPE7IFCwUBSqZPtS2w0TiSEAVe5iHVa
-----END CERTIFICATE-----
";

/// Longer than all deadlines of a conversation together; what lasts longer hangs.
const HANGS: Duration = Duration::from_hours(24);

/// What the ledger keeps of a reply, in characters: a thousand, and who said it when.
const MOST_WORDS: usize = 1_200;

/// What the caller's commit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    Yes,
    No,
    Fails,
}

/// The choices of the first two bytes.
#[derive(Debug, Clone, Copy)]
struct Choice {
    relay: usize,
    letter: usize,
    commit: Commit,
    /// Letters over one courier.
    letters: u8,
    /// The most bytes that one read gives and one write takes.
    piece: usize,
}

impl Choice {
    fn of(first: u8, second: u8) -> Self {
        Self {
            relay: usize::from(first & 3).min(2),
            letter: usize::from(first >> 2 & 3).min(2),
            commit: match first >> 4 & 3 {
                0 => Commit::No,
                1 => Commit::Fails,
                _ => Commit::Yes,
            },
            letters: 1 + (first >> 6),
            piece: match second {
                0 => usize::MAX,
                n => usize::from(n),
            },
        }
    }
}

/// Holds one conversation.
pub(crate) fn check(data: &[u8]) {
    drop(verdicts(data));
}

/// Holds one conversation; what became of its letters, none where the commit failed.
pub(crate) fn verdicts(data: &[u8]) -> Vec<Option<Verdict>> {
    let [first, second, script @ ..] = data else {
        return Vec::new();
    };
    let choice = Choice::of(*first, *second);
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(converse(choice, script))
}

async fn converse(choice: Choice, script: &[u8]) -> Vec<Option<Verdict>> {
    let mut verdicts = Vec::new();
    let envelope = Envelope {
        from: "hello@thorn.example".parse().unwrap(),
        to: "ada@mail.example".parse().unwrap(),
    };
    let peer = Peer::new(script, choice.piece);
    let mut courier = relay(choice.relay).courier_by(peer.clone());
    for _ in 0..choice.letters {
        let parcel = Parcel {
            name: "a",
            envelope: &envelope,
            message: LETTERS[choice.letter],
        };
        let asked = Cell::new(0_u32);
        let commit = async {
            asked.set(asked.get() + 1);
            peer.committed();
            match choice.commit {
                Commit::Yes => Ok(true),
                Commit::No => Ok(false),
                Commit::Fails => Err(()),
            }
        };
        let start = Instant::now();
        let first_visit = peer.begin();
        let delivery = timeout(HANGS, courier.deliver(parcel, commit));
        let verdict = delivery.await.unwrap();
        let took = start.elapsed();
        assert!(took <= longest(), "a letter took {took:?}");
        peer.is_bounded();
        match &verdict {
            Ok(verdict) => words_are_clean(verdict.reply()),
            Err(()) => assert_eq!((choice.commit, asked.get()), (Commit::Fails, 1)),
        }
        let seen = oracle::Seen {
            committed: (asked.get() > 0).then_some(choice.commit == Commit::Yes),
            in_the_clear: choice.relay != 2,
            letter: parcel.message,
        };
        let verdict = verdict.ok();
        oracle::verdict_is_true(&seen, verdict.as_ref(), &peer.since(first_visit));
        verdicts.push(verdict);
    }
    timeout(HANGS, courier.quit()).await.unwrap();
    verdicts
}

/// Two connections, of which the first was kept from the letter before, and each of their steps.
fn longest() -> Duration {
    let d = Deadlines::default();
    let steps = d.connect + d.greeting + d.tls + 6 * d.command + d.data + 3 * d.block + d.dot;
    2 * (steps + d.quit) + Duration::from_secs(1)
}

fn words_are_clean(reply: &str) {
    assert!(reply.chars().all(|c| !c.is_control()), "{reply:?}");
    assert!(reply.chars().count() <= MOST_WORDS, "{reply:?}");
}

/// Without a login, with one, and one that insists on STARTTLS.
fn relay(which: usize) -> &'static Arc<Relay> {
    static RELAYS: OnceLock<[Arc<Relay>; 3]> = OnceLock::new();
    let all = RELAYS.get_or_init(|| {
        let plain = SmtpConfig::new("127.0.0.1", 25, Security::None);
        let with_login = SmtpConfig {
            login: Some(Login::with_password("care", "tulip-17")),
            ..plain.clone()
        };
        // So that it works on a machine that trusts nobody.
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(SOMEBODY.as_bytes()).unwrap();
        let start_tls = SmtpConfig {
            security: Security::StartTls,
            ca_file: Some(file.path().to_owned()),
            ..plain.clone()
        };
        [plain, with_login, start_tls].map(|config| Relay::new(config).unwrap())
    });
    &all[which]
}
