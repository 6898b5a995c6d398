//! `fondly doctor` against real stores, mail servers, name servers and web servers, right and wrong: it
//! says what is the matter and what to do, ends as promised, and changes nothing.

mod name_server;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fondly::deliver::Security;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::daemon::{Daemon, shop, shop_with};
use crate::disk::Disk;
use crate::doctor::name_server::{Is, NameServer, Zone};
use crate::relay::{Act, At, Relay, Script};
use crate::servers::debian::{PASSWORD, Servers};
use crate::shop::{Ran, Runs as _, Shop, until};

const STORE: &str = "var/fondly.db";
const LOG: &str = "var/fondly.db-wal";

/// One line, as machines get it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    check: String,
    state: String,
    found: String,
    #[serde(rename = "do")]
    advice: String,
}

/// What a shop's doctor says.
struct Told {
    ran: Ran,
    lines: Vec<Line>,
}

/// All is well with this domain.
const WELL: Zone = &[
    ("thorn.example", Is::Text("google-site-verification=tulip")),
    (
        "thorn.example",
        Is::Text("v=spf1 include:_spf.relay.example ~all"),
    ),
    (
        "_spf.relay.example",
        Is::Text("v=spf1 ip4:192.0.2.0/24 -all"),
    ),
    ("thorn.example", Is::Mail(10, "mx1.relay.example")),
    ("mx1.relay.example", Is::Address([192, 0, 2, 1])),
    ("s1._domainkey.thorn.example", Is::Text(KEY)),
    ("_dmarc.thorn.example", Is::Text("v=DMARC1; p=reject")),
];
const KEY: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn doctor(shop: &Shop, dns: &NameServer, args: &[&str]) -> Told {
    told(doctor_command(shop, dns.address, args))
}

fn doctor_command(shop: &Shop, dns: SocketAddr, args: &[&str]) -> Command {
    let dns = dns.to_string();
    let mut command = shop.fondly(&["doctor", "--format", "json", "--dns", &dns]);
    command.args(args);
    command
}

#[track_caller]
fn told(mut command: Command) -> Told {
    let ran = command.ran();
    let lines = ran.out.lines();
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    Told {
        lines: lines.collect(),
        ran,
    }
}

impl Told {
    #[track_caller]
    fn is(self, code: i32) -> Self {
        let Self { ran, lines } = self;
        Self {
            ran: ran.is(code),
            lines,
        }
    }

    /// The one line of this name is so, and says all of this.
    #[track_caller]
    fn says(self, check: &str, state: &str, words: &[&str]) -> Self {
        let mut lines = self.lines.iter().filter(|line| line.check == check);
        let (Some(line), None) = (lines.next(), lines.next()) else {
            panic!("not one line {check}: {:#?}{}", self.lines, self.ran.err);
        };
        assert_eq!(line.state, state, "{line:#?}");
        let text = format!("{} {}", line.found, line.advice);
        for word in words {
            assert!(text.contains(word), "`{word}` isn't said: {line:#?}");
        }
        self
    }

    /// Everything but these is well.
    #[track_caller]
    fn else_well(self, but: &[&str]) -> Self {
        let mut lines = self.lines.iter();
        let bad = lines.find(|line| line.state != "ok" && !but.contains(&line.check.as_str()));
        assert_eq!(bad, None, "{}", self.ran.err);
        self
    }
}

/// Every file below a folder, whatever its name.
fn all_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.display().to_string(), fs::read(path).unwrap());
            }
        }
    }
    all
}

/// Looks, and leaves every file of the business as it was.
#[track_caller]
fn looks_only(shop: &Shop, dns: &NameServer, args: &[&str]) -> Told {
    let files = || {
        let mut files = all_files(&shop.path(""));
        // Where somebody was killed, the list of what the log holds is made anew; it is no data.
        files.retain(|name, _| !name.ends_with("-shm"));
        files
    };
    let before = files();
    let told = doctor(shop, dns, args);
    let after = files();
    let only = |these: &BTreeMap<_, _>, those: &BTreeMap<String, _>| -> Vec<String> {
        let names = those.keys().filter(|name| !these.contains_key(*name));
        names.cloned().collect()
    };
    assert_eq!(only(&before, &after), [""; 0], "files were made");
    assert_eq!(only(&after, &before), [""; 0], "files are gone");
    for (name, bytes) in &before {
        assert!(after[name] == *bytes, "{name} was changed");
    }
    told
}

/// Does this to the books, and waits until whoever did it has left them.
async fn tamper(shop: &Shop, sql: &'static str) -> u64 {
    let rows = shop.tamper(sql).await;
    until("the end of it", || (!shop.path(LOG).exists()).then_some(())).await;
    rows
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_shop_hears_so_line_by_line_and_nothing_is_changed() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(3);
    shop.tick();
    let told = looks_only(&shop, &dns, &[]).is(0).else_well(&[]);
    let names: Vec<&str> = told.lines.iter().map(|line| line.check.as_str()).collect();
    let wanted = [
        "settings", "store", "clock", "disk", "mail", "spf", "dkim", "dmarc", "replies", "tick",
        "waiting",
    ];
    assert_eq!(names, wanted);
    told.says("settings", "ok", &["config/fondly.toml", "1 rule, 1 of them on", "2 sources"])
        .says("store", "ok", &[STORE, "looked through, and is whole"])
        .says("clock", "ok", &["can be right", "time zones"])
        .says("disk", "ok", &["free below", "/var"])
        .says("mail", "ok", &["var/outbox", "nothing is really sent"])
        // With letters as files, nothing is wrong with a domain that isn't there …
        .says("replies", "ok", &["Doesn't matter while", "no domain thorn.example"])
        .says("spf", "ok", &["Doesn't matter while", "no domain"])
        .says("tick", "ok", &["ended just now", "no fondly is seen at work"])
        .says("waiting", "ok", &["Nothing waits"]);
    assert_eq!(shop.outbox().len(), 3);

    // … and for people it reads the same.
    let dns = dns.address.to_string();
    let table = shop.run(&["doctor", "--dns", &dns]).is(0);
    assert!(
        table
            .out
            .starts_with("ok     settings  config/fondly.toml: "),
        "{}",
        table.out
    );
    assert!(
        table.out.contains("\n                 -> Add a TXT record"),
        "{}",
        table.out
    );
    assert_eq!(table.err, "");
    let csv = shop
        .run(&["doctor", "--dns", &dns, "--format", "csv"])
        .is(0);
    assert!(
        csv.out.starts_with("check,state,found,do\nsettings,ok,"),
        "{}",
        csv.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_pass_it_says_how_to_begin_and_makes_nothing() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says("store", "look", &["no store here yet", "`fondly tick`"])
        .says("clock", "ok", &["may be right"])
        .else_well(&["store"]);
    assert!(!shop.path("var").exists());
    shop.run(&["sync"]).is(0);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says("tick", "look", &["No pass has ended yet", "`fondly tick`"])
        .else_well(&["tick"]);
    let bare = Shop::new();
    bare.settings("source = []\n[business]\nname = \"Thorn\"\n# no [[source]]\n");
    looks_only(&bare, &dns, &[])
        .is(3)
        .says("settings", "look", &["0 sources", "[[source]]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_can_t_be_used_is_told_and_left_as_it_is() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(3);
    shop.tick();
    let store = shop.path(STORE);
    let sound = fs::read(&store).unwrap();
    let others = [
        "settings", "clock", "disk", "mail", "spf", "dkim", "dmarc", "replies",
    ];

    let refused = |words: &[&str]| {
        let told = looks_only(&shop, &dns, &[])
            .is(1)
            .says("store", "wrong", &[STORE]);
        let told = told.says("store", "wrong", words).else_well(&["store"]);
        assert!(
            told.ran.err.contains("it can't work like this: store"),
            "{}",
            told.ran.err
        );
        // The rest is looked at all the same.
        for name in others {
            assert!(told.lines.iter().any(|line| line.check == name), "{name}");
        }
    };
    let damaged: &[&str] = &["damaged", "restore a backup"];
    for bytes in [
        &b"x".repeat(5_000),
        &b""[..],
        b"S",
        &sound[..sound.len() / 2],
    ] {
        fs::write(&store, bytes).unwrap();
        refused(damaged);
    }
    fs::remove_file(&store).unwrap();
    refused(&["it is gone"]);

    // What nobody meets who doesn't look through all of it.
    fs::write(&store, &sound).unwrap();
    let page = u64::from(u16::from_be_bytes([sound[16], sound[17]]));
    let last = sound.len() as u64 / page - 1;
    let mut found = false;
    for number in (1..=last).rev() {
        fs::write(&store, &sound).unwrap();
        overwrite(&store, number * page, &[0xAA; 64]);
        let told = looks_only(&shop, &dns, &[]);
        if told.ran.code == Some(1) && told.ran.out.contains("waiting") {
            found = true;
            told.says("store", "wrong", damaged);
            break;
        }
    }
    assert!(
        found,
        "no damage was found that the other lines didn't meet"
    );
    fs::write(&store, &sound).unwrap();
    looks_only(&shop, &dns, &[]).is(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_age_is_told_and_not_brought_up_to_date() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    shop.tick();
    let row = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
               execution_time) VALUES (99, 'later', 1, x'00', 0)";
    tamper(&shop, row).await;
    looks_only(&shop, &dns, &[]).is(1).says(
        "store",
        "wrong",
        &["newer fondly", "step 99", "update this program"],
    );
    tamper(&shop, "DELETE FROM _sqlx_migrations").await;
    looks_only(&shop, &dns, &[]).is(3).says(
        "store",
        "look",
        &["older fondly", "brings it up to date"],
    );
    tamper(&shop, "PRAGMA application_id = 7").await;
    looks_only(&shop, &dns, &[])
        .is(1)
        .says("store", "wrong", &["not fondly's"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_and_a_clock_that_can_t_be_right_need_a_person() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(2);
    shop.tick();
    fs::copy(shop.path(STORE), shop.path("backup.db")).unwrap();
    crate::daemon::visit(&shop, "c0");
    shop.tick();
    fs::copy(shop.path("backup.db"), shop.path(STORE)).unwrap();
    looks_only(&shop, &dns, &[])
        .is(3)
        .says(
            "store",
            "wrong",
            &["older copy of the store", "`fondly resume`"],
        )
        .else_well(&["store"]);
    // A pass that stood still notes so.
    shop.run(&["tick"]).is(3);
    looks_only(&shop, &dns, &[]).is(3).says(
        "tick",
        "wrong",
        &["Nothing is planned or sent", "`fondly resume`"],
    );
    shop.run(&["resume", "--only-copy", "--send-due"]).is(0);
    shop.run(&["tick"]);
    looks_only(&shop, &dns, &[]).says("store", "ok", &["whole"]);

    shop.write("off", "-400000000");
    let mut command = doctor_command(&shop, dns.address, &[]);
    command.env(
        "FONDLY_FAULT",
        format!("clock-off:{}", shop.path("off").display()),
    );
    told(command)
        .is(3)
        .says("clock", "wrong", &["earlier than", "--clock-is-right"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_daemon_it_says_that_it_is_at_work_and_disturbs_nothing() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(20);
    let daemon = Daemon::start(&shop);
    until("20 letters", || (shop.outbox().len() == 20).then_some(())).await;
    until("the end of a pass", || {
        let told = doctor(&shop, &dns, &[]);
        told.lines
            .iter()
            .find(|line| line.check == "tick" && line.state == "ok")
            .map(drop)
    })
    .await;
    doctor(&shop, &dns, &[])
        .is(0)
        .says(
            "tick",
            "ok",
            &["fondly is at work", "`fondly run`", "held by pid"],
        )
        .says("store", "ok", &["whole"])
        .else_well(&[]);
    crate::daemon::visit(&shop, "c1");
    until("another letter", || {
        (shop.outbox().len() == 21).then_some(())
    })
    .await;
    daemon.kill();

    // What it hadn't copied back yet stays where it is.
    assert!(
        fs::metadata(shop.path(LOG)).unwrap().len() > 0,
        "there is no log to leave alone"
    );
    looks_only(&shop, &dns, &[])
        .is(0)
        .says("tick", "ok", &["no fondly is seen at work"]);
    assert!(fs::metadata(shop.path(LOG)).unwrap().len() > 0);
    shop.tick();
    looks_only(&shop, &dns, &[]).is(0);
    assert_eq!(shop.outbox().len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_that_are_late_and_what_is_paused_are_told() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    shop.tick();
    shop.run(&["pause"]).is(0);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says("tick", "look", &["Everything is paused", "`fondly resume`"])
        .else_well(&["tick"]);
    shop.run(&["resume"]).is(0);
    shop.run(&["pause", "at-once"]).is(0);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says("tick", "look", &["Paused: at-once"]);
    shop.run(&["resume", "at-once"]).is(0);
    looks_only(&shop, &dns, &[]).is(0);

    let hours_ago = "UPDATE meta SET value = CAST(CAST(value AS INTEGER) - 7200000 AS TEXT) \
                     WHERE key = 'heartbeat'";
    assert_eq!(tamper(&shop, hours_ago).await, 1);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says(
            "tick",
            "wrong",
            &["2 hours ago", "By `[schedule] tick`", "Start fondly"],
        )
        .else_well(&["tick"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_person_is_counted_and_nobody_is_named() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(3);
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\n[guard]\nmax_per_rule_per_day = 1\nmax_share = \"0%\"\n");
    shop.customers(
        "id,email,birthday\nc0,c0@mail.example,\nc1,c1@mail.example,\nc2,c2@mail.example,\n\
         c3,c3@mail.example,1987-02-30\n",
    );
    shop.run(&["tick"]).is(3);
    let told = looks_only(&shop, &dns, &[])
        .is(3)
        .else_well(&["waiting"])
        .says(
            "waiting",
            "look",
            &[
                "3 letters held (1 batch)",
                "1 record in quarantine",
                "fondly approve",
                "fondly quarantine",
            ],
        );
    assert!(!told.ran.out.contains("mail.example"), "{}", told.ran.out);
    fs::remove_file(shop.path("data/events.csv")).unwrap();
    shop.run(&["tick"]).is(3);
    looks_only(&shop, &dns, &[]).is(3).says(
        "waiting",
        "look",
        &["1 source that couldn't be read", "fondly sync"],
    );
    let trouble = "INSERT INTO trouble (kind, name, facts, since) VALUES ('complaint', 'ann', \
                   '{\"about\": \"other\", \"kind\": \"complaint\", \"name\": \"ann@mail.example\"}', 0)";
    tamper(&shop, trouble).await;
    let told = looks_only(&shop, &dns, &[]).is(3).says(
        "waiting",
        "look",
        &["1 trouble that the owner is told of", "fondly digest"],
    );
    assert!(
        !told.ran.out.to_lowercase().contains("ann"),
        "{}",
        told.ran.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_nobody_knows_about_are_counted() {
    let dns = NameServer::start(WELL).await;
    let relay = Relay::start(Script::new().at(At::Dot, Act::Close)).await;
    let shop = shop_with(1, &relay);
    shop.run(&["tick"]).is(3);
    let words = [
        "1 letter of which nobody knows whether it arrived",
        "fondly resolve",
    ];
    looks_only(&shop, &dns, &[])
        .is(3)
        .says("waiting", "look", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_on_another_disk_has_a_line_of_its_own() {
    use std::os::unix::fs::MetadataExt as _;
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    let device = |path: &Path| fs::metadata(path).ok().map(|there| there.dev());
    let memory = Path::new("/dev/shm");
    // Where the system has no disk in memory, there is no other one to be had.
    if device(memory).is_none() || device(memory) == device(&shop.path("")) {
        return;
    }
    let settings = fs::read_to_string(shop.path("config/local.toml")).unwrap();
    // It isn't made before the first letter.
    shop.settings(&format!(
        "{settings}[mail]\ndir = \"/dev/shm/no-such-outbox\"\n"
    ));
    let told = looks_only(&shop, &dns, &[]);
    let disks = told.lines.iter().filter(|line| line.check == "disk");
    let found: Vec<&str> = disks.map(|line| line.found.as_str()).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].ends_with("free below /dev/shm"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_can_t_be_used_end_it_with_1() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    shop.tick();
    shop.rule("at-once", "title = \"Thanks\"\n");
    looks_only(&shop, &dns, &[])
        .is(1)
        .says(
            "settings",
            "wrong",
            &["rules or letters can't be used", "`fondly check`"],
        )
        .says("store", "ok", &[])
        .else_well(&["settings"]);

    shop.settings("[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhostt = \"x\"\n");
    let told = looks_only(&shop, &dns, &[]).is(1);
    assert_eq!(told.lines.len(), 1);
    let told = told.says("settings", "wrong", &["can't be used"]);
    drop(told.ran.says(&["hostt", "did you mean"]));

    let shop = crate::public::shop("127.0.0.1:9");
    shop.settings("[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\n");
    looks_only(&shop, &dns, &[]).is(1).says(
        "settings",
        "wrong",
        &["nothing may be sent yet", "way to unsubscribe"],
    );
    for args in [
        &["doctor", "--dns", "dns.example"][..],
        &["doctor", "--wait", "0"],
        &["doctor", "--dkim", "a b"],
        &["doctor", "--format", "xml"],
    ] {
        drop(shop.run(args).is(2));
    }
}

const BY_PASSWORD: &str = "username = \"care\"\npassword_file = \"password\"\n";

/// A shop whose letters go to this relay, with these settings of it.
fn to_relay(port: u16, more: &str) -> Shop {
    let shop = shop(2);
    shop.write("config/password", "tulip-17");
    shop.settings(&format!(
        "[sending]\nquiet_hours = \"none\"\ncaps = {{}}\n[mail]\ntransport = \"smtp\"\n[mail.smtp]\n\
         host = \"127.0.0.1\"\nport = {port}\n{more}"
    ));
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_server_is_met_as_the_sender_meets_it_and_gets_no_letter() {
    let dns = NameServer::start(WELL).await;
    let script = Script::new().security(Security::StartTls);
    let relay = Relay::start(script.offers(&["SIZE 10240000", "PIPELINING", "AUTH PLAIN"])).await;
    let config = relay.config();
    let ca = format!("ca_file = \"{}\"\n", config.ca_file.unwrap().display());
    let starttls = format!("security = \"starttls\"\n{BY_PASSWORD}");
    let shop = to_relay(config.port, &format!("{starttls}{ca}"));
    shop.run(&["sync"]).is(0);
    looks_only(&shop, &dns, &["--dkim", "s1"])
        .is(3)
        .else_well(&["tick"])
        .says(
            "mail",
            "ok",
            &[
                "let fondly in as `care` over TLS",
                "up to 10 MB",
                "PIPELINING yes",
                "SMTPUTF8 no",
            ],
        );
    let said: Vec<String> = relay.commands();
    let verbs: Vec<&str> = said
        .iter()
        .map(|one| one.split(' ').next().unwrap())
        .collect();
    assert_eq!(verbs, ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]);

    let strange = to_relay(config.port, &starttls);
    looks_only(&strange, &dns, &[]).is(3).says(
        "mail",
        "wrong",
        &["comes from nobody we trust", "ca_file"],
    );
    assert!(relay.letters().is_empty());
    relay.until(|seen| seen.ended == seen.connections).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_is_wrong_and_the_password_isn_t_told() {
    let dns = NameServer::start(WELL).await;
    let refused = Script::new().at(At::Auth, Act::Say("535 5.7.8 bad credentials"));
    let relay = Relay::start(refused).await;
    let shop = to_relay(
        relay.config().port,
        &format!("security = \"none\"\n{BY_PASSWORD}"),
    );
    let told = looks_only(&shop, &dns, &[])
        .is(3)
        .says(
            "mail",
            "wrong",
            &[
                "doesn't let fondly in",
                "535 5.7.8 bad credentials",
                "[mail.smtp]",
            ],
        )
        .else_well(&["mail", "store"]);
    for text in [&told.ran.out, &told.ran.err] {
        assert!(!text.contains("tulip"), "{text}");
    }
    assert!(relay.letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_or_silent_is_told_in_time() {
    let dns = NameServer::start(WELL).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let shop = to_relay(port, "security = \"none\"\n");
    looks_only(&shop, &dns, &[]).is(3).says(
        "mail",
        "wrong",
        &[
            "can't be used at the moment",
            "connecting",
            "`host` and `port`",
        ],
    );
    for silent in [At::Connect, At::Ehlo, At::Auth] {
        let relay = Relay::start(Script::new().at(silent, Act::Stall)).await;
        let shop = to_relay(
            relay.config().port,
            &format!("security = \"none\"\n{BY_PASSWORD}"),
        );
        looks_only(&shop, &dns, &["--wait", "1"]).is(3).says(
            "mail",
            "wrong",
            &["no answer within 1s", "--wait 300"],
        );
    }
    // With one that works, letters leave.
    let relay = Relay::start(Script::new()).await;
    let works = relay.config().port;
    let shop = shop_with(1, &relay);
    shop.settings(&format!(
        "[sending]\nquiet_hours = \"none\"\ncaps = {{}}\n[mail]\ntransport = \"smtp\"\n\
         [[mail.relay]]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         [[mail.relay]]\nhost = \"127.0.0.1\"\nport = {works}\nsecurity = \"none\"\n"
    ));
    let told = looks_only(&shop, &dns, &[]).is(3);
    let mail = told.lines.iter().filter(|line| line.check == "mail");
    let states: Vec<&str> = mail.map(|line| line.state.as_str()).collect();
    assert_eq!(states, ["look", "ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_mail_servers_let_it_in_with_the_right_password_only() {
    let login = "-o smtpd_sasl_auth_enable=yes \
        -o smtpd_relay_restrictions=permit_sasl_authenticated,reject";
    let ports = [
        ("tls", format!("-o smtpd_tls_wrappermode=yes {login}")),
        (
            "starttls",
            format!("-o smtpd_tls_security_level=encrypt {login}"),
        ),
    ];
    let Some(servers) = Servers::start(&ports, ("", 9)).await else {
        return;
    };
    let dns = NameServer::start(WELL).await;
    let ca = servers.path("ca.pem");
    for (port, security) in [
        ("tls", "tls"),
        ("starttls", "starttls"),
        ("dovecot-tls", "tls"),
        ("dovecot-starttls", "starttls"),
    ] {
        let more = format!(
            "security = \"{security}\"\nca_file = \"{}\"\n{BY_PASSWORD}",
            ca.display()
        );
        let shop = to_relay(servers.port(port), &more);
        shop.run(&["sync"]).is(0);
        shop.write("config/password", PASSWORD);
        let right = ["let fondly in as `care` over TLS", "PIPELINING yes"];
        looks_only(&shop, &dns, &["--dkim", "s1"])
            .is(3)
            .says("mail", "ok", &right)
            .else_well(&["tick"]);
        shop.write("config/password", "wrong-tulip");
        let told = looks_only(&shop, &dns, &[]).is(3);
        let told = told.says("mail", "wrong", &["doesn't let fondly in", "535"]);
        assert!(!told.ran.out.contains("wrong-tulip"), "{}", told.ran.out);
    }
}

/// What is said of a domain with this zone, and the others left well.
async fn of_domain(zone: Zone, args: &[&str]) -> Told {
    let dns = NameServer::start(zone).await;
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(1, &relay);
    looks_only(&shop, &dns, args)
        .is(3)
        .says("mail", "ok", &["without a login"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_in_order_is_said_to_be() {
    of_domain(WELL, &["--dkim", "s1"])
        .await
        .says("spf", "ok", &["one SPF record", "`~all`", "1 of 10"])
        .says("dkim", "ok", &["s1._domainkey.thorn.example", "Ed25519"])
        .says("dmarc", "ok", &["p=reject"])
        .says(
            "replies",
            "ok",
            &["answers to thorn.example", "mx1.relay.example"],
        )
        .else_well(&["store"]);
    of_domain(WELL, &[])
        .await
        .says("dkim", "ok", &["names for DKIM keys", "--dkim SELECTOR"])
        .else_well(&["store"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_without_records_hears_what_to_add() {
    const BARE: Zone = &[("thorn.example", Is::Address([192, 0, 2, 1]))];
    of_domain(BARE, &["--dkim", "s1"])
        .await
        .says("spf", "look", &["no SPF record", "v=spf1 include:"])
        .says(
            "dkim",
            "wrong",
            &["no DKIM key at s1._domainkey.thorn.example"],
        )
        .says(
            "dmarc",
            "look",
            &[
                "no DMARC record",
                "_dmarc.thorn.example: `v=DMARC1; p=none`",
            ],
        )
        .says("replies", "look", &["no MX record", "its own address"]);
    of_domain(BARE, &[])
        .await
        .says("dkim", "look", &["no DKIM key below thorn.example"]);
    of_domain(&[], &[])
        .await
        .says("replies", "wrong", &["no domain thorn.example", "spelling"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_receivers_don_t_take_are_wrong() {
    const MANY: Zone = &[
        (
            "thorn.example",
            Is::Text("v=spf1 include:a.example include:b.example ~all"),
        ),
        (
            "a.example",
            Is::Text("v=spf1 a:1.example a:2.example a:3.example a:4.example -all"),
        ),
        (
            "b.example",
            Is::Text("v=spf1 include:c.example mx:1.example mx:2.example -all"),
        ),
        ("c.example", Is::Text("v=spf1 a:1.example a:2.example -all")),
    ];
    const OPEN: Zone = &[
        ("thorn.example", Is::Text("v=spf1 +all")),
        ("thorn.example", Is::Mail(10, "gone.example")),
        ("_dmarc.thorn.example", Is::Text("v=DMARC1; p=nothing")),
    ];
    const TWO: Zone = &[
        ("thorn.example", Is::Text("v=spf1 mx ~all")),
        ("thorn.example", Is::Text("v=spf1 a ~all")),
        ("_dmarc.thorn.example", Is::Text("v=DMARC1; p=none")),
        ("_dmarc.thorn.example", Is::Text("v=DMARC1; p=reject")),
        ("thorn.example", Is::Mail(0, ".")),
    ];
    of_domain(TWO, &[])
        .await
        .says("spf", "wrong", &["has 2 SPF records"])
        .says("dmarc", "wrong", &["has 2 DMARC records"])
        .says("replies", "wrong", &["takes no mail"]);

    of_domain(OPEN, &[])
        .await
        .says("spf", "wrong", &["anybody may send"])
        .says("dmarc", "wrong", &["no policy"])
        .says("replies", "wrong", &["no mail host of it has an address"]);

    of_domain(MANY, &[])
        .await
        .says("spf", "wrong", &["takes 11 look-ups", "ip4:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_long_for_one_packet_is_read_all_the_same() {
    const LONG: Zone = &[
        ("thorn.example", Is::Text(LONG_TEXT)),
        ("thorn.example", Is::Text(LONG_TEXT)),
        ("thorn.example", Is::Text("v=spf1 ip4:192.0.2.0/24 -all")),
    ];
    of_domain(LONG, &[]).await.says("spf", "ok", &["`-all`"]);
}

const LONG_TEXT: &str = "some-verification=0123456789012345678901234567890123456789012345678901234567890\
    123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
    123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
    0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn what_couldn_t_be_asked_is_never_said_to_be_missing() {
    const BEHIND: Zone = &[
        (
            "thorn.example",
            Is::Text("v=spf1 include:_spf.relay.example ~all"),
        ),
        ("_spf.relay.example", Is::Failing),
    ];
    const FAILING: Zone = &[
        ("thorn.example", Is::Failing),
        ("_domainkey.thorn.example", Is::Failing),
        ("_dmarc.thorn.example", Is::Failing),
    ];
    const SILENT: Zone = &[
        ("thorn.example", Is::Silent),
        ("_domainkey.thorn.example", Is::Silent),
        ("_dmarc.thorn.example", Is::Silent),
    ];
    for zone in [FAILING, SILENT] {
        let told = of_domain(zone, &["--wait", "3"]).await;
        let told = ["spf", "dkim", "dmarc", "replies"]
            .iter()
            .fold(told, |told, name| {
                told.says(name, "look", &["couldn't be asked", "--dns"])
            });
        assert!(!told.ran.out.contains("There is no"), "{}", told.ran.out);
        assert!(!told.ran.out.contains("has no"), "{}", told.ran.out);
    }
    // An included record that nobody can ask about breaks nothing.
    of_domain(BEHIND, &[])
        .await
        .says("spf", "look", &["couldn't be asked, _spf.relay.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_domain_that_answers_go_to_is_looked_at() {
    let dns = NameServer::start(WELL).await;
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(1, &relay);
    let settings = fs::read_to_string(shop.path("config/local.toml")).unwrap();
    shop.settings(&format!(
        "{settings}\n[business]\nreply_to = \"anna@Gone.example\"\nunsubscribe_mailto = \"stop@thorn.example\"\n"
    ));
    let told = looks_only(&shop, &dns, &[]).is(3);
    let replies = told.lines.iter().filter(|line| line.check == "replies");
    let said: Vec<(&str, bool)> = replies
        .map(|line| (line.state.as_str(), line.found.contains("gone.example")))
        .collect();
    assert_eq!(said, [("ok", false), ("wrong", true)]);
    let words = "Returned letters and unsubscriptions by mail to thorn.example go by";
    assert!(told.ran.out.contains(words), "{}", told.ran.out);
}

/// A web server in front that brings TLS, with a certificate for this name; the port, and the
/// certificate for those who trust it.
async fn front(name: &str, behind: SocketAddr) -> (u16, String, JoinSet<()>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut guests = JoinSet::new();
        while let Ok((guest, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            guests.spawn(async move {
                // Who doesn't trust us hangs up.
                let Ok(mut guest) = acceptor.accept(guest).await else {
                    return;
                };
                if let Ok(mut behind) = TcpStream::connect(behind).await {
                    drop(tokio::io::copy_bidirectional(&mut guest, &mut behind).await);
                }
            });
        }
    });
    (port, made.cert.pem(), tasks)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_pages_are_asked_for_as_a_customer_s_provider_would() {
    const ZONE: Zone = &[
        ("care.thorn.example", Is::Address([127, 0, 0, 1])),
        ("thorn.example", Is::Mail(10, "care.thorn.example")),
    ];
    let dns = NameServer::start(ZONE).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bind = free.local_addr().unwrap();
    drop(free);
    let (port, certificate, _front) = front("care.thorn.example", bind).await;
    let relay = Relay::start(Script::new()).await;
    let shop = crate::public::shop(&bind.to_string());
    let settings = |host: &str| {
        shop.settings(&format!(
            "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
             [mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\n\
             security = \"none\"\n[public]\nbind = \"{bind}\"\n\
             base_url = \"https://{host}:{port}/letters\"\n",
            relay.config().port
        ));
    };
    settings("care.thorn.example");
    shop.write("ca.pem", certificate);
    let trusting = || {
        let mut command = doctor_command(&shop, dns.address, &["--wait", "5"]);
        command.env("SSL_CERT_FILE", shop.path("ca.pem"));
        told(command)
    };
    // Nobody is behind the web server yet.
    trusting().is(3).says(
        "public",
        "wrong",
        &["care.thorn.example", "can't unsubscribe"],
    );
    let daemon = Daemon::start(&shop);
    until("the pages", || std::net::TcpStream::connect(bind).ok()).await;
    trusting().says("public", "ok", &["leads to fondly, which is well"]);
    doctor(&shop, &dns, &[])
        .is(3)
        .says("public", "wrong", &["certificate", "trust"]);
    settings("elsewhere.thorn.example");
    trusting().is(3).says(
        "public",
        "wrong",
        &["no address for elsewhere.thorn.example"],
    );
    settings("127.0.0.1");
    trusting()
        .is(3)
        .says("public", "wrong", &["is for another name"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_or_can_t_be_written_keeps_it_from_working() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(2);
    shop.tick();
    let disk = Disk::of(&shop);
    for (faults, words) in [
        ("open EACCES *\ncreate EACCES *\n", "read-only"),
        (
            "open EROFS *\ncreate EROFS *\nwrite EROFS *\nunlink EROFS *\n",
            "read-only",
        ),
        ("read EIO .db\n", "the disk fails"),
    ] {
        disk.does(faults);
        told(disk.under(doctor_command(&shop, dns.address, &[])))
            .is(1)
            .says("store", "wrong", &[STORE, words]);
    }
    disk.heals();
    told(disk.under(doctor_command(&shop, dns.address, &[]))).is(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_root_left_beside_the_store_is_noticed() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    shop.tick();
    let lock = shop.path("var/fondly.db.lock");
    // Only root can give a file away.
    if std::os::unix::fs::chown(&lock, Some(65_534), None).is_err() {
        return;
    }
    looks_only(&shop, &dns, &[])
        .is(3)
        .says(
            "disk",
            "wrong",
            &["fondly.db.lock belongs to another user", "chown"],
        )
        .else_well(&["disk"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_everybody_may_read_is_noticed() {
    let dns = NameServer::start(&[]).await;
    let shop = shop(1);
    shop.tick();
    // Where the folder for temporary files is shut, so is everything in it.
    let shut = |folder: &Path| fs::metadata(folder).unwrap().permissions().mode() & 1 == 0;
    if shop.path("").parent().unwrap().ancestors().any(shut) {
        return;
    }
    let opened = |name: &str, mode| {
        fs::set_permissions(shop.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    opened("", 0o755);
    opened(STORE, 0o644);
    // What fondly made is shut.
    looks_only(&shop, &dns, &[]).is(0);
    opened("var", 0o755);
    looks_only(&shop, &dns, &[])
        .is(3)
        .says(
            "disk",
            "look",
            &["Everybody on this machine may read", "chmod 700"],
        )
        .else_well(&["disk"]);
    opened(STORE, 0o640);
    looks_only(&shop, &dns, &[]).is(0);
}
