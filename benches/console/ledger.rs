//! A ledger of many entries, written straight into the store: eight years of letters to the same
//! customers, with the outcomes that a shop sees. What the pages ask for is looked up here as well.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// A connection of our own to the store.
pub(crate) type Books = SqliteConnection;

/// Entries, a few rules in turn, of days that end yesterday. Nine of ten were sent. An id is as random as
/// a real one, which is a hash.
const ENTRIES: &str = "
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
    INSERT INTO ledger (id, rule, rule_version, customer, occasion, class, audience, priority, due_at,
        due_day, zone, anchor, outcome, reason, decided_at, recipient, subject, template, language,
        message_id, attempts, next_attempt_at, reply, sent_at, planned_at, via)
    SELECT lower(hex(randomblob(8))), rule, '0123456789abcdef', customer, 'o' || i, class, 'customer', 50,
        day * 86400000 + 32400000, day, 'UTC', date(day * 86400, 'unixepoch'), outcome,
        CASE outcome WHEN 'sent' THEN 'accepted' WHEN 'skipped' THEN 'condition-false'
            WHEN 'rejected' THEN 'bad-address' WHEN 'expired' THEN 'too-late' ELSE 'reply-lost' END,
        day * 86400000 + 32460000,
        CASE outcome WHEN 'skipped' THEN NULL ELSE 'ann' || substr(customer, 2) || '@customer.example' END,
        CASE outcome WHEN 'skipped' THEN NULL ELSE 'All the best from Thorn & Rose, Ann' END,
        template, 'en',
        CASE outcome WHEN 'skipped' THEN NULL ELSE '<' || i || '.0123456789abcdef@thorn.example>' END,
        outcome <> 'skipped', NULL,
        CASE outcome WHEN 'sent' THEN '250 2.0.0 Ok: queued as 4XyZ12AbCd' WHEN 'rejected'
            THEN '550 5.1.1 no such mailbox' END,
        CASE outcome WHEN 'sent' THEN day * 86400000 + 32460000 END,
        day * 86400000 - 86400000, 'smtp:127.0.0.1:25'
    FROM (SELECT i, 'c' || (i * 7919 % $2) AS customer,
            CAST(strftime('%s', 'now') / 86400 AS INTEGER) - 1 - ($1 - 1 - i) * 2920 / $1 AS day,
            CASE i % 20 WHEN 0 THEN 'new-year' WHEN 1 THEN 'your-opinion' WHEN 2 THEN 'we-miss-you'
                WHEN 3 THEN 'customer-anniversary' WHEN 4 THEN 'birthday' ELSE 'thank-you' END AS rule,
            CASE WHEN i % 20 > 4 THEN 'thank-you' ELSE 'birthday' END AS template,
            CASE WHEN i % 20 > 4 THEN 'service' ELSE 'marketing' END AS class,
            CASE WHEN i % 10007 = 5 THEN 'unknown' WHEN i % 503 = 3 THEN 'expired'
                WHEN i % 211 = 7 THEN 'rejected' WHEN i % 13 = 0 THEN 'skipped' ELSE 'sent' END AS outcome
        FROM n)";

/// How each ended.
const HISTORY: &str = "
    INSERT INTO history (entry, at, outcome, reason, reply, began_at)
    SELECT number, decided_at, outcome, reason, reply,
        CASE outcome WHEN 'skipped' THEN NULL ELSE decided_at - 200 END
    FROM ledger ORDER BY number";

/// The letters of the latest twentieth; those of older ones were put away.
const LETTERS: &str = "
    INSERT INTO letter (entry, message)
    SELECT number, 'From: hello@thorn.example\r\nTo: ' || recipient || '\r\nSubject: All the best\r\n'
        || 'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>'
        || hex(zeroblob(600)) || '</p>\r\n'
    FROM ledger WHERE outcome <> 'skipped' AND number > (SELECT MAX(number) * 19 / 20 FROM ledger)";

/// Opens the store of a business whose program isn't running, or is.
pub(crate) async fn open(path: &Path) -> anyhow::Result<Books> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(std::time::Duration::from_secs(30));
    Ok(options.disable_statement_logging().connect().await?)
}

/// Writes so many entries about so many customers.
pub(crate) async fn fill(books: &mut Books, entries: u32, customers: u32) -> anyhow::Result<()> {
    sqlx::query("PRAGMA cache_size = -200000")
        .execute(&mut *books)
        .await?;
    sqlx::query("BEGIN").execute(&mut *books).await?;
    sqlx::query(ENTRIES)
        .bind(entries)
        .bind(customers.max(1))
        .execute(&mut *books)
        .await?;
    sqlx::query(HISTORY).execute(&mut *books).await?;
    sqlx::query(LETTERS).execute(&mut *books).await?;
    sqlx::query("COMMIT").execute(&mut *books).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut *books)
        .await?;
    sqlx::query("PRAGMA cache_size = -2000")
        .execute(&mut *books)
        .await?;
    Ok(())
}

/// Steps in all histories: each letter that went out adds one. One look at the end of a table.
pub(crate) async fn steps(books: &mut Books) -> anyhow::Result<i64> {
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM history")
        .fetch_one(books)
        .await?;
    Ok(last.unwrap_or(0))
}

/// Letters that are still to go.
pub(crate) async fn waiting(books: &mut Books) -> anyhow::Result<i64> {
    let text = "SELECT COUNT(*) FROM ledger WHERE outcome IN ('planned', 'deferred', 'held')";
    Ok(sqlx::query_scalar(text).fetch_one(books).await?)
}

/// An entry: its id, its day, when it was due (ms since 1970), and its number.
pub(crate) type Sample = (String, String, i64, i64);

/// A few entries from all over the ledger: id, day, due moment, number.
pub(crate) async fn samples(books: &mut Books) -> anyhow::Result<Vec<Sample>> {
    let text = "SELECT id, date(due_day * 86400, 'unixepoch'), due_at, number FROM ledger \
        WHERE number IN (WITH m (most) AS (SELECT MAX(number) FROM ledger), \
            k (n) AS (VALUES (1), (9), (17), (31), (42), (55), (63), (78), (86), (99)) \
            SELECT most * n / 100 FROM m, k) ORDER BY number";
    Ok(sqlx::query_as(text).fetch_all(books).await?)
}
