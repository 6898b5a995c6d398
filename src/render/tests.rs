//! Letters from template to bytes, with customers who mean well and some who don't.

mod hostile;
mod messages;
mod ours;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use minijinja::Value;
use proptest::prelude::*;

use super::footer::Footer;
use super::mail::{Mail, compose};
use super::{Catalogue, Letter, RenderError};
use crate::model::facts::{BusinessWords, build};
use crate::model::policy::Class;
use crate::model::{AttrValue, Customer, Event, Occasion, View, When};

const NOW: &str = "2027-05-02T08:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn customer(first_name: Option<&str>) -> Customer {
    Customer {
        id: "7".to_owned(),
        email: Some("ada@customer.example".to_owned()),
        first_name: first_name.map(str::to_owned),
        ..Customer::default()
    }
}

fn facts(customer: Customer) -> Value {
    let event = Event {
        id: "4711".to_owned(),
        customer_id: "7".to_owned(),
        kind: "purchase".to_owned(),
        at: When::Day("2027-05-01".parse().unwrap()),
        amount: crate::model::Amount::parse("12.5"),
        currency: Some("GBP".to_owned()),
        quantity: None,
        attrs: BTreeMap::new(),
    };
    let view = View {
        events: vec![event],
        ..View::new(customer, TimeZone::UTC, "UTC")
    };
    let occasion = Occasion {
        key: "4711".to_owned(),
        day: "2027-05-02".parse().unwrap(),
        due_at: now(),
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
    build(&view, Some(&occasion), &Arc::new(business), now())
}

/// A catalogue of these files, which must be without a fault.
fn catalogue(files: &[(&str, &str)]) -> Catalogue {
    let dir = folder(files);
    let (catalogue, findings) = Catalogue::load(dir.path());
    assert_eq!(findings, [], "faults");
    catalogue
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn render(body: &str, customer: Customer) -> Result<Letter, RenderError> {
    let text = format!("+++\nsubject = \"Hi\"\n+++\n{body}");
    catalogue(&[("t.en.md", &text)]).letter("t", None, "en", &facts(customer))
}

fn mailbox(text: &str) -> lettre::message::Mailbox {
    text.parse().unwrap()
}

fn message(letter: &Letter, class: Class, to_name: Option<&str>) -> Vec<u8> {
    let from = mailbox("Thorn & Rose <hello@thorn.example>");
    let reply_to = mailbox("anna@thorn.example");
    let to = "ada@customer.example".parse().unwrap();
    let mail = Mail {
        entry_id: "1f0a33c2d4e5b697",
        rule: "thank-you",
        class,
        from: &from,
        reply_to: Some(&reply_to),
        to: &to,
        to_name,
        footer: (class != Class::Service).then_some(Footer {
            business: "Thorn & Rose",
            postal_address: Some("1 High Street, Leeds"),
            unsubscribe_url: Some("https://care.thorn.example/u/1f0a.5e"),
            unsubscribe_mailto: Some("stop@thorn.example"),
            ..Footer::default()
        }),
        now: now(),
    };
    compose(letter, &mail).unwrap().bytes
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

/// Every opening tag of a page's letter, without the frame around it.
fn tags(html: &str) -> Vec<&str> {
    let body = html.split_once("<div class=\"sheet\"").unwrap().1;
    let body = body.split_once('>').unwrap().1;
    let letter = body.rsplit_once("</div>").unwrap().0;
    letter
        .split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap())
        .collect()
}

#[test]
fn one_source_gives_both_parts() {
    let letter = render(
        "Dear {{ customer.first_name }},\n\n**{{ event.amount }} {{ event.currency }}** on {{ event.date | date }}: [your order](https://thorn.example/o/{{ event.id }}).\n",
        customer(Some("Zoë O'Neil-Smith")),
    )
    .unwrap();
    assert_eq!(
        letter.text,
        "Dear Zoë O'Neil-Smith,\n\n12.50 GBP on 1 May 2027: your order (https://thorn.example/o/4711).\n"
    );
    assert!(letter.html.contains(
        "<p>Dear Zoë O'Neil-Smith,</p>\n<p><strong>12.50 GBP</strong> on 1 May 2027: <a href=\"https://thorn.example/o/4711\">your order</a>.</p>"
    ), "{}", letter.html);
}

#[test]
fn a_missing_value_names_file_line_and_way_out() {
    let text = "+++\nsubject = \"Hi\"\n+++\nDear friend,\n\nhello {{ customer.first_name }}.\n";
    let catalogue = catalogue(&[("t.en.md", text)]);
    let error = catalogue
        .letter("t", None, "en", &facts(customer(None)))
        .unwrap_err();
    assert!(error.file.ends_with("t.en.md"));
    assert_eq!(error.line, Some(6));
    assert!(error.message.contains("no value"), "{error}");
    assert!(error.message.contains("customer.first_name"), "{error}");
    assert!(error.help.unwrap().contains("default"));

    let text = "+++\n\nsubject = \"Hi {{ customer.first_name }}\"\n+++\nDear friend\n";
    let error = self::catalogue(&[("t.en.md", text)])
        .letter("t", None, "en", &facts(customer(None)))
        .unwrap_err();
    assert_eq!(error.line, Some(3));
}

#[test]
fn missing_values_can_be_asked_for_and_defaulted() {
    let body = "{% if customer.first_name %}Dear {{ customer.first_name }}{% else %}Hello{% endif %}, {{ customer.last_name | default(\"friend\") }}{{ \"!\" if customer.age }}";
    let letter = render(body, customer(None)).unwrap();
    assert_eq!(letter.text, "Hello, friend\n");
}

#[test]
fn set_blocks_and_macros_escape_once() {
    let body = "{% set who %}*{{ customer.first_name }}*{% endset %}{% macro twice(x) %}{{ x }} {{ x }}{% endmacro %}{{ who }} {{ twice(customer.first_name) }} {{ who ~ customer.first_name }}";
    let letter = render(body, customer(Some("O'Neil *b*"))).unwrap();
    assert_eq!(
        letter.text,
        "O'Neil *b* O'Neil *b* O'Neil *b* O'Neil *b*O'Neil *b*\n"
    );
    assert_eq!(tags(&letter.html), ["p", "em", "/em", "em", "/em", "/p"]);
}

#[test]
fn code_shows_values_as_they_stand() {
    let letter = render(
        "`{{ customer.first_name }}`\n\n    {{ customer.first_name }}\n\n<https://a.example/{{ event.id }}>\n",
        customer(Some("a-b_c")),
    )
    .unwrap();
    assert_eq!(
        letter.text,
        "a-b_c\n\n    a-b_c\n\nhttps://a.example/4711\n"
    );
}

#[test]
fn a_record_never_chooses_where_a_link_leads() {
    let mut evil = customer(Some("Ada"));
    evil.attrs.insert(
        "u".to_owned(),
        AttrValue::Text("evil.example/\"><b>".to_owned()),
    );
    let text = "+++\nsubject = \"Hi\"\n+++\n[a](https://{{ customer.attr.u }}) [b](https://x.example/?q={{ customer.attr.u }}) [c]({{ customer.attr.u }}) [d](mailto:{{ customer.attr.u }})\n";
    let dir = folder(&[("t.en.md", text)]);
    let (catalogue, findings) = Catalogue::load(dir.path());
    assert_eq!(findings.len(), 3, "{findings:?}");
    let letter = catalogue.letter("t", None, "en", &facts(evil)).unwrap();
    assert_eq!(
        tags(&letter.html),
        [
            "p",
            "a href=\"https://x.example/?q=evil.example%2F%22%3E%3Cb%3E\"",
            "/a",
            "/p"
        ]
    );
}

#[test]
fn loops_end_and_unprintable_things_are_named() {
    let error = render(
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
        customer(None),
    )
    .unwrap_err();
    assert!(error.message.contains("fuel"), "{error}");
    for body in [
        "{{ customer }}",
        "{{ customer.tags }}",
        "{{ none }}",
        "{{ customer.attr }}",
    ] {
        assert!(render(body, customer(None)).is_err(), "{body}");
    }
}

#[test]
fn all_faults_are_found_at_once_with_their_places() {
    let dir = folder(&[
        ("a.en.md", "+++\nsubjct = \"x\"\n+++\nhi\n"),
        (
            "b.en.md",
            "+++\nsubject = \"{{ custmer.id }}\"\n+++\n\n\n{{ customer.frist_name | default('x') }} <b>x</b>\n![i](https://x.example/)\n",
        ),
        (
            "c.en.md",
            "+++\nsubject = \"x\"\n+++\n\nok\n{% if customer.id %}\nnever ends",
        ),
        ("d.md", "+++\nsubject = \"x\"\n+++\n"),
        ("e.en.md", "no head\n"),
        ("f.en.md", "+++\nsubject = 3\n+++\n"),
        ("g.en.md", "+++\nsubject = \n+++\n"),
        ("h.en.md", "+++\nsubject = \"{{ 1 + }}\"\n+++\nx"),
        ("j.en.md", "+++\nsubject = \"x\"\n\nDear you,\n"),
        (
            "k.en.md",
            "+++\nsubject = \"{{ 'a|b' | uper }}\"\n+++\n{% if customer.tags %}{{ customer.first_name | defualt('c | d') | trim }}{% endif %} | x",
        ),
    ]);
    std::fs::write(
        dir.path().join("i.en.md"),
        b"+++\nsubject = \"\xff\"\n+++\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("notes.txt"), b"\xff").unwrap();
    let (catalogue, findings) = Catalogue::load(dir.path());
    let told: Vec<String> = findings
        .iter()
        .map(|f| {
            let file = Path::new(&f.source.name).file_name().unwrap();
            let (line, column) = f.position();
            format!("{}:{line}:{column} {}", file.display(), f.message)
        })
        .collect();
    let expected = [
        "a.en.md:2:1 unknown key `subjct`",
        "a.en.md:1:1 the head has no `subject`",
        "b.en.md:6:42 letters have no HTML: it would be shown as it stands",
        "b.en.md:6:46 letters have no HTML: it would be shown as it stands",
        "b.en.md:7:1 letters have no images",
        "b.en.md:2:15 there is no `custmer`",
        "b.en.md:6:4 `customer` has no `frist_name`",
        "c.en.md:6:",
        "d.md:1:1 the file's name doesn't say its language",
        "e.en.md:1:1 the file doesn't begin with a head",
        "f.en.md:2:11 `subject` must be a text that isn't empty",
        "g.en.md:2:",
        "h.en.md:2:11 ",
        "i.en.md:2:12 this file isn't UTF-8 text",
        "j.en.md:1:1 the head that begins here isn't closed",
        "k.en.md:2:11 there is no filter `uper`",
        "k.en.md:4:48 there is no filter `defualt`",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} instead of {expected}");
    }
    assert_eq!(findings[0].help.as_deref(), Some("did you mean `subject`?"));
    assert_eq!(
        findings[6].help.as_deref(),
        Some("did you mean `first_name`?")
    );
    assert!(catalogue.check("c", "en").is_err());

    let (_, findings) = Catalogue::load(&dir.path().join("nowhere"));
    assert_eq!(findings.len(), 1);
}

#[test]
fn windows_files_are_read_too() {
    let letter = catalogue(&[(
        "t.en.md",
        "\u{FEFF}+++\r\nsubject = \"Hi\"\r\n+++\r\nA,\r\n\r\nb\\\r\nc\r\n",
    )])
    .letter("t", None, "en", &facts(customer(None)))
    .unwrap();
    assert_eq!(letter.text, "A,\n\nb\nc\n");
    assert_eq!(letter.subject, "Hi");
}

#[test]
fn languages_fall_back_to_the_business() {
    let file = |word: &str| format!("+++\nsubject = \"{word}\"\n+++\n{word}\n");
    let (en, de, pt) = (file("en"), file("de"), file("pt-BR"));
    let catalogue = catalogue(&[("t.en.md", &en), ("t.de.md", &de), ("t.pt-BR.md", &pt)]);
    let facts = facts(customer(None));
    for (asked, business, got) in [
        (Some("de-AT"), "en", "de"),
        (Some("DE_at"), "en", "de"),
        (Some("de-Latn-AT"), "en", "de"),
        (Some("pt-br"), "en", "pt-BR"),
        (Some("pt"), "en", "en"),
        (Some("xx"), "de-CH", "de"),
        (Some(""), "en", "en"),
        (None, "en-GB", "en"),
    ] {
        let letter = catalogue.letter("t", asked, business, &facts).unwrap();
        assert_eq!(letter.subject, got, "{asked:?}");
        assert_eq!(letter.language, got);
    }
    let error = catalogue.letter("t", Some("it"), "fr", &facts).unwrap_err();
    assert!(error.help.unwrap().contains("t.fr.md"));
    let error = catalogue.check("tt", "en").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `t`?"));
    assert_eq!(catalogue.languages("t"), ["de", "en", "pt-BR"]);
}
