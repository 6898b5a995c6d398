//! The same from a file of SQLite's.

use sqlx::{Connection as _, Executor as _};

use crate::shop::Shop;
use crate::sql_sources::{CUSTOMERS, books, source, sync};

const TILL: &str = "CREATE TABLE person (id, mail, born, worth);
         INSERT INTO person VALUES (1, 'ann@mail.example', '1984-02-29', 19.99),
             ('b', x'626f62406d61696c2e6578616d706c65', NULL, 9007199254740993),
             (3, x'ff', NULL, NULL);
         CREATE TABLE visit (id INTEGER PRIMARY KEY, who, at);
         INSERT INTO visit (who, at) VALUES (1, '2026-11-28T10:00:00Z'), ('b', '2026-11-28T10:30:00Z')";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_sqlite_is_only_read_and_never_made() {
    let shop = Shop::new();
    let file = shop.path("data/till.db");
    let url = "sqlite:../data/till.db";
    let without = |text: &str| text.replace("password_file = \"db-password\"\n", "");
    let people = without(&source(
        "people",
        "customers",
        url,
        "select id, mail as email, born as birthday, worth as \"attr.worth\" from person",
        "",
    ));
    shop.settings(&people);
    sync(&shop, 3).says(&["people: sqlite:../data/till.db: there is no such file"]);
    assert!(!file.exists());
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut till = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    till.execute(TILL).await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let visits = |since: &str, column: &str| {
        without(&source(
            "visits",
            "events",
            url,
            &format!(
                "select id, who as customer_id, 'visit' as kind, at from visit where {column} > :since"
            ),
            since,
        ))
    };
    shop.settings(&(people.clone() + &visits("", "at")));
    sync(&shop, 3)
        .says(&["people: query: 2 new, 0 changed, 0 unchanged, 1 refused"])
        .says(&["visits: sqlite:../data/till.db: `:since` needs a column in SQLite"]);
    assert_eq!(
        books(&shop, CUSTOMERS).await,
        [
            "1|ann@mail.example|1984-02-29|-|-|unknown|0|{\"worth\":{\"type\":\"text\",\"value\":\"19.99\"}}",
            "b|bob@mail.example|-|-|-|unknown|0|{\"worth\":{\"type\":\"text\",\"value\":\"9007199254740993\"}}",
        ]
    );
    for (since, column, mark) in [
        (
            "since = \"at\"\ntimezone = \"UTC\"",
            "at",
            "2026-11-28T10:15:00",
        ),
        ("since = \"id\"\noverlap = 1", "id", "1"),
    ] {
        shop.settings(&(people.clone() + &visits(since, column)));
        sync(&shop, 3).says(&["visits: query: "]);
        let marks = "SELECT mark FROM source_file WHERE source = 'visits'";
        assert_eq!(books(&shop, marks).await, [mark]);
        sync(&shop, 3).says(&["visits: query: 0 new, 0 changed, 1 unchanged, 0 refused"]);
    }
    assert!(
        std::fs::read(&file).unwrap() == before,
        "nothing was written"
    );
    till.execute("INSERT INTO visit (who, at) VALUES (1, '2026-11-28T10:31:00Z')")
        .await
        .unwrap();
    sync(&shop, 3).says(&["visits: query: 1 new, 0 changed, 1 unchanged, 0 refused"]);
}

/// What a database keeps as text, people have written as they write numbers; what it reckons is a
/// machine's.
#[tokio::test(flavor = "multi_thread")]
async fn texts_are_numbers_as_the_source_writes_them_and_sums_are_prices() {
    let shop = Shop::new();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(shop.path("data/till.db"))
        .create_if_missing(true);
    let mut till = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    till.execute(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, who TEXT, written TEXT, price REAL);
         INSERT INTO sale (who, written, price) VALUES ('ann', '1.234,50', 9.99), ('ann', '2.000', 20.0);
         CREATE VIEW worth AS SELECT who, SUM(price) AS total FROM sale GROUP BY who;",
    )
    .await
    .unwrap();
    till.execute(
        "INSERT INTO sale (who, written, price) VALUES ('bob', '7', 0.1), ('bob', '8', 0.2)",
    )
    .await
    .unwrap();
    let feed = |name: &str, query: &str| {
        let text = source(
            name,
            "events",
            "sqlite:../data/till.db",
            query,
            "decimal = \",\"",
        );
        text.replace("password_file = \"db-password\"\n", "")
    };
    let at = "'purchase' as kind, '2026-11-28' as at";
    shop.settings(
        &(feed(
            "written",
            &format!("select id, who as customer_id, {at}, written as amount from sale"),
        ) + &feed(
            "sums",
            &format!("select who as id, who as customer_id, {at}, total as amount from worth"),
        )),
    );
    sync(&shop, 0);
    let amounts = "SELECT source || ' ' || id || '|' || amount FROM event ORDER BY 1";
    assert_eq!(
        books(&shop, amounts).await,
        [
            "sums ann|299900",
            "sums bob|3000",
            "written 1|12345000",
            "written 2|20000000",
            "written 3|70000",
            "written 4|80000",
        ]
    );
}
