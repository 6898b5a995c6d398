//! The way out of the letters, from the link in a real letter to the next one that isn't sent.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::shop::{Entry, Shop, now, until};

/// A word of thanks as soon as a visit is seen; relationship, so it bears a way out.
const AT_ONCE: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// One request, the whole answer.
fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(port: u16, path: &str) -> String {
    ask(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\n\r\n"),
    )
}

fn one_click(port: u16, path: &str) -> String {
    let form = "List-Unsubscribe=One-Click";
    let kind = "application/x-www-form-urlencoded";
    ask(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    )
}

/// The body: what doesn't change with the clock.
fn page(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn entry(shop: &Shop, customer: &str, visit: &str) -> Option<Entry> {
    let of = |entry: &Entry| entry.customer == customer && entry.occasion == visit;
    shop.ledger_so_far()
        .into_iter()
        .find(|entry| of(entry) && entry.reason.is_some())
}

/// The path of the https link in the letter's List-Unsubscribe header.
fn way_out(shop: &Shop, customer: &str) -> Option<String> {
    let letter = shop
        .outbox()
        .into_iter()
        .find(|(name, _)| !name.starts_with('.') && name.contains(&format!("_{customer}_")))?;
    let text = String::from_utf8(letter.1).unwrap();
    assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    let at = text.find("https://care.example.com/u/").unwrap();
    let rest = text.split_at(at + "https://care.example.com".len()).1;
    Some(rest.split(['>', '\r']).next().unwrap().to_owned())
}

/// What the history of the letter for this visit says.
fn history(shop: &Shop, customer: &str, visit: &str) -> String {
    let id = entry(shop, customer, visit).unwrap().id;
    shop.run(&["show", &id]).is(0).out
}

fn visit(shop: &Shop, rows: &[(&str, &str)]) {
    let mut csv = "id,customer_id,kind,at\n".to_owned();
    for (id, customer) in rows {
        writeln!(csv, "{id},{customer},visit,{}", now()).unwrap();
    }
    shop.events(&csv);
}

#[tokio::test]
async fn a_click_on_the_way_out_stops_the_next_letter_and_a_look_does_not() {
    let port = free_port();
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    shop.settings(&format!(
        "[schedule]\nsync = \"*/2 * * * * *\"\ntick = \"*/2 * * * * *\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [public]\nbind = \"127.0.0.1:{port}\"\nbase_url = \"https://care.example.com\"\n"
    ));
    shop.customers("id,email\nann,ann@mail.example\nben,ben@mail.example\n");
    visit(&shop, &[("1", "ann"), ("2", "ben")]);
    let mut run = shop.fondly(&["run"]);
    let running = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(running);
    let path = until("a letter to Ann", || way_out(&shop, "ann")).await;
    until("a letter to Ben", || way_out(&shop, "ben")).await;

    // Programs that scan mail follow every link: a look changes nothing, nor does a forged link.
    let looked = get(port, &path);
    assert!(looked.starts_with("HTTP/1.1 200"), "{looked}");
    assert!(looked.contains("<form method=\"post\">"));
    assert!(!looked.contains("ann@mail.example"));
    let forged = one_click(port, "/u/0123456789abcdef.00000000000000000000000000000000");
    visit(&shop, &[("1", "ann"), ("2", "ben"), ("3", "ann")]);
    let third = until("a second letter to Ann", || entry(&shop, "ann", "3")).await;
    assert_eq!(
        (third.outcome.as_str(), third.reason.as_deref()),
        ("sent", Some("accepted"))
    );

    let clicked = one_click(port, &path);
    assert!(clicked.starts_with("HTTP/1.1 200"), "{clicked}");
    let head = clicked.to_lowercase();
    assert!(
        !head.contains("set-cookie") && !head.contains("\r\nlocation:"),
        "{clicked}"
    );
    assert_eq!(
        page(&clicked),
        page(&forged),
        "known and unknown links look the same"
    );
    assert_eq!(
        page(&one_click(port, &path)),
        page(&clicked),
        "twice is as good as once"
    );

    let rows = [
        ("1", "ann"),
        ("2", "ben"),
        ("3", "ann"),
        ("4", "ann"),
        ("5", "ben"),
    ];
    visit(&shop, &rows);
    let fourth = until("the decision on Ann's next", || entry(&shop, "ann", "4")).await;
    let told = (fourth.outcome.as_str(), fourth.reason.as_deref());
    assert_eq!(told, ("skipped", Some("suppressed")));
    let fifth = until("a letter to Ben", || entry(&shop, "ben", "5")).await;
    assert_eq!(fifth.outcome, "sent", "somebody else's way out is theirs");
    let told = history(&shop, "ann", "1");
    assert!(
        told.contains("they unsubscribed by this letter's link"),
        "{told}"
    );

    // Another address in the records doesn't undo what she asked for.
    shop.customers("id,email\nann,ann@new.example\nben,ben@mail.example\n");
    let mut rows = rows.to_vec();
    rows.push(("6", "ann"));
    visit(&shop, &rows);
    let sixth = until("the decision on Ann's next", || entry(&shop, "ann", "6")).await;
    let told = (sixth.outcome.as_str(), sixth.reason.as_deref());
    assert_eq!(told, ("skipped", Some("suppressed")));

    assert!(get(port, "/healthz").ends_with("ok\n"));
    assert!(get(port, "/").starts_with("HTTP/1.1 404"));
    let no_form = format!(
        "POST {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert!(ask(port, &no_form).starts_with("HTTP/1.1 400"));
}
