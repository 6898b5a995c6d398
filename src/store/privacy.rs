//! Forgetting: a customer who asked for it, and, for rehearsals, the ledger's future.
//!
//! May not forget that somebody asked to be forgotten: their id stays, erased, and a keyed hash of
//! their address stays suppressed, so that no later file can bring them back.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{day_number, forgotten_key};
use super::history::note;
use super::people::{next_touch, raise};
use super::suppression::suppress;
use super::{Store, StoreError};
use crate::model::{Outcome, Reason};

impl Store {
    /// Erases a customer's record, events and letters, and skips what waits for them. The ledger
    /// keeps that and when something was sent, without address, subject or words of the server.
    /// `false`: nobody has this id.
    ///
    /// # Errors
    /// When the store fails; then nothing was erased.
    pub async fn forget(&self, customer: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.erase(customer, now)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn erase(&self, customer: &str, now: Timestamp) -> sqlx::Result<bool> {
        let mut tx = self.begin().await?;
        let email: Option<Option<String>> =
            sqlx::query_scalar("SELECT email FROM customer WHERE id = $1")
                .bind(customer)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(email) = email else {
            return Ok(false);
        };
        if let Some(email) = email {
            let key = forgotten_key(self.link_key(), &email);
            suppress(&mut tx, &key, Reason::Erased.as_str(), now).await?;
            // The hash stands for it now.
            sqlx::query("DELETE FROM suppression WHERE address = $1")
                .bind(super::columns::address_key(&email))
                .execute(&mut *tx)
                .await?;
        }
        let seq = next_touch(&mut tx).await?;
        raise(&mut tx, &super::columns::json(&[customer])?, seq).await?;
        let skipped: Vec<String> = sqlx::query_scalar(
            "UPDATE ledger SET outcome = 'skipped', reason = $2, decided_at = $3, \
                 next_attempt_at = NULL \
             WHERE customer = $1 AND outcome IN ('planned', 'deferred', 'held') RETURNING id",
        )
        .bind(customer)
        .bind(Reason::Erased.as_str())
        .bind(now.as_millisecond())
        .fetch_all(&mut *tx)
        .await?;
        let reason = Some(Reason::Erased);
        let steps = skipped
            .iter()
            .map(|id| (id.as_str(), now, Outcome::Skipped, reason, None));
        note(&mut tx, steps).await?;
        for text in [
            "UPDATE customer SET erased = 1, email = NULL, email_key = NULL, first_name = NULL, \
                 last_name = NULL, salutation = NULL, language = NULL, timezone = NULL, \
                 staff_email = NULL, staff_name = NULL, tags = NULL, consent = 'no', \
                 attrs = NULL, birthday = NULL, joined_on = NULL, consent_at = NULL, \
                 unsubscribed = 1, row_hash = NULL WHERE id = $1",
            "DELETE FROM customer_date \
                 WHERE customer = (SELECT number FROM customer WHERE id = $1)",
            "DELETE FROM event WHERE customer_id = $1",
            "DELETE FROM letter WHERE entry IN (SELECT number FROM ledger WHERE customer = $1)",
            "UPDATE history SET reply = NULL \
                 WHERE entry IN (SELECT number FROM ledger WHERE customer = $1)",
            "UPDATE ledger SET recipient = NULL, subject = NULL, reply = NULL \
                 WHERE customer = $1",
        ] {
            sqlx::query(text).bind(customer).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// For a rehearsal on a copy: forgets every entry due at `from` or later, that the rules were ever
    /// seen, and what was learnt of how customers come on days later than `known`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_ledger_from(
        &self,
        from: Timestamp,
        known: Date,
    ) -> Result<u64, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            // Histories and letters go with their entries.
            let done = sqlx::query("DELETE FROM ledger WHERE due_at >= $1")
                .bind(from.as_millisecond())
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM rule_state")
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM learnt WHERE since > $1")
                .bind(day_number(known))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(done.rows_affected())
        };
        write.await.map_err(|error| self.trouble(error))
    }
}
