//! What only SQLite does: a full disk, query plans.

use super::super::batches::{BATCH, CUSTOMERS, DUE_BATCHES, GONE, HELD_BATCHES, SENT_BETWEEN};
use super::super::digest::{BACK, ENDED};
use super::super::glances::{FAILED_BETWEEN, HELD, ON_THEIR_WAY, QUEUED};
use super::super::ledger::PLANNED_LATER;
use super::super::log::{bottom, latest};
use super::super::page_ways::{BY_DUE, BY_FAILED, BY_OPEN, BY_OPEN_RULE, BY_RULE, BY_WAITING};
use super::super::results::COUNT;
use super::super::review::NEXT_DUE;
use super::super::warnings::ANSWERED;
use super::*;

/// Lets the store's file grow no more, as far as the connection that writes now is concerned.
async fn fill_disk(store: &Store) {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&store.inner.writer)
        .await
        .unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::raw_sql(limit)
        .execute(&store.inner.writer)
        .await
        .unwrap();
}

/// A full disk reaches everybody who waits, nothing that was confirmed is lost, and the writer
/// goes on once there is room. (The driver leaves the connection unusable: it must be replaced.)
#[tokio::test]
async fn a_full_disk_reaches_the_waiters() {
    let (store, _kept) = sqlite().await;
    let (id, revision) = claimed(&store).await;
    fill_disk(&store).await;
    let large = CommitToSend {
        message: "x".repeat(500_000).into(),
        ..commit(&id, revision)
    };
    let full = store.commit_to_send(large).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert_eq!(outcome(&store, &id).await, Outcome::Planned);
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    // What nobody waits for isn't lost either: it is told, and written as soon as there is room.
    fill_disk(&store).await;
    let owed = Record {
        reply: Some("x".repeat(500_000)),
        ..Record::new(&id, Outcome::Unknown, None, noon())
    };
    store.record(owed).await.unwrap();
    let told = store.flush().await.unwrap_err();
    assert!(matches!(told, StoreError::Full { .. }), "{told}");
    store.flush().await.unwrap();
    assert_eq!(outcome(&store, &id).await, Outcome::Unknown);
}

/// A large file is one transaction, and a store that is written anew is locked as long: every command
/// works beside that, and reading needs no turn.
#[tokio::test]
async fn whoever_opens_a_store_waits_for_nobody_who_writes() {
    let (store, _kept) = sqlite().await;
    load(&store, vec![person("ann")]).await;
    let writes = store.begin().await.unwrap();
    let path = store.path().to_string_lossy().into_owned();
    let other = Store::open(&path, OpenOptions::default()).await.unwrap();
    assert_eq!(other.everyone(false).await.unwrap(), ["ann"]);
    drop(writes);
    other.close().await.unwrap();
}

/// What ended lately is looked for from the end of the histories: from a line on, and that line by
/// walking back from the last.
#[tokio::test]
async fn histories_are_read_from_their_end() {
    let (store, _kept) = sqlite().await;
    for text in [ENDED, ANSWERED] {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let rows = sqlx::query(explain).fetch_all(store.reader()).await;
        let steps: Vec<String> = rows
            .unwrap()
            .iter()
            .map(|row| sqlx::Row::get(row, 3))
            .collect();
        let has = |step: &str| steps.iter().any(|one| one == step);
        let from_a_line = "INTEGER PRIMARY KEY (rowid>?)";
        assert!(
            steps.iter().any(|one| one.contains(from_a_line)),
            "{steps:#?}"
        );
        // In the order of the lines, so that the first that fits ends the walk.
        assert!(
            has("SCAN h") && !has("USE TEMP B-TREE FOR ORDER BY"),
            "{steps:#?}"
        );
    }
}

/// The statements that run all the time go by their indexes.
#[tokio::test]
async fn hot_statements_scan_no_table() {
    let (store, _kept) = sqlite().await;
    let texts = [
        "SELECT id FROM ledger WHERE outcome IN ('planned', 'deferred', 'held') AND priority = 5 \
         AND next_attempt_at <= 6 AND number NOT IN (SELECT value FROM json_each('[1]')) \
         ORDER BY next_attempt_at, due_at, customer, id LIMIT 7",
        "SELECT MAX(priority) FROM ledger WHERE outcome IN ('planned', 'deferred', 'held') \
         AND priority < 9",
        DUE_BATCHES,
        HELD_BATCHES,
        CUSTOMERS,
        GONE,
        SENT_BETWEEN,
        BATCH,
        COUNT,
        ENDED,
        BACK,
        PLANNED_LATER,
        NEXT_DUE,
        "SELECT id FROM ledger WHERE outcome = 'sending' \
         AND outcome IN ('sending', 'held', 'unknown')",
        "WITH op AS MATERIALIZED (SELECT value->>0 AS id FROM json_each('[]')) \
         UPDATE ledger SET reply = '' FROM op WHERE ledger.id = op.id",
        "SELECT c.id FROM (SELECT customer FROM customer_date \
             WHERE field = 'a' AND month_day BETWEEN 1 AND 2 UNION SELECT customer \
             FROM customer_date WHERE field = 'a' AND month_day BETWEEN 3 AND 4) AS d \
         CROSS JOIN customer c WHERE c.number = d.customer",
        "SELECT customer FROM customer_date WHERE field = 'a' AND month_day BETWEEN 1 AND 2 \
         AND year * 10000 + month_day BETWEEN 3 AND 4",
        "SELECT c.id FROM news t CROSS JOIN customer_date d CROSS JOIN customer c \
         WHERE d.customer = t.customer AND c.number = d.customer AND d.field = 'a' \
           AND +d.month_day BETWEEN 1 AND 2",
        "SELECT c.id FROM news t CROSS JOIN customer c \
         WHERE c.number = t.customer AND c.email IS NOT NULL",
        "SELECT DISTINCT e.customer_id FROM news t CROSS JOIN customer c CROSS JOIN event e \
         WHERE c.number = t.customer AND e.customer_id = c.id AND e.day BETWEEN 1 AND 2 AND +e.kind IN (SELECT value FROM json_each('[]'))",
        "SELECT DISTINCT customer_id FROM event WHERE day BETWEEN 1 AND 2 \
         AND kind IN (SELECT value FROM json_each('[]'))",
    ];
    for text in texts {
        for step in steps(&store, text).await {
            assert!(
                !scans(&step) && !step.contains("TEMP B-TREE FOR ORDER BY"),
                "{text}: {step}"
            );
        }
    }
}

/// Whoever asks the log for little doesn't wait until all of it was looked through.
#[tokio::test]
async fn the_log_goes_by_what_is_asked_for() {
    let (store, _kept) = sqlite().await;
    let everything = Filter {
        since: Some(noon()),
        rule: Some("birthday".to_owned()),
        unsettled_before: Some(noon()),
        limit: Some(20),
        ..Filter::default()
    };
    let with = |outcome| Filter {
        outcome: Some(outcome),
        ..everything.clone()
    };
    let of_ann = Filter {
        customer: Some("ann".to_owned()),
        ..with(Outcome::Unknown)
    };
    let by_customer = "sqlite_autoindex_ledger_2 (customer=?";
    for (text, search) in [
        (latest(&of_ann), by_customer),
        (latest(&with(Outcome::Held)), "ledger_open (outcome=?"),
        (
            latest(&with(Outcome::Expired)),
            "ledger_failed (due_at>? AND due_at<?)",
        ),
        (
            latest(&everything),
            "ledger_batch (rule=? AND due_day>? AND due_day<?)",
        ),
        (
            bottom(&everything),
            "ledger_batch (rule=? AND due_day>? AND due_day<?)",
        ),
        (
            latest(&Filter::default()),
            "ledger_due (due_at>? AND due_at<?)",
        ),
    ] {
        let steps = steps(&store, &text).await;
        assert!(steps[0].contains(search), "{text}: {steps:?}");
    }
}

/// Everything that a paused rule ever planned may wait: it is passed over in the index alone.
#[tokio::test]
async fn what_waits_of_a_paused_rule_is_not_read() {
    let (store, _kept) = sqlite().await;
    for text in [DUE_BATCHES, NEXT_DUE] {
        let steps = steps(&store, text).await;
        let covered = "COVERING INDEX ledger_queue (priority=?";
        assert!(steps.iter().any(|step| step.contains(covered)), "{steps:?}");
    }
    // What is due later is found by when it is due, whatever else its rule has planned.
    let steps = steps(&store, PLANNED_LATER).await;
    assert!(steps[0].contains("ledger_due (due_at>?)"), "{steps:?}");
}

/// A hundred thousand letters may be due at one moment: a page begins among them by their numbers.
#[tokio::test]
async fn a_page_is_found_by_key_and_number() {
    let (store, _kept) = sqlite().await;
    for (text, search) in [
        (BY_DUE, "ledger_due (due_at=? AND rowid<?)"),
        (BY_RULE, "ledger_batch (rule=? AND due_day=? AND rowid<?)"),
    ] {
        let steps = steps(&store, text).await;
        assert!(!steps.iter().any(|step| scans(step)), "{steps:?}");
        assert!(steps.iter().any(|step| step.ends_with(search)), "{steps:?}");
    }
}

/// Few letters are open or failed among very many: each of these asks an index that holds just them.
#[tokio::test]
async fn what_is_open_or_failed_is_found_among_itself() {
    let (store, _kept) = sqlite().await;
    for (text, index) in [
        (QUEUED, "ledger_queue"),
        (HELD, "ledger_open"),
        (ON_THEIR_WAY, "ledger_open"),
        (FAILED_BETWEEN, "COVERING INDEX ledger_failed"),
        (BY_FAILED, "INDEX ledger_failed"),
        (BY_OPEN, "ledger_open (outcome=?)"),
        (BY_OPEN_RULE, "ledger_open (outcome=? AND rule=?)"),
        (BY_WAITING, "ledger_queue"),
    ] {
        let steps = steps(&store, text).await;
        assert!(!steps.iter().any(|step| scans(step)), "{text}: {steps:#?}");
        let leads = steps.iter().any(|step| step.contains(index));
        assert!(leads, "{text}: {steps:#?}");
        assert!(
            !steps.iter().any(|step| step.contains("ledger_due")),
            "{text}: {steps:#?}"
        );
    }
}

/// How the database goes about it.
async fn steps(store: &Store, text: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = sqlx::query(explain).fetch_all(store.reader()).await;
    let rows = rows.unwrap();
    rows.iter().map(|row| sqlx::Row::get(row, 3)).collect()
}

fn scans(step: &str) -> bool {
    ["ledger", "event", "customer_date", " c", " e"]
        .iter()
        .any(|name| step.starts_with("SCAN") && step.ends_with(name))
}
