//! The SMTP courier against a scripted relay, fault by fault, and against Postfix's smtp-sink.

use std::convert::Infallible;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fondly::deliver::{
    Courier, Envelope, Login, Parcel, Security, SetupError, SmtpConfig, SmtpCourier, Verdict,
};
use fondly::model::Reason;
use tokio::task::JoinSet;

use crate::relay::pipes::{Identity, Pipes};
use crate::relay::{Act, At, Relay, Script};

const HELLO: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

/// Short enough for a test to wait it out.
const SOON: Duration = Duration::from_millis(50);

fn envelope() -> Envelope {
    Envelope {
        from: "care@shop.example".parse().unwrap(),
        to: "ada@customer.example".parse().unwrap(),
    }
}

fn courier(config: SmtpConfig) -> SmtpCourier {
    fondly::deliver::Relay::new(config).unwrap().courier()
}

/// Delivers, with a commit that says yes.
async fn send(courier: &mut SmtpCourier, message: &[u8]) -> Verdict {
    send_to(courier, &envelope(), message).await
}

async fn send_to(courier: &mut SmtpCourier, envelope: &Envelope, message: &[u8]) -> Verdict {
    let parcel = Parcel {
        name: "birthday-4711",
        envelope,
        message,
    };
    match courier.deliver(parcel, yes()).await {
        Ok(verdict) => verdict,
    }
}

fn yes() -> std::future::Ready<Result<bool, Infallible>> {
    std::future::ready(Ok(true))
}

/// One message to a relay with this script: the verdict, and the relay for a closer look.
async fn try_once(script: Script) -> (Verdict, Relay) {
    let relay = Relay::start(script).await;
    let verdict = send(&mut courier(relay.config()), HELLO).await;
    (verdict, relay)
}

fn is_relay_trouble(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Deferred {
            reason: Reason::RelayTrouble,
            relay: true,
            ..
        }
    )
}

#[tokio::test]
async fn a_letter_arrives_whole_over_every_kind_of_connection() {
    for security in [Security::None, Security::StartTls, Security::Tls] {
        let (verdict, relay) = try_once(Script::new().security(security)).await;
        assert_eq!(
            verdict,
            Verdict::Accepted {
                reply: "250 2.0.0 taken".to_owned()
            },
            "{security:?}"
        );
        let letters = relay.letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].from, "care@shop.example");
        assert_eq!(letters[0].to, ["ada@customer.example"]);
        assert_eq!(letters[0].message, HELLO);
    }
}

#[tokio::test]
async fn a_relay_without_pipelining_hears_one_command_at_a_time() {
    let (verdict, relay) = try_once(Script::new().offers(&[])).await;
    assert_eq!(verdict.reason(), Some(Reason::Accepted));
    assert_eq!(
        relay.commands(),
        [
            "EHLO [127.0.0.1]",
            "MAIL FROM:<care@shop.example>",
            "RCPT TO:<ada@customer.example>",
            "DATA",
        ]
    );
}

#[tokio::test]
async fn lines_with_dots_and_bare_line_ends_arrive_as_they_were_meant() {
    let relay = Relay::start(Script::new()).await;
    let mut courier = courier(relay.config());
    let message = b"a\n.\nMAIL FROM:<evil@x.example>\r.\r\n..two\r\n\n\0.\r\nno end";
    let verdict = send(&mut courier, message).await;
    assert_eq!(verdict.reason(), Some(Reason::Accepted));
    let letters = relay.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        letters[0].message,
        b"a\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\r\n..two\r\n\r\n.\r\nno end\r\n"
    );
    // The conversation is still in step.
    assert_eq!(
        send(&mut courier, HELLO).await.reason(),
        Some(Reason::Accepted)
    );
    assert_eq!(relay.letters()[1].message, HELLO);
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn a_long_letter_goes_in_blocks_and_arrives_whole() {
    for security in [Security::None, Security::Tls] {
        let relay = Relay::start(Script::new().security(security)).await;
        let message = b".line of a long letter\r\n".repeat(20_000);
        let verdict = send(&mut courier(relay.config()), &message).await;
        assert_eq!(verdict.reason(), Some(Reason::Accepted));
        assert_eq!(relay.letters()[0].message, message);
    }
}

#[tokio::test]
async fn words_slipped_in_before_tls_answer_nothing() {
    let inject = "220 go ahead\r\n250-evil\r\n250 HELP\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken";
    let script = Script::new()
        .security(Security::StartTls)
        .at(At::StartTls, Act::Say(inject));
    let (verdict, relay) = try_once(script).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
    assert!(verdict.reply().contains("in the clear"), "{verdict:?}");
    assert_eq!(relay.commands(), ["EHLO [127.0.0.1]", "STARTTLS"]);
}

#[tokio::test]
async fn without_starttls_nothing_goes_out_in_the_clear() {
    let relay = Relay::start(Script::new()).await;
    let ca_donor = Relay::start(Script::new().security(Security::Tls)).await;
    let mut config = relay.config();
    config.security = Security::StartTls;
    config.ca_file = ca_donor.config().ca_file;
    config.login = Some(Login::with_password("care", "tulip-17"));
    let verdict = send(&mut courier(config), HELLO).await;
    assert!(matches!(verdict, Verdict::Stopped { .. }), "{verdict:?}");
    assert!(verdict.reply().contains("STARTTLS"), "{verdict:?}");
    assert_eq!(relay.commands(), ["EHLO [127.0.0.1]", "QUIT"]);
}

/// A name may be called localhost and lead anywhere.
#[tokio::test]
async fn no_letter_or_password_goes_in_the_clear_to_another_machine() {
    let config = || {
        let mut config = SmtpConfig::new("localhost", 25, Security::None);
        config.login = Some(Login::with_password("care", "tulip-17"));
        fondly::deliver::Relay::new(config).unwrap()
    };
    let identity = Identity::new();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope(),
        message: HELLO,
    };
    for (address, taken) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("192.0.2.7", false),
        ("10.0.0.1", false),
        ("2001:db8::7", false),
    ] {
        let peer = Pipes::new(Script::new(), &identity);
        let dialer = peer.dialer().that_leads_to(address.parse().unwrap());
        let Ok(verdict) = config().courier_by(dialer).deliver(parcel, yes()).await;
        let accepted = matches!(verdict, Verdict::Accepted { .. });
        assert_eq!(accepted, taken, "{address}: {verdict:?}");
        if !taken {
            assert!(matches!(verdict, Verdict::Stopped { .. }), "{verdict:?}");
            assert!(verdict.reply().contains("in the clear"), "{verdict:?}");
            assert!(peer.seen().commands.is_empty());
        }
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_ends_it() {
    let relay = Relay::start(Script::new().security(Security::Tls)).await;
    let other = Relay::start(Script::new().security(Security::Tls)).await;
    let mut config = relay.config();
    config.ca_file = other.config().ca_file;
    let verdict = send(&mut courier(config), HELLO).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
    assert!(verdict.reply().contains("certificate"), "{verdict:?}");
    assert!(relay.commands().is_empty());
}

#[tokio::test]
async fn a_reply_lost_after_the_dot_is_unknown() {
    let script = Script::new().at(At::Dot, Act::Close);
    let (verdict, relay) = try_once(script).await;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    assert_eq!(verdict.reason(), Some(Reason::ReplyLost));
    assert_eq!(relay.letters().len(), 1);
}

#[tokio::test]
async fn an_answer_to_the_dot_that_is_no_answer_is_unknown() {
    for act in [
        Act::Say("251 2.0.0 taken"),
        Act::Say("354 go on"),
        Act::Say("hello?"),
        Act::Say("250-first\r\n550 second"),
        Act::SayAndClose("250-unfinished"),
        Act::Flood("250-and another thing\r\n"),
        Act::Flood("250 a line without end "),
    ] {
        let (verdict, _relay) = try_once(Script::new().at(At::Dot, act)).await;
        assert!(
            matches!(verdict, Verdict::Unknown { .. }),
            "{act:?}: {verdict:?}"
        );
    }
}

#[tokio::test]
async fn silence_after_the_dot_is_unknown_and_the_connection_isn_t_used_again() {
    let relay = Relay::start(Script::new().nth(At::Dot, 1, Act::Stall)).await;
    let mut config = relay.config();
    config.deadlines.dot = SOON;
    let mut courier = courier(config);
    let verdict = send(&mut courier, HELLO).await;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    let verdict = send(&mut courier, HELLO).await;
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn trouble_before_the_dot_is_the_relay_s_and_the_letter_waits() {
    let steps = [At::Connect, At::Ehlo, At::Mail, At::Rcpt, At::Data];
    let acts = [
        Act::Close,
        Act::SayAndClose("421 4.3.2 shutting down"),
        Act::Say("what?"),
        Act::Say("299 odd"),
        Act::Flood("x"),
        Act::Flood("250-and another thing\r\n"),
        Act::Stall,
    ];
    for at in steps {
        for act in acts {
            let relay = Relay::start(Script::new().at(at, act)).await;
            let mut config = relay.config();
            if let Act::Stall = act {
                config.deadlines.greeting = SOON;
                config.deadlines.command = SOON;
                config.deadlines.data = SOON;
            }
            let verdict = send(&mut courier(config), HELLO).await;
            assert!(is_relay_trouble(&verdict), "{at:?} {act:?}: {verdict:?}");
            assert!(relay.letters().is_empty());
        }
    }
}

#[tokio::test]
async fn a_relay_that_isn_t_there_is_relay_trouble() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let config = SmtpConfig::new("127.0.0.1", port, Security::None);
    let verdict = send(&mut courier(config), HELLO).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
    assert!(
        verdict.reply().contains(&format!("127.0.0.1:{port}")),
        "{verdict:?}"
    );
}

/// The relay does something while the commit is awaited; the dot isn't sent after that.
async fn something_happens_before_the_dot(act: Act) -> Verdict {
    let relay = Relay::start(Script::new().at(At::Body, act)).await;
    let mut courier = courier(relay.config());
    let envelope = envelope();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope,
        message: HELLO,
    };
    let commit = async {
        relay.until(|seen| seen.acts == 1).await;
        if matches!(act, Act::Close) {
            relay.until(|seen| seen.ended == 1).await;
        }
        Ok::<_, Infallible>(true)
    };
    let Ok(verdict) = courier.deliver(parcel, commit).await;
    assert!(relay.letters().is_empty());
    verdict
}

#[tokio::test]
async fn hanging_up_before_the_dot_is_noticed_and_nothing_is_unknown() {
    let verdict = something_happens_before_the_dot(Act::Close).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
}

#[tokio::test]
async fn a_yes_that_comes_before_the_dot_doesn_t_count() {
    let verdict = something_happens_before_the_dot(Act::Say("250 2.0.0 taken")).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
    assert!(verdict.reply().contains("out of turn"), "{verdict:?}");
}

#[tokio::test]
async fn a_no_that_comes_before_the_dot_counts() {
    let verdict = something_happens_before_the_dot(Act::Say("552 5.3.4 too big")).await;
    assert_eq!(
        verdict,
        Verdict::Rejected {
            reason: Reason::Refused,
            reply: "552 5.3.4 too big".to_owned(),
            suppress: false
        }
    );
}

#[tokio::test]
async fn a_commit_that_says_no_or_fails_lets_nothing_through() {
    let relay = Relay::start(Script::new()).await;
    let mut courier = courier(relay.config());
    let envelope = envelope();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope,
        message: HELLO,
    };
    let withdrawn = courier
        .deliver(parcel, async { Ok::<_, Infallible>(false) })
        .await;
    assert_eq!(withdrawn, Ok(Verdict::Withdrawn));
    let failed = courier
        .deliver(parcel, async { Err::<bool, _>("the store is gone") })
        .await;
    assert_eq!(failed, Err("the store is gone"));
    relay.until(|seen| seen.ended == 2).await;
    assert!(relay.letters().is_empty());
    assert_eq!(
        send(&mut courier, HELLO).await.reason(),
        Some(Reason::Accepted)
    );
}

#[tokio::test]
async fn the_commit_is_asked_after_the_body_and_before_the_dot() {
    let relay = Relay::start(Script::new()).await;
    let mut courier = courier(relay.config());
    let envelope = envelope();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope,
        message: HELLO,
    };
    let commit = async {
        relay
            .until(|seen| seen.commands.last().is_some_and(|last| last == "DATA"))
            .await;
        Ok::<_, Infallible>(relay.letters().is_empty())
    };
    let Ok(verdict) = courier.deliver(parcel, commit).await;
    assert_eq!(verdict.reason(), Some(Reason::Accepted));
    assert_eq!(relay.letters().len(), 1);
}

#[tokio::test]
async fn a_cancelled_delivery_drops_the_connection() {
    let relay = Relay::start(Script::new()).await;
    let mut courier = courier(relay.config());
    let envelope = envelope();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope,
        message: HELLO,
    };
    send(&mut courier, HELLO).await;
    tokio::select! {
        biased;
        _ = courier.deliver(parcel, std::future::pending::<Result<bool, Infallible>>()) => {
            panic!("it can't end before its commit")
        }
        () = relay.until(|seen| seen.commands.iter().filter(|c| *c == "DATA").count() == 2) => {}
    }
    relay.until(|seen| seen.ended == 1).await;
    assert_eq!(relay.letters().len(), 1);
    assert_eq!(
        send(&mut courier, HELLO).await.reason(),
        Some(Reason::Accepted)
    );
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_bad_address_is_suppressed() {
    for offers in [&["PIPELINING"][..], &[]] {
        let script = Script::new().offers(offers).at(
            At::Rcpt,
            Act::Say("550-5.1.1 no such user\r\n550 5.1.1 sorry"),
        );
        let (verdict, relay) = try_once(script).await;
        assert_eq!(
            verdict,
            Verdict::Rejected {
                reason: Reason::BadAddress,
                reply: "550 5.1.1 no such user / 5.1.1 sorry".to_owned(),
                suppress: true
            }
        );
        relay.until(|seen| seen.ended == 1).await;
        assert_eq!(relay.commands().last().unwrap(), "QUIT");
    }
}

#[tokio::test]
async fn greylisting_is_the_message_s_own() {
    let script = Script::new().at(At::Rcpt, Act::Say("450 4.7.1 come back later"));
    let (verdict, _relay) = try_once(script).await;
    assert_eq!(
        verdict,
        Verdict::Deferred {
            reason: Reason::TemporaryRefusal,
            reply: "450 4.7.1 come back later".to_owned(),
            relay: false
        }
    );
}

/// In one write, DATA is already said when RCPT is refused. Some relays then wait for a body; a
/// dot would send an empty letter, and a QUIT would be its text.
#[tokio::test]
async fn a_relay_that_waits_for_a_body_after_refusing_hears_nothing_more() {
    for at in [At::Mail, At::Rcpt] {
        let script = Script::new()
            .at(at, Act::Say("550 5.7.1 no"))
            .at(At::Data, Act::Say("354 go ahead anyway"));
        let (verdict, relay) = try_once(script).await;
        assert_eq!(
            verdict,
            Verdict::Rejected {
                reason: Reason::RelayRefusesUs,
                reply: "550 5.7.1 no".to_owned(),
                suppress: false
            }
        );
        relay.until(|seen| seen.ended == 1).await;
        assert!(relay.letters().is_empty());
        assert_eq!(relay.commands().last().unwrap(), "DATA");
    }
}

#[tokio::test]
async fn a_refused_login_stops_the_relay_and_shows_no_password() {
    let script = Script::new().at(At::Auth, Act::Say("535 5.7.8 wrong password"));
    let relay = Relay::start(script).await;
    let mut config = relay.config();
    config.login = Some(Login::with_password("care", "tulip-17"));
    let mut courier = courier(config);
    let verdict = send(&mut courier, HELLO).await;
    assert_eq!(
        verdict,
        Verdict::Stopped {
            reply: "535 5.7.8 wrong password".to_owned()
        }
    );
    assert!(!format!("{courier:?}").contains("tulip"));
}

#[tokio::test]
async fn both_ways_to_log_in_with_a_password_work() {
    for (offer, expected) in [
        ("AUTH LOGIN PLAIN", vec!["AUTH PLAIN AGNhcmUAdHVsaXAtMTc="]),
        ("AUTH LOGIN", vec!["AUTH LOGIN", "Y2FyZQ==", "dHVsaXAtMTc="]),
    ] {
        let relay = Relay::start(Script::new().offers(&[offer])).await;
        let mut config = relay.config();
        config.login = Some(Login::with_password("care", "tulip-17"));
        let verdict = send(&mut courier(config), HELLO).await;
        assert_eq!(verdict.reason(), Some(Reason::Accepted));
        assert_eq!(relay.commands()[1..=expected.len()], expected);
    }
}

/// As another program has it that renews the token in its file.
#[tokio::test]
async fn a_token_is_read_anew_for_each_login() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let script = Script::new().offers(&["AUTH PLAIN LOGIN XOAUTH2"]);
    let relay = Relay::start(script).await;
    let mut config = relay.config();
    config.login = Some(Login::with_token_file("care@shop.example", &file));
    let mut courier = courier(config);
    for (token, line) in [
        // user=care@shop.example^Aauth=Bearer tulip-17^A^A, and the same with 18.
        (
            "tulip-17\n",
            "AUTH XOAUTH2 dXNlcj1jYXJlQHNob3AuZXhhbXBsZQFhdXRoPUJlYXJlciB0dWxpcC0xNwEB",
        ),
        (
            "tulip-18",
            "AUTH XOAUTH2 dXNlcj1jYXJlQHNob3AuZXhhbXBsZQFhdXRoPUJlYXJlciB0dWxpcC0xOAEB",
        ),
    ] {
        std::fs::write(&file, token).unwrap();
        let verdict = send(&mut courier, HELLO).await;
        assert_eq!(verdict.reason(), Some(Reason::Accepted), "{verdict:?}");
        let commands = relay.commands();
        let login = commands.iter().rfind(|said| said.starts_with("AUTH"));
        assert_eq!(login.unwrap(), line);
        courier.quit().await;
    }
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_refused_token_stops_the_relay_once_the_refusal_is_heard_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "tulip-17").unwrap();
    let script = Script::new()
        .offers(&["AUTH XOAUTH2"])
        .at(At::Auth, Act::Say("334 eyJzdGF0dXMiOiI0MDEifQ=="));
    let relay = Relay::start(script).await;
    let mut config = relay.config();
    config.login = Some(Login::with_token_file("care", &file));
    let verdict = send(&mut courier(config), HELLO).await;
    let reply = "535 5.7.8 no such token".to_owned();
    assert_eq!(verdict, Verdict::Stopped { reply });
    relay.until(|seen| seen.ended == 1).await;
    assert_eq!(relay.commands()[2..], [""]);
}

#[tokio::test]
async fn a_login_that_can_t_be_said_stops_the_relay_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let by_token = Login::with_token_file("care", &file);
    let by_password = Login::with_password("care", "tulip-17");
    let long = "t".repeat(9_000);
    for (offer, login, content, why) in [
        ("AUTH XOAUTH2", &by_token, None, "can't be read"),
        ("AUTH XOAUTH2", &by_token, Some(" \n"), "is empty"),
        ("AUTH XOAUTH2", &by_token, Some("a b"), "a token alone"),
        ("AUTH XOAUTH2", &by_token, Some("a\nb"), "a token alone"),
        ("AUTH XOAUTH2", &by_token, Some(&long), "a token alone"),
        ("AUTH PLAIN", &by_token, Some("t"), "doesn't offer XOAUTH2"),
        ("AUTH XOAUTH2", &by_password, None, "`token_file`"),
        ("AUTH GSSAPI", &by_password, None, "no login that fondly"),
    ] {
        drop(std::fs::remove_file(&file));
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let relay = Relay::start(Script::new().offers(&[offer])).await;
        let mut config = relay.config();
        config.login = Some(login.clone());
        let verdict = send(&mut courier(config), HELLO).await;
        assert!(matches!(verdict, Verdict::Stopped { .. }), "{verdict:?}");
        let said = verdict.reply();
        assert!(said.contains(why) && !said.contains("tulip"), "{said}");
        assert!(!relay.commands().iter().any(|said| said.contains("AUTH")));
    }
}

#[tokio::test]
async fn one_connection_carries_many_letters_up_to_its_limit() {
    let relay = Relay::start(Script::new()).await;
    let mut config = relay.config();
    config.reuse.max_messages = 3;
    let mut courier = courier(config);
    for _ in 0..7 {
        assert_eq!(
            send(&mut courier, HELLO).await.reason(),
            Some(Reason::Accepted)
        );
    }
    courier.quit().await;
    relay.until(|seen| seen.ended == 3).await;
    assert_eq!(relay.connections(), 3);
    assert_eq!(relay.letters().len(), 7);
    let quits = relay.commands().iter().filter(|c| *c == "QUIT").count();
    assert_eq!(quits, 3);
}

#[tokio::test]
async fn an_old_or_idle_connection_isn_t_used_again() {
    for (age, idle) in [
        (Duration::ZERO, Duration::MAX),
        (Duration::MAX, Duration::ZERO),
    ] {
        let relay = Relay::start(Script::new()).await;
        let mut config = relay.config();
        config.reuse.max_age = age;
        config.reuse.max_idle = idle;
        let mut courier = courier(config);
        send(&mut courier, HELLO).await;
        send(&mut courier, HELLO).await;
        assert_eq!(relay.connections(), 2);
        assert_eq!(relay.letters().len(), 2);
    }
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_silently_and_once() {
    let deaths = [
        // While idle, with and without a word.
        (At::Dot, 1, Act::SayAndClose("250 2.0.0 taken")),
        (
            At::Dot,
            1,
            Act::SayAndClose("250 2.0.0 taken\r\n421 4.4.2 too long"),
        ),
        // When spoken to.
        (At::Mail, 2, Act::Close),
        (At::Mail, 2, Act::SayAndClose("421 4.4.2 too many messages")),
    ];
    for (at, nth, act) in deaths {
        for offers in [&["PIPELINING"][..], &[]] {
            let script = Script::new().offers(offers).nth(at, nth, act);
            let relay = Relay::start(script).await;
            let mut courier = courier(relay.config());
            for _ in 0..2 {
                let verdict = send(&mut courier, HELLO).await;
                assert_eq!(verdict.reason(), Some(Reason::Accepted), "{act:?}");
            }
            assert_eq!(relay.letters().len(), 2, "{act:?}");
            assert_eq!(relay.connections(), 2, "{act:?}");
        }
    }
    let always = Script::new()
        .nth(At::Mail, 2, Act::Close)
        .nth(At::Mail, 3, Act::Close);
    let relay = Relay::start(always).await;
    let mut courier = courier(relay.config());
    send(&mut courier, HELLO).await;
    let verdict = send(&mut courier, HELLO).await;
    assert!(is_relay_trouble(&verdict), "{verdict:?}");
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn after_a_refusal_the_connection_isn_t_used_again() {
    let script = Script::new().nth(At::Dot, 1, Act::Say("451 4.3.0 try later"));
    let relay = Relay::start(script).await;
    let mut courier = courier(relay.config());
    let verdict = send(&mut courier, HELLO).await;
    assert_eq!(verdict.reason(), Some(Reason::TemporaryRefusal));
    send(&mut courier, HELLO).await;
    assert_eq!(relay.connections(), 2);
    assert_eq!(relay.letters().len(), 1);
}

/// Servers count those who just hang up. A 421 is their own goodbye.
#[tokio::test]
async fn who_is_refused_after_the_dot_takes_leave() {
    for (said, quits) in [
        ("550 5.7.1 spam", 1),
        ("451 4.3.0 try later", 1),
        ("552-5.3.4 too\r\n552 5.3.4 big", 1),
        ("421 4.7.0 closing", 0),
        ("299 what", 0),
    ] {
        for another in [true, false] {
            let relay = Relay::start(Script::new().nth(At::Dot, 1, Act::Say(said))).await;
            let mut courier = courier(relay.config());
            send(&mut courier, HELLO).await;
            if another {
                let verdict = send(&mut courier, HELLO).await;
                assert_eq!(verdict.reason(), Some(Reason::Accepted), "{said}");
                assert_eq!(relay.connections(), 2, "{said}");
            } else {
                courier.quit().await;
            }
            relay.until(|seen| seen.ended == 1).await;
            let commands = relay.commands();
            let heard = commands.iter().filter(|c| *c == "QUIT").count();
            assert_eq!(heard, quits, "{said}: {commands:?}");
        }
    }
}

#[tokio::test]
async fn an_address_outside_ascii_needs_the_relay_s_help() {
    let mut envelope = envelope();
    envelope.to = "dörte@customer.example".parse().unwrap();
    let relay = Relay::start(Script::new()).await;
    let verdict = send_to(&mut courier(relay.config()), &envelope, HELLO).await;
    assert_eq!(verdict.reason(), Some(Reason::Refused));
    assert!(verdict.reply().contains("SMTPUTF8"), "{verdict:?}");
    assert_eq!(relay.commands(), ["EHLO [127.0.0.1]"]);
    let relay = Relay::start(Script::new().offers(&["SMTPUTF8", "SIZE"])).await;
    let verdict = send_to(&mut courier(relay.config()), &envelope, HELLO).await;
    assert_eq!(verdict.reason(), Some(Reason::Accepted));
    assert_eq!(
        relay.commands()[1],
        format!(
            "MAIL FROM:<care@shop.example> SMTPUTF8 SIZE={}",
            HELLO.len()
        )
    );
    assert_eq!(relay.letters()[0].to, ["dörte@customer.example"]);
}

/// Every server knows a domain in its ASCII form, whatever it offers.
#[tokio::test]
async fn a_domain_beyond_ascii_is_said_in_ascii() {
    let mut envelope = envelope();
    envelope.from = "care@blumen-köln.example".parse().unwrap();
    envelope.to = "anna@müller.example".parse().unwrap();
    for offers in [&["PIPELINING"][..], &[], &["SMTPUTF8"]] {
        let relay = Relay::start(Script::new().offers(offers)).await;
        let verdict = send_to(&mut courier(relay.config()), &envelope, HELLO).await;
        assert_eq!(verdict.reason(), Some(Reason::Accepted), "{verdict:?}");
        assert_eq!(
            relay.commands()[1..3],
            [
                "MAIL FROM:<care@xn--blumen-kln-lcb.example>",
                "RCPT TO:<anna@xn--mller-kva.example>",
            ]
        );
    }
}

/// Nothing was said of it, so the connection is as good as before.
#[tokio::test]
async fn a_letter_that_a_relay_can_t_take_doesn_t_cost_the_connection() {
    let relay = Relay::start(Script::new()).await;
    let mut courier = courier(relay.config());
    let mut beyond = envelope();
    beyond.to = "dörte@customer.example".parse().unwrap();
    for _ in 0..3 {
        let verdict = send_to(&mut courier, &beyond, HELLO).await;
        assert_eq!(verdict.reason(), Some(Reason::Refused));
        let verdict = send(&mut courier, HELLO).await;
        assert_eq!(verdict.reason(), Some(Reason::Accepted));
    }
    assert_eq!(relay.connections(), 1);
    assert_eq!(relay.letters().len(), 3);
}

#[test]
fn a_configuration_that_can_t_work_is_refused_at_once() {
    let check = |change: fn(&mut SmtpConfig)| {
        let mut config = SmtpConfig::new("localhost", 25, Security::None);
        change(&mut config);
        fondly::deliver::Relay::new(config).map(drop)
    };
    assert!(check(|_| {}).is_ok());
    assert!(check(|config| config.host = "::1".to_owned()).is_ok());
    assert!(matches!(
        check(|config| config.host = "relay.example".to_owned()),
        Err(SetupError::InTheClear(_))
    ));
    assert!(matches!(
        check(|config| config.helo = "a\r\nRSET".to_owned()),
        Err(SetupError::Helo(_))
    ));
    assert!(matches!(
        check(|config| config.login = Some(Login::with_password("care\u{1}", "tulip-17"))),
        Err(SetupError::Username(_))
    ));
    assert!(matches!(
        check(|config| {
            config.security = Security::Tls;
            config.host = "not a name".to_owned();
        }),
        Err(SetupError::HostName(_))
    ));
    let missing = check(|config| {
        config.security = Security::Tls;
        config.ca_file = Some("/nowhere/ca.pem".into());
    });
    assert!(missing.unwrap_err().to_string().contains("/nowhere/ca.pem"));
}

/// The engine holds one such future per connection and moves it between threads.
#[tokio::test]
async fn a_delivery_is_small_and_can_move() {
    fn size<F: Future + Send>(future: &F) -> usize {
        size_of_val(future)
    }
    let relay = Relay::start(Script::new().security(Security::Tls)).await;
    let mut courier = Courier::Smtp(courier(relay.config()));
    let envelope = envelope();
    let parcel = Parcel {
        name: "a",
        envelope: &envelope,
        message: HELLO,
    };
    let bytes = size(&courier.deliver(parcel, yes()));
    assert!(bytes < 4_096, "{bytes}");
}

/// Postfix's load sink, ended with the test.
pub(crate) struct Sink {
    process: Child,
    pub(crate) port: u16,
}

impl Sink {
    /// None where it isn't installed, which must not happen in CI.
    pub(crate) async fn start(dump: &Path) -> Option<Self> {
        let program = ["/usr/sbin/smtp-sink", "/usr/local/sbin/smtp-sink"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        #[expect(
            clippy::disallowed_methods,
            reason = "only CI must have everything installed"
        )]
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(program.is_some() || !in_ci, "smtp-sink isn't installed");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new(program?);
        // It wants to be told whom to become, but only by root.
        if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0 {
            command.args(["-u", "root"]);
        }
        let process = command
            .arg("-d")
            .arg(dump.join("letter."))
            .arg(format!("127.0.0.1:{port}"))
            .arg("64")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sink = Self { process, port };
        let listening = async {
            let target = ("127.0.0.1", port);
            while tokio::net::TcpStream::connect(target).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), listening)
            .await
            .unwrap();
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postfix_s_sink_takes_every_letter_once() {
    const WORKERS: usize = 8;
    const LETTERS: usize = 50;
    let dump = tempfile::tempdir().unwrap();
    let Some(sink) = Sink::start(dump.path()).await else {
        return;
    };
    let config = SmtpConfig::new("127.0.0.1", sink.port, Security::None);
    let relay = fondly::deliver::Relay::new(config).unwrap();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let mut courier = relay.courier();
        workers.spawn(async move {
            for letter in 0..LETTERS {
                let text = format!("Subject: {worker}/{letter}\r\n\r\n.dot\n.\nend");
                let verdict = send(&mut courier, text.as_bytes()).await;
                assert_eq!(verdict.reason(), Some(Reason::Accepted), "{verdict:?}");
            }
            courier.quit().await;
        });
    }
    assert_eq!(workers.join_all().await.len(), WORKERS);
    let mut subjects: Vec<String> = std::fs::read_dir(dump.path())
        .unwrap()
        .map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let text = text.replace('\r', "");
            assert!(text.contains("\n\n.dot\n.\nend\n"), "{text}");
            let subject = text.lines().find(|line| line.starts_with("Subject: "));
            subject.unwrap().to_owned()
        })
        .collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), WORKERS * LETTERS);
}
