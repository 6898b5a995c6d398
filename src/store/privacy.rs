//! Forgetting: a customer who asked for it, and, for rehearsals, the ledger's future.
//!
//! May not forget that somebody asked to be forgotten: keyed hashes of their id and of their
//! addresses stay, so that no later file can bring them back. The ledger keeps that and when
//! something was sent, of nobody in particular. A new table, or a new column, that holds something
//! of a customer has to be emptied here and told of in `dossier`; `tests/it/privacy.rs` looks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{day_number, json};
use super::dialect::{Connection, texts};
use super::digest::queue_copies;
use super::erase::{
    CUSTOMERS, EVENTS, LEDGER, RECORDS, blot_words, end_what_waits, entries_of, leave_quarantine,
    numbered, queue, take_texts_out,
};
use super::marks::{forgotten_entry, forgotten_id, forgotten_key, forgotten_occasion};
use super::people::{next_touch, raise};
use super::person::Person;
use super::{Entry, Store, StoreError, Whom};
use crate::model::{Outcome, Reason};

/// A letter's copy in the outbox folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterCopy {
    /// The folder.
    pub folder: String,
    /// The letter's name in it.
    pub name: String,
}

/// What was erased of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Their records.
    pub customers: u64,
    /// What happened to them.
    pub events: u64,
    /// Their entries in the ledger, of which only that and when stays.
    pub entries: u64,
    /// Of these: those that still waited, and were ended.
    pub ended: u64,
    /// Of these: letters that may have arrived, and of which nobody will know now.
    pub unknown: u64,
    /// Records in quarantine.
    pub quarantined: u64,
    /// Addresses on the suppression list, of which keyed hashes stay.
    pub suppressed: u64,
    /// Words of troubles and mail servers that named them.
    pub words: u64,
    /// Copies in the outbox folder, which are still to be taken out.
    pub copies: u64,
    /// Addresses of which keyed hashes are kept.
    pub addresses: u64,
    /// Customers who have one of these addresses as well. They stay, and get nothing more.
    pub others: Vec<String>,
    /// Letters to the address in entries of customers who have another one now: their text went.
    pub texts: u64,
    /// Those customers.
    pub had_it: Vec<String>,
}

/// How forgetting somebody went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgot {
    /// Nothing is here of anybody like that.
    Nobody,
    /// They were forgotten at this moment, and nothing was there of them now.
    Before(Timestamp),
    /// These letters to them are being handed over at this very moment, so nothing was done.
    Sending(Vec<String>),
    /// They are forgotten.
    Done(Box<Erased>),
}

/// Says where an entry's copies in outbox folders may be.
pub type WhereCopied<'a> = &'a (dyn Fn(&Entry) -> Vec<LetterCopy> + Send + Sync);

impl Store {
    /// Erases everything of a customer, or of whoever has an address, and ends what waits for them.
    /// Where a letter may have arrived and was to be sent once more, nobody knows: it ends as
    /// unknown. What is left are keyed hashes of the ids and addresses, and of the ledger that and
    /// when something was sent. The bytes may still stand in unused parts of the store's files
    /// until [`Store::scrub`] has been there.
    ///
    /// # Errors
    /// When the store fails; then nothing was erased.
    pub async fn forget(
        &self,
        whom: &Whom,
        copied: WhereCopied<'_>,
        now: Timestamp,
    ) -> Result<Forgot, StoreError> {
        self.erase(whom, copied, now)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn erase(
        &self,
        whom: &Whom,
        copied: WhereCopied<'_>,
        now: Timestamp,
    ) -> sqlx::Result<Forgot> {
        let mut tx = self.begin().await?;
        let person = Person::find(&mut tx, whom).await?;
        let ids = json(&person.ids)?;
        let entries = entries_of(&mut tx, &ids).await?;
        let elsewhere = numbered(&mut tx, &person.elsewhere).await?;
        let sending = entries.iter().chain(&elsewhere).map(|(_, entry)| entry);
        let sending = sending.filter(|entry| entry.outcome == Outcome::Sending);
        let sending: Vec<String> = sending.map(|entry| entry.id.clone()).collect();
        if !sending.is_empty() {
            return Ok(Forgot::Sending(sending));
        }
        let mut erased = Erased {
            entries: entries.len() as u64,
            addresses: person.addresses.len() as u64,
            texts: elsewhere.len() as u64,
            had_it: who(&elsewhere),
            ..Erased::default()
        };
        (erased.ended, erased.unknown) = end_what_waits(&mut tx, &ids, now).await?;
        for (_, entry) in entries.iter().chain(&elsewhere) {
            for copy in copied(entry) {
                erased.copies += queue(&mut tx, &copy).await?;
            }
        }
        erased.copies += queue_copies(&mut tx).await?;
        self.nobody_in_particular(&mut tx, &entries).await?;
        take_texts_out(&mut tx, &elsewhere, now).await?;
        let mut there = 0;
        for text in RECORDS {
            let done = sqlx::query(text).bind(&ids).execute(&mut *tx).await?;
            there += done.rows_affected();
        }
        for (text, count) in [
            (CUSTOMERS, &mut erased.customers),
            (EVENTS, &mut erased.events),
        ] {
            let done = sqlx::query(text).bind(&ids).execute(&mut *tx).await?;
            *count = done.rows_affected();
        }
        erased.quarantined = leave_quarantine(&mut tx, &person).await?;
        erased.words = blot_words(&mut tx, &person).await?;
        let addresses = json(&person.addresses)?;
        erased.suppressed = sqlx::query(concat!(
            "DELETE FROM suppression WHERE address IN ",
            texts!("$1")
        ))
        .bind(&addresses)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        there += erased.customers + erased.events + erased.entries + erased.texts;
        there += erased.quarantined + erased.suppressed + erased.words;
        if there == 0 {
            // Nothing was written, and the transaction ends with us.
            return match self.forgotten_at(&mut tx, &person).await? {
                Some(at) => Ok(Forgot::Before(super::columns::moment_of(at)?)),
                None => Ok(Forgot::Nobody),
            };
        }
        self.mark(&mut tx, &person, now).await?;
        erased.others = with_address(&mut tx, &addresses).await?;
        super::scrub::ask(&mut tx, now).await?;
        tx.commit().await?;
        Ok(Forgot::Done(Box::new(erased)))
    }

    /// When this customer was forgotten, if they were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn was_forgotten(&self, customer: &str) -> Result<Option<Timestamp>, StoreError> {
        let person = Person {
            ids: vec![customer.to_owned()],
            ..Person::default()
        };
        let read = async {
            let mut tx = self.reader().begin().await?;
            let at = self.forgotten_at(&mut tx, &person).await?;
            at.map(super::columns::moment_of).transpose()
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    async fn forgotten_at(
        &self,
        tx: &mut Connection,
        person: &Person,
    ) -> sqlx::Result<Option<i64>> {
        let (ids, addresses) = self.marks_of(person);
        sqlx::query_scalar(concat!(
            "SELECT MAX(at) FROM (SELECT at FROM forgotten WHERE mark IN ",
            texts!("$1"),
            " UNION ALL SELECT at FROM suppression WHERE address IN ",
            texts!("$2"),
            ") AS known"
        ))
        .bind(json(&ids)?)
        .bind(json(&addresses)?)
        .fetch_one(tx)
        .await
    }

    fn marks_of(&self, person: &Person) -> (Vec<String>, Vec<String>) {
        let key = self.hash_key();
        let ids = person.ids.iter().map(|id| forgotten_id(key, id));
        let addresses = person.addresses.iter();
        let addresses = addresses.map(|address| forgotten_key(key, address));
        (ids.collect(), addresses.collect())
    }

    /// Keeps the marks by which they are known again.
    async fn mark(&self, tx: &mut Connection, person: &Person, now: Timestamp) -> sqlx::Result<()> {
        let (ids, addresses) = self.marks_of(person);
        sqlx::query(
            "INSERT INTO forgotten (mark, at) SELECT value, $2 FROM json_each($1) \
             WHERE true ON CONFLICT (mark) DO NOTHING",
        )
        .bind(json(&ids)?)
        .bind(now.as_millisecond())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO suppression (address, reason, at) SELECT value, $3, $2 FROM json_each($1) \
             WHERE true ON CONFLICT (address) DO NOTHING",
        )
        .bind(json(&addresses)?)
        .bind(now.as_millisecond())
        .bind(Reason::Erased.as_str())
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Leaves of these entries that and when something was sent: without the customer's id, nor
    /// anything from which it could be worked out, nor what was written.
    async fn nobody_in_particular(
        &self,
        tx: &mut Connection,
        entries: &[(i64, Entry)],
    ) -> sqlx::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let key = self.hash_key();
        let list: Vec<_> = entries
            .iter()
            .map(|(number, entry)| {
                (
                    number,
                    forgotten_entry(key, &entry.id),
                    forgotten_id(key, &entry.customer),
                    forgotten_occasion(key, &entry.id),
                    entry.occasion.day.to_string(),
                )
            })
            .collect();
        let list = json(&list)?;
        for text in LEDGER {
            sqlx::query(text).bind(&list).execute(&mut *tx).await?;
        }
        Ok(())
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

/// Whose entries these are.
fn who(entries: &[(i64, Entry)]) -> Vec<String> {
    let all: BTreeSet<&String> = entries.iter().map(|(_, entry)| &entry.customer).collect();
    all.into_iter().cloned().collect()
}

/// Who has one of these addresses as well; they are looked at again, since nothing goes there now.
async fn with_address(tx: &mut Connection, addresses: &str) -> sqlx::Result<Vec<String>> {
    let others: Vec<String> = sqlx::query_scalar(concat!(
        "SELECT id FROM customer WHERE email_key IN ",
        texts!("$1"),
        " ORDER BY id"
    ))
    .bind(addresses)
    .fetch_all(&mut *tx)
    .await?;
    if !others.is_empty() {
        let seq = next_touch(tx).await?;
        raise(tx, &json(&others)?, seq).await?;
    }
    Ok(others)
}
