//! The console, against the real program: what it shows and takes, from whom, and that records stay words.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use fondly::review::{Kind, Side, ways};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::shop::{PATIENCE, Ran, Shop, now, until};

/// A word of thanks as soon as a visit is seen, the first of which a person wants to see.
const SHOWN_FIRST: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\napprove = \"first 20\"\n";
/// A letter on the birthday, for everybody.
const BIRTHDAY: &str = "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"marketing\"\n\
    audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n";
pub(crate) const OURS: &str = "Sec-Fetch-Site: same-origin\r\n";
pub(crate) const PASSWORD: &str = "four roses in a row";
pub(crate) fn shop(console: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", SHOWN_FIRST);
    shop.settings(&format!(
        "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [console]\nbind = \"127.0.0.1:0\"\n{console}"
    ));
    shop
}

/// A browser of a kind, and the daemon that it asks.
pub(crate) struct Browser {
    pub daemon: Daemon,
    address: SocketAddr,
    pub host: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// In small letters.
    pub head: String,
    /// As it came.
    cookie: String,
    pub body: String,
}

/// What stands for the names in an address.
pub(crate) type Filling<'a> = [(&'static str, &'a str)];

/// A way's address. For each name that a new way has, whoever adds it gives a value.
pub(crate) fn filled(path: &str, filling: &Filling<'_>) -> String {
    let mut path = path.to_owned();
    for (name, value) in filling {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    assert!(!path.contains('{'), "no value for a name in {path}");
    path
}

/// The addresses of all ways of this kind.
fn all(kind: Kind, filling: &Filling<'_>) -> Vec<String> {
    let some = ways(Side::Console)
        .into_iter()
        .filter(|way| way.kind == kind);
    some.map(|way| filled(way.path, filling)).collect()
}

impl Browser {
    pub(crate) async fn start(shop: &Shop) -> Self {
        Self::start_with(shop, shop.fondly(&["run"])).await
    }

    pub(crate) async fn start_with(shop: &Shop, mut command: Command) -> Self {
        command.env("FONDLY_LOG_FORMAT", "json");
        let daemon = Daemon::start_with(shop, command);
        let address = opened(&daemon, "the console is open").await;
        Self {
            daemon,
            address,
            host: address.to_string(),
        }
    }

    pub(crate) fn ask(&self, way: &str, more: &str, body: &str) -> Answer {
        let (host, length) = (&self.host, body.len());
        let words = format!(
            "{way} HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n\
             Content-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{more}\r\n{body}"
        );
        self.say(&words)
    }

    fn say(&self, words: &str) -> Answer {
        say(self.address, words)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(&format!("POST {path}"), OURS, body)
    }

    /// The same once nothing is being worked out for it any more.
    pub(crate) async fn whole(&self, path: &str, more: &str) -> Answer {
        until(path, || {
            let answer = self.ask(&format!("GET {path}"), more, "");
            (answer.status != 503).then_some(answer)
        })
        .await
    }
}

/// Where this door is.
pub(crate) async fn opened(daemon: &Daemon, words: &str) -> SocketAddr {
    until(words, || {
        let log = daemon.log();
        let line = log.lines().find(|line| line.contains(words))?;
        let line: Value = serde_json::from_str(line).ok()?;
        line["address"].as_str()?.parse().ok()
    })
    .await
}

/// One connection: says this, and hears the answer to its end.
pub(crate) fn say(address: SocketAddr, words: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let small = head.to_ascii_lowercase();
    let body = if small.contains("transfer-encoding: chunked") {
        whole(body)
    } else {
        body.to_owned()
    };
    Answer {
        status,
        head: small,
        cookie: head.to_owned(),
        body,
    }
}

/// What came piece by piece, which has to have come to its end.
fn whole(mut pieces: &str) -> String {
    let mut all = String::new();
    loop {
        // Without the last one, which is empty, it broke off.
        let (length, rest) = pieces.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return all;
        }
        let (piece, rest) = rest.split_at(length);
        all.push_str(piece);
        pieces = rest.strip_prefix("\r\n").unwrap();
    }
}

/// Text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

impl Answer {
    #[track_caller]
    pub(crate) fn shows(&self, words: &[&str]) {
        assert_eq!(self.status, 200, "{self:?}");
        for words in words {
            assert!(self.body.contains(words), "{words}: {}", self.body);
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&*start))
    }
}

/// The first address in the page that begins so.
pub(crate) fn link(page: &str, start: &str) -> String {
    let (_, rest) = page.split_once(&format!("href=\"{start}")).unwrap();
    format!("{start}{}", rest.split('"').next().unwrap())
}

/// The civil day at the business.
pub(crate) fn today() -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

pub(crate) fn visit(shop: &Shop, customer: &str) {
    shop.events(&format!(
        "id,customer_id,kind,at\nv1,{customer},visit,{}\n",
        now()
    ));
}

pub(crate) async fn becomes(shop: &Shop, outcome: &str) {
    until(outcome, || {
        shop.ledger_so_far()
            .into_iter()
            .find(|entry| entry.outcome == outcome)
    })
    .await;
}

#[tokio::test]
async fn a_held_letter_is_looked_at_let_go_and_stands_in_the_ledger() {
    let shop = shop("");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    visit(&shop, "c1");
    let browser = Browser::start(&shop).await;
    becomes(&shop, "held").await;
    let first = browser.get("/");
    first.shows(&["<b>1</b> for you to decide", "Ann"]);
    // The picture has one day, with what is open in it.
    assert!(first.body.contains("#E69F00") && !first.body.contains("#0072B2"));
    let held = browser.get("/held");
    held.shows(&["Thank you", "The rule&#39;s first letters"]);
    let batch = link(&held.body, "/held/thanks/");
    let page = browser.get(&batch);
    page.shows(&["1 letter", "iframe sandbox", "value=\"approve\""]);
    let entry = link(&page.body, "/ledger/");
    let letter = browser.get(&format!("{entry}/letter"));
    letter.shows(&["Dear Ann"]);
    let policy = letter.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("sandbox; default-src 'none'"),
        "{policy}"
    );
    // A look changes nothing, and neither does what comes from elsewhere.
    for more in [
        "",
        "Origin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let refused = browser.ask(&format!("POST {batch}"), more, "word=approve&count=1");
        assert_eq!(refused.status, 403, "{more}");
    }
    assert_eq!(browser.post(&batch, "word=perhaps").status, 400);
    assert_eq!(shop.ledger_so_far()[0].outcome, "held");
    let done = browser.post(&batch, "word=approve&count=1");
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/held?said=approved"))
    );
    becomes(&shop, "sent").await;
    // The same day's bar is told anew, although the other days are kept for a while.
    let later = browser.get("/").body;
    assert!(
        later.contains("#0072B2") && !later.contains("#E69F00"),
        "{later}"
    );
    it_is_found_again(&browser, &entry);
    let day = today().to_string();
    let id = entry.strip_prefix("/ledger/").unwrap();
    let filling = [
        ("rule", "thanks"),
        ("day", &*day),
        ("entry", id),
        ("customer", "c1"),
        ("source", "customers"),
    ];
    every_page_keeps_to_the_policy(&browser, &filling).await;
    // A name that was made to lead here.
    let rebound = "GET / HTTP/1.1\r\nHost: evil.example:8425\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(browser.say(rebound).status, 403);
    assert_eq!(browser.get("/nothing").status, 404);
    assert_eq!(browser.post("/ledger", "").status, 405);
    what_was_decided_stays(&shop).await;
}

/// As nginx hands on by `proxy_pass` alone, before 1.29.7 and since; then as it and others do by name.
#[tokio::test]
async fn behind_a_web_server_that_nobody_told_of_it_lets_nobody_in() {
    let shop = shop("");
    let browser = Browser::start(&shop).await;
    let host = &browser.host;
    assert_eq!(browser.get("/").status, 200);
    let theirs = "https://console.thorn.example";
    let mut handed_on = vec![
        format!("HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n"),
        format!("HTTP/1.1\r\nHost: {host}\r\n"),
        format!("HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"),
    ];
    for added in [
        "X-Real-IP: 203.0.113.9".to_owned(),
        "X-Forwarded-For: 203.0.113.9".to_owned(),
        "X-Forwarded-Proto: https".to_owned(),
        "X-Forwarded-Port: 443".to_owned(),
        "Via: 1.1 proxy".to_owned(),
        "Forwarded: for=203.0.113.9".to_owned(),
        "CF-Connecting-IP: 203.0.113.9".to_owned(),
        format!("Origin: {theirs}"),
        format!("Referer: {theirs}/held"),
    ] {
        handed_on.push(format!(
            "HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n{added}\r\n"
        ));
    }
    for head in handed_on {
        let looked = browser.say(&format!("GET / {head}\r\n"));
        let decided = browser.say(&format!(
            "POST /held/thanks/2027-01-01 {head}{OURS}Content-Length: 12\r\n\r\nword=approve"
        ));
        for answer in [looked, decided] {
            assert_eq!(answer.status, 403, "{head}");
            for words in ["console-user add", "base_url"] {
                assert!(answer.body.contains(words), "{head}: {}", answer.body);
            }
        }
    }
}

/// Behind one that is told of, people see another name than we are asked by.
#[tokio::test]
async fn who_signs_in_behind_a_web_server_comes_by_the_name_that_people_see() {
    let shop = shop("base_url = \"https://console.thorn.example\"\n");
    add(&shop, "anna", "owner", PASSWORD).is(0);
    let browser = Browser::start(&shop).await;
    let form = format!("name=anna&password={}", PASSWORD.replace(' ', "+"));
    let status = |origin: &str| {
        let more = format!("{OURS}Origin: {origin}\r\n");
        browser.ask("POST /login", &more, &form).status
    };
    assert_eq!(status("https://console.thorn.example"), 303);
    // A name of our own in `Sec-Fetch-Site` doesn't outweigh another one in `Origin`.
    assert_eq!(status("https://evil.example"), 403);
    assert_eq!(status("null"), 403);
}

/// The entry tells its history, and every way of looking for it leads to it.
fn it_is_found_again(browser: &Browser, entry: &str) {
    let told = browser.get(entry);
    told.shows(&[
        "tag-sent",
        "It was held for a person.",
        "It went out.",
        "ann@mail.example",
    ]);
    browser
        .get("/ledger?outcome=sent&rule=thanks&customer=c1")
        .shows(&["Ann", "tag-sent"]);
    browser
        .get("/ledger?outcome=held")
        .shows(&["no such entry"]);
    browser
        .get("/ledger?customer=ann@mail.example")
        .shows(&["Whom do you mean?", "c1"]);
    browser
        .get("/people")
        .shows(&["let go", "console on this machine", "thanks "]);
}

/// Nothing of its own in a page that the policy would have to let in, and no page is heavy.
async fn every_page_keeps_to_the_policy(browser: &Browser, filling: &Filling<'_>) {
    for path in all(Kind::Page, filling) {
        let page = browser.get(&path);
        page.shows(&["<!DOCTYPE html>", "</html>"]);
        assert!(page.body.len() < 100_000, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("unsafe") && !page.body.contains("<script"),
            "{path}"
        );
        assert!(!page.body.contains(" style="), "{path}");
    }
    for path in all(Kind::File, filling) {
        let file = browser.whole(&path, "").await;
        assert_eq!(file.status, 200, "{path}");
        assert!(
            file.header("content-disposition")
                .unwrap()
                .starts_with("attachment"),
            "{path}"
        );
    }
}

/// Not even by hand.
async fn what_was_decided_stays(shop: &Shop) {
    for sql in [
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (seq, at, who, what, subject) VALUES (1, 1, 'x', 'x', 'x')",
    ] {
        let mut store = shop.store().await;
        let done = sqlx::raw_sql(sql).execute(&mut store).await;
        assert!(
            done.unwrap_err()
                .to_string()
                .contains("what was decided stays"),
            "{sql}"
        );
    }
}

/// Names that would run, lead elsewhere or turn the line around, were they taken for more than words.
const NASTY: &str = "<script>alert(1)</script>\u{202E}=1+1\"'><img src=x onerror=y>";
/// What a spreadsheet would run.
const FORMULA: &str = "=cmd|' /C calc'!A0";
/// Where the nasty customers have to be seen; a page that shows nobody would prove nothing.
const SHOWS_SOMEBODY: [&str; 9] = [
    "/",
    "/ahead/{day}",
    "/ledger",
    "/ledger/{entry}",
    "/customers/{customer}",
    "/missing",
    "/opinions",
    "/sources",
    "/held/{rule}/{day}",
];

/// Customers of whom all is nasty, who were just here, came often and stayed away, have their birthday in
/// five days, or can't be used.
fn nasty_people(shop: &Shop) {
    let now = now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let born = now.date().saturating_add(jiff::Span::new().days(5));
    let born = format!("1980-{:02}-{:02}", born.month(), born.day().min(28));
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let (nasty, formula) = (quoted(NASTY), quoted(FORMULA));
    let long = "W".repeat(10_000);
    shop.customers(&format!(
        "id,email,first_name,last_name,birthday,language,timezone\n\
         \"=c<1>\",one@mail.example,{nasty},\"two\nlines\",{born},{nasty},{nasty}\n\
         c2,two@mail.example,{long},{formula},{born},{formula},+1\n\
         {formula},three@mail.example,{nasty},{formula},{born},@x,-1\n\
         c4,<b>no address</b>,Cat,,,,\n\
         c5,{formula},{nasty},,,,\n"
    ));
    let mut events = format!(
        "id,customer_id,kind,at,attr.rating,attr.text,attr.rule\nv1,=c<1>,visit,{0},,,\n\
         v2,c2,visit,{0},,,\no1,=c<1>,feedback,{0},1,{nasty},{nasty}\n\
         o2,{formula},feedback,{0},5,{formula},{formula}\n",
        now.timestamp()
    );
    for (n, days) in (0..6).map(|n| (n, 300 - 10 * n)) {
        let day = now.date().saturating_sub(jiff::Span::new().days(days));
        writeln!(events, "w{n},{formula},visit,{day},,,").unwrap();
    }
    shop.events(&events);
}

#[tokio::test]
async fn what_records_say_stays_words_on_every_page_and_in_every_file() {
    let shop = shop("");
    shop.rule("birthday", BIRTHDAY);
    nasty_people(&shop);
    let browser = Browser::start(&shop).await;
    until("both held", || {
        let entries = shop.ledger_so_far();
        let held = entries.iter().filter(|entry| entry.outcome == "held");
        (held.count() == 2).then_some(())
    })
    .await;
    let today = today();
    let soon = today.saturating_add(jiff::Span::new().days(5)).to_string();
    let today = today.to_string();
    let mut seen = Vec::new();
    for entry in shop.ledger_so_far() {
        let customer = encoded(&entry.customer);
        for day in [&today, &soon] {
            let filling = [
                ("entry", &*entry.id),
                ("customer", &*customer),
                ("rule", "thanks"),
                ("day", day),
                ("source", "customers"),
            ];
            for way in ways(Side::Console) {
                if matches!(way.kind, Kind::Page | Kind::Letter) {
                    let page = browser.whole(&filled(way.path, &filling), "").await;
                    only_words(way.path, &page);
                    if ["&lt;script&gt;", "&lt;b&gt;"]
                        .iter()
                        .any(|one| page.body.contains(one))
                    {
                        seen.push(way.path);
                    }
                }
            }
        }
    }
    for path in SHOWS_SOMEBODY {
        assert!(seen.contains(&path), "nobody is shown on {path}: {seen:?}");
    }
    for words in ["%3Dc%3C1%3E", "%3Cscript%3E", "two", "%3Dcmd%7C"] {
        let path = format!("/ledger?customer={words}");
        only_words(&path, &browser.get(&path));
    }
    // It is there, as words.
    browser.get("/ledger").shows(&["&lt;script&gt;", "WWWW"]);
    browser.get("/sources").shows(&["&lt;b&gt;no address"]);
    no_cell_is_a_formula(&browser).await;
    nonsense_is_answered(&browser);
}

#[track_caller]
fn only_words(path: &str, page: &Answer) {
    assert_eq!(page.status, 200, "{path}");
    for bad in ["<script", "<img", "<b>no", "\u{202E}", "onerror=y>"] {
        assert!(!page.body.contains(bad), "{path}: {bad}: {}", page.body);
    }
    assert!(page.body.len() < 100_000, "{path}: {}", page.body.len());
}

async fn no_cell_is_a_formula(browser: &Browser) {
    let mut seen = Vec::new();
    let formula = encoded(FORMULA);
    for path in all(
        Kind::File,
        &[("source", "customers"), ("customer", &*formula)],
    ) {
        let file = browser.whole(&path, "").await;
        assert_eq!(file.status, 200, "{path}");
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(file.body.as_bytes());
        for row in rows.records() {
            for cell in &row.unwrap() {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                    "{path}: {cell}"
                );
                if cell.starts_with("'=") {
                    seen.push(path.clone());
                }
            }
        }
    }
    seen.dedup();
    // Where customers are listed, one of them would have been a formula.
    let explained = format!("/customers/{formula}/explained.csv");
    let listed = [
        "/ahead.csv",
        "/ledger.csv",
        &explained,
        "/missing.csv",
        "/opinions.csv",
        "/sources.csv",
        "/sources/customers/quality.csv",
    ];
    assert_eq!(seen, listed);
}

/// And nothing of it comes back as more than words.
fn nonsense_is_answered(browser: &Browser) {
    for path in [
        "/ledger?before=x",
        "/ledger?day=x",
        "/ledger?outcome=%3Cscript%3E",
        "/ledger/%00",
        "/held/thanks/x",
        "/rules/..%2F..%2Ffondly",
        "/ahead/x",
        "/%3Cscript%3E",
    ] {
        let page = browser.get(path);
        assert!([400, 404].contains(&page.status), "{path}: {}", page.status);
        assert!(!page.body.contains("<script"), "{path}");
    }
}

pub(crate) fn add(shop: &Shop, name: &str, role: &str, password: &str) -> Ran {
    shop.write("password", format!("{password}\n"));
    let args = [
        "console-user",
        "add",
        name,
        "--role",
        role,
        "--password-file",
        "password",
    ];
    shop.run(&args)
}

/// Signing in gives a cookie that only this host gets, by TLS, and no script.
fn signs_in(browser: &Browser, name: &str) {
    let form = format!("name={name}&password={}", PASSWORD.replace(' ', "+"));
    let answer = browser.post("/login", &form);
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer
        .head
        .lines()
        .find(|line| line.starts_with("set-cookie: "))
        .unwrap();
    for word in ["; path=/", "; httponly", "; samesite=strict", "; secure"] {
        assert!(cookie.contains(word), "{cookie}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_signing_in_and_a_viewer_decides_nothing() {
    let shop = shop("base_url = \"https://console.thorn.example\"\n");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    visit(&shop, "c1");
    // Without a user it doesn't start.
    let refused = shop
        .fondly(&["run"])
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("fondly console-user add"), "{words}");
    add(&shop, "anna", "owner", "short")
        .is(1)
        .says(&["at least 15 characters"]);
    add(&shop, "anna", "owner", PASSWORD).is(0);
    add(&shop, "anna", "owner", PASSWORD)
        .is(1)
        .says(&["already"]);
    add(&shop, "ben", "viewer", PASSWORD).is(0);
    let mut browser = Browser::start(&shop).await;
    browser.host = "console.thorn.example".to_owned();
    becomes(&shop, "held").await;
    let entry = shop.ledger_so_far().remove(0);
    let batch = format!("/held/thanks/{}", entry.due_at.split('T').next().unwrap());
    let page = format!("/ledger/{}", entry.id);
    signs_in(&browser, "anna");
    let owner = format!("Cookie: __Host-fondly={}\r\n", token(&browser, "anna"));
    assert_eq!(shop.ledger_so_far()[0].outcome, "held");
    // She may; this entry isn't unknown, so there is nothing to resolve.
    let ours = format!("{OURS}{owner}");
    assert_eq!(
        browser
            .ask(&format!("POST {page}"), &ours, "word=sent")
            .status,
        400
    );
    assert_eq!(
        browser
            .ask(&format!("POST {batch}"), &ours, "word=decline&count=1")
            .status,
        303
    );
    becomes(&shop, "skipped").await;
    let told = browser.ask("GET /people", &owner, "");
    told.shows(&["<bdi>anna</bdi>", "ended unsent", "signed in"]);
    assert_eq!(browser.ask("GET /login", "", "").status, 200);
    assert_eq!(browser.ask("GET /style.css", "", "").status, 200);
    // Out means out, at once.
    shop.run(&["console-user", "remove", "anna"]).is(0);
    assert_eq!(browser.ask("GET /", &owner, "").status, 303);
}

#[tokio::test]
async fn whoever_guesses_passwords_has_to_wait() {
    let shop = shop("login = true\n");
    add(&shop, "anna", "owner", PASSWORD).is(0);
    let browser = Browser::start(&shop).await;
    for name in ["anna", "nobody"] {
        for _ in 0..5 {
            let wrong = browser.post("/login", &format!("name={name}&password=wrong"));
            assert_eq!(wrong.status, 403);
            assert!(wrong.body.contains("belong together"), "{}", wrong.body);
        }
        let waits = browser.post("/login", &format!("name={name}&password=wrong"));
        assert_eq!(waits.status, 429);
        assert!(waits.header("retry-after").is_some());
    }
    // The right one doesn't help now either, or it could be told from the wrong ones.
    let form = format!("name=anna&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(browser.post("/login", &form).status, 429);
}

#[tokio::test]
async fn neither_the_addresses_of_a_network_nor_endless_names_give_more_tries() {
    let shop = shop("base_url = \"https://console.thorn.example\"\n");
    add(&shop, "anna", "owner", PASSWORD).is(0);
    let mut browser = Browser::start(&shop).await;
    browser.host = "console.thorn.example".to_owned();
    let status = |name: &str, from: &str| {
        let more = format!("{OURS}X-Forwarded-For: {from}\r\n");
        let form = format!("name={name}&password=wrong");
        browser.ask("POST /login", &more, &form).status
    };
    for n in 0..5 {
        assert_eq!(status("anna", &format!("2001:db8:0:1::{n}")), 403);
    }
    assert_eq!(status("anna", "2001:db8:0:1:ffff::1"), 429);
    assert_eq!(status("anna", "2001:db8:0:2::1"), 403);
    // Nobody has such a name, so that there is nothing to count.
    for n in 0..30 {
        let name = format!("{n}{}", "x".repeat(5_000));
        assert_eq!(status(&name, "203.0.113.9"), 403);
    }
    assert_eq!(status("anna", "203.0.113.9"), 403);
}

/// A session's token.
pub(crate) fn token(browser: &Browser, name: &str) -> String {
    let form = format!("name={name}&password={}", PASSWORD.replace(' ', "+"));
    let (host, length) = (&browser.host, form.len());
    let words = format!(
        "POST /login HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n{OURS}\r\n{form}"
    );
    let answer = browser.say(&words);
    let (_, rest) = answer.cookie.split_once("fondly=").unwrap();
    rest.split(';').next().unwrap().to_owned()
}

/// Nobody used any session for hours.
pub(crate) async fn expire(shop: &Shop) {
    let sql = "UPDATE console_session SET seen_at = seen_at - 7201000";
    assert!(shop.tamper(sql).await > 0);
}
