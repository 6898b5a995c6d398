//! Who was deleted in a database: they are noticed, get nothing any more, and may come again.

use jiff::tz::TimeZone;
use sqlx::{Connection as _, Executor as _};

use crate::shop::{Ran, Shop, now};
use crate::sql_servers::{Postgres, maria, postgres};
use crate::sql_sources::{books, shop, source, sync};

const QUERY: &str = "select id, mail as email from person where changed > :since";
const LOOKS: &str = "ids = \"select id from person\"\nfull_every = \"7 days\"";
const GONE: &str = "SELECT id FROM customer WHERE gone_at IS NOT NULL ORDER BY id";

/// Forty people, and a source that looks once a week for who is gone.
async fn forty() -> Option<(Postgres, Shop)> {
    let mut there = postgres().await?;
    there
        .does(
            "CREATE TABLE person (id text PRIMARY KEY, mail text,
                 changed timestamptz NOT NULL DEFAULT clock_timestamp());
             INSERT INTO person (id, mail) SELECT lpad(n::text, 2, '0'), 'p' || n || '@mail.example'
                 FROM generate_series(1, 40) n",
        )
        .await;
    there.opened().await;
    let shop = shop(&source("people", "customers", &there.url(), QUERY, LOOKS));
    sync(&shop, 0).says(&["people: query: 40 new"]);
    Some((there, shop))
}

/// The last look was more than a week ago.
async fn a_week_goes_by(shop: &Shop) {
    let looked = "UPDATE meta SET value = '[0,null]' WHERE key = 'looked-through:people'";
    assert_eq!(shop.tamper(looked).await, 1, "there was a look");
}

fn is_quiet_about_them(ran: &Ran) {
    assert!(!ran.out.contains("there any more"), "{}", ran.out);
    assert!(!ran.err.contains("there any more"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_deleted_gets_nothing_until_they_come_again() {
    let Some((mut there, shop)) = forty().await else {
        return;
    };
    let today = TimeZone::get("Europe/London")
        .unwrap()
        .to_datetime(now())
        .date();
    shop.no_rules();
    shop.rule(
        "day",
        &format!(
            "title = \"Day\"\ntemplate = \"birthday\"\nclass = \"service\"\n\
             audience = \"customer\"\n[trigger.fixed]\non = [{today}]\n\
             [send]\nat = \"00:00\"\n"
        ),
    );
    there
        .does("DELETE FROM person WHERE id IN ('07', '08')")
        .await;
    is_quiet_about_them(&sync(&shop, 0));
    a_week_goes_by(&shop).await;
    sync(&shop, 0).says(&["people: 2 customers aren't there any more"]);
    assert_eq!(books(&shop, GONE).await, ["07", "08"]);
    // They are told of once.
    a_week_goes_by(&shop).await;
    is_quiet_about_them(&sync(&shop, 0));
    let entries = |shop: &Shop| -> Vec<String> {
        shop.run(&["tick"]).is(0);
        let entries = shop.ledger_so_far().into_iter();
        entries.map(|entry| entry.customer).collect()
    };
    let got = entries(&shop);
    assert_eq!(got.len(), 38);
    assert!(!got.contains(&"07".to_owned()) && !got.contains(&"08".to_owned()));
    there
        .does("INSERT INTO person (id, mail) VALUES ('07', 'p7@mail.example')")
        .await;
    sync(&shop, 0).says(&["1 changed"]);
    assert_eq!(books(&shop, GONE).await, ["08"]);
    assert!(entries(&shop).contains(&"07".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_are_not_taken_for_gone_before_somebody_says_so() {
    let Some((mut there, shop)) = forty().await else {
        return;
    };
    let held = "people: 9 of 40 customers aren't there any more";
    there.does("DELETE FROM person WHERE id > '31'").await;
    a_week_goes_by(&shop).await;
    sync(&shop, 3).says(&[held, "`fondly sync people --accept-gone`"]);
    // It is said until it is settled, though the next look is a week away.
    sync(&shop, 3).says(&[held]);
    shop.run(&["tick"]).is(3).says(&[held]);
    assert!(books(&shop, GONE).await.is_empty());
    shop.run(&["sync", "people", "--accept-gone"])
        .is(0)
        .says(&["people: 9 customers aren't there any more"]);
    assert_eq!(books(&shop, GONE).await.len(), 9);
    is_quiet_about_them(&sync(&shop, 0));
    // Nobody at all is never taken for an answer.
    there.does("DELETE FROM person").await;
    a_week_goes_by(&shop).await;
    sync(&shop, 3).says(&["people: 31 of 31 customers aren't there any more"]);
    assert_eq!(books(&shop, GONE).await.len(), 9);
    // A slip that was mended is over with the next look.
    there
        .does("INSERT INTO person (id, changed) SELECT lpad(n::text, 2, '0'), '2020-01-01' FROM generate_series(1, 31) n")
        .await;
    a_week_goes_by(&shop).await;
    is_quiet_about_them(&sync(&shop, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_takes_nobody_for_gone() {
    let Some((mut there, shop)) = forty().await else {
        return;
    };
    for (ids, says) in [
        (
            "select id from nobody",
            "`ids`: the database refuses the query",
        ),
        ("select changed, mail from person", "no column `id`"),
        (
            "select null as id",
            "`ids`: row 1 of the result has no usable id",
        ),
        (
            "select id from person where changed > :since",
            "`:since` has no place in it",
        ),
        ("delete from person", "it begins with `delete`"),
    ] {
        let looks = format!("ids = \"{ids}\"\nfull_every = \"7 days\"");
        shop.settings(&source("people", "customers", &there.url(), QUERY, &looks));
        a_week_goes_by(&shop).await;
        sync(&shop, 3).says(&["people: ", says]);
        assert!(books(&shop, GONE).await.is_empty());
    }
    // The ids of a table with several rows for each, by another name: who is in it is there.
    there.does("CREATE TABLE kept AS SELECT id AS who FROM person, generate_series(1, 3) WHERE id > '01'").await;
    there.opened().await;
    let looks = "ids = \"select who from kept\"\nfull_every = \"7 days\"";
    shop.settings(&source("people", "customers", &there.url(), QUERY, looks));
    a_week_goes_by(&shop).await;
    sync(&shop, 0).says(&["people: 1 customer isn't there any more"]);
    assert_eq!(books(&shop, GONE).await, ["01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_query_for_ids_the_whole_result_says_who_is_there() {
    if let Some((mut there, shop)) = forty().await {
        let looks = "full_every = \"7 days\"";
        shop.settings(&source("people", "customers", &there.url(), QUERY, looks));
        there.does("DELETE FROM person WHERE id = '07'").await;
        a_week_goes_by(&shop).await;
        sync(&shop, 0).says(&["people: 1 customer isn't there any more"]);
        assert_eq!(books(&shop, GONE).await, ["07"]);
    }
    if let Some(mut there) = maria().await {
        there
            .does("CREATE TABLE person (id int PRIMARY KEY, mail varchar(80)); INSERT INTO person VALUES (1, NULL), (2, NULL), (3, NULL)")
            .await;
        let all = source(
            "people",
            "customers",
            &there.url(),
            "select id, mail as email from person",
            "full_every = \"7 days\"",
        );
        let shop = shop(&all);
        sync(&shop, 0).says(&["people: query: 3 new"]);
        there.does("DELETE FROM person WHERE id = 2").await;
        a_week_goes_by(&shop).await;
        sync(&shop, 0).says(&["people: 1 customer isn't there any more"]);
        assert_eq!(books(&shop, GONE).await, ["2"]);
    }
    let shop = Shop::new();
    shop.settings(
        "[[source]]\nname = \"people\"\nkind = \"sql\"\nfeeds = \"customers\"\n\
         url = \"sqlite:../data/till.db\"\nquery = \"select id from person\"\n\
         full_every = \"7 days\"\n",
    );
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(shop.path("data/till.db"))
        .create_if_missing(true);
    let mut till = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    till.execute("CREATE TABLE person (id); INSERT INTO person VALUES (1), ('b'), (3)")
        .await
        .unwrap();
    sync(&shop, 0).says(&["people: query: 3 new"]);
    till.execute("DELETE FROM person WHERE id = 'b'")
        .await
        .unwrap();
    a_week_goes_by(&shop).await;
    sync(&shop, 0).says(&["people: 1 customer isn't there any more"]);
    assert_eq!(books(&shop, GONE).await, ["b"]);
}
