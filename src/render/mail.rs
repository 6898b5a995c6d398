//! A letter and its recipient -> the bytes of one message.
//!
//! May not know how it is sent, nor read the clock. The same input gives the same bytes, so a
//! retry can be recognised by whoever got the first one.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, Date, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, address::AddressError};
use sha2::{Digest as _, Sha256};

use super::catalogue::Letter;
use super::footer::{self, Footer};
use super::inert;
use crate::model::policy::Class;

/// The last second of the year 9999: no mail header can say a later one.
const LAST_SECOND: u64 = 253_402_300_799;

/// Everything a message needs besides the letter.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// The ledger's entry.
    pub entry_id: &'a str,
    /// The rule's id.
    pub rule: &'a str,
    /// What the message is about.
    pub class: Class,
    /// Who writes.
    pub from: &'a Mailbox,
    /// Who is answered.
    pub reply_to: Option<&'a Mailbox>,
    /// The one recipient's address.
    pub to: &'a Address,
    /// The recipient's name, where it is known.
    pub to_name: Option<&'a str>,
    /// What the footer of a letter says that can be unsubscribed from. Its links also go into
    /// `List-Unsubscribe`.
    pub footer: Option<Footer<'a>>,
    /// The message's date.
    pub now: Timestamp,
}

/// A message, ready to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The `Message-ID`, without angle brackets: the same on every retry.
    pub message_id: String,
    /// The subject.
    pub subject: String,
    /// The whole message with CRLF line ends.
    pub bytes: Vec<u8>,
}

/// A message that can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The customer's address.
    #[error("the customer's address can't be written to: {0}; correct it in the records")]
    Recipient(#[source] AddressError),
    /// The sender's domain.
    #[error(
        "the sender's domain `{0}` has letters beyond ASCII; write it in its xn-- form in `from`"
    )]
    SenderDomain(String),
    /// A link or address to unsubscribe.
    #[error(
        "`{0}` can't stand in a header; an unsubscribe link is an https:// address or a plain e-mail address, without blanks"
    )]
    Unsubscribe(String),
    /// The message builder.
    #[error("the message can't be put together: {0}")]
    Builder(#[from] lettre::error::Error),
}

/// The message's bytes.
///
/// # Errors
/// An address or a link that can't be used.
pub fn compose(letter: &Letter, mail: &Mail<'_>) -> Result<Composed, MailError> {
    let domain = mail.from.email.domain();
    if !domain.is_ascii() {
        return Err(MailError::SenderDomain(domain.to_owned()));
    }
    let to = mail.to.clone();
    let message_id = format!("{}@{domain}", atom(mail.entry_id));
    let subject = inert::header_text(&letter.subject);
    let feedback = format!(
        "{}:{}:fondly:{domain}",
        atom(mail.rule),
        mail.class.as_str()
    );

    // Given, so that the builder needn't read it back from the headers it has just written.
    let envelope = Envelope::new(Some(mail.from.email.clone()), vec![to.clone()])?;
    let mut message = Message::builder()
        .envelope(envelope)
        .from(clean(mail.from))
        .to(mailbox(mail.to_name, to))
        .subject(subject.clone())
        .header(date(mail.now))
        .message_id(Some(format!("<{message_id}>")))
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw("List-Id", format!("<{}.{domain}>", atom(mail.rule))))
        .raw_header(raw("Feedback-ID", feedback));
    if let Some(reply_to) = mail.reply_to {
        message = message.reply_to(clean(reply_to));
    }
    let with_footer;
    let letter = match &mail.footer {
        None => letter,
        Some(footer) => {
            for header in unsubscribe(footer)? {
                message = message.raw_header(header);
            }
            with_footer = footer::add(letter, footer);
            &with_footer
        }
    };
    let message = message.multipart(parts(mail.entry_id, letter))?;
    Ok(Composed {
        message_id,
        subject,
        bytes: message.formatted(),
    })
}

/// Both parts, text first, in 7-bit or quoted-printable lines.
fn parts(entry_id: &str, letter: &Letter) -> MultiPart {
    let content = format!(
        "multipart/alternative; boundary=\"{}\"",
        boundary(entry_id, letter)
    );
    let parts = MultiPart::builder();
    let parts = match ContentType::parse(&content) {
        Ok(content) => parts.header(content),
        // Can't happen: the boundary is hex. Its own random boundary would still be valid mail.
        Err(_) => parts.kind(lettre::message::MultiPartKind::Alternative),
    };
    parts
        .singlepart(SinglePart::plain(letter.text.clone()))
        .singlepart(SinglePart::html(letter.html.clone()))
}

/// A hash over the content too: whoever fills in a form at the shop could guess an entry's id,
/// but no text can hold its own hash, so no value can end a part.
fn boundary(entry_id: &str, letter: &Letter) -> String {
    use std::fmt::Write as _;

    let mut hash = Sha256::new();
    for part in [entry_id, &letter.text, &letter.html] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(16)
        .fold("fondly-".to_owned(), |mut text, byte| {
            // Writing to a String can't fail.
            _ = write!(text, "{byte:02x}");
            text
        })
}

/// `List-Unsubscribe`, and `List-Unsubscribe-Post` where the link is one that RFC 8058 allows.
fn unsubscribe(footer: &Footer<'_>) -> Result<Vec<HeaderValue>, MailError> {
    let mut ways = Vec::new();
    let mut one_click = false;
    if let Some(url) = footer.unsubscribe_url {
        let https = url.starts_with("https://");
        if !(https || url.starts_with("http://")) || !fits_in_brackets(url) {
            return Err(MailError::Unsubscribe(url.to_owned()));
        }
        one_click = https;
        ways.push(format!("<{url}>"));
    }
    if let Some(address) = footer.unsubscribe_mailto {
        if !address.contains('@') || !fits_in_brackets(address) {
            return Err(MailError::Unsubscribe(address.to_owned()));
        }
        ways.push(format!("<mailto:{address}>"));
    }
    let mut headers = Vec::new();
    if !ways.is_empty() {
        headers.push(raw("List-Unsubscribe", ways.join(", ")));
    }
    if one_click {
        headers.push(raw(
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".to_owned(),
        ));
    }
    Ok(headers)
}

fn fits_in_brackets(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','))
}

/// The same mailbox with a name that can stand in a header: the message builder panics on line
/// ends in names.
fn clean(mailbox: &Mailbox) -> Mailbox {
    self::mailbox(mailbox.name.as_deref(), mailbox.email.clone())
}

fn mailbox(name: Option<&str>, address: Address) -> Mailbox {
    let name = name.map(inert::header_text).filter(|name| !name.is_empty());
    Mailbox::new(name, address)
}

/// The letters, digits and dashes of an id, which is all that a message id or a list id needs.
fn atom(id: &str) -> String {
    let atom: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    if atom.is_empty() {
        "-".to_owned()
    } else {
        atom
    }
}

fn date(now: Timestamp) -> Date {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0).min(LAST_SECOND);
    Date::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}
