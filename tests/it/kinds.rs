//! Sources whose rows are all events of one kind, which the settings say and no column has to.

use sqlx::{Connection as _, Executor as _};

use crate::encodings::workbook;
use crate::shop::Shop;
use crate::sql_sources::books;

const EVENTS: &str = "SELECT id || '|' || customer_id || '|' || kind FROM event ORDER BY id";

#[tokio::test]
async fn what_all_rows_are_is_said_once_for_files_workbooks_and_databases() {
    let shop = Shop::new();
    // In German a column `Kind` holds a child.
    shop.write(
        "data/visits.csv",
        "id,customer_id,at,Kind\nv1,ann,2026-01-01,Emil\nv2,bob,2026-01-02,\n",
    );
    let sheet = workbook(&[&["id", "customer_id", "at"], &["p1", "ann", "2026-01-03"]]);
    shop.write("data/orders.xlsx", sheet);
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(shop.path("data/calls.db"))
        .create_if_missing(true);
    let mut calls = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    calls
        .execute(
            "CREATE TABLE call (id, who, day); INSERT INTO call VALUES ('c1', 'bob', '2026-01-04')",
        )
        .await
        .unwrap();
    calls.close().await.unwrap();
    let of = |event: &str| {
        format!(
            "[[source]]\nname = \"visits\"\nkind = \"csv\"\npath = \"../data/visits.csv\"\n\
             feeds = \"events\"\n{event}\n\
             [[source]]\nname = \"orders\"\nkind = \"xlsx\"\npath = \"../data/orders.xlsx\"\n\
             feeds = \"events\"\nevent = \"Purchase\"\n\
             [[source]]\nname = \"calls\"\nkind = \"sql\"\nurl = \"sqlite:../data/calls.db\"\n\
             feeds = \"events\"\nevent = \"call\"\n\
             query = \"select id, who as customer_id, day as at from call\"\n"
        )
    };
    shop.settings(&of("event = \"visit\""));
    let shown = shop.run(&["check", "--show"]);
    assert!(shown.out.contains("event = \"visit\""), "{shown:?}");
    shop.run(&["sync"]).is(0);
    let read = books(&shop, EVENTS).await;
    assert_eq!(
        read,
        [
            "c1|bob|call",
            "p1|ann|purchase",
            "v1|ann|visit",
            "v2|bob|visit"
        ]
    );
    // Another word, and the same file is read again.
    shop.settings(&of("event = \"tasting\""));
    shop.run(&["sync", "visits"]).is(0).says(&["2 changed"]);
    assert_eq!(books(&shop, EVENTS).await[2], "v1|ann|tasting");
    // Without it the column is what it seems to be, and a row without a kind is refused.
    shop.settings(&of(""));
    shop.run(&["sync", "visits"]).is(3).says(&["1 refused"]);
}
