//! The same from MariaDB.

use crate::shop::Ran;
use crate::sql_servers::maria;
use crate::sql_sources::{CUSTOMERS, books, says_of, shop, source, sync, too_slow};

const MADE_ORDERS: &str = "CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer varchar(20),
                 total decimal(9,2), paid_at datetime(6), changed datetime(6), stamped timestamp(6));
             INSERT INTO orders (customer, total, paid_at, changed, stamped) VALUES
                 ('ann', 12.5, '2026-01-01 10:00', '2026-01-01 10:00', '2026-01-01 10:00'),
                 ('bob', 3, '2026-07-01 10:00', '2026-07-01 10:00', '2026-07-01 10:00')";

/// What is wrong: the source's name, its address, its query, and what is said.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("away", CLOSED, GOOD, "can't be reached"),
    ("login", STRANGER, GOOD, "doesn't let us in"),
    ("base", OTHER, GOOD, "can't be read"),
    ("typo", OPEN, "select id form person", "refuses the query"),
    (
        "grant",
        OPEN,
        "select id from mysql.user",
        "grant this user `select`",
    ),
    (
        "writes",
        OPEN,
        "select touch() as id",
        "would change something",
    ),
    ("drop", OPEN, "drop table person", "begins with `drop`"),
    (
        "two",
        OPEN,
        "select 1 as id; delete from person",
        "more than one statement",
    ),
];
const GOOD: &str = "select id from person";
const OPEN: &str = "the database";
const CLOSED: &str = "a port where nobody listens";
const STRANGER: &str = "a user whom it doesn't know";
const OTHER: &str = "a database that isn't there";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_mariadb_comes_through_without_loss() {
    let Some(mut there) = maria().await else {
        return;
    };
    there
        .does(
            "CREATE TABLE person (
                 id bigint unsigned PRIMARY KEY, mail varchar(80), born date, joined timestamp NULL,
                 marks set('vip', 'new'), wants enum('yes', 'no'), gone bit(1), worth decimal(12, 4),
                 score double, size tinyint, wish json, raw varbinary(9), seen datetime(6));
             INSERT INTO person VALUES
                 (18446744073709551615, 'zoë@mail.example', '1984-02-29', FROM_UNIXTIME(1782862200),
                  'vip,new', 'yes', b'0', 99999999.1250, 1e20, -7, '{\"a\": 1}', 'Zoë',
                  '2026-11-29 08:15:00.123456'),
                 (2, NULL, '0000-00-00', NULL, '', NULL, b'1', NULL, NULL, NULL, NULL, NULL,
                  '0000-00-00 00:00:00'),
                 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, x'ff', NULL),
                 (4, NULL, '1990-02-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        )
        .await;
    let query = "select id, mail as email, born as birthday, joined as joined_on, marks as tags,
        wants as consent, gone as unsubscribed, worth as `attr.worth`, score as `attr.score`,
        size as `attr.size`, wish as `attr.wish`, raw as `attr.raw`, seen as `attr.seen`
        from person order by id # :since";
    let types = "types = { \"attr.score\" = \"number\", \"attr.seen\" = \"date\" }";
    let shop = shop(&source("people", "customers", &there.url(), query, types));
    sync(&shop, 3).says(&["people: query: 2 new, 0 changed, 0 unchanged, 2 refused"]);
    assert_eq!(
        books(&shop, CUSTOMERS).await,
        [
            "18446744073709551615|zoë@mail.example|1984-02-29|2026-07-01|[\"vip\",\"new\"]|yes|0\
             |{\"raw\":{\"type\":\"text\",\"value\":\"Zoë\"},\
             \"score\":{\"type\":\"number\",\"value\":1e+20},\
             \"seen\":{\"type\":\"date\",\"value\":\"2026-11-29\"},\
             \"size\":{\"type\":\"text\",\"value\":\"-7\"},\
             \"wish\":{\"type\":\"text\",\"value\":\"{\\\"a\\\": 1}\"},\
             \"worth\":{\"type\":\"text\",\"value\":\"99999999.1250\"}}",
            "2|-|-|-|-|unknown|1|-",
        ]
    );
    shop.run(&["quarantine"]).is(3).says(&[
        "people, id 3",
        "it holds bytes",
        "people, id 4",
        "1990-02-00",
    ]);
    sync(&shop, 3).says(&["people: nothing has changed since the last time"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_read_from_the_mark_on_whatever_moves_it() {
    let Some(mut there) = maria().await else {
        return;
    };
    there.does(MADE_ORDERS).await;
    let query = |column: &str| {
        format!(
            "select id, customer as customer_id, 'purchase' as kind, paid_at as at, total as amount,
             'it\\'s :since' as currency, changed, stamped from orders where {column} > :since"
        )
    };
    let url = there.url();
    let mut sources = String::new();
    for (name, column, more) in [
        ("clock", "changed", ""),
        ("clock-stamp", "stamped", ""),
        (
            "column",
            "changed",
            "since = \"changed\"\ntimezone = \"UTC\"",
        ),
        ("stamp", "stamped", "since = \"stamped\""),
        ("number", "id", "since = \"id\"\noverlap = 0"),
    ] {
        sources += &source(name, "events", &url, &query(column), more);
    }
    let shop = shop(&sources);
    let all = ["clock", "clock-stamp", "column", "stamp", "number"];
    let told = |ran: Ran, what: &str| {
        for name in all {
            let line = format!("{name}: query: {what}");
            assert!(ran.out.contains(&line), "{line}: {}", ran.out);
        }
    };
    told(sync(&shop, 0), "2 new, 0 changed, 0 unchanged");
    let marks = "SELECT source || ' ' || mark FROM source_file WHERE source IN \
                 ('column', 'stamp', 'number') ORDER BY source";
    assert_eq!(
        books(&shop, marks).await,
        [
            "column 2026-07-01 09:45:00",
            "number 2",
            "stamp 2026-07-01T09:45:00.000000Z"
        ]
    );
    there
        .does(
            "INSERT INTO orders (customer, total, paid_at, changed, stamped) VALUES
             ('cid', 4, utc_timestamp(), utc_timestamp(6), now(6))",
        )
        .await;
    let ran = sync(&shop, 0);
    for line in [
        "clock: query: 1 new, 0 changed, 0 unchanged",
        "clock-stamp: query: 1 new, 0 changed, 0 unchanged",
        // What came last is read again.
        "column: query: 1 new, 0 changed, 1 unchanged",
        "stamp: query: 1 new, 0 changed, 1 unchanged",
        "number: query: 1 new, 0 changed, 0 unchanged",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    // Local times are the business's, unless the source states another zone: London is an hour
    // ahead of UTC in July.
    let at = "SELECT source || ' ' || strftime('%FT%TZ', at / 1000, 'unixepoch') FROM event \
              WHERE id = '2' AND source IN ('clock', 'column') ORDER BY source";
    assert_eq!(
        books(&shop, at).await,
        ["clock 2026-07-01T09:00:00Z", "column 2026-07-01T10:00:00Z"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_says_is_told_and_nothing_there_is_changed() {
    let Some(mut there) = maria().await else {
        return;
    };
    there
        .does(
            "CREATE TABLE person (id int); INSERT INTO person VALUES (1);
             CREATE FUNCTION touch() RETURNS int NOT DETERMINISTIC MODIFIES SQL DATA
                 BEGIN INSERT INTO person VALUES (2); RETURN 1; END;
             GRANT EXECUTE, INSERT ON *.* TO reader",
        )
        .await;
    let url = there.url();
    let port = there.server.port;

    let mut sources = String::new();
    for (name, place, query, _) in WRONG {
        let url = match *place {
            CLOSED => url.replace(&format!(":{port}/"), ":1/"),
            STRANGER => url.replace("reader@", "stranger@"),
            OTHER => format!("{url}x"),
            _ => url.clone(),
        };
        sources += &source(name, "customers", &url, query, "");
    }
    let ca = there.server.path("ca.pem");
    let ca = format!("ca_file = \"{}\"", ca.display());
    let protected = format!("{url}?sslmode=verify-full");
    let cipher = "select variable_value as id from information_schema.session_status
                  where variable_name = 'Ssl_version'";
    sources += &source("good", "customers", &protected, cipher, &ca);
    let shop = shop(&sources);
    let ran = sync(&shop, 3).says(&["good: query: 1 new"]);
    for (name, _, _, words) in WRONG {
        says_of(&ran, name, &[words]);
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM person")
        .fetch_one(&mut there.boss)
        .await
        .unwrap();
    assert_eq!(left, 1, "nothing was changed");
    let id = books(&shop, "SELECT id FROM customer").await;
    assert!(id[0].starts_with("TLSv1."), "{id:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_long_is_ended_by_mariadb() {
    let Some(there) = maria().await else {
        return;
    };
    let query = "select 1 as id from information_schema.columns a, information_schema.columns b, \
                 information_schema.columns c, information_schema.columns d where sleep(9) = 1";
    let shop = shop(&source("slow", "customers", &there.url(), query, ""));
    let said = too_slow(&shop).await;
    assert!(said.contains("took longer than"), "{said}");
}

/// The classical way: a program sent UTF-8 and told the server that it was latin1.
#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_keeps_as_latin1_within_utf_8_is_set_aside() {
    let Some(mut there) = maria().await else {
        return;
    };
    there
        .does(
            "CREATE TABLE person (id int PRIMARY KEY, name varchar(40) CHARACTER SET utf8mb4);
             INSERT INTO person VALUES (1, _utf8mb4 x'4AC3BC7267656E'), (2, _latin1 x'4AC3BC7267656E'),
                 (3, _latin1 x'C5826F64C5BA'), (4, _latin1 x'C381C5A1')",
        )
        .await;
    let query = "select id, name as first_name from person";
    let shop = shop(&source("people", "customers", &there.url(), query, ""));
    sync(&shop, 3).says(&["people: query: 1 new, 0 changed, 0 unchanged, 3 refused"]);
    shop.run(&["quarantine"]).is(3).says(&[
        "people, id 2",
        "its letters were garbled before they came here (`Ã¼` was `ü`)",
        "people, id 3",
        "people, id 4",
    ]);
}
