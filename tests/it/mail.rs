//! Letters over SMTP to Postfix's sink, as its dump files have them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mail_parser::{Message, MessageParser, MimeHeaders as _};

use crate::shop::{Entry, Shop, files, now};
use crate::smtp::Sink;

const CUSTOMERS: usize = 40;

/// Names as people have them, and as some would like to have them.
const NAMES: &[&str] = &[
    "Ann",
    "Zoë",
    "Jean-Luc",
    "O'Neill",
    "\"Bobby, \"\"Tables\"\"\"",
    "Ann <b@evil.example>",
    "=?utf-8?q?Eve?=",
    "[click](https://evil.example)",
    "<b>Bold</b>",
    "{{ customer.email }}",
    "李",
    "",
];

/// Three letters to everybody, one of each class.
fn shop(port: u16) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    for (class, template) in [
        ("marketing", "we-miss-you"),
        ("relationship", "thank-you"),
        ("service", "thank-you"),
    ] {
        let rule = format!(
            "title = \"{class}\"\ntemplate = \"{template}\"\nclass = \"{class}\"\n\
             audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
             [limits]\nbackfill = \"3 days\"\n"
        );
        shop.rule(class, &rule);
    }
    let mut customers = String::from("id,email,first_name,language\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..CUSTOMERS {
        let name = NAMES[n % NAMES.len()];
        let language = ["en", "de", "fr"][n % 3];
        writeln!(customers, "c{n},c{n}@mail.example,{name},{language}").unwrap();
        writeln!(events, "v{n},c{n},visit,{}", now()).unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
    shop.settings(&format!(
        "[business]\nunsubscribe_mailto = \"stop@thorn.example\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [mail]\ntransport = \"smtp\"\n\
         [mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nper_second = 10000\n\
         [public]\nbind = \"127.0.0.1:8426\"\nbase_url = \"https://care.thorn.example\"\n"
    ));
    shop
}

/// A header that stands there exactly once.
fn header(message: &Message<'_>, name: &str) -> String {
    let found: Vec<&str> = message
        .headers_raw()
        .filter(|(this, _)| this.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].replace(['\r', '\n'], "")
}

fn has(message: &Message<'_>, name: &str) -> bool {
    message
        .headers_raw()
        .any(|(this, _)| this.eq_ignore_ascii_case(name))
}

/// What every letter owes its reader and the machines in between.
fn is_as_promised(entry: &Entry, message: &Message<'_>) {
    let to = message.to().unwrap().as_list().unwrap();
    assert_eq!(to.len(), 1, "{to:?}");
    assert_eq!(to[0].address.as_deref(), entry.recipient.as_deref());
    assert!(!has(message, "Cc") && !has(message, "Bcc"));
    // What the sink was told beside the message.
    let asked = header(message, "X-Rcpt-Args");
    let recipient = entry.recipient.as_deref().unwrap();
    assert!(asked.starts_with(&format!("<{recipient}>")), "{asked}");

    assert_eq!(message.subject(), entry.subject.as_deref());
    let from = message.from().unwrap().first().unwrap();
    assert_eq!(from.name.as_deref(), Some("Thorn & Rose"));
    assert_eq!(from.address.as_deref(), Some("hello@thorn.example"));
    assert_eq!(header(message, "Auto-Submitted"), "auto-generated");
    assert_eq!(
        header(message, "List-Id"),
        format!("<{}.thorn.example>", entry.rule)
    );
    assert!(header(message, "Feedback-ID").contains(&entry.rule));

    let kinds: Vec<String> = message
        .parts
        .iter()
        .map(|part| {
            let kind = part.content_type().unwrap();
            format!(
                "{}/{}",
                kind.c_type,
                kind.c_subtype.as_deref().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(kinds, ["multipart/alternative", "text/plain", "text/html"]);
    let parts = [
        message.body_text(0).unwrap().into_owned(),
        message.body_html(0).unwrap().into_owned(),
    ];
    for part in &parts {
        assert!(!part.contains("{{ business"), "{part}");
    }
    // In the text they are the words that somebody typed; in the HTML they must not be more.
    for more in ["<b>Bold", "href=\"https://evil"] {
        assert!(!parts[1].contains(more), "{}", parts[1]);
    }

    let headers = ["List-Unsubscribe", "List-Unsubscribe-Post"];
    if entry.rule == "service" {
        assert!(headers.iter().all(|name| !has(message, name)));
        return;
    }
    let way_out = header(message, headers[0]);
    assert!(
        way_out.starts_with("<https://care.thorn.example/u/")
            && way_out.ends_with(">, <mailto:stop@thorn.example>"),
        "{way_out}"
    );
    assert_eq!(header(message, headers[1]), "List-Unsubscribe=One-Click");
    let link = way_out.trim_start_matches('<').split('>').next().unwrap();
    for part in &parts {
        assert!(part.contains("1 High Street, Leeds LS1 1AA"), "{part}");
        assert!(part.contains(link), "no {link} in {part}");
    }
}

#[tokio::test]
async fn every_letter_arrives_once_and_is_as_promised() {
    let dump = tempfile::tempdir().unwrap();
    let Some(sink) = Sink::start(dump.path()).await else {
        return;
    };
    let shop = shop(sink.port);
    shop.tick();
    let entries = shop.ledger();
    assert_eq!(entries.len(), 3 * CUSTOMERS);
    let mut sent: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in entries {
        assert!(entry.is_sent(), "{entry:#?}");
        sent.insert(entry.message_id.clone().unwrap(), entry);
    }
    assert_eq!(
        sent.len(),
        3 * CUSTOMERS,
        "each has a Message-ID of its own"
    );

    let arrived = files(dump.path());
    assert_eq!(arrived.len(), sent.len());
    for bytes in arrived.values() {
        let message = MessageParser::default().parse(bytes).unwrap();
        let id = message.message_id().unwrap();
        let entry = sent
            .remove(id)
            .unwrap_or_else(|| panic!("{id} came twice, or is nobody's"));
        is_as_promised(&entry, &message);
    }

    // Nothing is left to send.
    shop.run(&["tick"]).is(0).says(&["Nothing was due"]);
    assert_eq!(files(dump.path()).len(), arrived.len());
}

#[tokio::test]
async fn nothing_goes_out_live_without_a_way_to_make_it_stop() {
    let dump = tempfile::tempdir().unwrap();
    let Some(sink) = Sink::start(dump.path()).await else {
        return;
    };
    let shop = shop(sink.port);
    shop.settings(&format!(
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\n",
        sink.port
    ));
    for command in ["tick", "run"] {
        shop.run(&[command])
            .is(1)
            .says(&["nothing is sent yet", "unsubscribe_mailto", "[public]"]);
    }
    assert!(files(dump.path()).is_empty() && shop.ledger().is_empty());
}

/// However an address is written down, it is one person's.
#[test]
fn who_wants_no_mail_is_known_by_any_spelling_of_their_domain() {
    let shop = Shop::new();
    shop.no_rules();
    let rule = crate::outage::thanks("2 days").replace("\"service\"", "\"relationship\"");
    shop.rule("thanks", &rule);
    shop.run(&["suppress", "add", "anna@MÜLLER.example"]).is(0);
    shop.run(&["suppress", "add", "ben@xn--mller-kva.example"])
        .is(0);
    shop.customers(
        "id,email\na,anna@xn--mller-kva.example\nb,Ben@müller.example\nc,cara@müller.example\n",
    );
    let visit = now();
    shop.events(&format!(
        "id,customer_id,kind,at\n1,a,visit,{visit}\n2,b,visit,{visit}\n3,c,visit,{visit}\n"
    ));
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\n");
    shop.tick();
    let ends: Vec<String> = shop
        .ledger()
        .iter()
        .map(|entry| entry.line(&["customer", "outcome", "reason", "recipient"]))
        .collect();
    assert_eq!(
        ends,
        [
            "a skipped suppressed -",
            "b skipped suppressed -",
            "c sent accepted cara@xn--mller-kva.example",
        ]
    );
    let letter = shop.outbox().into_values().next().unwrap();
    assert!(letter.is_ascii());
    assert!(String::from_utf8_lossy(&letter).contains("To: cara@xn--mller-kva.example\r\n"));
    shop.run(&["suppress", "remove", "anna@müller.example"])
        .is(0);
}

/// The business's own addresses have to work with every mail server.
#[test]
fn the_sender_s_domain_may_have_accents_and_its_name_before_the_at_may_not() {
    let shop = Shop::new();
    shop.no_rules();
    shop.settings("[business]\nfrom = \"Blumen <post@blumen-köln.example>\"\n");
    shop.run(&["check", "--show"])
        .is(0)
        .says(&["post@xn--blumen-kln-lcb.example"]);
    shop.settings("[business]\nfrom = \"Blumen <grüße@blumen.example>\"\n");
    shop.run(&["check"])
        .is(1)
        .says(&["letters before the `@`", "from"]);
}
