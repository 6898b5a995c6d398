//! A click or a pass can be followed through the log to what a mail server said, by ids; and no line tells
//! an address, a token or a password.

use std::collections::BTreeSet;

use mail_parser::MessageParser;
use serde_json::Value;

use crate::console::{Browser, OURS, PASSWORD, add, link, opened, say, shop, token};
use crate::daemon::visit;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Shop, until};

/// A word of thanks with a way out, the first of which a person wants to see.
const SHOWN_FIRST: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\napprove = \"first 20\"\n";
const REFUSED: &str = "550 5.1.1 <bad@mail.example>: nobody of this name";

/// All lines so far.
fn lines(log: &str) -> Vec<Value> {
    let whole = log
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The line that says this, once it is there.
async fn line(browser: &Browser, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(message, || {
        let mut all = lines(&browser.daemon.log()).into_iter();
        all.find(|line| line["message"] == message && fits(line))
    })
    .await
}

/// The id of the span with this name around a line.
fn id(line: &Value, name: &str) -> Option<String> {
    let spans = line["spans"].as_array()?;
    let span = spans.iter().find(|span| span["name"] == name)?;
    Some(span["id"].as_str()?.to_owned())
}

/// A shop at work with all its doors open, and two letters that a person is to look at.
struct AtWork {
    relay: Relay,
    shop: Shop,
    browser: Browser,
    /// Of somebody who has signed in.
    session: String,
    cookie: String,
    /// The token of a program that sends records.
    program: String,
}

async fn at_work() -> AtWork {
    // The first that goes out is the word to the owner that something is held.
    let relay = Relay::start(Script::new().nth(At::Rcpt, 2, Act::Say(REFUSED))).await;
    let port = relay.config().port;
    let shop = shop(&format!(
        "login = true\n[public]\nbind = \"127.0.0.1:0\"\nbase_url = \"https://care.thorn.example/letters\"\n\
         [api]\nbind = \"127.0.0.1:0\"\n[mail]\ntransport = \"smtp\"\n\
         [mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nconnections = 1\n"
    ));
    shop.rule("thanks", SHOWN_FIRST);
    shop.customers("id,email\na1,bad@mail.example\nb2,ann@mail.example\n");
    shop.events("id,customer_id,kind,at\n");
    visit(&shop, "a1");
    visit(&shop, "b2");
    add(&shop, "anna", "owner", PASSWORD).is(0);
    let made = shop
        .run(&["token", "add", "till", "--scope", "events"])
        .is(0);
    let program = made.out.trim().to_owned();
    let mut command = shop.fondly(&["run"]);
    command.env("FONDLY_LOG", "debug");
    let browser = Browser::start_with(&shop, command).await;
    let session = token(&browser, "anna");
    let cookie = format!("{OURS}Cookie: fondly={session}\r\n");
    until("both held", || {
        let held = browser.ask("GET /held", &cookie, "").body;
        held.contains("data-label=\"Letters\">2<").then_some(())
    })
    .await;
    AtWork {
        relay,
        shop,
        browser,
        session,
        cookie,
        program,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_and_a_pass_are_followed_to_the_server_s_reply_and_no_line_tells_a_secret() {
    let work = at_work().await;
    let decided = from_a_click(&work).await;
    to_the_server_s_reply(&work, &decided).await;
    let way_out = others_have_ids_as_well(&work).await;
    no_line_tells_a_secret(&work, &way_out);
}

/// A look and a decision bear the ids of their requests; returns the line of the decision.
async fn from_a_click(work: &AtWork) -> Value {
    let AtWork {
        browser, cookie, ..
    } = work;
    let search = "GET /ledger?customer=ann@mail.example";
    let more = format!("{cookie}X-Request-Id: chosen-by-somebody\r\n");
    let searched = browser.ask(search, &more, "");
    let looked = searched.header("x-request-id").unwrap().to_owned();
    let answered = line(browser, "answered", |line| {
        id(line, "request") == Some(looked.clone())
    });
    let (span, said) = (answered.await, "of a search");
    assert_eq!(span["spans"][0]["route"], "/ledger", "{said}");
    assert_eq!(span["spans"][0]["door"], "console", "{said}");
    assert_eq!(
        (&span["status"], &span["spans"][0]["method"]),
        (&200.into(), &"GET".into())
    );
    let held = browser.ask("GET /held", cookie, "").body;
    let batch = link(&held, "/held/thanks/");
    let page = browser.ask(&format!("GET {batch}"), cookie, "").body;
    let (_, count) = page.split_once("name=\"count\" value=\"").unwrap();
    let count = count.split('"').next().unwrap();
    let yes = format!("word=approve&count={count}");
    let approved = browser.ask(&format!("POST {batch}"), cookie, &yes);
    assert_eq!(approved.status, 303);
    let decided = line(browser, "a person decided about a batch", |_| true).await;
    assert_eq!(
        id(&decided, "request").as_deref(),
        approved.header("x-request-id")
    );
    decided
}

/// The pass that takes up what was decided, and what the server said of each letter.
async fn to_the_server_s_reply(work: &AtWork, decided: &Value) {
    let AtWork {
        relay,
        shop,
        browser,
        ..
    } = work;
    let port = relay.config().port;
    let pass = line(browser, "a pass ended", |line| line["sent"] == 1).await;
    assert_eq!(pass["rejected"], 1);
    let entries = shop.ledger_so_far();
    for (customer, reply) in [("a1", "550 5.1.1 <b***@mail.example>"), ("b2", "250 2.0.0")] {
        let entry = entries.iter().find(|one| one.customer == customer).unwrap();
        let of_it = |line: &Value| line["span"]["entry"] == *entry.id;
        let handed = line(browser, "handed over", of_it).await;
        assert!(
            handed["reply"].as_str().unwrap().starts_with(reply),
            "{handed}"
        );
        assert_eq!(handed["relay"], format!("smtp:127.0.0.1:{port}"));
        assert_eq!(
            (&handed["span"]["rule"], &handed["span"]["day"]),
            (&decided["rule"], &decided["day"])
        );
        assert_eq!(id(&handed, "pass"), id(&pass, "pass"));
    }
}

/// What customers and programs send has its ids as well, also where a task of its own does the work;
/// returns the token of the letter's link.
async fn others_have_ids_as_well(work: &AtWork) -> String {
    let AtWork {
        relay,
        browser,
        program,
        ..
    } = work;
    let letters = relay.letters();
    let theirs = letters.iter().find(|one| one.to == ["ann@mail.example"]);
    let message = &theirs.unwrap().message;
    let letter = MessageParser::default().parse(message).unwrap();
    let way_out = letter.header_raw("List-Unsubscribe").unwrap();
    let (_, way_out) = way_out.split_once("/letters/u/").unwrap();
    let way_out = way_out.trim_end().trim_end_matches('>').to_owned();
    let public = opened(&browser.daemon, "customers can unsubscribe").await;
    let click = "List-Unsubscribe=One-Click";
    let clicked = say(
        public,
        &format!(
            "POST /letters/u/{way_out} HTTP/1.1\r\nHost: care.thorn.example\r\nContent-Length: {}\r\n\r\n{click}",
            click.len()
        ),
    );
    assert_eq!(clicked.status, 200);
    let noted = line(browser, "a customer unsubscribed", |_| true).await;
    assert_eq!(
        id(&noted, "request").as_deref(),
        clicked.header("x-request-id")
    );
    assert_eq!(noted["span"]["route"], "/letters/u/{token}");
    let api = opened(&browser.daemon, "other programs can send records").await;
    let event =
        "{\"id\":\"e9\",\"customer_id\":\"nobody\",\"kind\":\"call\",\"at\":\"2020-01-01\"}";
    let kept = say(
        api,
        &format!(
            "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {program}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        ),
    );
    assert!(kept.status < 300, "{kept:?}");
    let came = line(browser, "records came in", |_| true).await;
    assert_eq!(id(&came, "request").as_deref(), kept.header("x-request-id"));
    way_out
}

fn no_line_tells_a_secret(work: &AtWork, way_out: &str) {
    let log = work.browser.daemon.log();
    let of_requests: Vec<String> = lines(&log)
        .iter()
        .filter(|one| one["message"] == "answered")
        .filter_map(|one| id(one, "request"))
        .collect();
    let different: BTreeSet<&String> = of_requests.iter().collect();
    assert_eq!(
        different.len(),
        of_requests.len(),
        "two requests have one id"
    );
    for secret in [
        "bad@",
        "ann@",
        "anna@",
        "hello@",
        "chosen-by-somebody",
        "four roses",
        "four+roses",
        &work.session,
        &work.program,
        way_out,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
