//! Logs of what fondly does, for people (text) or machines (JSON), on standard error.
//!
//! `FONDLY_LOG` sets what is told (`info` by default), `FONDLY_LOG_FORMAT=json` how; the caller
//! reads them. An address is never logged whole, a token or a password not at all.
//!
//! What belongs together bears the same id. Its spans are, from the outside in:
//!
//! | span | level | fields |
//! |---|---|---|
//! | `request` | info | `id` (also the answer's `X-Request-Id`), `door`, `method`, `route` |
//! | `pass` | info | `id` |
//! | `worker` | debug | `number` |
//! | `letter` | debug | `entry`, `rule`, `day` |
//!
//! Those around each letter are there only where somebody asks for `debug`: at a few thousand letters a
//! second they would cost.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::EnvFilter;

/// What is logged when nobody says otherwise: our own words, and only warnings of the libraries.
const DEFAULT_FILTER: &str = "warn,fondly=info";

/// Signs that stand between an address and what surrounds it.
const AROUND_ADDRESSES: &str = "<>()[]{},;:='\"`\\/?&";

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Starts logging; a second call changes nothing.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    let mut builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Discreet);
    // On a terminal the library colours unless NO_COLOR is set; a file gets no colours.
    if !io::stderr().is_terminal() {
        builder = builder.with_ansi(false);
    }
    // A subscriber that is set already (in tests) stays.
    _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Sixteen hexadecimal digits that no other request or pass has.
pub fn fresh_id() -> String {
    /// Where the system gives nothing to chance, counting tells them apart as long as we live.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Standard error for lines of the log: whoever wrote a line, and whatever a mail server said in it, no
/// address stands in it whole.
#[derive(Debug, Clone, Copy)]
struct Discreet;

impl io::Write for Discreet {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) => io::stderr().write_all(without_addresses(text).as_bytes())?,
            Err(_) => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The same text with the addresses in it masked. JSON stays JSON: what follows a backslash there
/// belongs to it.
fn without_addresses(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if !letter.is_whitespace() && !AROUND_ADDRESSES.contains(letter) {
            word.push(letter);
            continue;
        }
        close(&mut word, &mut out);
        out.push(letter);
        if letter == '\\' {
            let escaped = letters.next();
            let more = if escaped == Some('u') { 4 } else { 0 };
            out.extend(escaped.into_iter().chain(letters.by_ref().take(more)));
        }
    }
    close(&mut word, &mut out);
    Cow::Owned(out)
}

/// Puts down a word that is whole, and begins the next.
fn close(word: &mut String, out: &mut String) {
    if word.contains('@') {
        out.push_str(&masked(word));
    } else {
        out.push_str(word);
    }
    word.clear();
}

/// `anna@thorn.example` as `a***@thorn.example`: enough to recognise, too little to leak.
fn masked(address: &str) -> String {
    let first = address.chars().next().unwrap_or('*');
    match address.rsplit_once('@') {
        Some((_, domain)) => format!("{first}***@{domain}"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("anna@thorn.example"), "a***@thorn.example");
        assert_eq!(masked("nonsense"), "***");
        for (said, logged) in [
            ("250 2.0.0 taken", "250 2.0.0 taken"),
            (
                "550 5.1.1 <anna@thorn.example>: no such user; ask postmaster@host.example",
                "550 5.1.1 <a***@thorn.example>: no such user; ask p***@host.example",
            ),
            (
                "RCPT TO:ända@mail.example\nrefused",
                "RCPT TO:ä***@mail.example\nrefused",
            ),
            (
                "/ledger?customer=ann@mail.example&day=",
                "/ledger?customer=a***@mail.example&day=",
            ),
            ("@", "@***@"),
        ] {
            assert_eq!(without_addresses(said), logged);
        }
        let said = "a\nb@x.example\u{1}c@y.example\t\"d@z.example\" \\e@v.example\\";
        let json = serde_json::Value::from(said).to_string();
        let read: String = serde_json::from_str(&without_addresses(&json)).unwrap();
        assert_eq!(
            read,
            "a\nb***@x.example\u{1}c***@y.example\t\"d***@z.example\" \\e***@v.example\\"
        );
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| fresh_id()).collect();
        assert_eq!(ids.len(), 1_000);
        let digits = |id: &String| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(ids.iter().all(digits));
    }
}
