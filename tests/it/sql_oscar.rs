//! A real shop, django-oscar, on PostgreSQL and on MariaDB, set up as somebody new would: its
//! customers and orders are made through its own models, read by two SQL sources, and an order that
//! is placed while the daemon works leads to a word of thanks.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::Daemon;
use crate::shop::{Shop, until};
use crate::sql_servers::{PASSWORD_IN_URL, maria, missing, postgres};
use crate::sql_sources::{books, source, sync};

const CUSTOMERS: u32 = 300;
const ORDERS: u32 = 700;

/// The program that makes the shop.
const MAKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/oscar/shop.py");

const PEOPLE: &str = "select id, email, first_name, last_name, date_joined as joined_on
    from auth_user where is_active and not is_staff";
const PURCHASES: &str = "select number as id, user_id as customer_id, 'purchase' as kind,
    date_placed as at, total_incl_tax as amount, currency
    from order_order where user_id is not null and date_placed > :since";

/// A word of thanks as soon as an order is seen, whatever the hour of the day.
const AT_ONCE: &str = "title = \"Thank you for your order\"\ntemplate = \"thank-you\"\n\
    class = \"service\"\naudience = \"customer\"\n\
    [trigger.event]\nevent = \"purchase\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";
const SETTINGS: &str = "[schedule]\nsync = \"*/2 * * * * *\"\ntick = \"*/2 * * * * *\"\n\
    [sending]\nquiet_hours = \"none\"\ncaps = {}\n";

/// Python with django-oscar; `tests/run` makes it.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oscar/bin/python");
    if python.exists() {
        return Some(python);
    }
    missing("django-oscar (tests/run installs it)");
    None
}

/// Does something in the shop; what it says.
async fn oscar(python: &Path, address: &str, args: &[String]) -> String {
    let mut command = Command::new(python);
    command.arg(MAKER).arg(address).args(args);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = done.await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The whole story: `address` is the shop's own, `url` the reader's.
async fn story(python: &Path, address: &str, url: &str, zone: &str) {
    let shop = Shop::new();
    shop.write("config/db-password", crate::sql_servers::PASSWORD);
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    shop.settings(&format!(
        "{SETTINGS}{}{}",
        source("people", "customers", url, PEOPLE, zone),
        source("orders", "events", url, PURCHASES, zone)
    ));
    let checked = shop.run(&["check"]).is(0);
    assert!(
        checked
            .out
            .contains("source orders: the query gives id, customer_id"),
        "{checked:?}"
    );
    sync(&shop, 0).says(&[
        &format!("people: query: {CUSTOMERS} new, 0 changed, 0 unchanged, 0 refused"),
        &format!("orders: query: {ORDERS} new, 0 changed, 0 unchanged, 0 refused"),
    ]);
    // 100, 107, 114 … pence, in ten-thousandths of a pound.
    let pence: u32 = (0..ORDERS).map(|n| n * 7 % 9_000 + 100).sum();
    let sum = "SELECT CAST(SUM(amount) AS TEXT) || ' ' || MIN(currency) FROM event";
    assert_eq!(books(&shop, sum).await, [format!("{} GBP", pence * 100)]);
    // Every time came through as what it is: the shop's first order was a month ago, to the second.
    let latest = "SELECT CAST(MAX(at) / 1000 AS TEXT) FROM event WHERE customer_id IN \
                  (SELECT id FROM customer)";
    let latest: i64 = books(&shop, latest).await[0].parse().unwrap();
    let ago = crate::shop::now().as_second() - latest - 30 * 24 * 60 * 60;
    assert!((0..900).contains(&ago), "{ago} seconds off");

    let daemon = Daemon::start(&shop);
    daemon.says("watching").await;
    assert!(
        shop.outbox().is_empty(),
        "nobody is thanked for what is long past"
    );
    let args = ["order".to_owned(), "c7@mail.example".to_owned()];
    let number = oscar(python, address, &args).await;
    let entry = until("word of thanks", || {
        let mut entries = shop.ledger_so_far().into_iter();
        entries.find(|entry| entry.occasion == number && entry.is_sent())
    })
    .await;
    assert_eq!(entry.recipient.as_deref(), Some("c7@mail.example"));
    assert!(daemon.stop().await.success());
    assert_eq!(shop.ledger().len(), 1);
    let letters = shop.outbox();
    assert_eq!(letters.len(), 1);
}

fn make() -> [String; 3] {
    ["make".to_owned(), CUSTOMERS.to_string(), ORDERS.to_string()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_on_postgresql_thanks_for_an_order_that_comes_while_it_runs() {
    let (Some(python), Some(mut there)) = (python(), postgres().await) else {
        return;
    };
    let (port, name) = (there.server.port, &there.name);
    let address = format!("postgres://boss:{PASSWORD_IN_URL}@127.0.0.1:{port}/{name}");
    oscar(&python, &address, &make()).await;
    there.opened().await;
    story(&python, &address, &there.url(), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_on_mariadb_thanks_for_an_order_that_comes_while_it_runs() {
    let (Some(python), Some(there)) = (python(), maria().await) else {
        return;
    };
    let (port, name) = (there.server.port, &there.name);
    let address = format!("mysql://boss:{PASSWORD_IN_URL}@127.0.0.1:{port}/{name}");
    oscar(&python, &address, &make()).await;
    // Django writes UTC into columns that bear no zone.
    story(&python, &address, &there.url(), "timezone = \"UTC\"").await;
}
