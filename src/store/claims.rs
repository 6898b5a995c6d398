//! Claims: who has which entry in hand.
//!
//! May not begin or end a transaction.

use super::Entry;
use super::columns::{Columns, json, lists};
use super::dialect::{Connection, lists_of, texts};
use super::ledger::{entry_columns, entry_of};
use super::outbox::Claim;

/// Gives entries back as they are.
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
                   AND NOT EXISTS (SELECT 1 FROM paused WHERE rule = '') \
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
