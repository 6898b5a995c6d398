//! Replies: bytes -> [`Reply`] -> [`Verdict`]. Pure: no socket, no clock.
//!
//! [`judge`] is the one place that knows what a reply code means for a message, for its
//! recipient, and for our use of the relay.

use std::fmt;

use super::Verdict;
use crate::model::Reason;

/// The longest reply line taken, in bytes. RFC 5321 §4.5.3.1.5 allows 512; Postfix takes 2048.
pub(super) const MAX_LINE: usize = 2_048;

/// The longest reply taken, in lines. An EHLO reply has about fifteen.
const MAX_LINES: usize = 128;

/// The longest reply taken, in bytes over all its lines: what one connection may cost us, however
/// long a server talks. Real ones have a few hundred.
const MAX_REPLY: usize = 16_384;

/// How much of a reply the ledger keeps, in characters.
const MAX_WORDS: usize = 1_000;

/// The step of a transaction that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Name look-up and TCP.
    Connect,
    /// The banner.
    Greeting,
    /// STARTTLS and the TLS handshake.
    Tls,
    /// EHLO.
    Hello,
    /// The login.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, and the body up to the dot.
    Data,
    /// The final dot.
    Dot,
}

impl Phase {
    /// Whether this code lets us go on. Exact codes only: another 2xx or 3xx means that the two
    /// sides have lost each other, and then a later 250 can't be trusted either.
    pub const fn accepts(self, code: u16) -> bool {
        match self {
            Self::Connect => false,
            Self::Greeting | Self::Tls => code == 220,
            Self::Hello | Self::Mail | Self::Dot => code == 250,
            Self::Auth => code == 235,
            Self::Rcpt => code == 250 || code == 251,
            Self::Data => code == 354,
        }
    }

    /// Whether nothing about the message has been said yet, so that a refusal is about us.
    const fn is_before_mail(self) -> bool {
        match self {
            Self::Connect | Self::Greeting | Self::Tls | Self::Hello | Self::Auth => true,
            Self::Mail | Self::Rcpt | Self::Data | Self::Dot => false,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Greeting => "waiting for the greeting",
            Self::Tls => "setting up TLS",
            Self::Hello => "saying EHLO",
            Self::Auth => "logging in",
            Self::Mail => "saying MAIL FROM",
            Self::Rcpt => "saying RCPT TO",
            Self::Data => "sending the message",
            Self::Dot => "waiting for the answer to the final dot",
        })
    }
}

/// The last two numbers of an enhanced status code (RFC 3463). The first repeats the class of
/// the reply code; where the two disagree, the reply code counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced {
    /// 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// Which trouble of that kind.
    pub detail: u16,
}

impl Enhanced {
    /// Reads `5.1.1` from the start of a reply's text.
    fn parse(text: &str) -> Option<Self> {
        let word = text.split_ascii_whitespace().next()?;
        let mut parts = word.split('.');
        let class = parts.next()?;
        let subject = number(parts.next()?)?;
        let detail = number(parts.next()?)?;
        let known = matches!(class, "2" | "4" | "5") && parts.next().is_none();
        known.then_some(Self { subject, detail })
    }
}

/// One to three digits, and nothing else.
fn number(text: &str) -> Option<u16> {
    let plain = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced status code, when there is one.
    pub enhanced: Option<Enhanced>,
    /// The text of each line, without codes' separators, joined by line feeds.
    pub text: String,
}

impl Reply {
    /// On one line, as the ledger keeps it: `550 5.1.1 no such user / ask elsewhere`.
    pub fn words(&self) -> String {
        let mut words = self.code.to_string();
        for (at, line) in self.text.lines().enumerate() {
            words.push_str(if at == 0 { " " } else { " / " });
            words.push_str(line);
        }
        match words.char_indices().nth(MAX_WORDS) {
            Some((end, _)) => {
                words.truncate(end);
                words.push('…');
            }
            None => words.truncate(words.trim_end().len()),
        }
        words
    }
}

/// Puts a reply together, line by line.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Option<u16>,
    lines: usize,
    bytes: usize,
    text: String,
}

impl Assembler {
    /// Takes one line, without its line end; the reply when this line ends it.
    ///
    /// # Errors
    /// Says what is wrong with the line; the connection can't be trusted any more.
    pub(super) fn push(&mut self, line: &[u8]) -> Result<Option<Reply>, &'static str> {
        let (digits, rest) = line
            .split_at_checked(3)
            .ok_or("a reply line is too short")?;
        let code = reply_code(digits).ok_or("a reply doesn't start with a code")?;
        if *self.code.get_or_insert(code) != code {
            return Err("the lines of a reply have different codes");
        }
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err("a reply code isn't followed by a space or a hyphen"),
        };
        self.lines += 1;
        self.bytes += line.len();
        if self.lines > MAX_LINES {
            return Err("a reply has too many lines");
        }
        if self.bytes > MAX_REPLY {
            return Err("a reply is too long");
        }
        if self.lines > 1 {
            self.text.push('\n');
        }
        // The text ends up in the ledger, on terminals and in logs, so it keeps no controls. A
        // space stands for each: a tab parts words, and a NUL must not join what it stood between.
        let clean = String::from_utf8_lossy(text);
        self.text
            .extend(clean.chars().map(|c| if c.is_control() { ' ' } else { c }));
        if !last {
            return Ok(None);
        }
        let text = std::mem::take(&mut self.text);
        let enhanced = Enhanced::parse(&text);
        *self = Self::default();
        Ok(Some(Reply {
            code,
            enhanced,
            text,
        }))
    }
}

/// 200 to 599.
fn reply_code(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    number(text).filter(|code| (200..600).contains(code))
}

/// What a reply means for this attempt.
///
/// Called for refusals in any phase, and for every reply to the dot.
pub fn judge(phase: Phase, reply: &Reply) -> Verdict {
    let words = reply.words();
    match reply.code {
        250 if phase == Phase::Dot => Verdict::Accepted { reply: words },
        400..500 => judge_temporary(phase, reply, words),
        500..600 if phase.is_before_mail() => Verdict::Stopped { reply: words },
        500..600 => judge_permanent(phase, reply, words),
        // Not a code that answers this step: it may answer another, so nobody knows.
        _ if phase == Phase::Dot => Verdict::Unknown { reply: words },
        _ => relay_trouble(words),
    }
}

/// A deferral that says nothing about the message.
pub(super) const fn relay_trouble(reply: String) -> Verdict {
    Verdict::Deferred {
        reason: Reason::RelayTrouble,
        reply,
        relay: true,
    }
}

fn judge_temporary(phase: Phase, reply: &Reply, words: String) -> Verdict {
    let relay = phase.is_before_mail() || reply.code == 421;
    let reason = match reply.enhanced {
        // Gmail's own: SPF, DKIM, DMARC, PTR, TLS or rate missing or wrong; ours to put right.
        Some(Enhanced {
            subject: 7,
            detail: 23..=32,
        }) => Reason::RelayRefusesUs,
        _ if relay => Reason::RelayTrouble,
        _ => Reason::TemporaryRefusal,
    };
    Verdict::Deferred {
        reason,
        reply: words,
        relay,
    }
}

fn judge_permanent(phase: Phase, reply: &Reply, words: String) -> Verdict {
    let (reason, suppress) = match blame_of(phase, reply) {
        Blame::Login => return Verdict::Stopped { reply: words },
        Blame::FullMailbox => {
            return Verdict::Deferred {
                reason: Reason::TemporaryRefusal,
                reply: words,
                relay: false,
            };
        }
        Blame::Sender => (Reason::RelayRefusesUs, false),
        Blame::Address => (Reason::BadAddress, true),
        Blame::Message => (Reason::Refused, false),
        Blame::Unclear => (Reason::Refused, phase == Phase::Rcpt),
    };
    Verdict::Rejected {
        reason,
        reply: words,
        suppress,
    }
}

/// Whose fault a 5xx is.
enum Blame {
    /// We aren't logged in, or can't.
    Login,
    /// The recipient's mailbox is full: for good, says the server, but mailboxes get emptied.
    FullMailbox,
    /// Our reputation, DNS or sender address.
    Sender,
    /// The address doesn't exist.
    Address,
    /// This message, or how we speak.
    Message,
    /// It doesn't say.
    Unclear,
}

fn blame_of(phase: Phase, reply: &Reply) -> Blame {
    if matches!(reply.code, 530 | 534 | 535 | 538) {
        return Blame::Login;
    }
    match reply.enhanced.map(|code| (code.subject, code.detail)) {
        Some((7, 8 | 9)) => Blame::Login,
        // In 5.1.7 and 5.1.8 the *sender's* address is bad. Postfix says so at RCPT; the recipient
        // isn't to blame.
        Some((7, _) | (1, 7 | 8)) => Blame::Sender,
        // Only RCPT asks about the person. In any other phase the same code is a slip of the
        // server's, or comes from a filter that looked at the letter.
        Some((1, 1 | 2 | 3 | 6 | 10)) if phase == Phase::Rcpt => Blame::Address,
        Some((2, 2)) => Blame::FullMailbox,
        // Size, the relay's own state, routing, protocol, content: not a word about the person.
        Some((2, 3) | (3..=6, _)) => Blame::Message,
        _ if matches!(reply.code, 500..=504 | 552 | 555) => Blame::Message,
        _ if phase == Phase::Rcpt && blames_us(&reply.text) => Blame::Sender,
        _ => Blame::Unclear,
    }
}

/// Servers that give no enhanced code, or one that says nothing (`5.0.0`, `5.1.0`), say in words
/// that they won't relay for us or don't like us (Exim: `550 relay not permitted`). Taken for a
/// bad address, one wrong setting would suppress every customer.
fn blames_us(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "relay",
        "authenticat",
        "block",
        "blacklist",
        "policy",
        "reputation",
        "spam",
        "sender",
    ]
    .iter()
    .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &str) -> Result<Reply, &'static str> {
        let mut assembler = Assembler::default();
        for line in wire.lines() {
            if let Some(reply) = assembler.push(line.as_bytes())? {
                return Ok(reply);
            }
        }
        Err("unfinished")
    }

    /// One word a verdict, so that the table reads as the specification does.
    fn fate(phase: Phase, wire: &str) -> &'static str {
        let verdict = judge(phase, &read(wire).unwrap());
        assert_eq!(verdict.reply(), wire);
        match verdict {
            Verdict::Accepted { .. } => "accepted",
            Verdict::Deferred {
                reason,
                relay: true,
                ..
            } => match reason {
                Reason::RelayRefusesUs => "defer, relay, ours",
                Reason::RelayTrouble => "defer, relay",
                _ => "wrong",
            },
            Verdict::Deferred { reason, .. } => match reason {
                Reason::RelayRefusesUs => "defer, ours",
                Reason::TemporaryRefusal => "defer, message",
                _ => "wrong",
            },
            Verdict::Rejected {
                reason, suppress, ..
            } => match (reason, suppress) {
                (Reason::BadAddress, true) => "bad address, suppress",
                (Reason::RelayRefusesUs, false) => "reject, ours",
                (Reason::Refused, false) => "reject",
                (Reason::Refused, true) => "reject, suppress",
                _ => "wrong",
            },
            Verdict::Stopped { .. } => "stop",
            Verdict::Unknown { .. } => "unknown",
            Verdict::Withdrawn => "withdrawn",
        }
    }

    #[test]
    fn every_row_about_us() {
        use Phase::{Auth, Data, Dot, Greeting, Hello, Mail, Rcpt, Tls};
        let rows = [
            // Relay trouble.
            (Greeting, "421 4.3.2 shutting down", "defer, relay"),
            (Greeting, "450 busy", "defer, relay"),
            (Tls, "454 4.7.0 TLS not available", "defer, relay"),
            (Hello, "451 later", "defer, relay"),
            (Auth, "454 4.7.0 temporary failure", "defer, relay"),
            (Mail, "421 4.7.0 too many", "defer, relay"),
            (Rcpt, "421 too many", "defer, relay"),
            (Data, "421 too many", "defer, relay"),
            (Dot, "421 too many", "defer, relay"),
            // Our configuration.
            (Auth, "535 5.7.8 wrong password", "stop"),
            (Auth, "534 5.7.9 too weak", "stop"),
            (Auth, "504 no such mechanism", "stop"),
            (Mail, "530 5.7.0 authentication required", "stop"),
            (Rcpt, "550 5.7.8 who are you", "stop"),
            (Mail, "535 no", "stop"),
            (Greeting, "554 no service for you", "stop"),
            (Hello, "550 5.7.1 bad name", "stop"),
            (Tls, "502 5.5.1 not implemented", "stop"),
            // Our reputation or DNS.
            (Rcpt, "550 5.7.1 blocked by policy", "reject, ours"),
            (Rcpt, "554 5.7.1 Relay access denied", "reject, ours"),
            (Mail, "553 5.7.1 not owned by user", "reject, ours"),
            (Dot, "550 5.7.25 no PTR record", "reject, ours"),
            (Dot, "550 5.7.26 unauthenticated", "reject, ours"),
            (Dot, "550 5.7.30 no DKIM", "reject, ours"),
            (Dot, "550 5.7.515 access denied", "reject, ours"),
            (Dot, "450 4.7.23 no PTR record", "defer, ours"),
            (Dot, "451 4.7.32 not aligned", "defer, ours"),
            (Dot, "421 4.7.28 unusual rate", "defer, relay, ours"),
            (Rcpt, "550 5.1.8 sender's domain", "reject, ours"),
            (Rcpt, "550 relay not permitted", "reject, ours"),
            (Rcpt, "554 Blocked, see our page", "reject, ours"),
            (Rcpt, "554 5.0.0 relay access denied", "reject, ours"),
            (Rcpt, "550 5.1.0 sender rejected", "reject, ours"),
            (Rcpt, "550 5.2.1 blocked by our policy", "reject, ours"),
        ];
        for (phase, wire, expected) in rows {
            assert_eq!(fate(phase, wire), expected, "{phase:?} {wire}");
        }
    }

    #[test]
    fn every_row_about_the_letter() {
        use Phase::{Data, Dot, Greeting, Mail, Rcpt};
        let rows = [
            // Bad address.
            (Rcpt, "550 5.1.1 no such user", "bad address, suppress"),
            (Rcpt, "550 5.1.2 no such domain", "bad address, suppress"),
            (Rcpt, "553 5.1.3 bad syntax", "bad address, suppress"),
            (Rcpt, "551 5.1.6 moved", "bad address, suppress"),
            (Rcpt, "556 5.1.10 null MX", "bad address, suppress"),
            (Rcpt, "550 5.1.1 blocked", "bad address, suppress"),
            (Dot, "550 5.1.1 no such user", "reject"),
            (Data, "550 5.1.1 no such user", "reject"),
            (Mail, "550 5.1.1 odd", "reject"),
            // Mailbox full.
            (Rcpt, "452 4.2.2 mailbox full", "defer, message"),
            (Rcpt, "552 5.2.2 mailbox full", "defer, message"),
            (Dot, "552 5.2.2 mailbox full", "defer, message"),
            // Greylisting, temporary.
            (Rcpt, "450 4.7.1 greylisted", "defer, message"),
            (Rcpt, "450 try later", "defer, message"),
            (Dot, "451 4.3.0 try later", "defer, message"),
            // Our message.
            (Mail, "552 too big", "reject"),
            (Dot, "552 5.3.4 too big", "reject"),
            (Dot, "550 5.3.4 too big", "reject"),
            (Dot, "554 5.6.0 malformed", "reject"),
            (Rcpt, "550 5.2.3 too big for them", "reject"),
            (Rcpt, "503 5.5.1 bad sequence", "reject"),
            (Rcpt, "501 syntax", "reject"),
            (Rcpt, "554 5.4.6 loop", "reject"),
            // Bare 5xx.
            (Rcpt, "550 no", "reject, suppress"),
            (Rcpt, "554 5.0.0 no", "reject, suppress"),
            (Rcpt, "550 5.2.1 disabled", "reject, suppress"),
            (Mail, "550 no", "reject"),
            (Data, "554 no", "reject"),
            (Dot, "554 no", "reject"),
            // Codes that answer something else.
            (Dot, "250 2.0.0 queued", "accepted"),
            (Dot, "251 odd", "unknown"),
            (Dot, "354 odd", "unknown"),
            (Dot, "220 odd", "unknown"),
            (Mail, "251 odd", "defer, relay"),
            (Rcpt, "252 odd", "defer, relay"),
            (Data, "250 odd", "defer, relay"),
            (Greeting, "250 odd", "defer, relay"),
        ];
        for (phase, wire, expected) in rows {
            assert_eq!(fate(phase, wire), expected, "{phase:?} {wire}");
        }
    }

    #[test]
    fn only_the_exact_codes_let_us_go_on() {
        let accepted =
            |phase: Phase| -> Vec<u16> { (200..600).filter(|code| phase.accepts(*code)).collect() };
        assert_eq!(accepted(Phase::Greeting), [220]);
        assert_eq!(accepted(Phase::Hello), [250]);
        assert_eq!(accepted(Phase::Auth), [235]);
        assert_eq!(accepted(Phase::Mail), [250]);
        assert_eq!(accepted(Phase::Rcpt), [250, 251]);
        assert_eq!(accepted(Phase::Data), [354]);
        assert_eq!(accepted(Phase::Dot), [250]);
    }

    #[test]
    fn a_reply_of_several_lines_is_one_reply() {
        let reply = read("550-5.1.1 no such user\n550-5.1.1 ask elsewhere\n550 bye").unwrap();
        assert_eq!(reply.code, 550);
        assert_eq!(
            reply.enhanced,
            Some(Enhanced {
                subject: 1,
                detail: 1
            })
        );
        assert_eq!(
            reply.words(),
            "550 5.1.1 no such user / 5.1.1 ask elsewhere / bye"
        );
        assert_eq!(read("250").unwrap().words(), "250");
    }

    #[test]
    fn what_only_looks_like_a_reply_is_refused() {
        for wire in [
            "", "25", "250x", "abc def", "2500 ok", "199 no", "600 no", "+25 x", "２50",
        ] {
            assert!(read(wire).is_err(), "{wire:?}");
        }
        assert!(read("250-a\n251 b").is_err());
        let whole = format!("{}250 x\n", "250-x\n".repeat(MAX_LINES - 1));
        assert!(read(&whole).is_ok());
        let endless = "250-x\n".repeat(200);
        assert_eq!(read(&endless), Err("a reply has too many lines"));
        let long = format!("250-{}\n", "x".repeat(2_000)).repeat(20);
        assert_eq!(read(&long), Err("a reply is too long"));
        let line = "x".repeat(MAX_LINE - 4);
        let most = format!("250-{line}\n").repeat(MAX_REPLY / MAX_LINE - 1);
        assert!(read(&format!("{most}250 {line}")).is_ok());
        let more = format!("{most}250 {line}x");
        assert_eq!(read(&more), Err("a reply is too long"));
    }

    #[test]
    fn every_step_has_words_of_its_own() {
        use Phase::{Auth, Connect, Data, Dot, Greeting, Hello, Mail, Rcpt, Tls};
        let all = [Connect, Greeting, Tls, Hello, Auth, Mail, Rcpt, Data, Dot];
        let words: std::collections::BTreeSet<String> = all.map(|step| step.to_string()).into();
        assert_eq!(words.len(), all.len());
        assert_eq!(Rcpt.to_string(), "saying RCPT TO");
    }

    #[test]
    fn a_control_parts_words_and_joins_none() {
        assert_eq!(
            read("250-relay\n250 SIZE\t1000").unwrap().text,
            "relay\nSIZE 1000"
        );
        let reply = read("550 5.1.\u{0}1 no").unwrap();
        assert_eq!(reply.enhanced, None);
        assert!(read("25\u{0}0 ok").is_err());
    }

    #[test]
    fn enhanced_codes_are_only_taken_where_they_are_some() {
        for text in [
            "", "ok", "5.1", "5.1.1.1", "3.1.1", "5.1.1234", "5.a.1", "5.+1.1", "2..0",
        ] {
            assert_eq!(Enhanced::parse(text), None, "{text}");
        }
        assert!(Enhanced::parse("4.7.500 slow down").is_some());
    }

    #[test]
    fn a_reply_can_t_write_to_the_terminal_or_fill_the_ledger() {
        let reply = read("550 \u{1b}[31mred\u{7}").unwrap();
        assert_eq!(reply.words(), "550  [31mred");
        let long = read(&format!("550 {}", "ü".repeat(2_000))).unwrap();
        assert_eq!(long.words().chars().count(), MAX_WORDS + 1);
        let mut assembler = Assembler::default();
        let reply = assembler.push(b"550 \xff\xfe no").unwrap().unwrap();
        assert_eq!(reply.text, "\u{fffd}\u{fffd} no");
    }
}
