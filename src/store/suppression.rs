//! Suppression: whom nobody writes to any more, by address and, after a click on a letter's link, by
//! customer.
//!
//! May not decide what that means for a letter: views carry it, and a raised revision makes whoever
//! is about to send look again.

use jiff::Timestamp;

use super::columns::{Columns, address_key, json};
use super::dialect::Connection;
use super::history::note;
use super::people::{next_touch, raise};
use super::{Store, StoreError};
use crate::model::Outcome;

/// Why an address is on the list, after a click.
pub(super) const UNSUBSCRIBED: &str = "unsubscribed";
/// What the history of the letter with the link says.
const BY_LINK: &str = "they unsubscribed by this letter's link";
/// What it says of whoever wants letters again.
pub(super) const BY_LINK_AGAIN: &str = "they asked for letters again by this letter's link";
/// Lines of one entry's history beyond which nothing is noted of clicks: whoever plays with the two
/// buttons fills no disk.
const MOST_NOTES: i64 = 200;

impl Store {
    /// Notes that this address gets nothing any more. `false`: it was so already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn suppress(
        &self,
        address: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = address_key(address);
        let write = async {
            let mut tx = self.begin().await?;
            let new = suppress(&mut tx, &key, reason, now).await?;
            tx.commit().await?;
            Ok(new)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Notes that whoever got this entry's letter wants no more of them: the customer, whatever
    /// their address will be, the address that the letter went to, and theirs now. `false`: it was
    /// so already, or there is no such entry.
    ///
    /// # Errors
    /// When the store fails; then nothing is noted.
    pub async fn unsubscribe(&self, entry: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.stop(entry, now)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn stop(&self, entry: &str, now: Timestamp) -> sqlx::Result<bool> {
        let mut tx = self.begin().await?;
        let found = sqlx::query(
            "SELECT l.customer, l.outcome, l.recipient, c.email \
             FROM ledger l LEFT JOIN customer c ON c.id = l.customer WHERE l.id = $1",
        )
        .bind(entry)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = found else {
            return Ok(false);
        };
        let columns = &mut Columns::of(&row);
        let customer = columns.text()?;
        let outcome = columns.parsed(Outcome::parse)?;
        let mut new = false;
        // Where the letter went, and where they are now.
        let addresses = [columns.maybe_text()?, columns.maybe_text()?];
        for address in addresses.into_iter().flatten() {
            new |= suppress(&mut tx, &address_key(&address), UNSUBSCRIBED, now).await?;
        }
        let stopped =
            sqlx::query("UPDATE customer SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL")
                .bind(&customer)
                .bind(now.as_millisecond())
                .execute(&mut *tx)
                .await?;
        if stopped.rows_affected() > 0 {
            new = true;
            let seq = next_touch(&mut tx).await?;
            raise(&mut tx, &json(&[customer])?, seq).await?;
        }
        if new {
            noted_by_link(&mut tx, (entry, outcome), BY_LINK, now).await?;
        }
        tx.commit().await?;
        Ok(new)
    }

    /// Takes an address from the list, and lets whoever has it be written to again although they
    /// had unsubscribed. `false`: neither was so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unsuppress(&self, address: &str) -> Result<bool, StoreError> {
        let key = address_key(address);
        let write = async {
            let mut tx = self.begin().await?;
            let mut changed = 0;
            for text in [
                "DELETE FROM suppression WHERE address = $1",
                "UPDATE customer SET stopped_at = NULL \
                 WHERE email_key = $1 AND stopped_at IS NOT NULL",
            ] {
                let done = sqlx::query(text).bind(&key).execute(&mut *tx).await?;
                changed += done.rows_affected();
            }
            raise_address(&mut tx, &key).await?;
            tx.commit().await?;
            Ok(changed > 0)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Every address that gets nothing (of the forgotten only a mark), with the reason and the
    /// moment: those on the list, and those that unsubscribed customers have now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn suppressions(&self) -> Result<Vec<(String, String, Timestamp)>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT address, reason, at FROM suppression \
                 UNION ALL \
                 SELECT email_key, $1, MIN(stopped_at) FROM customer \
                 WHERE stopped_at IS NOT NULL \
                   AND email_key NOT IN (SELECT address FROM suppression) GROUP BY email_key \
                 ORDER BY 1",
            )
            .bind(UNSUBSCRIBED)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok((columns.text()?, columns.text()?, columns.moment()?))
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}

/// Puts an address (as compared) on the list; whoever has it is looked at again. What somebody else
/// said of it outlasts a customer's own click, which they may take back.
pub(super) async fn suppress(
    tx: &mut Connection,
    key: &str,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO suppression (address, reason, at) VALUES ($1, $2, $3) \
         ON CONFLICT (address) DO UPDATE SET reason = excluded.reason \
         WHERE suppression.reason = $4 AND excluded.reason <> $4",
    )
    .bind(key)
    .bind(reason)
    .bind(now.as_millisecond())
    .bind(UNSUBSCRIBED)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    raise_address(tx, key).await?;
    Ok(true)
}

/// Notes in a letter's history what its reader did by its link.
pub(super) async fn noted_by_link(
    tx: &mut Connection,
    (entry, outcome): (&str, Outcome),
    words: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let notes: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM history WHERE entry = (SELECT number FROM ledger WHERE id = $1)",
    )
    .bind(entry)
    .fetch_one(&mut *tx)
    .await?;
    if notes >= MOST_NOTES {
        return Ok(());
    }
    let step = (entry, now, outcome, None, Some(words));
    note(tx, std::iter::once(step)).await
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
