//! A letter's file, whatever stands in it, and people of whatever name: no markup, link or header
//! comes out of a record, and nothing runs for ever.
//!
//! The file, and behind the byte 0xFF the first name, the last name and a text of their own.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use fondly::model::facts::{BusinessWords, build};
use fondly::model::policy::Class;
use fondly::model::{Amount, AttrValue, Customer, Event, Occasion, View, When};
use fondly::render::footer::Footer;
use fondly::render::mail::{Mail, compose};
use fondly::render::{Catalogue, Letter};
use jiff::tz::TimeZone;
use minijinja::Value;

use super::findings::points_into_its_file;

/// Stands at the beginning of all that is taken from the record.
const MARK: &str = "qzx";

/// Everything that a letter's own part of the page may hold.
const TAGS: &[&str] = &[
    "p",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "code",
    "em",
    "strong",
    "a",
];

/// The headers of a message that can be unsubscribed from, each once.
const HEADERS: [&str; 13] = [
    "Auto-Submitted",
    "Content-Type",
    "Date",
    "Feedback-ID",
    "From",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Message-ID",
    "Reply-To",
    "Subject",
    "To",
];

/// Reads the file, writes the letter, and puts the message together.
pub(crate) fn check(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0xFF);
    let file = parts.next().unwrap_or_default();
    let mut value = || {
        let bytes = parts.next().unwrap_or_default();
        format!("{MARK}{}", String::from_utf8_lossy(bytes))
    };
    let (first, last, own) = (value(), value(), value());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.en.md"), file).unwrap();
    let (catalogue, findings) = Catalogue::load(folder.path());
    findings.iter().for_each(points_into_its_file);
    if catalogue.names().next().is_none() {
        assert!(!findings.is_empty(), "not read, and nothing said of it");
        return;
    }
    let source = String::from_utf8(file.to_vec()).unwrap();
    match catalogue.letter("a", None, "en", &facts(&first, &last, &own)) {
        Ok(letter) => {
            letter_is_harmless(&letter, &source);
            message_is_whole(&letter, &first);
        }
        Err(error) => {
            let lines = source.matches('\n').count() + 1;
            assert!(
                error.line.is_none_or(|line| (1..=lines).contains(&line)),
                "{error}"
            );
            assert!(!error.message.is_empty());
        }
    }
}

fn facts(first: &str, last: &str, own: &str) -> Value {
    let event = Event {
        id: "4711".to_owned(),
        customer_id: "7".to_owned(),
        kind: "purchase".to_owned(),
        at: When::Day("2027-05-01".parse().unwrap()),
        amount: Amount::parse("12.5"),
        currency: Some("GBP".to_owned()),
        quantity: None,
        attrs: BTreeMap::new(),
    };
    let customer = Customer {
        id: "7".to_owned(),
        email: Some("ada@mail.example".to_owned()),
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        birthday: "1984-05-02".parse().ok(),
        attrs: BTreeMap::from([("own".to_owned(), AttrValue::Text(own.to_owned()))]),
        ..Customer::default()
    };
    let view = View {
        events: vec![event],
        ..View::new(customer, TimeZone::UTC, "UTC")
    };
    let now = "2027-05-02T08:00:00Z".parse().unwrap();
    let occasion = Occasion {
        key: "4711".to_owned(),
        day: "2027-05-02".parse().unwrap(),
        due_at: now,
        zone: "UTC".to_owned(),
        anchor: "2027-05-01".parse().unwrap(),
        years: None,
        event: Some("4711".to_owned()),
    };
    let business = BusinessWords {
        name: "Thorn & Rose".to_owned(),
        language: "en".to_owned(),
        ..BusinessWords::default()
    };
    build(&view, Some(&occasion), &Arc::new(business), now)
}

fn letter_is_harmless(letter: &Letter, source: &str) {
    assert!(letter.subject.chars().all(|c| !c.is_control()));
    assert!(letter.subject.chars().count() <= 200);
    let (_, page) = letter.html.split_once("<div class=\"sheet\"").unwrap();
    let (_, page) = page.split_once(">\n").unwrap();
    let body = page.strip_suffix("</div>\n</body>\n</html>\n").unwrap();
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let name = name.trim_start_matches('/');
        assert!(TAGS.contains(&name), "<{tag}>");
        match (name, attributes) {
            (_, "" | "/") => {}
            ("ol", start) => {
                let number = start
                    .strip_prefix("start=\"")
                    .and_then(|n| n.strip_suffix('"'));
                assert!(
                    number.unwrap().bytes().all(|b| b.is_ascii_digit()),
                    "<{tag}>"
                );
            }
            ("a", href) => {
                let target = href
                    .strip_prefix("href=\"")
                    .and_then(|t| t.strip_suffix('"'));
                leads_where_the_letter_says(target.unwrap(), source);
            }
            _ => panic!("<{tag}>"),
        }
    }
    // A template may hold controls, and write them with escapes; a record brings none.
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    if source.chars().all(plain) && !source.contains(['\\', '&']) {
        for text in [&letter.text, &letter.html] {
            assert!(
                text.chars()
                    .all(|c| !c.is_control() || matches!(c, '\n' | '\t')),
                "{text:?}"
            );
        }
    }
}

/// The record has no say in where a link leads.
fn leads_where_the_letter_says(target: &str, source: &str) {
    assert!(!target.contains('"'), "{target}");
    let lower = target.to_lowercase();
    let (rest, ends): (&str, &[char]) = if let Some(rest) = lower.strip_prefix("mailto:") {
        (rest, &['?'])
    } else {
        let https = lower.strip_prefix("https://");
        let rest = https.or(lower.strip_prefix("http://"));
        (rest.unwrap_or_else(|| panic!("{target}")), &['/', '?', '#'])
    };
    let place = rest.split(ends).next().unwrap();
    let of_its_own = source.to_lowercase().contains(MARK);
    assert!(of_its_own || !place.contains(MARK), "{target}");
}

/// The message has the headers that it should have, two parts, and line ends that are some.
fn message_is_whole(letter: &Letter, name: &str) {
    let from = "Thorn & Rose <hello@thorn.example>".parse().unwrap();
    let reply_to = "anna@thorn.example".parse().unwrap();
    let mail = Mail {
        entry_id: "1f0a33c2d4e5b697",
        rule: "thank-you",
        class: Class::Marketing,
        from: &from,
        reply_to: Some(&reply_to),
        to: &"ada@mail.example".parse().unwrap(),
        to_name: Some(name),
        footer: Some(Footer {
            business: "Thorn & Rose",
            postal_address: Some("1 High Street, Leeds"),
            unsubscribe_url: Some("https://care.thorn.example/u/1f0a.5e"),
            unsubscribe_mailto: Some("stop@thorn.example"),
            ..Footer::default()
        }),
        now: "2027-05-02T08:00:00Z".parse().unwrap(),
    };
    let message = compose(letter, &mail).unwrap();
    assert_eq!(compose(letter, &mail).unwrap(), message);
    let text = String::from_utf8(message.bytes).unwrap();
    for end in ['\r', '\n'] {
        assert_eq!(text.matches(end).count(), text.matches("\r\n").count());
    }
    assert!(text.lines().all(|line| line.len() <= 998));
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(": ").unwrap_or((line, "")).0)
        .collect();
    names.sort_unstable();
    assert_eq!(names, HEADERS);
    let to = head.split("\r\nTo: ").nth(1).unwrap();
    let to: String = to
        .split("\r\n")
        .enumerate()
        .take_while(|(n, line)| *n == 0 || line.starts_with([' ', '\t']))
        .map(|(_, line)| line)
        .collect();
    assert!(to.ends_with("<ada@mail.example>"), "{to}");
    let boundary = head
        .split("boundary=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let ends = body
        .split("\r\n")
        .filter(|line| line.starts_with(&format!("--{boundary}")));
    assert_eq!(ends.count(), 3);
}
