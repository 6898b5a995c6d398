//! What is erased of a person, table by table.
//!
//! May not begin or end a transaction, nor decide whose it is.

use jiff::Timestamp;

use super::Entry;
use super::columns::{Columns, json};
use super::dialect::{Connection, Row, rows, texts};
use super::history::note;
use super::ledger::{entry_columns, entry_of};
use super::person::Person;
use super::privacy::LetterCopy;
use crate::model::{Outcome, Reason};

/// Which entries are meant, by number.
macro_rules! of_entries {
    () => {
        concat!("(SELECT CAST(value->>0 AS BIGINT) FROM ", rows!("$1"), ")")
    };
}

/// What happens to their entries.
pub(super) const LEDGER: [&str; 3] = [
    concat!("DELETE FROM letter WHERE entry IN ", of_entries!()),
    concat!(
        "UPDATE history SET reply = NULL WHERE entry IN ",
        of_entries!()
    ),
    concat!(
        "UPDATE ledger SET id = value->>1, customer = value->>2, occasion = value->>3, \
             anchor = value->>4, years = NULL, event = NULL, recipient = NULL, subject = NULL, \
             language = NULL, message_id = NULL, reply = NULL, text_removed_at = NULL FROM ",
        rows!("$1"),
        " WHERE ledger.number = CAST(value->>0 AS BIGINT)"
    ),
];

/// What happens to other customers' entries whose letters went to their address: what was written goes,
/// and that it was stays. An attempt that is still to come writes its own.
pub(super) const ELSEWHERE: [&str; 3] = [
    concat!("DELETE FROM letter WHERE entry IN ", of_entries!()),
    concat!(
        "UPDATE history SET reply = NULL WHERE entry IN ",
        of_entries!()
    ),
    concat!(
        "UPDATE ledger SET recipient = NULL, subject = NULL, reply = NULL, \
             text_removed_at = CASE WHEN outcome IN ('planned', 'deferred', 'held') \
                 THEN NULL ELSE $2 END WHERE number IN ",
        of_entries!()
    ),
];

/// Their records.
pub(super) const CUSTOMERS: &str = concat!("DELETE FROM customer WHERE id IN ", texts!("$1"));
/// What happened to them.
pub(super) const EVENTS: &str = concat!("DELETE FROM event WHERE customer_id IN ", texts!("$1"));

/// What else goes by a customer's id, or by their number: a number may be somebody else's one day, so
/// nothing of it may outlast its customer, and these come before [`CUSTOMERS`].
pub(super) const RECORDS: [&str; 10] = [
    concat!(
        "DELETE FROM customer_date WHERE customer IN (SELECT number FROM customer WHERE id IN ",
        texts!("$1"),
        ")"
    ),
    concat!(
        "DELETE FROM also_told WHERE customer IN (SELECT number FROM customer WHERE id IN ",
        texts!("$1"),
        ")"
    ),
    concat!(
        "DELETE FROM past_events WHERE customer_id IN ",
        texts!("$1")
    ),
    concat!(
        "DELETE FROM touched WHERE customer IN (SELECT number FROM customer WHERE id IN ",
        texts!("$1"),
        ")"
    ),
    concat!("DELETE FROM awaited WHERE customer_id IN ", texts!("$1")),
    concat!("DELETE FROM preference WHERE customer_id IN ", texts!("$1")),
    concat!(
        "DELETE FROM trouble WHERE kind = 'complaint' AND name IN ",
        texts!("$1")
    ),
    concat!(
        "UPDATE event SET moved_from = NULL WHERE moved_from IN ",
        texts!("$1")
    ),
    // How far keeping has come: from the first on once more, which does no harm.
    concat!(
        "DELETE FROM meta WHERE key = 'keeping_events' AND value->>'customer' IN ",
        texts!("$1")
    ),
    // Whom its sentences and examples name can't be told from the outside.
    concat!(
        "DELETE FROM judged WHERE EXISTS (SELECT 1 FROM customer WHERE id IN ",
        texts!("$1"),
        ") OR EXISTS (SELECT 1 FROM json_each(judged.examples) e WHERE e.value IN ",
        texts!("$1"),
        ")"
    ),
];

fn with_number(row: &Row) -> sqlx::Result<(i64, Entry)> {
    let columns = &mut Columns::of(row);
    Ok((columns.number()?, entry_of(columns)?))
}

/// Their entries with their numbers.
pub(super) async fn entries_of(tx: &mut Connection, ids: &str) -> sqlx::Result<Vec<(i64, Entry)>> {
    sqlx::query(concat!(
        "SELECT number, ",
        entry_columns!(),
        " FROM ledger WHERE customer IN ",
        texts!("$1"),
        " ORDER BY number"
    ))
    .bind(ids)
    .fetch_all(tx)
    .await?
    .iter()
    .map(with_number)
    .collect()
}

/// The entries with these numbers.
pub(super) async fn numbered(
    tx: &mut Connection,
    numbers: &[i64],
) -> sqlx::Result<Vec<(i64, Entry)>> {
    sqlx::query(concat!(
        "SELECT number, ",
        entry_columns!(),
        " FROM ledger WHERE number IN ",
        texts!("$1"),
        " ORDER BY due_at, number"
    ))
    .bind(json(numbers)?)
    .fetch_all(tx)
    .await?
    .iter()
    .map(with_number)
    .collect()
}

/// Takes out what was written to an address in other customers' entries.
pub(super) async fn take_texts_out(
    tx: &mut Connection,
    entries: &[(i64, Entry)],
    now: Timestamp,
) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let numbers: Vec<(i64,)> = entries.iter().map(|(number, _)| (*number,)).collect();
    let list = json(&numbers)?;
    for text in ELSEWHERE {
        let query = sqlx::query(text).bind(&list);
        let query = if text.contains("$2") {
            query.bind(now.as_millisecond())
        } else {
            query
        };
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Ends what waits; returns how much, and of how much of it nobody knows whether it arrived.
pub(super) async fn end_what_waits(
    tx: &mut Connection,
    ids: &str,
    now: Timestamp,
) -> sqlx::Result<(u64, u64)> {
    let ended: Vec<(String, bool)> = sqlx::query_as(concat!(
        "UPDATE ledger SET outcome = CASE WHEN only_via IS NULL THEN 'skipped' ELSE 'unknown' END, \
             reason = $2, decided_at = $3, next_attempt_at = NULL \
         WHERE outcome IN ('planned', 'deferred', 'held') AND customer IN ",
        texts!("$1"),
        " RETURNING id, only_via IS NOT NULL"
    ))
    .bind(ids)
    .bind(Reason::Erased.as_str())
    .bind(now.as_millisecond())
    .fetch_all(&mut *tx)
    .await?;
    let steps = ended.iter().map(|(id, unknown)| {
        let outcome = if *unknown {
            Outcome::Unknown
        } else {
            Outcome::Skipped
        };
        (id.as_str(), now, outcome, Some(Reason::Erased), None)
    });
    note(tx, steps).await?;
    let unknown = ended.iter().filter(|(_, unknown)| *unknown).count();
    Ok((ended.len() as u64, unknown as u64))
}

/// Notes that a copy is to be taken out.
pub(super) async fn queue(tx: &mut Connection, copy: &LetterCopy) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "INSERT INTO erasing (folder, name) VALUES ($1, $2) ON CONFLICT (folder, name) DO NOTHING",
    )
    .bind(&copy.folder)
    .bind(&copy.name)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Takes out the records in quarantine that name them.
pub(super) async fn leave_quarantine(tx: &mut Connection, person: &Person) -> sqlx::Result<u64> {
    let all: Vec<(i64, String, String, String, Option<String>)> =
        sqlx::query_as("SELECT id, record, value, reason, customer_id FROM quarantine")
            .fetch_all(&mut *tx)
            .await?;
    let theirs = all.into_iter().filter(|(_, record, value, reason, of)| {
        let mut texts = [record, value, reason].into_iter();
        texts.any(|text| person.may_be_named_in(text, of.as_deref()))
    });
    let theirs: Vec<(i64,)> = theirs.map(|(id, ..)| (id,)).collect();
    if theirs.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(concat!(
        "DELETE FROM quarantine WHERE id IN ",
        of_entries!()
    ))
    .bind(json(&theirs)?)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Takes their addresses out of what troubles and mail servers said.
pub(super) async fn blot_words(tx: &mut Connection, person: &Person) -> sqlx::Result<u64> {
    let mut blotted = 0;
    for (read, write) in [
        (
            "SELECT kind, name, facts FROM trouble",
            "UPDATE trouble SET facts = $3 WHERE kind = $1 AND name = $2",
        ),
        (
            "SELECT via, state, words FROM relay",
            "UPDATE relay SET words = $3 WHERE via = $1 AND state = $2",
        ),
    ] {
        let all: Vec<(String, String, String)> = sqlx::query_as(read).fetch_all(&mut *tx).await?;
        for (one, two, words) in all {
            let Some(words) = person.blotted_within(&words) else {
                continue;
            };
            let change = sqlx::query(write).bind(one).bind(two).bind(words);
            blotted += change.execute(&mut *tx).await?.rows_affected();
        }
    }
    Ok(blotted)
}
