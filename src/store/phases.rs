//! The phases of the writer's transaction: what became of entries, claims given back, the last
//! look before the dot, claims.
//!
//! May not begin or end a transaction.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Row as _;

use super::Entry;
use super::columns::{address_key, forgotten_key, json};
use super::dialect::{Bulk, Row, Transaction, rows, texts, unindexed};
use super::ledger::{entry_columns, read_entry};
use super::outbox::{Claim, CommitToSend, Record};
use super::people::{next_touch, raise};
use crate::model::{Outcome, Reason};

/// What the phases need besides their requests.
pub(super) struct Tools {
    secret: [u8; 32],
    letters: Bulk,
}

impl Tools {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        let letters = Bulk::new(
            "INSERT INTO letter (entry_id, message)",
            2,
            "ON CONFLICT (entry_id) DO UPDATE SET message = excluded.message",
        );
        Self { secret, letters }
    }
}

/// The last look before the dot, for many entries at once. Of two entries of one customer only
/// the first passes: the other was decided on a view without it.
pub(super) async fn commit(
    tx: &mut Transaction,
    tools: &Tools,
    round: &[(usize, &CommitToSend)],
) -> sqlx::Result<HashSet<String>> {
    let list: Vec<_> = round
        .iter()
        .map(|(n, one)| {
            (
                (&one.id, n, one.revision, one.now.as_millisecond()),
                address_key(&one.recipient),
                forgotten_key(&tools.secret, &one.recipient),
                (&one.recipient, &one.subject),
                (&one.template, &one.language, &one.message_id),
                (&one.via, i64::from(one.service)),
            )
        })
        .collect();
    let passed = ids(&sqlx::query(concat!(
        "WITH op AS MATERIALIZED (SELECT value->0->>0 AS id, \
             value->5->>0 AS via, CAST(value->5->>1 AS BIGINT) AS service, \
             CAST(value->0->>1 AS BIGINT) AS turn, CAST(value->0->>2 AS BIGINT) AS revision, \
             CAST(value->0->>3 AS BIGINT) AS at, value->>1 AS address, \
             value->>2 AS forgotten, value->3->>0 AS recipient, value->3->>1 AS subject, \
             value->4->>0 AS template, value->4->>1 AS language, value->4->>2 AS message_id \
             FROM ",
        rows!("$1"),
        "), fit AS MATERIALIZED (SELECT op.*, \
             ROW_NUMBER() OVER (PARTITION BY entry.customer ORDER BY op.turn) AS place \
             FROM op JOIN ledger entry ON entry.id = op.id \
             JOIN customer c ON c.id = entry.customer AND c.revision = op.revision \
             WHERE ",
        unindexed!("entry.claimed"),
        " = 1 AND entry.outcome IN ('planned', 'deferred') \
               AND NOT EXISTS (SELECT 1 FROM suppression s \
                               WHERE s.address = op.forgotten \
                                  OR (op.service = 0 AND s.address = op.address))) \
         UPDATE ledger SET outcome = 'sending', claimed = 0, reason = NULL, reply = NULL, \
             next_attempt_at = NULL, attempts = attempts + 1, decided_at = fit.at, \
             recipient = fit.recipient, subject = fit.subject, template = fit.template, \
             language = fit.language, message_id = fit.message_id, via = fit.via \
         FROM fit WHERE ledger.id = fit.id AND fit.place = 1 RETURNING ledger.id"
    ))
    .bind(json(&list)?)
    .fetch_all(&mut **tx)
    .await?)?;
    if passed.is_empty() {
        return Ok(passed);
    }
    sqlx::query(concat!(
        "UPDATE customer SET revision = revision + 1 WHERE id IN \
         (SELECT customer FROM ledger WHERE id IN ",
        texts!("$1"),
        ")"
    ))
    .bind(json(&passed)?)
    .execute(&mut **tx)
    .await?;
    let going = || {
        round
            .iter()
            .map(|(_, one)| *one)
            .filter(|one| passed.contains(&one.id))
    };
    keep_letters(tx, &tools.letters, going()).await?;
    let steps = going().map(|one| (one.id.as_str(), one.now, Outcome::Sending, None, None));
    note(tx, steps).await?;
    Ok(passed)
}

async fn keep_letters(
    tx: &mut Transaction,
    letters: &Bulk,
    going: impl Iterator<Item = &CommitToSend>,
) -> sqlx::Result<()> {
    let going: Vec<_> = going.collect();
    for some in going.chunks(Bulk::ROWS) {
        let mut query = letters.query(some.len());
        for one in some {
            query = query.bind(one.id.clone()).bind(one.message.clone());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

fn ids(rows: &[Row]) -> sqlx::Result<HashSet<String>> {
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Appends to the entries' histories.
pub(super) async fn note(
    tx: &mut Transaction,
    steps: impl Iterator<Item = (&str, Timestamp, Outcome, Option<Reason>, Option<&str>)>,
) -> sqlx::Result<()> {
    let list: Vec<_> = steps
        .map(|(id, at, outcome, reason, reply)| {
            let reason = reason.map(Reason::as_str);
            (id, at.as_millisecond(), outcome.as_str(), reason, reply)
        })
        .collect();
    sqlx::query(concat!(
        "INSERT INTO history (entry_id, at, outcome, reason, reply) \
         SELECT value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3, value->>4 FROM ",
        rows!("$1")
    ))
    .bind(json(&list)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What became of claimed entries and of those being sent. Anything else stays as it is.
pub(super) async fn record(
    tx: &mut Transaction,
    round: &[(usize, &Record)],
) -> sqlx::Result<HashSet<String>> {
    let list: Vec<_> = round
        .iter()
        .map(|(_, one)| {
            let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
            (
                (
                    &one.id,
                    one.outcome.as_str(),
                    one.reason.map(Reason::as_str),
                ),
                (&one.reply, moment(one.next_attempt_at), moment(one.sent_at)),
                (i64::from(one.attempted), one.now.as_millisecond()),
                (&one.recipient, &one.subject, &one.template),
                (&one.language, &one.message_id),
            )
        })
        .collect();
    let passed = ids(&sqlx::query(concat!(
        "WITH op AS MATERIALIZED (SELECT value->0->>0 AS id, value->0->>1 AS outcome, \
             value->0->>2 AS reason, value->1->>0 AS reply, \
             CAST(value->1->>1 AS BIGINT) AS next_attempt_at, \
             CAST(value->1->>2 AS BIGINT) AS sent_at, \
             CAST(value->2->>0 AS BIGINT) AS attempted, CAST(value->2->>1 AS BIGINT) AS at, \
             value->3->>0 AS recipient, value->3->>1 AS subject, value->3->>2 AS template, \
             value->4->>0 AS language, value->4->>1 AS message_id FROM ",
        rows!("$1"),
        ") UPDATE ledger SET outcome = op.outcome, reason = op.reason, claimed = 0, \
             reply = COALESCE(op.reply, ledger.reply), \
             sent_at = COALESCE(op.sent_at, ledger.sent_at), \
             next_attempt_at = CASE WHEN op.outcome IN ('planned', 'deferred') \
                 THEN COALESCE(op.next_attempt_at, op.at) END, \
             decided_at = CASE WHEN ledger.outcome = 'sending' THEN ledger.decided_at \
                 ELSE op.at END, \
             attempts = attempts + CASE WHEN ledger.outcome = 'sending' THEN 0 \
                 ELSE op.attempted END, \
             recipient = COALESCE(op.recipient, ledger.recipient), \
             subject = COALESCE(op.subject, ledger.subject), \
             template = COALESCE(op.template, ledger.template), \
             language = COALESCE(op.language, ledger.language), \
             message_id = COALESCE(op.message_id, ledger.message_id) \
         FROM op WHERE ledger.id = op.id AND op.outcome <> 'sending' \
             AND (ledger.outcome = 'sending' \
                  OR (ledger.claimed = 1 AND ledger.outcome IN ('planned', 'deferred') \
                      AND op.outcome NOT IN ('sent', 'unknown'))) \
         RETURNING ledger.id"
    ))
    .bind(json(&list)?)
    .fetch_all(&mut **tx)
    .await?)?;
    let done = || {
        round
            .iter()
            .map(|(_, one)| *one)
            .filter(|one| passed.contains(&one.id))
    };
    let steps = done().map(|one| {
        let reply = one.reply.as_deref();
        (one.id.as_str(), one.now, one.outcome, one.reason, reply)
    });
    note(tx, steps).await?;
    for one in round.iter().map(|(_, one)| *one) {
        if let Some(address) = &one.suppress {
            // The relay's verdict on an address holds whatever became of the entry.
            let reason = one.reason.unwrap_or(Reason::BadAddress);
            suppress(tx, &address_key(address), reason.as_str(), one.now).await?;
        }
    }
    Ok(passed)
}

/// Puts an address (as compared) on the list; whoever has it is looked at again.
pub(super) async fn suppress(
    tx: &mut Transaction,
    key: &str,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO suppression (address, reason, at) VALUES ($1, $2, $3) \
         ON CONFLICT (address) DO NOTHING",
    )
    .bind(key)
    .bind(reason)
    .bind(now.as_millisecond())
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    raise_address(tx, key).await?;
    Ok(true)
}

/// Raises the revision of everybody with this address.
pub(super) async fn raise_address(tx: &mut Transaction, key: &str) -> sqlx::Result<()> {
    let whose: Vec<String> = sqlx::query_scalar("SELECT id FROM customer WHERE email_key = $1")
        .bind(key)
        .fetch_all(&mut **tx)
        .await?;
    if whose.is_empty() {
        return Ok(());
    }
    let seq = next_touch(tx).await?;
    raise(tx, &json(&whose)?, seq).await
}

pub(super) async fn unclaim(tx: &mut Transaction, ids: &[String]) -> sqlx::Result<()> {
    sqlx::query(concat!(
        "UPDATE ledger SET claimed = 0 \
         WHERE claimed = 1 AND outcome IN ('planned', 'deferred') AND id IN ",
        texts!("$1")
    ))
    .bind(json(ids)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes what is due, priority by priority, so that each step reads only what it takes: sorting
/// everything that is due for every handful would make a holiday's queue quadratic.
pub(super) async fn claim(tx: &mut Transaction, claim: Claim) -> sqlx::Result<Vec<Entry>> {
    let all_paused: Option<i64> = sqlx::query_scalar("SELECT at FROM paused WHERE rule = ''")
        .fetch_optional(&mut **tx)
        .await?;
    if all_paused.is_some() {
        return Ok(Vec::new());
    }
    let mut taken: Vec<Entry> = Vec::new();
    let mut below = i64::from(u8::MAX);
    while taken.len() < claim.limit as usize {
        let Some(priority) = lower_priority(tx, below).await? else {
            break;
        };
        below = priority;
        let wanted = i64::from(claim.limit) - i64::try_from(taken.len()).unwrap_or(i64::MAX);
        let mut some: Vec<Entry> = sqlx::query(concat!(
            "UPDATE ledger SET claimed = 1 WHERE id IN (SELECT id FROM ledger \
                 WHERE claimed = 0 AND outcome IN ('planned', 'deferred') AND priority = $1 \
                   AND next_attempt_at <= $2 AND rule NOT IN (SELECT rule FROM paused) \
                 ORDER BY next_attempt_at, due_at, id LIMIT $3) RETURNING ",
            entry_columns!()
        ))
        .bind(priority)
        .bind(claim.now.as_millisecond())
        .bind(wanted)
        .fetch_all(&mut **tx)
        .await?
        .iter()
        .map(read_entry)
        .collect::<sqlx::Result<_>>()?;
        some.sort_by(|a, b| {
            (a.next_attempt_at, a.occasion.due_at, &a.id).cmp(&(
                b.next_attempt_at,
                b.occasion.due_at,
                &b.id,
            ))
        });
        taken.append(&mut some);
    }
    Ok(taken)
}

/// The next lower priority of anything that waits: one jump in the index.
pub(super) async fn lower_priority(tx: &mut Transaction, below: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT MAX(priority) FROM ledger \
         WHERE claimed = 0 AND outcome IN ('planned', 'deferred') AND priority < $1",
    )
    .bind(below)
    .fetch_one(&mut **tx)
    .await
}
