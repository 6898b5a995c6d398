//! Customers and events from real databases: every type, what is new, what is wrong, and that
//! nothing there is ever changed.

use sqlx::{Connection as _, Executor as _, Row as _};

use crate::shop::{Ran, Shop};
use crate::sql_servers::{PASSWORD, PASSWORD_IN_URL, Postgres, postgres, with_password};

/// A source of these records, with these keys more.
pub(crate) fn source(name: &str, feeds: &str, url: &str, query: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = \"{name}\"\nkind = \"sql\"\nfeeds = \"{feeds}\"\nurl = \"{url}\"\n\
         password_file = \"db-password\"\nquery = '''{query}'''\n{more}\n"
    )
}

pub(crate) fn shop(sources: &str) -> Shop {
    let shop = Shop::new();
    with_password(&shop);
    shop.settings(sources);
    shop
}

/// Reads the sources, and shows no secret.
pub(crate) fn sync(shop: &Shop, code: i32) -> Ran {
    let ran = shop.run(&["sync"]).is(code);
    for secret in [PASSWORD, PASSWORD_IN_URL] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret));
    }
    ran
}

/// The rows of a table in the books, as text, in order.
pub(crate) async fn books(shop: &Shop, query: &'static str) -> Vec<String> {
    let mut store = shop.store().await;
    let rows = sqlx::raw_sql(query).fetch_all(&mut store).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

pub(crate) const CUSTOMERS: &str = "SELECT id || '|' || COALESCE(email, '-') || '|' || \
    COALESCE(birthday, '-') || '|' || COALESCE(joined_on, '-') || '|' || COALESCE(tags, '-') || \
    '|' || consent || '|' || unsubscribed || '|' || COALESCE(attrs, '-') FROM customer ORDER BY id";

const EVENTS: &str = "SELECT id || '|' || customer_id || '|' || kind || '|' || \
    COALESCE(strftime('%FT%TZ', at / 1000, 'unixepoch'), '-') || '|' || COALESCE(amount, '-') || \
    '|' || COALESCE(currency, '-') FROM event ORDER BY id";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_postgresql_comes_through_without_loss() {
    let Some(mut there) = postgres().await else {
        return;
    };
    there
        .does(
            "CREATE TYPE mood AS ENUM ('calm', 'merry');
             CREATE DOMAIN address AS varchar(80);
             CREATE TABLE person (
                 id bigint PRIMARY KEY, mail address, born date, joined timestamptz, marks text[],
                 wants boolean, gone boolean, mood mood, worth numeric(12, 4), score double precision,
                 size smallint, wish jsonb, token uuid, raw bytea, seen timestamp);
             INSERT INTO person VALUES
                 (9007199254740993, 'ann@mail.example', '1984-02-29', '2026-06-30 23:30:00+00',
                  '{vip,\"new, here\"}', true, false, 'merry', 99999999.1250, 1e20, -7,
                  '\"flowers\"', 'c0ffee00-0000-4000-8000-000000000000', '\\x5a6fc3ab',
                  '2026-11-29 08:15:00.123456'),
                 (2, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                  NULL),
                 (3, 'not an address', NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL,
                  NULL, NULL, NULL),
                 (4, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL,
                  '\\xff', NULL)",
        )
        .await;
    there.opened().await;
    let query = "select id, mail as email, born as birthday, joined as joined_on, marks as tags,
        case when wants then 'yes' end as consent, gone as unsubscribed, mood as \"attr.mood\",
        worth as \"attr.worth\", score as \"attr.score\", size as \"attr.size\",
        wish as \"attr.wish\", token as \"attr.token\", raw as \"attr.raw\", wants as \"attr.wants\"
        from person order by id -- as it was written: it's ':since' that counts";
    let types = "types = { \"attr.score\" = \"number\", \"attr.wants\" = \"yes-no\" }";
    let shop = shop(&source("people", "customers", &there.url(), query, types));
    sync(&shop, 3).says(&["people: query: 2 new, 0 changed, 0 unchanged, 2 refused"]);
    assert_eq!(
        books(&shop, CUSTOMERS).await,
        [
            "2|-|-|-|-|unknown|1|-",
            // Half past eleven in the evening in UTC is the next day in London.
            "9007199254740993|ann@mail.example|1984-02-29|2026-07-01|[\"vip\",\"new\",\"here\"]|yes\
             |0|{\"mood\":{\"type\":\"text\",\"value\":\"merry\"},\
             \"raw\":{\"type\":\"text\",\"value\":\"Zoë\"},\
             \"score\":{\"type\":\"number\",\"value\":1e+20},\
             \"size\":{\"type\":\"text\",\"value\":\"-7\"},\
             \"token\":{\"type\":\"text\",\"value\":\"c0ffee00-0000-4000-8000-000000000000\"},\
             \"wants\":{\"type\":\"yes-no\",\"value\":true},\
             \"wish\":{\"type\":\"text\",\"value\":\"flowers\"},\
             \"worth\":{\"type\":\"text\",\"value\":\"99999999.1250\"}}",
        ]
    );
    shop.run(&["quarantine"]).is(3).says(&[
        "people, id 3",
        "not an address",
        "people, id 4",
        "it holds bytes that are no text",
    ]);
    // Nothing changed, which is seen without writing anything.
    sync(&shop, 3).says(&["people: nothing has changed since the last time"]);
    there
        .does("DELETE FROM person WHERE id > 2 AND id < 5")
        .await;
    sync(&shop, 0).says(&["people: query: 0 new, 0 changed, 2 unchanged, 0 refused"]);
}

const ORDERS: &str = "CREATE TABLE orders (id serial PRIMARY KEY, customer text, total numeric,
    paid_at timestamptz, updated_at timestamptz NOT NULL DEFAULT clock_timestamp())";

const NEW_ORDERS: &str = "select id, customer as customer_id, 'purchase' as kind, paid_at as at,
    total as amount, 'EUR' as currency from orders where updated_at > :since";

async fn orders(there: &mut Postgres) -> Shop {
    there.does(ORDERS).await;
    there.opened().await;
    shop(&source("orders", "events", &there.url(), NEW_ORDERS, ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_new_is_read_and_what_is_committed_late_isn_t_missed() {
    let Some(mut there) = postgres().await else {
        return;
    };
    let shop = orders(&mut there).await;
    there
        .does(
            "INSERT INTO orders (customer, total, paid_at, updated_at) VALUES
             ('ann', 12.5, '2026-01-01 10:00+00', now() - interval '30 days'),
             ('bob', 0.12345, '2026-01-02 10:00+00', now() - interval '30 days')",
        )
        .await;
    sync(&shop, 3).says(&["orders: query: 1 new, 0 changed, 0 unchanged, 1 refused"]);
    assert_eq!(
        books(&shop, EVENTS).await,
        ["1|ann|purchase|2026-01-01T10:00:00Z|125000|EUR"]
    );
    // Somebody begins an order, and another one is quicker.
    let mut quick = second(&there).await;
    let mut slow = there.boss.begin().await.unwrap();
    slow.execute("INSERT INTO orders (customer, total, paid_at) VALUES ('cid', 3, now())")
        .await
        .unwrap();
    quick
        .execute("INSERT INTO orders (customer, total, paid_at) VALUES ('dan', 4, now())")
        .await
        .unwrap();
    sync(&shop, 3).says(&["orders: query: 1 new, 0 changed, 0 unchanged, 0 refused"]);
    slow.commit().await.unwrap();
    sync(&shop, 3).says(&["orders: query: 1 new, 0 changed, 1 unchanged, 0 refused"]);
    // What was refused, and didn't come again, is still to be mended.
    shop.run(&["quarantine"])
        .is(3)
        .says(&["orders, id 2", "0.12345"]);
    there
        .does("UPDATE orders SET total = 0.12, updated_at = now() WHERE id = 2")
        .await;
    sync(&shop, 0).says(&["orders: query: 1 new, 0 changed, 2 unchanged, 0 refused"]);
    // Another query is another reading, of everything.
    let other = NEW_ORDERS.replace("'EUR'", "'GBP'");
    shop.settings(&source("orders", "events", &there.url(), &other, ""));
    sync(&shop, 0).says(&["orders: query: 0 new, 4 changed, 0 unchanged, 0 refused"]);
}

async fn second(there: &Postgres) -> sqlx::PgConnection {
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(there.server.port)
        .username("boss")
        .password(PASSWORD)
        .database(&there.name);
    sqlx::PgConnection::connect_with(&options).await.unwrap()
}

/// Killed right before it is durable, and right after.
#[tokio::test(flavor = "multi_thread")]
async fn the_mark_moves_with_the_rows_or_not_at_all() {
    let Some(mut there) = postgres().await else {
        return;
    };
    let shop = orders(&mut there).await;
    let mark = "SELECT COALESCE(mark, '-') FROM source_file";
    let count = "SELECT CAST(COUNT(*) AS TEXT) FROM event";
    there
        .does(
            "INSERT INTO orders (customer, total, paid_at, updated_at)
             SELECT 'c' || n, n, now(), now() - interval '1 day' FROM generate_series(1, 2000) n",
        )
        .await;
    let killed = |at: &str| {
        let fault = format!("end-at:{at}:1");
        let mut command = shop.fondly(&["sync"]);
        let ran = command.env("FONDLY_FAULT", fault).output().unwrap();
        assert!(!ran.status.success(), "{ran:?}");
    };
    sync(&shop, 0);
    shop.tamper("DELETE FROM event; DELETE FROM source_file")
        .await;
    killed("sync-commit");
    assert!(books(&shop, mark).await.is_empty());
    assert_eq!(books(&shop, count).await, ["0"]);
    killed("sync-durable");
    assert_eq!(books(&shop, mark).await.len(), 1);
    assert_eq!(books(&shop, count).await, ["2000"]);
    sync(&shop, 0).says(&["0 new, 0 changed, 0 unchanged, 0 refused"]);
    assert_eq!(books(&shop, count).await, ["2000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_long_is_ended_at_the_server_too() {
    let Some(mut there) = postgres().await else {
        return;
    };
    there.opened().await;
    let url = there.url();
    let slow = source("slow", "customers", &url, "select pg_sleep(600) as id", "");
    let shop = shop(&slow);
    let said = too_slow(&shop).await;
    assert!(said.contains("took longer than"), "{said}");
    let working: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' \
         AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()",
    )
    .fetch_one(&mut there.boss)
    .await
    .unwrap();
    assert_eq!(working, 0);
}

/// What is said when the shop's one source takes longer than a moment.
pub(crate) async fn too_slow(shop: &Shop) -> String {
    // The shortest that can be set is a minute, which is too long for a test.
    let config = shop.path("config/fondly.toml");
    let settings = fondly::settings::load(&config).unwrap();
    let mut source = wanted(&settings);
    source.timeout = std::time::Duration::from_secs(1);
    let (out, mut parts) = tokio::sync::mpsc::channel(8);
    fondly::records::sql::read(source, None, out).await;
    let mut last = None;
    while let Some(part) = parts.recv().await {
        last = Some(part);
    }
    last.unwrap().unwrap_err().to_string()
}

/// The one source of these settings, as the engine makes it.
fn wanted(settings: &fondly::settings::Settings) -> fondly::records::sql::SqlSource {
    use fondly::records::sql::{Access, SqlSource};
    let source = &settings.sources[0];
    let fondly::settings::Place::Sql(sql) = &source.place else {
        panic!("{source:?}")
    };
    SqlSource {
        meaning: fondly::records::Meaning {
            name: source.name.clone(),
            feeds: fondly::records::Feeds::Customers,
            event: None,
            columns: source.columns.clone(),
            types: std::collections::BTreeMap::new(),
            dates: None,
            decimal: None,
            zone: settings.policy.zone.clone(),
        },
        access: Access {
            url: sql.url.clone(),
            password_file: sql.password_file.clone(),
            ca_file: None,
            folder: settings.folder.clone(),
        },
        query: sql.query.clone(),
        since: None,
        overlap: None,
        timeout: sql.timeout,
        zone_is_stated: false,
        ids: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_protected_as_the_address_says_and_secrets_are_never_shown() {
    let Some(mut there) = postgres().await else {
        return;
    };
    there
        .does("CREATE VIEW line AS SELECT 'encrypted ' || ssl AS id FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .await;
    there.opened().await;
    let (url, ca) = (there.url(), there.server.path("ca.pem"));
    let ca = format!("ca_file = \"{}\"", ca.display());
    let query = "select id from line";
    let with = |mode: &str, more: &str| {
        shop(&source(
            "line",
            "customers",
            &format!("{url}?sslmode={mode}"),
            query,
            more,
        ))
    };
    for (mode, more, id) in [
        ("verify-full", ca.as_str(), "encrypted true"),
        ("require", "", "encrypted true"),
        ("disable", "", "encrypted false"),
    ] {
        let shop = with(mode, more);
        sync(&shop, 0);
        assert_eq!(
            books(&shop, "SELECT id FROM customer").await,
            [id],
            "{mode}"
        );
    }
    // Nobody signed it whom this machine knows.
    let shop = with("verify-full", "");
    sync(&shop, 3).says(&[
        "line: postgres://reader@127.0.0.1",
        "no protected connection",
        "ca_file",
    ]);
    // The whole address in a file of its own.
    let whole = url.replace("reader@", &format!("reader:{PASSWORD_IN_URL}@"));
    shop.write("config/url", format!("{whole}\n"));
    let in_file = "[[source]]\nname = \"line\"\nkind = \"sql\"\nfeeds = \"customers\"\n\
                   url_file = \"url\"\nquery = \"select id from line\"\n";
    shop.settings(in_file);
    sync(&shop, 0);
    let shown = shop.run(&["check", "--show"]).is(0);
    assert!(shown.out.contains("/config/url\""), "{}", shown.out);
    assert!(!shown.out.contains("tulip") && !shown.err.contains("tulip"));
    shop.settings(&in_file.replace("url_file = \"url\"", &format!("url = \"{whole}\"")));
    let refused = shop.run(&["check"]).is(1);
    assert!(
        refused.err.contains("a password doesn't stand in settings"),
        "{refused:?}"
    );
    assert!(!refused.err.contains("tulip"), "{}", refused.err);
}

/// What is wrong: the source's name, its address, its query, its other keys, and what is said.
const WRONG: &[(&str, &str, &str, &str, &[&str])] = &[
    (
        "away",
        CLOSED,
        GOOD,
        "",
        &["can't be reached", "see that it runs"],
    ),
    (
        "login",
        STRANGER,
        GOOD,
        "",
        &["doesn't let us in", "password in its file"],
    ),
    (
        "typo",
        OPEN,
        "select id\n  form person",
        "",
        &["refuses the query: syntax error at or near \"person\" at line 2, column 8 of it"],
    ),
    (
        "column",
        OPEN,
        "select nme as id from person",
        "",
        &[
            "column \"nme\" does not exist at line 1, column 8",
            "person.name",
        ],
    ),
    (
        "grant",
        OPEN,
        "select id from secret",
        "",
        &[
            "permission denied for table secret",
            "grant this user `select`",
        ],
    ),
    (
        "id",
        OPEN,
        "select name from person",
        "",
        &["no column for `id`", "columns = { id ="],
    ),
    (
        "writes",
        OPEN,
        "select touch() as id",
        "",
        &["would change something", "only ever read"],
    ),
    (
        "deletes",
        OPEN,
        "with gone as (delete from person returning id) select id from gone",
        "",
        &["refuses the query"],
    ),
    (
        "two",
        OPEN,
        "select 1; drop table person",
        "",
        &["more than one statement"],
    ),
    (
        "drop",
        OPEN,
        "drop table person",
        "",
        &["begins with `drop`"],
    ),
    (
        "untyped",
        OPEN,
        "select id from person where id = any(:since)",
        "",
        &["`:since` is compared with"],
    ),
    (
        "no-column",
        OPEN,
        "select id from person where id > :since",
        "",
        &["compared with a int4", "name it with `since"],
    ),
    (
        "since",
        OPEN,
        "select id from person where id > :since",
        "since = \"updated_at\"",
        &["no column `updated_at`, which `since` names"],
    ),
    (
        "odd",
        OPEN,
        "select id, name from person where name > :since",
        "since = \"name\"",
        &["holds `Ann`"],
    ),
    (
        "mixed",
        OPEN,
        "select id from person where id > :since",
        "since = \"id\"\noverlap = \"1 hour\"",
        &["`overlap` is a time", "overlap = 1000"],
    ),
];
const GOOD: &str = "select id from person";
const OPEN: &str = "the database";
const CLOSED: &str = "a port where nobody listens";
const STRANGER: &str = "a user whom it doesn't know";

/// Each line says of its source what is expected.
pub(crate) fn says_of(ran: &Ran, name: &str, words: &[&str]) {
    let start = format!("{name}: ");
    let line = ran.err.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("nothing is said of {name}: {}", ran.err));
    for word in words {
        assert!(line.contains(word), "{word}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_told_with_its_mend_and_the_other_sources_go_on() {
    let Some(mut there) = postgres().await else {
        return;
    };
    there
        .does(
            "CREATE TABLE person (id int, name text); INSERT INTO person VALUES (1, 'Ann');
             CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS
                 'INSERT INTO person VALUES (2, ''x'') RETURNING 1'",
        )
        .await;
    there.opened().await;
    there.does("CREATE TABLE secret (id int)").await;
    let url = there.url();
    let mut sources = String::new();
    for (name, place, query, more, _) in WRONG {
        let url = match *place {
            CLOSED => url.replace(&format!(":{}/", there.server.port), ":1/"),
            STRANGER => url.replace("reader@", "stranger@"),
            _ => url.clone(),
        };
        sources += &source(name, "customers", &url, query, more);
    }
    sources += &source("good", "customers", &url, GOOD, "");
    let shop = shop(&sources);
    let ran = sync(&shop, 3).says(&["good: query: 1 new"]);
    for (name, _, _, _, words) in WRONG {
        says_of(&ran, name, words);
    }
    assert_eq!(books(&shop, "SELECT id FROM customer").await, ["1"]);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM person")
        .fetch_one(&mut there.boss)
        .await
        .unwrap();
    assert_eq!(left, 1, "nothing was changed");
    let checked = shop.run(&["check"]).is(1);
    assert!(
        checked.out.contains("source good: the query gives id"),
        "{checked:?}"
    );
    assert!(checked.out.contains("source typo: ") || checked.err.contains("source typo: "));
}
