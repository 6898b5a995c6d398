//! Records that come by HTTP, against the real daemon: each is answered, what is answered well is kept,
//! and nobody gets in without a token that is good for it.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use fondly::review::{Side, ways};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::daemon::Daemon;
use crate::shop::{PATIENCE, Shop, now, until};

/// A word of thanks as soon as a purchase is seen; relationship, so that an unsubscription counts.
const AT_ONCE: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn shop(api: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    shop.settings(&format!(
        "[business]\nunsubscribe_mailto = \"out@thorn.example\"\n\
         [schedule]\nsync = \"0 0 0 1 1 *\"\ntick = \"* * * * * *\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [api]\nbind = \"127.0.0.1:0\"\n{api}\n"
    ));
    shop
}

pub(crate) fn token(shop: &Shop, name: &str, scope: &str) -> String {
    let ran = shop.run(&["token", "add", name, "--scope", scope]).is(0);
    ran.out.trim().to_owned()
}

/// A program that sends records to a running daemon.
pub(crate) struct Program {
    daemon: Daemon,
    address: SocketAddr,
    token: String,
}

impl Program {
    pub(crate) async fn start(shop: &Shop) -> Self {
        Self::start_with(shop, shop.fondly(&["run"])).await
    }

    async fn start_with(shop: &Shop, mut command: Command) -> Self {
        let name = format!("till-{}", shop.run(&["token", "list"]).out.lines().count());
        let token = token(shop, &name, "events,customers");
        command.env("FONDLY_LOG_FORMAT", "json");
        let daemon = Daemon::start_with(shop, command);
        let address = until("open door", || {
            let log = daemon.log();
            let line = log.lines().find(|l| l.contains("can send records"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        Self {
            address: address.await,
            daemon,
            token,
        }
    }

    /// One connection: says this, and hears the answer to its end. `None`: there was none.
    pub(crate) fn say(&self, words: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Whoever is answered early may find that nobody listens any more.
        drop(stream.write_all(words));
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Some(Answer {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        })
    }

    pub(crate) fn with(&self, token: &str, way: &str, more: &str, body: &[u8]) -> Option<Answer> {
        let length = body.len();
        let head = format!(
            "{way} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        );
        self.say(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn sends(&self, way: &str, body: &Value) -> Answer {
        self.raw(way, body.to_string().as_bytes())
    }

    fn raw(&self, way: &str, body: &[u8]) -> Answer {
        self.with(&self.token, way, JSON, body).unwrap()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Answer {
    /// A problem of this name; its pointers.
    #[track_caller]
    fn problem(&self, status: u16, name: &str) -> Vec<&str> {
        assert_eq!(self.status, status, "{self:?}");
        let kind = format!("urn:problem-type:fondly:{name}");
        assert_eq!(self.body["type"], kind, "{self:?}");
        assert_eq!(self.body["status"], status);
        assert!(
            self.body["detail"]
                .as_str()
                .is_some_and(|words| !words.is_empty())
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let errors = self.body["errors"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let pointers = errors.iter().map(|one| one["pointer"].as_str().unwrap());
        pointers.collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn result(&self) -> (u16, &str) {
        (self.status, self.body["result"].as_str().unwrap_or("-"))
    }

    fn results(&self) -> Vec<&str> {
        let all = self.body["results"].as_array().unwrap();
        all.iter()
            .map(|one| one["result"].as_str().unwrap())
            .collect()
    }
}

pub(crate) fn purchase(id: &str, customer: &str) -> Value {
    json!({"id": id, "customer_id": customer, "kind": "purchase", "at": now().to_string(),
           "amount": 49.90, "currency": "EUR"})
}

/// How many rows a query counts.
pub(crate) async fn counted(shop: &Shop, sql: &'static str) -> i64 {
    let row = sqlx::query(sql).fetch_one(&mut shop.store().await).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn a_purchase_that_comes_by_http_is_thanked_for_without_a_restart() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let ann = json!({"email": "ann@mail.example", "first_name": "Ann", "birthday": "--02-29",
                     "attr": {"vip": true}, "tags": ["rose"]});
    assert_eq!(
        program
            .sends("PUT /api/customers/C%201%2F%C3%A9", &ann)
            .result(),
        (201, "new")
    );
    let sold = program.sends("POST /api/events", &purchase("o-1", "C 1/é"));
    assert_eq!(sold.result(), (201, "new"));
    assert_eq!(sold.body["id"], "o-1");
    let letter = until("letter", || shop.outbox().into_values().next()).await;
    let letter = String::from_utf8(letter).unwrap();
    assert!(letter.contains("ann@mail.example"), "{letter}");
    assert!(program.daemon.stop().await.success());
    let ledger = shop.ledger();
    assert_eq!((ledger.len(), ledger[0].customer.as_str()), (1, "C 1/é"));
    assert_eq!(ledger[0].occasion, "o-1");
}

/// A bare day begins where the business is by then.
#[tokio::test]
async fn a_business_that_moves_has_its_records_read_in_its_new_zone() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let asked = |id: &str| json!({"id": id, "consent": "yes", "consent_at": "2026-01-15"});
    let sends = |id: &str| program.sends("POST /api/customers", &asked(id)).status;
    assert_eq!(sends("before"), 201);
    let settings = std::fs::read_to_string(shop.path("config/local.toml")).unwrap();
    let moved = settings.replace("[business]", "[business]\ntimezone = \"America/New_York\"");
    shop.write("config/local.toml", moved);
    // The pass after that works with it, and so do the doors.
    until("a pass with the edit", || {
        let log = program.daemon.log();
        let (_, after) = log.split_once("the edited configuration is in force")?;
        after.contains("nothing due").then_some(())
    })
    .await;
    assert_eq!(sends("after"), 201);
    let apart = "SELECT b.consent_at - a.consent_at FROM customer a, customer b \
                 WHERE a.id = 'before' AND b.id = 'after'";
    assert_eq!(counted(&shop, apart).await, 5 * 60 * 60 * 1_000);
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_something_else_replaces_it() {
    let shop = shop("types = { \"attr.wedding\" = \"date\" }");
    let program = Program::start(&shop).await;
    let sold = purchase("o-1", "ann");
    let ways = [
        ("POST /api/events", sold.clone(), purchase("o-1", "bob")),
        (
            "POST /api/customers",
            json!({"id": "ann", "first_name": "Ann", "attr": {"wedding": "2010-06-12"}}),
            json!({"id": "ann", "first_name": "Anna", "attr": {"wedding": "2010-06-12"}}),
        ),
        (
            "PUT /api/customers/bob",
            json!({"id": "bob", "email": null}),
            json!({"tags": ["x"]}),
        ),
    ];
    for (way, one, other) in &ways {
        assert_eq!(program.sends(way, one).result(), (201, "new"), "{way}");
        assert_eq!(
            program.sends(way, one).result(),
            (200, "unchanged"),
            "{way}"
        );
        assert_eq!(
            program.sends(way, other).result(),
            (200, "changed"),
            "{way}"
        );
    }
    // A list, and a list under its name; within one, the later counts.
    let list = json!([sold, sold, purchase("o-2", "ann")]);
    let answer = program.sends("POST /api/events", &list);
    assert_eq!(
        (answer.status, answer.body["taken"].as_u64()),
        (200, Some(3))
    );
    assert_eq!(answer.results(), ["changed", "unchanged", "new"]);
    let named = json!({"events": [purchase("o-3", "ann")]});
    assert_eq!(program.sends("POST /api/events", &named).results(), ["new"]);
    let none = program.sends("POST /api/customers", &json!({"customers": []}));
    assert_eq!((none.status, none.results().len()), (200, 0));

    let dated =
        "SELECT COUNT(*) FROM customer_date WHERE field = 'attr.wedding' AND month_day = 612";
    assert_eq!(counted(&shop, dated).await, 1);
    let exact = "SELECT COUNT(*) FROM event WHERE amount = 499000 AND source = 'api'";
    assert_eq!(counted(&shop, exact).await, 3);
    // A token with a source of its own has ids of its own.
    let ran = shop.run(&[
        "token", "add", "web", "--scope", "events", "--source", "webshop",
    ]);
    let web = ran.is(0).out.trim().to_owned();
    let body = sold.to_string();
    let answer = program.with(&web, "POST /api/events", JSON, body.as_bytes());
    assert_eq!(answer.unwrap().result(), (201, "new"));
    shop.run(&["token", "add", "web", "--scope", "events"])
        .is(1)
        .says(&["already"]);
    let taken = [
        "token", "add", "x", "--scope", "events", "--source", "events",
    ];
    shop.run(&taken).is(2).says(&["[[source]]"]);
}

/// An event with a mistake in each of seven fields.
fn all_wrong() -> Value {
    json!({"id": "o-1", "customer_id": 17, "kind": "purchase", "at": "24/11/2026",
        "amount": "12,50", "quantity": 0.12345, "curency": "EUR", "attr": {"size": "44", "a/b": []}})
}

/// Five customers, of whom only the first can be used.
fn one_of_five() -> Value {
    json!({"customers": [{"id": "ann", "email": "ann@mail.example"}, {"email": "x"},
        {"id": "bob", "birthday": "1990-02-30"}, 7, {"id": " cat", "consent": "maybe"}]})
}

const WITH_TYPE: &str = "types = { \"attr.size\" = \"number\" }";

#[tokio::test]
async fn every_mistake_is_named_with_its_place_and_the_others_go_in() {
    let shop = shop(WITH_TYPE);
    let program = Program::start(&shop).await;
    let answer = program.sends("POST /api/events", &all_wrong());
    let mut pointers = answer.problem(422, "unusable-record");
    pointers.sort_unstable();
    let mut fields = [
        "amount",
        "at",
        "attr/a~1b",
        "attr/size",
        "curency",
        "customer_id",
        "quantity",
    ]
    .map(|field| format!("#/{field}"));
    fields.sort_unstable();
    assert_eq!(pointers, fields);
    let told = answer.body.to_string();
    for words in [
        "did you mean `currency`?",
        "with its offset",
        "four decimals",
        "is a number",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let answer = program.sends("POST /api/customers", &one_of_five());
    let left_out = answer.body["left_out"].as_u64();
    assert_eq!((answer.status, left_out), (207, Some(4)));
    assert_eq!(answer.results()[..2], ["new", "refused"]);
    let place = |n: usize, of: usize| answer.body["results"][n]["errors"][of]["pointer"].clone();
    assert_eq!(
        [
            place(1, 0),
            place(1, 1),
            place(2, 0),
            place(3, 0),
            place(4, 0)
        ],
        ["1/id", "1/email", "2/birthday", "3", "4/id"].map(|at| format!("#/customers/{at}"))
    );
    for (way, body, place) in [
        ("PUT /api/customers/dan", json!({"id": "eve"}), "#/id"),
        ("PUT /api/customers/dan", json!([{}]), "#"),
        ("PUT /api/customers/dan", json!(7), "#"),
        ("POST /api/events", json!({"events": [], "id": "x"}), "#"),
        ("POST /api/events", json!({"events": {}}), "#/events"),
    ] {
        let answer = program.sends(way, &body);
        assert_eq!(answer.problem(422, "unusable-record"), [place]);
    }
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM customer").await, 1);
}

#[tokio::test]
async fn what_can_t_be_used_is_in_quarantine_until_it_is_mended() {
    let shop = shop(WITH_TYPE);
    let program = Program::start(&shop).await;
    let quarantined = "SELECT COUNT(*) FROM quarantine";
    // The same again isn't a second one.
    for _ in 0..2 {
        program.sends("POST /api/events", &all_wrong());
        program.sends("POST /api/customers", &one_of_five());
        program.sends("PUT /api/customers/dan", &json!({"id": "eve"}));
        assert_eq!(counted(&shop, quarantined).await, 6);
    }
    let listed = shop.run(&["quarantine", "--format", "json"]).is(3).out;
    let listed = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let listed: Vec<Value> = listed.collect();
    let of = |by: &str, line: u64| {
        let is_it = |one: &&Value| one["file"] == by && one["line"] == line;
        listed.iter().find(is_it).unwrap()
    };
    let event = of("POST /api/events", 1);
    assert_eq!(
        (event["source"].as_str(), event["column"].as_str()),
        (Some("api"), Some("curency"))
    );
    assert!(event["record"].as_str().unwrap().contains("24/11/2026"));
    assert_eq!(of("POST /api/customers", 3)["value"], "\"1990-02-30\"");
    assert_eq!(of("PUT /api/customers", 1)["column"], "id");

    let mended = program.sends("POST /api/events", &purchase("o-1", "ann"));
    assert_eq!(mended.status, 201);
    let mended = program.sends("PUT /api/customers/bob", &json!({}));
    assert_eq!(mended.status, 201);
    assert_eq!(counted(&shop, quarantined).await, 4);
    let clear = |source| shop.run(&["quarantine", "--clear", source]);
    clear("events").is(2).says(&["[[source]]"]);
    clear("api").is(0).says(&["4 records"]);
    assert_eq!(counted(&shop, quarantined).await, 0);
}

#[tokio::test]
async fn a_program_gone_wild_doesn_t_fill_the_quarantine() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    for round in 0..2 {
        let bad = |n: usize| json!({"id": format!("{round}-{n}")});
        let many: Vec<Value> = (0..1000).map(bad).collect();
        assert_eq!(program.sends("POST /api/events", &many.into()).status, 207);
    }
    assert_eq!(
        counted(&shop, "SELECT COUNT(*) FROM quarantine").await,
        1000
    );
    let oldest = "SELECT COUNT(*) FROM quarantine WHERE path LIKE 'events/0-%'";
    assert_eq!(counted(&shop, oldest).await, 0);
}

#[tokio::test]
async fn hostile_content_is_refused_and_does_nothing() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let send = |body: &[u8]| program.raw("POST /api/events", body);
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let nested = format!("{{\"id\": {deep}}}");
    for body in [
        "",
        " ",
        "{",
        "nonsense",
        "{\"id\": 1,}",
        "{'id': 1}",
        "[1] [2]",
        "\u{feff}{}",
        "{\"id\": \"\u{0}\"}",
        "{\"id\": NaN}",
        "{\"id\": 01}",
        "{\"id\": \"\\u12\"}",
    ] {
        send(body.as_bytes()).problem(400, "not-json");
    }
    send(b"{\"id\": \"\xff\"}").problem(400, "not-json");
    send(b"{\"id\": \"\xed\xa0\x80\"}").problem(400, "not-json");
    send(&[0; 100]).problem(400, "not-json");
    for (body, pointer) in [
        (nested.as_str(), "#/id"),
        ("{\"id\": \"a\", \"id\": \"b\"}", "#/id"),
        ("{\"id\": \"a\\u0000b\"}", "#/id"),
        ("{\"id\": \"\\ud800\"}", "#/id"),
        ("{\"id\": \"\"}", "#/id"),
        ("{\"amount\": 1e400}", "#/amount"),
        ("{\"amount\": 1e-400}", "#/id"),
        ("{\"amount\": 123456789012345678901234567890}", "#/amount"),
        ("{\"amount\": \"0x10\"}", "#/amount"),
        ("{\"attr\": {\"n\": 1e999}}", "#/attr/n"),
        ("{\"attr\": {\"\": 1}}", "#/attr/"),
        ("{\"attr\": {\"a\": 1, \"a\": 2}}", "#/attr/a"),
        ("{\"attr\": [[]]}", "#/attr"),
        ("{\"at\": \"2026-11-24T10:30\"}", "#/at"),
        ("{\"at\": \"0001-01-01\"}", "#/at"),
        ("{\"at\": \"9999-12-31T23:59:59Z\"}", "#/at"),
        ("{\"at\": 1764000000}", "#/at"),
        ("{\"\\ud83d\\ude00\": 1}", "#/%F0%9F%98%80"),
        ("null", "#"),
    ] {
        let answer = send(body.as_bytes());
        let pointers = answer.problem(422, "unusable-record");
        assert!(pointers.contains(&pointer), "{body:.60}: {pointers:?}");
    }
    let answer = send(deep.as_bytes());
    assert_eq!((answer.status, answer.results()), (207, vec!["refused"]));
    let many = format!("[{}1]", "1,".repeat(500_000));
    send(many.as_bytes()).problem(413, "too-many-records");
    // What breaks lines goes in as in a row of a file, and never into a header.
    let name =
        json!({"id": "ann", "first_name": "Ann\r\nBcc: eve@mail.example", "last_name": "\u{0} "});
    assert_eq!(program.sends("POST /api/customers", &name).status, 201);
    let plain = "SELECT COUNT(*) FROM customer WHERE first_name = 'Ann Bcc: eve@mail.example' \
                 AND last_name IS NULL";
    assert_eq!(counted(&shop, plain).await, 1);
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 0);
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM customer").await, 1);
}

#[tokio::test]
async fn each_kind_of_no_has_its_number_and_its_words() {
    let shop = shop("per_minute = 40");
    let program = Program::start(&shop).await;
    let ask =
        |way: &str, more: &str, body: &[u8]| program.with(&program.token, way, more, body).unwrap();
    ask("GET /", "", b"").problem(404, "not-found");
    ask("GET /api", "", b"").problem(404, "not-found");
    ask("POST /api/events/", JSON, b"{}").problem(404, "not-found");
    ask("PUT /api/customers/a/b", JSON, b"{}").problem(404, "not-found");
    ask("GET /healthz", "", b"").problem(404, "not-found");
    ask("PUT /api/customers/%ff", JSON, b"{}").problem(400, "bad-path");
    for kind in [
        "",
        "Content-Type: text/csv\r\n",
        "Content-Type: application/json; charset=utf-16\r\n",
    ] {
        ask("POST /api/events", kind, b"{}").problem(415, "unsupported-media-type");
    }
    let packed = format!("{JSON}Content-Encoding: gzip\r\n");
    ask("POST /api/events", &packed, b"x").problem(415, "unsupported-media-type");
    // Whoever says too much is heard out, so that the answer arrives.
    let much = vec![b' '; 9 * 1024 * 1024];
    ask("POST /api/events", JSON, &much).problem(413, "too-large");
    let chunk = [b"200000\r\n", &much[..0x20_0000], b"\r\n"].concat();
    let chunked = format!(
        "POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{JSON}\
         Transfer-Encoding: chunked\r\n\r\n",
        program.token
    );
    let chunked = [chunked.as_bytes(), &chunk, &chunk, b"0\r\n\r\n"].concat();
    program.say(&chunked).unwrap().problem(413, "too-large");
    let head = format!("{JSON}X-Long: {}\r\n", "x".repeat(20_000));
    assert_eq!(ask("POST /api/events", &head, b"{}").status, 431);
    assert_eq!(program.say(b"nonsense\r\n\r\n").unwrap().status, 400);

    let many: Vec<Value> = (0..1001).map(|n| purchase(&n.to_string(), "ann")).collect();
    program
        .sends("POST /api/events", &many.into())
        .problem(413, "too-many-records");
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 0);

    let slow_down = until("limit", || {
        let answer = program.sends("POST /api/events", &json!([]));
        (answer.status != 200).then_some(answer)
    });
    let slow_down = slow_down.await;
    slow_down.problem(429, "too-often");
    let wait: u32 = slow_down.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // Somebody else may still come.
    let other = token(&shop, "other", "events");
    let answer = program.with(&other, "POST /api/events", JSON, b"[]");
    assert_eq!(answer.unwrap().status, 200);
    assert!(program.daemon.stop().await.success());
}

#[tokio::test]
async fn only_a_token_that_is_good_for_it_gets_anything_in() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let of_customers = token(&shop, "crm", "customers");
    let of_events = token(&shop, "pos", "events");
    let event = purchase("o-1", "ann").to_string();
    let ways = [
        (
            "POST /api/events",
            event.as_str(),
            &of_customers,
            &of_events,
        ),
        (
            "POST /api/customers",
            "{\"id\": \"ann\"}",
            &of_events,
            &of_customers,
        ),
        ("PUT /api/customers/ann", "{}", &of_events, &of_customers),
    ];
    let challenge = |answer: &Answer| answer.header("www-authenticate").unwrap().to_owned();
    for (way, body, wrong, _) in ways {
        let body = body.as_bytes();
        let answer = program.with(wrong, way, JSON, body).unwrap();
        answer.problem(403, "wrong-scope");
        assert!(challenge(&answer).contains("insufficient_scope"));
        let mut forged = wrong.clone();
        let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
        forged.push(last);
        let upper = wrong.to_uppercase();
        for words in ["", "fondly_", "nonsense", &forged, &upper, "' OR 1=1 --"] {
            let answer = program.with(words, way, JSON, body).unwrap();
            answer.problem(401, "not-signed-in");
            assert!(challenge(&answer).starts_with("Bearer"));
        }
        let length = body.len();
        for more in [
            "",
            "Authorization: Basic YTpi\r\n",
            "Authorization: Bearer\r\n",
        ] {
            let head = format!(
                "{way} HTTP/1.1\r\nHost: x\r\n{JSON}{more}Content-Length: {length}\r\n\r\n"
            );
            let answer = program.say(&[head.as_bytes(), body].concat()).unwrap();
            answer.problem(401, "not-signed-in");
        }
    }
    for table in [
        "SELECT COUNT(*) FROM event",
        "SELECT COUNT(*) FROM customer",
        "SELECT COUNT(*) FROM quarantine",
        "SELECT COUNT(*) FROM api_token WHERE last_day IS NOT NULL",
    ] {
        assert_eq!(counted(&shop, table).await, 0, "{table}");
    }
    for (way, body, _, right) in ways {
        let answer = program.with(right, way, JSON, body.as_bytes()).unwrap();
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_is_shown_once_listed_by_its_use_and_revoked_beside_the_daemon() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let pos = token(&shop, "pos", "events");
    let send = |id: &str| {
        let sold = purchase(id, "ann").to_string();
        program
            .with(&pos, "POST /api/events", JSON, sold.as_bytes())
            .unwrap()
    };
    assert_eq!(send("o-1").status, 201);
    let listed = shop.run(&["token", "list", "--format", "json"]).is(0).out;
    let listed = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let listed: Vec<Value> = listed.collect();
    let london = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let today = london.to_datetime(now()).date().to_string();
    assert_eq!(listed[0]["name"], "pos");
    assert_eq!(listed[0]["scopes"], "events");
    assert_eq!(listed[0]["source"], "api");
    assert_eq!(listed[0]["last_day"], today);
    assert_eq!(listed[1]["last_day"], Value::Null);
    shop.run(&["token", "list"]).is(0).says(&["never", "till-"]);

    shop.run(&["token", "revoke", "pos"]).is(0);
    let again = shop.run(&["token", "revoke", "pos"]).is(1);
    again.says(&["there is no token `pos`"]);
    send("o-2").problem(401, "not-signed-in");
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 1);

    // Neither the log nor the books hold a token.
    let log = program.daemon.log();
    assert!(program.daemon.stop().await.success());
    let books = ["var/fondly.db", "var/fondly.db-wal"];
    let books = books.map(|name| std::fs::read(shop.path(name)).unwrap_or_default());
    let books = books.concat();
    for token in [&program.token, &pos] {
        let secret = token.strip_prefix("fondly_").unwrap();
        assert_eq!(secret.len(), 43);
        assert!(!log.contains(secret), "{log}");
        let mut parts = books.windows(secret.len());
        assert!(!parts.any(|part| part == secret.as_bytes()));
    }
}

#[tokio::test]
async fn the_document_names_every_way_and_no_other() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    // Without a token: it holds nothing that isn't public.
    let answer = program
        .say(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(answer.body["openapi"], "3.1.0");
    let paths = answer.body["paths"].as_object().unwrap();
    for (path, ways) in paths {
        let url = path.replace("{id}", "ann");
        let mut allowed: Vec<String> = Vec::new();
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
        ] {
            let answer = program
                .with(&program.token, &format!("{method} {url}"), JSON, b"{}")
                .unwrap();
            let described = &ways[method.to_lowercase()];
            let of_get = method == "HEAD" && !ways["get"].is_null();
            if described.is_null() && !of_get {
                assert_eq!(answer.status, 405, "{method} {url}");
                allowed = answer
                    .header("allow")
                    .unwrap()
                    .split(',')
                    .map(str::to_owned)
                    .collect();
                continue;
            }
            assert!(
                !matches!(answer.status, 404 | 405 | 500..),
                "{method} {url}"
            );
            if !described.is_null() {
                let status = answer.status.to_string();
                assert!(
                    !described["responses"][&status].is_null(),
                    "{method} {url}: {status}"
                );
            }
        }
        let mut named: Vec<String> = ways
            .as_object()
            .unwrap()
            .keys()
            .map(|m| m.to_uppercase())
            .collect();
        if named.contains(&"GET".to_owned()) {
            named.push("HEAD".to_owned());
        }
        allowed.sort_unstable();
        named.sort_unstable();
        assert_eq!(allowed, named, "{path}");
    }
    assert_eq!(paths.len(), ways(Side::Api).len());
    for way in ways(Side::Api) {
        let described = paths[way.path].as_object().unwrap().keys();
        let described = described.filter(|method| *method != "get");
        let described: Vec<String> = described.map(|method| method.to_uppercase()).collect();
        assert_eq!(described, Vec::from_iter(way.takes), "{}", way.path);
    }
}

#[test]
fn whatever_the_document_refers_to_is_there() {
    let document = include_str!("../../src/review/api/openapi.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1);
    let pointers = references.filter_map(|rest| rest.split('"').next());
    let mut count = 0;
    for pointer in pointers {
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[tokio::test]
async fn what_was_answered_well_outlasts_a_kill() {
    let shop = shop("");
    let mut sent = 0;
    for round in 0..5 {
        let program = Program::start(&shop).await;
        for n in 0..20 {
            let id = format!("{round}-{n}");
            assert_eq!(
                program
                    .sends("POST /api/events", &purchase(&id, "ann"))
                    .status,
                201
            );
            sent += 1;
        }
        program.daemon.kill();
        assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, sent);
    }
    // Killed just before the commit, and just after it: no answer either way, and sending it again
    // is right both times. (The shop's files, which haven't changed, go in no more.)
    for (moment, status) in [("sync-commit", 201), ("sync-durable", 200)] {
        let mut command = shop.fondly(&["run"]);
        command.env("FONDLY_FAULT", format!("end-at:{moment}:1"));
        let program = Program::start_with(&shop, command).await;
        let body = purchase(moment, "ann").to_string();
        let answer = program.with(&program.token, "POST /api/events", JSON, body.as_bytes());
        assert_eq!(answer, None, "{moment}");
        drop(program);
        let again = Program::start(&shop).await;
        let answer = again.raw("POST /api/events", body.as_bytes());
        assert_eq!(answer.status, status, "{moment}");
    }
}

#[tokio::test]
async fn whoever_left_is_not_brought_back() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    for id in ["ann", "bob"] {
        let one = json!({"email": format!("{id}@mail.example")});
        assert_eq!(
            program
                .sends(&format!("PUT /api/customers/{id}"), &one)
                .status,
            201
        );
    }
    let forgot = shop.run(&["forget", "ann"]);
    assert_eq!(forgot.code, Some(0), "{}", forgot.err);
    shop.tamper("UPDATE customer SET stopped_at = 1 WHERE id = 'bob'")
        .await;
    let back = json!({"email": "ann@mail.example", "unsubscribed": false});
    program
        .sends("PUT /api/customers/ann", &back)
        .problem(410, "forgotten");
    program
        .sends("POST /api/events", &purchase("o-1", "ann"))
        .problem(410, "forgotten");
    let several = json!([purchase("o-2", "ann"), purchase("o-3", "bob")]);
    let answer = program.sends("POST /api/events", &several);
    assert_eq!(
        (answer.status, answer.results()),
        (207, vec!["forgotten", "new"])
    );
    let back = json!({"email": "bob@new.example", "unsubscribed": false, "consent": "yes"});
    assert_eq!(
        program.sends("PUT /api/customers/bob", &back).result(),
        (200, "changed")
    );
    let entry = until("entry", || {
        let mut entries = shop.ledger_so_far().into_iter();
        entries.find(|entry| entry.outcome == "skipped")
    });
    let entry = entry.await;
    assert_eq!(
        (entry.customer.as_str(), entry.reason.as_deref()),
        ("bob", Some("suppressed"))
    );
    let left = "SELECT COUNT(*) FROM customer WHERE id = 'ann' OR email LIKE 'ann%'";
    assert_eq!(counted(&shop, left).await, 0);
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_at_once_get_everything_in() {
    let shop = shop("per_minute = 60000");
    let program = Program::start(&shop).await;
    std::thread::scope(|scope| {
        for who in 0..40 {
            let program = &program;
            scope.spawn(move || {
                for n in 0..10 {
                    let list = json!([
                        purchase(&format!("{who}-{n}"), "ann"),
                        purchase("same", "ann")
                    ]);
                    let answer = program.sends("POST /api/events", &list);
                    assert_eq!((answer.status, answer.results()[0]), (200, "new"));
                }
            });
        }
    });
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 401);
}

#[tokio::test]
async fn a_store_that_somebody_else_writes_to_is_said_and_sending_again_does_no_harm() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let mut writing = shop.store().await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut writing)
        .await
        .unwrap();
    let sold = purchase("o-1", "ann");
    let answer = program.sends("POST /api/events", &sold);
    answer.problem(503, "not-now");
    assert!(answer.header("retry-after").is_some());
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut writing)
        .await
        .unwrap();
    drop(writing);
    let again = program.sends("POST /api/events", &sold);
    assert!(matches!(again.status, 200 | 201), "{again:?}");
    assert_eq!(counted(&shop, "SELECT COUNT(*) FROM event").await, 1);
    assert!(program.daemon.stop().await.success());
}

#[test]
fn it_listens_to_nobody_else_by_accident() {
    let shop = Shop::new();
    shop.settings("");
    let ran = shop
        .run(&["token", "add", "till", "--scope", "events"])
        .is(0);
    ran.says(&["Nobody listens yet", "[api]"]);
    for (settings, words) in [
        ("bind = \"0.0.0.0:8427\"", "behind_tls"),
        ("bind = \"[::]:8427\"", "behind_tls"),
        ("bind = \"127.0.0.1:8426\"", "[public] has this address"),
        (
            "bind = \"127.0.0.1:8427\"\nsource = \"events\"",
            "[[source]] `events`",
        ),
        ("bind = \"127.0.0.1:8427\"\nper_minute = 0", "per_minute"),
    ] {
        let public = "[public]\nbind = \"127.0.0.1:8426\"\nbase_url = \"https://care.example\"\n";
        shop.settings(&format!("{public}[api]\n{settings}\n"));
        shop.run(&["check"]).is(1).says(&[words]);
    }
    shop.settings("[api]\nbind = \"0.0.0.0:8427\"\nbehind_tls = true\n");
    let mut shown = String::new();
    write!(shown, "{}", shop.run(&["check", "--show"]).is(0).out).unwrap();
    assert!(
        shown.contains("behind_tls = true") && shown.contains("source = \"api\""),
        "{shown}"
    );
}
