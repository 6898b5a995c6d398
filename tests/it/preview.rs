//! A letter that its writer wants to see in a mail program before any customer does.

use std::fs;

use fondly::deliver::Security;
use mail_parser::{Message, MessageParser};

use crate::daemon::Daemon;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Ran, Shop, now, until};

const FREE: &str = "[schedule]\nsync = \"*/2 * * * * *\"\ntick = \"*/2 * * * * *\"\n[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [public]\nbind = \"127.0.0.1:0\"\nbase_url = \"https://care.thorn.example\"\n";

const PREVIEW: [&str; 5] = [
    "preview",
    "thanks",
    "ann",
    "--send-to",
    "Anna@thorn.example",
];

/// Thanks Ann at once, with the next pass.
fn shop(settings: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule(
        "thanks",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
         [limits]\nbackfill = \"3 days\"\n",
    );
    shop.customers("id,email,first_name\nann,ann@mail.example,Ann\n");
    shop.events(&format!("id,customer_id,kind,at\n1,ann,visit,{}\n", now()));
    shop.write("config/password", "s3cret\n");
    shop.settings(&format!("{FREE}{settings}"));
    shop.run(&["sync"]).is(0);
    shop
}

fn relayed(relay: &Relay) -> String {
    let config = relay.config();
    let (port, security) = (config.port, config.security);
    let security = match security {
        Security::None => "none",
        Security::StartTls => "starttls",
        Security::Tls => "tls",
    };
    let ca_file = config
        .ca_file
        .map(|file| format!("ca_file = \"{}\"\n", file.display()));
    format!(
        "host = \"127.0.0.1\"\nport = {port}\nsecurity = \"{security}\"\n{}",
        ca_file.unwrap_or_default()
    )
}

fn smtp(relay: &Relay, more: &str) -> String {
    let relay = relayed(relay);
    format!("[mail]\ntransport = \"smtp\"\n[mail.smtp]\n{relay}{more}")
}

fn read(message: &[u8]) -> Message<'_> {
    MessageParser::default().parse(message).unwrap()
}

/// What the command printed of the letter's text.
fn text_of(ran: &Ran) -> String {
    let (_, text) = ran.out.split_once("\n\n").unwrap();
    text.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_arrives_as_the_letter_will_at_whoever_wants_to_see_it_and_nobody_else() {
    for security in [Security::Tls, Security::StartTls, Security::None] {
        let relay = Relay::start(Script::new().security(security)).await;
        let login = "username = \"care\"\npassword_file = \"password\"\n";
        let login = if security == Security::None {
            ""
        } else {
            login
        };
        let shop = shop(&smtp(&relay, login));
        let first = shop.run(&PREVIEW).is(0);
        first.says(&[
            "Anna@thorn.example",
            "127.0.0.1:",
            "250 2.0.0 taken",
            "examples",
        ]);
        let again = shop.run(&PREVIEW).is(0);
        let letters = relay.letters();
        assert_eq!(letters.len(), 2, "{letters:?}");
        let said = relay.commands();
        assert_eq!(
            said.iter().any(|it| it.starts_with("AUTH ")),
            !login.is_empty()
        );
        let letter = read(&letters[0].message);
        assert_eq!(letters[0].to, ["Anna@thorn.example"]);
        assert_eq!(letter.subject(), Some("[Preview] Thank you, Ann"));
        assert_eq!(
            letter
                .body_text(0)
                .unwrap()
                .replace("\r\n", "\n")
                .trim_end(),
            text_of(&again)
        );
        let link = letter.header_raw("List-Unsubscribe").unwrap();
        assert_eq!(
            link.trim(),
            "<https://care.thorn.example/u/only-an-example>"
        );
        let id = letter.message_id().unwrap().to_owned();
        assert!(id.starts_with("preview-"), "{id}");
        assert_ne!(read(&letters[1].message).message_id().unwrap(), id);

        // It counted for nothing, and Ann gets hers.
        assert!(shop.ledger().is_empty());
        shop.tick();
        let entries = shop.ledger();
        assert_eq!(entries.len(), 1);
        assert!(entries[0].is_sent(), "{entries:?}");
        let letters = relay.letters();
        assert_eq!(letters[2].to, ["ann@mail.example"]);
        let letter = read(&letters[2].message);
        assert_eq!(letter.subject(), Some("Thank you, Ann"));
        assert_eq!(entries[0].message_id.as_deref(), letter.message_id());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_doesn_t_take_a_preview_is_named_with_what_to_do() {
    let cases: &[(At, Act, &[&str])] = &[
        (
            At::Rcpt,
            Act::Say("550 5.1.1 no such user"),
            &[
                "refused the preview for Anna@thorn.example",
                "550 5.1.1 no such user",
                "is right",
            ],
        ),
        (
            At::Rcpt,
            Act::Say("451 4.7.1 greylisted"),
            &["451 4.7.1 greylisted", "off", "in a few minutes"],
        ),
        (
            At::Auth,
            Act::Say("535 5.7.8 who are you"),
            &["refuses us", "535 5.7.8 who are you", "login"],
        ),
        (
            At::Connect,
            Act::SayAndClose("421 4.3.2 closing"),
            &["421 4.3.2 closing", "host, port"],
        ),
        (
            At::Dot,
            Act::Close,
            &["nobody knows", "look into that mailbox"],
        ),
    ];
    for (at, act, words) in cases {
        let script = Script::new().security(Security::Tls).at(*at, *act);
        let relay = Relay::start(script).await;
        let login = "username = \"care\"\npassword_file = \"password\"\n";
        let shop = shop(&smtp(&relay, login));
        shop.run(&PREVIEW).is(1).says(words);
        // Neither the address nor the server is held against anybody.
        let listed = shop.run(&["suppress", "list", "--format", "json"]).is(0);
        assert_eq!(listed.out, "");
        let mut store = shop.store().await;
        let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM relay")
            .fetch_one(&mut store)
            .await
            .unwrap();
        assert_eq!(known, 0, "{at:?}");
        assert!(shop.ledger().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_goes_to_the_next_server_where_the_first_is_away() {
    let away = Script::new().at(At::Connect, Act::SayAndClose("421 4.3.2 closing"));
    let (one, two) = (Relay::start(away).await, Relay::start(Script::new()).await);
    let (first, second) = (relayed(&one), relayed(&two));
    let shop = shop(&format!(
        "[mail]\ntransport = \"smtp\"\n[[mail.relay]]\n{first}[[mail.relay]]\n{second}"
    ));
    let port = two.config().port.to_string();
    shop.run(&PREVIEW).is(0).says(&[&port, "250 2.0.0 taken"]);
    assert_eq!((one.connections(), two.letters().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_letters_are_files_a_preview_is_one_and_says_so_by_its_name() {
    let shop = shop("");
    let mut args = PREVIEW.to_vec();
    args.extend(["--html", "letter.html"]);
    let ran = shop.run(&args).is(0);
    let outbox = shop.outbox();
    let names: Vec<&String> = outbox.keys().collect();
    assert_eq!(names.len(), 1);
    assert!(
        names[0].starts_with("preview_") && names[0].contains("_thanks_ann_"),
        "{names:?}"
    );
    ran.says(&[names[0], "var/outbox", "letter.html"]);
    let letter = read(&outbox[names[0]]);
    assert_eq!(letter.subject(), Some("[Preview] Thank you, Ann"));
    let html = fs::read_to_string(shop.path("letter.html")).unwrap();
    assert_eq!(letter.body_html(0).unwrap().replace("\r\n", "\n"), html);
    assert!(shop.ledger().is_empty());

    // Beside the daemon, which sends what is due and nothing else.
    let daemon = Daemon::start(&shop);
    until("letter", || (shop.outbox().len() == 2).then_some(())).await;
    shop.run(&PREVIEW).is(0);
    assert_eq!(shop.outbox().len(), 3);
    assert_eq!(shop.ledger_so_far().len(), 1);
    daemon.stop().await;

    // It is a letter to Ann like any other when she wants to be forgotten.
    shop.write("var/outbox/.preview_x.part", "half a letter");
    shop.run(&["forget", "ann"]).is(0);
    assert!(shop.outbox().is_empty(), "{:?}", shop.outbox().keys());
    assert!(!shop.path("var/outbox/.preview_x.part").exists());
}
