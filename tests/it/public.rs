//! The way out of the letters, against the real daemon: looking changes nothing, one click ends it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use mail_parser::MessageParser;
use serde_json::Value;

use crate::shop::{PATIENCE, Shop, now, until};

/// A word of thanks as soon as a visit is seen; relationship, so it bears a way out.
pub(crate) const AT_ONCE: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";
pub(crate) const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

pub(crate) fn shop(bind: &str) -> Shop {
    shop_that_looks("* * * * * *", bind)
}

pub(crate) fn shop_that_looks(when: &str, bind: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    shop.settings(&format!(
        "[schedule]\nsync = \"{when}\"\ntick = \"{when}\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [public]\nbind = \"{bind}\"\nbase_url = \"https://care.thorn.example/letters\"\n"
    ));
    shop
}

/// Visits that have just happened.
pub(crate) fn visits(shop: &Shop, rows: &[(&str, &str)]) {
    let mut csv = "id,customer_id,kind,at\n".to_owned();
    for (id, customer) in rows {
        writeln!(csv, "{id},{customer},visit,{}", now()).unwrap();
    }
    shop.events(&csv);
}

/// What became of this visit's letter, once something has.
async fn outcome(shop: &Shop, visit: &str) -> String {
    until(visit, || {
        let entries = shop.ledger_so_far();
        let entry = entries.into_iter().find(|entry| entry.occasion == visit)?;
        let done = matches!(entry.outcome.as_str(), "sent" | "skipped");
        done.then(|| format!("{} {}", entry.outcome, entry.reason.unwrap_or_default()))
    })
    .await
}

/// The path of the link in the one letter to this customer so far.
fn link(shop: &Shop, customer: &str) -> String {
    let mark = format!("_{customer}_");
    let letters = shop.outbox();
    let (_, bytes) = letters
        .iter()
        .find(|(name, _)| name.contains(&mark))
        .unwrap();
    let letter = MessageParser::default().parse(bytes).unwrap();
    let post = letter.header_raw("List-Unsubscribe-Post").unwrap();
    assert_eq!(post.trim(), ONE_CLICK);
    let url = letter.header_raw("List-Unsubscribe").unwrap();
    let url = url.trim().trim_matches(['<', '>']);
    let path = url.strip_prefix("https://care.thorn.example").unwrap();
    assert!(path.starts_with("/letters/u/"), "{path}");
    path.to_owned()
}

/// The same link with one sign of its signature changed.
pub(crate) fn forged(link: &str) -> String {
    let (rest, last) = link.split_at(link.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

fn request(method: &str, path: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: care.thorn.example\r\n\
         Content-Length: {length}\r\n{more}\r\n{body}"
    )
}

/// A running `fondly run`; killed with the test.
pub(crate) struct Daemon {
    process: Child,
    log: PathBuf,
    address: SocketAddr,
}

impl Daemon {
    pub(crate) async fn start(shop: &Shop) -> Self {
        let log = shop.path("run.log");
        let process = shop
            .fondly(&["run"])
            .env("FONDLY_LOG_FORMAT", "json")
            .env("FONDLY_LOG", "warn,fondly=debug")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut daemon = Self {
            process,
            log,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        daemon.address = until("open door", || {
            let log = daemon.log();
            let line = log.lines().find(|l| l.contains("can unsubscribe"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.parse().ok()
        })
        .await;
        daemon
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    fn click(&self, path: &str) -> Answer {
        self.ask("POST", path, FORM, ONE_CLICK)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        self.say(&request(method, path, more, body))
    }

    /// One connection: says this, and hears the answer to its end.
    fn say(&self, words: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Answer {
            status: status.parse().unwrap(),
            headers: headers
                .filter(|(name, _)| !["date", "x-request-id"].contains(name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// Stops it as systemd would.
    pub(crate) async fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let ended = until("end", || self.process.try_wait().unwrap()).await;
        assert!(ended.success(), "{}", self.log());
        self.log()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// An answer without its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_one_click_ends_it() {
    let shop = shop("127.0.0.1:0");
    let [ann, bob, cat] = ["ann", "bob", "cat"].map(|id| format!("{id},{id}@mail.example\n"));
    let all = format!("id,email\n{ann}{bob}{cat}");
    shop.customers(&format!("{all}dan,dan@old.example\n"));
    visits(
        &shop,
        &[("1", "ann"), ("2", "bob"), ("3", "cat"), ("4", "dan")],
    );
    let daemon = Daemon::start(&shop).await;
    for visit in ["1", "2", "3", "4"] {
        assert_eq!(outcome(&shop, visit).await, "sent accepted");
    }
    let links = ["ann", "bob", "cat", "dan"].map(|who| link(&shop, who));
    let [to_ann, to_bob, to_cat, to_dan] = links.each_ref();

    // A scanner follows every link, a forger tries Bob's, and Dan gets another address.
    let question = daemon.get(to_ann);
    assert_eq!(question.status, 200);
    assert!(question.body.contains("<form method=\"post\">"));
    for link in [to_bob, to_cat, to_dan, &forged(to_bob), "/u/x"] {
        assert_eq!(daemon.get(link), question, "{link}");
    }
    assert_eq!(daemon.ask("POST", to_bob, FORM, "").status, 400);
    let nobody = daemon.click(&forged(to_bob));
    assert_eq!(nobody.status, 200);
    shop.customers(&format!("{all}dan,dan@new.example\n"));
    visits(&shop, &[("5", "bob"), ("6", "ann"), ("7", "dan")]);
    for visit in ["5", "6", "7"] {
        assert_eq!(outcome(&shop, visit).await, "sent accepted");
    }

    // One click, urlencoded and as multipart; then the first again, from where a web server took
    // the path of `base_url` away.
    let multipart = "Content-Type: multipart/form-data; boundary=xyz\r\n";
    let form = "--xyz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                One-Click\r\n--xyz--\r\n";
    let again = to_ann.strip_prefix("/letters").unwrap();
    for answer in [
        daemon.click(to_ann),
        daemon.ask("POST", to_cat, multipart, form),
        daemon.click(to_dan),
        daemon.click(again),
    ] {
        // Known and unknown links look the same.
        assert_eq!(answer, nobody);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("location"), None);
    }

    // Dan has yet another address, and Eve the one that his first letter went to.
    shop.customers(&format!(
        "{all}dan,dan@third.example\neve,dan@old.example\n"
    ));
    visits(
        &shop,
        &[
            ("8", "ann"),
            ("9", "cat"),
            ("10", "dan"),
            ("11", "eve"),
            ("12", "bob"),
        ],
    );
    for visit in ["8", "9", "10", "11"] {
        assert_eq!(outcome(&shop, visit).await, "skipped suppressed");
    }
    assert_eq!(outcome(&shop, "12").await, "sent accepted");

    // Neither a link nor an address is in the log.
    let log = daemon.stop().await;
    assert!(log.contains("a customer unsubscribed"), "{log}");
    for link in &links {
        assert!(!log.contains(link.rsplit_once('.').unwrap().1), "{log}");
    }
    assert!(!log.contains("@mail.example"), "{log}");
}

#[tokio::test]
async fn an_unsubscription_is_noted_although_its_asker_hangs_up() {
    let shop = shop("127.0.0.1:0");
    shop.customers("id,email\nann,ann@mail.example\n");
    visits(&shop, &[("1", "ann")]);
    let daemon = Daemon::start(&shop).await;
    assert_eq!(outcome(&shop, "1").await, "sent accepted");
    let link = link(&shop, "ann");

    // Somebody else is writing, so it can't be noted before the asker is gone.
    let mut writing = shop.store().await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut writing)
        .await
        .unwrap();
    let mut asker = TcpStream::connect(daemon.address).unwrap();
    asker
        .write_all(request("POST", &link, FORM, ONE_CLICK).as_bytes())
        .unwrap();
    drop(asker);
    // Whoever comes later is answered after the hang-up was seen.
    assert_eq!(daemon.get("/u/x").status, 200);
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut writing)
        .await
        .unwrap();

    let id = shop.ledger_so_far().remove(0).id;
    until("word of it in the history", || {
        let told = shop.run(&["show", &id]).is(0).out;
        told.contains("they unsubscribed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_looks_once_a_year_is_no_trouble() {
    let shop = shop_that_looks("0 0 0 1 1 *", "127.0.0.1:0");
    let daemon = Daemon::start(&shop).await;
    let ended = || daemon.log().contains("nothing due").then_some(());
    until("end of the first pass", ended).await;
    let long_ago = "UPDATE meta SET value = '1000' WHERE key = 'heartbeat'";
    assert_eq!(shop.tamper(long_ago).await, 1);
    let well = daemon.get("/healthz");
    assert_eq!((well.status, well.body.as_str()), (200, "ok\n"));
}

/// Whoever watches the daemon by this page alone heard "ok" while not a letter went out.
#[tokio::test]
async fn a_standstill_is_no_good_health() {
    let shop = shop("127.0.0.1:0");
    shop.tick();
    let before = ["", "-wal"].map(|end| {
        let path = shop.path(&format!("var/fondly.db{end}"));
        let bytes = fs::read(&path).ok();
        (path, bytes)
    });
    shop.tick();
    // A backup comes back.
    for (path, bytes) in before {
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => drop(fs::remove_file(path)),
        }
    }
    let daemon = Daemon::start(&shop).await;
    let health = async |status: u16, words: &str| {
        until(words, || {
            let told = daemon.get("/healthz");
            (told.status == status && told.body == words).then_some(())
        })
        .await;
    };
    let copy = "this may not be the only copy of the store, so nothing is sent\n";
    health(503, copy).await;
    shop.run(&["resume", "--only-copy"]).is(0);
    health(200, "ok\n").await;
    // And a clock that is ten years behind what was seen.
    let ahead = "UPDATE presence SET at = at + 315360000000";
    assert_eq!(shop.tamper(ahead).await, 1);
    health(503, "the clock can't be right, so nothing is sent\n").await;
    shop.run(&["resume", "--clock-is-right"]).is(0);
    health(200, "ok\n").await;
}

#[tokio::test]
async fn there_is_nothing_else_to_find() {
    let shop = shop("127.0.0.1:0");
    let daemon = Daemon::start(&shop).await;
    let well = daemon.get("/healthz");
    assert_eq!((well.status, well.body.as_str()), (200, "ok\n"));

    let too_much = "x".repeat(8 * 1024 + 1);
    for (method, path, body, status) in [
        ("GET", "/", "", 404),
        ("GET", "/u/", "", 404),
        ("GET", "/u/a/b", "", 404),
        ("GET", "/letters", "", 404),
        ("PUT", "/u/x", "", 405),
        ("POST", "/healthz", "", 405),
        ("HEAD", "/healthz", "", 200),
        ("GET", "/letters/healthz", "", 200),
        ("GET", "/../etc/passwd", "", 404),
        ("POST", "/u/x", too_much.as_str(), 413),
        ("POST", "/u/%ff", ONE_CLICK, 400),
        ("GET", "/u/x", "", 200),
        ("GET", "/healthz", "", 200),
    ] {
        let answer = daemon.ask(method, path, "", body);
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(daemon.say("nonsense\r\n\r\n").status, 400);
    let german = daemon.ask("GET", "/u/x", "Accept-Language: de-CH, en;q=0.5\r\n", "");
    assert!(german.body.contains("<html lang=\"de\" dir=\"ltr\">"));

    // Somebody who came in and says nothing keeps nobody from going home.
    let silent = TcpStream::connect(daemon.address).unwrap();
    daemon.stop().await;
    drop(silent);
}

#[test]
fn an_address_that_somebody_has_ends_the_start_with_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let shop = shop(&address);
    shop.run(&["run"]).is(1).says(&["[public] bind", &address]);
}

#[tokio::test]
async fn a_new_key_signs_new_links_and_an_ended_one_opens_nothing() {
    let shop = shop("127.0.0.1:0");
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncat,cat@mail.example\n");
    visits(&shop, &[("1", "ann"), ("2", "bob")]);
    let daemon = Daemon::start(&shop).await;
    for visit in ["1", "2"] {
        assert_eq!(outcome(&shop, visit).await, "sent accepted");
    }
    let [to_ann, to_bob] = ["ann", "bob"].map(|who| link(&shop, who));
    shop.run(&["links", "end", "1"])
        .is(1)
        .says(&["key 1 signs the letters of today", "`fondly links rotate`"]);
    shop.run(&["links", "rotate"])
        .is(0)
        .says(&["Key 2 signs", "`fondly links end 1`"]);

    // Letters from now on are signed by the new key; the old key's links work.
    visits(&shop, &[("3", "cat")]);
    assert_eq!(outcome(&shop, "3").await, "sent accepted");
    let to_cat = link(&shop, "cat");
    assert!(to_ann.contains(".1."), "{to_ann}");
    assert!(to_cat.contains(".2."), "{to_cat}");
    let noted = daemon.click(&to_ann);
    assert_eq!(noted.status, 200);

    // Ended too early it is only by force, and then the old links only look as if.
    shop.run(&["links", "end", "1"])
        .is(1)
        .says(&["60 days", "`--now`"]);
    shop.run(&["links", "end", "1", "--now"])
        .is(0)
        .says(&["Key 1 has ended"]);
    shop.run(&["links", "end", "7"])
        .is(1)
        .says(&["there is no key 7"]);
    let listed = shop.run(&["links", "list", "--format", "csv"]).is(0);
    let rows: Vec<&str> = listed.out.lines().collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[1].starts_with("2,") && rows[1].contains(",work,"));
    assert!(rows[2].starts_with("1,,") && rows[2].contains(",open nothing,"));
    // A pass that begins from now on knows of it.
    visits(&shop, &[("4", "ann"), ("5", "cat")]);
    assert_eq!(outcome(&shop, "4").await, "skipped suppressed");
    assert_eq!(outcome(&shop, "5").await, "sent accepted");
    assert_eq!(daemon.click(&to_bob), noted);
    assert_eq!(daemon.click(&to_cat), noted);
    visits(&shop, &[("6", "bob"), ("7", "cat")]);
    assert_eq!(outcome(&shop, "6").await, "sent accepted");
    assert_eq!(outcome(&shop, "7").await, "skipped suppressed");
    let log = daemon.stop().await;
    assert!(!log.contains(to_cat.trim_start_matches("/letters/u/")));
}
