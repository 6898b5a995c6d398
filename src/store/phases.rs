//! The phases of the writer's transaction: what became of entries, claims given back, the last
//! look before the dot, claims.
//!
//! May not begin or end a transaction.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::Entry;
use super::columns::{Columns, address_key, forgotten_key, json, lists, nonsense};
use super::dialect::{Bulk, Connection, lists_of, rows, texts, unindexed};
use super::ledger::{entry_columns, entry_of};
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
            "INSERT INTO letter (entry, message)",
            2,
            "ON CONFLICT (entry) DO UPDATE SET message = excluded.message",
        );
        Self { secret, letters }
    }
}

/// One line of an entry's history.
pub(super) type Step<'a> = (&'a str, Timestamp, Outcome, Option<Reason>, Option<&'a str>);

/// Entries that passed, by id, with their numbers.
pub(super) type Passed = HashMap<String, i64>;

/// The last look before the dot, for many entries at once; returns the ids of those that passed.
/// Of two entries of one customer only the first passes: the other was decided on a view without
/// it. The caller notes it in their histories.
///
/// First it is seen who passes, and then they are changed, in one transaction: the driver hands
/// over row by row, so a list of ids in one row is much cheaper than RETURNING.
pub(super) async fn commit(
    tx: &mut Connection,
    tools: &Tools,
    round: &[(usize, &CommitToSend)],
) -> sqlx::Result<Passed> {
    let (passed, customers) = may_go(tx, tools, round).await?;
    if passed.is_empty() {
        return Ok(passed);
    }
    let going: Vec<(i64, &CommitToSend)> = round
        .iter()
        .filter_map(|(_, one)| Some((*passed.get(&one.id)?, *one)))
        .collect();
    let list: Vec<_> = going
        .iter()
        .map(|(number, one)| {
            (
                number,
                one.now.as_millisecond(),
                &one.recipient,
                &one.subject,
                &one.template,
                &one.language,
                &one.message_id,
                &one.via,
            )
        })
        .collect();
    sqlx::query(concat!(
        "UPDATE ledger SET outcome = 'sending', claimed = 0, reason = NULL, reply = NULL, \
             next_attempt_at = NULL, attempts = attempts + 1, \
             decided_at = CAST(value->>1 AS BIGINT), recipient = value->>2, \
             subject = value->>3, template = value->>4, language = value->>5, \
             message_id = value->>6, via = value->>7 FROM ",
        rows!("$1"),
        " WHERE ledger.number = CAST(value->>0 AS BIGINT)"
    ))
    .bind(json(&list)?)
    .execute(&mut *tx)
    .await?;
    sqlx::query(concat!(
        "UPDATE customer SET revision = revision + 1 WHERE id IN ",
        texts!("$1")
    ))
    .bind(customers)
    .execute(&mut *tx)
    .await?;
    keep_letters(tx, &tools.letters, &going).await?;
    Ok(passed)
}

/// Who passes the last look, and the list of their customers.
async fn may_go(
    tx: &mut Connection,
    tools: &Tools,
    round: &[(usize, &CommitToSend)],
) -> sqlx::Result<(Passed, String)> {
    let list: Vec<_> = round
        .iter()
        .map(|(_, one)| {
            let address = address_key(&one.recipient);
            let forgotten = forgotten_key(&tools.secret, &one.recipient);
            let service = i64::from(one.service);
            (&one.id, one.revision, service, address, forgotten)
        })
        .collect();
    let fit: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!("entry.id, entry.number, entry.customer"),
        " FROM ",
        rows!("$1"),
        " CROSS JOIN ledger entry CROSS JOIN customer c \
         WHERE entry.id = value->>0 AND ",
        unindexed!("entry.claimed"),
        " = 1 AND entry.outcome IN ('planned', 'deferred') \
           AND c.id = entry.customer AND c.revision = CAST(value->>1 AS BIGINT) \
           AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.address = value->>4) \
           AND (CAST(value->>2 AS BIGINT) = 1 \
                OR NOT EXISTS (SELECT 1 FROM suppression s WHERE s.address = value->>3))"
    ))
    .bind(json(&list)?)
    .fetch_one(&mut *tx)
    .await?;
    let fit: Vec<(String, i64, String)> = serde_json::from_str(&fit)
        .map_err(|error| nonsense(format!("a list of entries: {error}")))?;
    let mut fit: HashMap<String, (i64, String)> = fit
        .into_iter()
        .map(|(id, number, customer)| (id, (number, customer)))
        .collect();
    let mut passed = Passed::with_capacity(fit.len());
    let mut customers = HashSet::new();
    for (_, one) in round {
        if let Some((number, customer)) = fit.remove(&one.id)
            && customers.insert(customer)
        {
            passed.insert(one.id.clone(), number);
        }
    }
    let customers = json(&customers)?;
    Ok((passed, customers))
}

async fn keep_letters(
    tx: &mut Connection,
    letters: &Bulk,
    going: &[(i64, &CommitToSend)],
) -> sqlx::Result<()> {
    for some in going.chunks(Bulk::ROWS) {
        let mut query = letters.query(some.len());
        for (number, one) in some {
            query = query.bind(*number).bind(one.message.clone());
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Appends to the entries' histories.
pub(super) async fn note(
    tx: &mut Connection,
    steps: impl Iterator<Item = Step<'_>>,
) -> sqlx::Result<()> {
    let list: Vec<_> = steps
        .map(|(id, at, outcome, reason, reply)| {
            let reason = reason.map(Reason::as_str);
            (id, at.as_millisecond(), outcome.as_str(), reason, reply)
        })
        .collect();
    if list.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "INSERT INTO history (entry, at, outcome, reason, reply) \
         SELECT ledger.number, CAST(value->>1 AS BIGINT), value->>2, value->>3, value->>4 FROM ",
        rows!("$1"),
        " CROSS JOIN ledger WHERE ledger.id = value->>0"
    ))
    .bind(json(&list)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What became of claimed entries and of those being sent; returns the ids of those for which it
/// holds, and anything else stays as it is. The caller notes it in their histories.
pub(super) async fn record(
    tx: &mut Connection,
    round: &[(usize, &Record)],
) -> sqlx::Result<Passed> {
    for one in round.iter().map(|(_, one)| *one) {
        if let Some(address) = &one.suppress {
            // The relay's verdict on an address holds whatever became of the entry.
            let reason = one.reason.unwrap_or(Reason::BadAddress);
            suppress(tx, &address_key(address), reason.as_str(), one.now).await?;
        }
    }
    let passed = may_become(tx, round).await?;
    if passed.is_empty() {
        return Ok(passed);
    }
    let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let list: Vec<_> = round
        .iter()
        .filter_map(|(_, one)| Some((passed.get(&one.id)?, *one)))
        .map(|(number, one)| {
            (
                number,
                one.outcome.as_str(),
                one.reason.map(Reason::as_str),
                &one.reply,
                moment(one.next_attempt_at),
                moment(one.sent_at),
                i64::from(one.attempted),
                one.now.as_millisecond(),
                &one.recipient,
                &one.subject,
                &one.template,
                &one.language,
                &one.message_id,
            )
        })
        .collect();
    sqlx::query(concat!(
        "UPDATE ledger SET outcome = op.outcome, reason = op.reason, claimed = 0, \
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
         FROM (SELECT CAST(value->>0 AS BIGINT) AS number, value->>1 AS outcome, \
             value->>2 AS reason, value->>3 AS reply, \
             CAST(value->>4 AS BIGINT) AS next_attempt_at, \
             CAST(value->>5 AS BIGINT) AS sent_at, CAST(value->>6 AS BIGINT) AS attempted, \
             CAST(value->>7 AS BIGINT) AS at, value->>8 AS recipient, value->>9 AS subject, \
             value->>10 AS template, value->>11 AS language, value->>12 AS message_id FROM ",
        rows!("$1"),
        ") AS op WHERE ledger.number = op.number"
    ))
    .bind(json(&list)?)
    .execute(&mut *tx)
    .await?;
    Ok(passed)
}

/// Which entries are in a state from which this can become of them.
async fn may_become(tx: &mut Connection, round: &[(usize, &Record)]) -> sqlx::Result<Passed> {
    let list: Vec<_> = round
        .iter()
        .map(|(_, one)| (&one.id, one.outcome.as_str()))
        .collect();
    let passed: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!("ledger.id, ledger.number"),
        " FROM ",
        rows!("$1"),
        " CROSS JOIN ledger WHERE ledger.id = value->>0 AND value->>1 <> 'sending' \
             AND (ledger.outcome = 'sending' \
                  OR (ledger.claimed = 1 AND ledger.outcome IN ('planned', 'deferred') \
                      AND value->>1 NOT IN ('sent', 'unknown')))"
    ))
    .bind(json(&list)?)
    .fetch_one(&mut *tx)
    .await?;
    let passed: Vec<(String, i64)> = serde_json::from_str(&passed)
        .map_err(|error| nonsense(format!("a list of entries: {error}")))?;
    Ok(passed.into_iter().collect())
}

/// Puts an address (as compared) on the list; whoever has it is looked at again.
pub(super) async fn suppress(
    tx: &mut Connection,
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
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    raise_address(tx, key).await?;
    Ok(true)
}

/// Raises the revision of everybody with this address.
pub(super) async fn raise_address(tx: &mut Connection, key: &str) -> sqlx::Result<()> {
    let whose: Vec<String> = sqlx::query_scalar("SELECT id FROM customer WHERE email_key = $1")
        .bind(key)
        .fetch_all(&mut *tx)
        .await?;
    if whose.is_empty() {
        return Ok(());
    }
    let seq = next_touch(tx).await?;
    raise(tx, &json(&whose)?, seq).await
}

pub(super) async fn unclaim(tx: &mut Connection, ids: &[String]) -> sqlx::Result<()> {
    sqlx::query(concat!(
        "UPDATE ledger SET claimed = 0 \
         WHERE claimed = 1 AND outcome IN ('planned', 'deferred') AND id IN ",
        texts!("$1")
    ))
    .bind(json(ids)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Takes what is due, priority by priority, so that each step reads only what it takes: sorting
/// everything that is due for every handful would make a holiday's queue quadratic.
pub(super) async fn claim(tx: &mut Connection, claim: Claim) -> sqlx::Result<Vec<Entry>> {
    let all_paused: Option<i64> = sqlx::query_scalar("SELECT at FROM paused WHERE rule = ''")
        .fetch_optional(&mut *tx)
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
        let some: String = sqlx::query_scalar(concat!(
            "SELECT ",
            lists_of!(entry_columns!()),
            " FROM (SELECT * FROM ledger \
                 WHERE claimed = 0 AND outcome IN ('planned', 'deferred') AND priority = $1 \
                   AND next_attempt_at <= $2 AND rule NOT IN (SELECT rule FROM paused) \
                 ORDER BY next_attempt_at, due_at, customer, id LIMIT $3)"
        ))
        .bind(priority)
        .bind(claim.now.as_millisecond())
        .bind(wanted)
        .fetch_one(&mut *tx)
        .await?;
        let mut some: Vec<Entry> = lists(&some)?
            .into_iter()
            .map(|list| entry_of(&mut Columns::of_list(list)))
            .collect::<sqlx::Result<_>>()?;
        let ids: Vec<&str> = some.iter().map(|one| one.id.as_str()).collect();
        if !ids.is_empty() {
            sqlx::query(concat!(
                "UPDATE ledger SET claimed = 1 WHERE id IN ",
                texts!("$1")
            ))
            .bind(json(&ids)?)
            .execute(&mut *tx)
            .await?;
        }
        some.sort_by(|a, b| {
            let key = |one: &'_ Entry| (one.next_attempt_at, one.occasion.due_at);
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.customer, &a.id).cmp(&(&b.customer, &b.id)))
        });
        taken.append(&mut some);
    }
    Ok(taken)
}

/// The next lower priority of anything that waits: one jump in the index.
pub(super) async fn lower_priority(tx: &mut Connection, below: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT MAX(priority) FROM ledger \
         WHERE claimed = 0 AND outcome IN ('planned', 'deferred') AND priority < $1",
    )
    .bind(below)
    .fetch_one(&mut *tx)
    .await
}
