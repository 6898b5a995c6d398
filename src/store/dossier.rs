//! A dossier: everything that the store holds of one person, piece by piece, as of one moment.
//!
//! Whoever asks for it gets each piece as soon as it is read, so that somebody with a million events
//! takes no more memory than anybody else. May not leave out anything that `privacy` erases.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, json};
use super::dialect::{Connection, texts};
use super::erase::numbered;
use super::marks::{forgotten_id, forgotten_key};
use super::person::{NamedBy, Person};
use super::review::shown;
use super::rows::{customer_columns, event_columns, read_customer, read_event};
use super::trouble::matter;
use super::wishes::{Said, said};
use super::{ApplyError, Quarantined, Shown, Store, StoreError, Whom};
use crate::model::{Customer, Event, Matter};

/// Events read at a time.
const TOGETHER: i64 = 1000;

/// A customer with what is kept beside the record.
#[derive(Debug, Clone, PartialEq)]
pub struct OnRecord {
    /// The record.
    pub customer: Customer,
    /// The source that told of them first.
    pub source: String,
    /// Other sources that have told of them, in the order of their names.
    pub also_told: Vec<String>,
    /// When it was first read.
    pub first_seen: Timestamp,
    /// When they unsubscribed by a letter's link.
    pub stopped_at: Option<Timestamp>,
    /// Since when their source is known not to have them any more.
    pub gone_at: Option<Timestamp>,
    /// Days of the year by which rules find them: the field, the year where it is known, and the
    /// day as month times 100 plus day.
    pub dates: Vec<(String, Option<i64>, i64)>,
}

/// What is kept under a customer's id alone, whether there is a record or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnderId {
    /// The id.
    pub customer: String,
    /// Rules that look again on a day.
    pub awaited: Vec<(String, Date)>,
    /// Events that aren't kept any more: of which kind, how many, and the last one's day.
    pub past_events: Vec<(String, u64, Date)>,
    /// Something changed, at which the rules haven't looked yet.
    pub to_be_looked_at: bool,
}

/// An event with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// The event.
    pub event: Event,
    /// Its source.
    pub source: String,
    /// Whose it was before the source said otherwise.
    pub moved_from: Option<String>,
}

/// One piece of a dossier. They come in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A record. More than one where customers share the address that was asked for.
    Customer(Box<OnRecord>),
    /// What they said by the pages behind a letter's links.
    Said(Box<Said>),
    /// What goes by an id.
    UnderId(UnderId),
    /// Something that happened.
    Event(Box<Happened>),
    /// An entry of the ledger with its history and the letter as it was sent.
    Entry(Box<Shown>),
    /// On the suppression list: the address (or its mark), why, and since when.
    Suppressed(String, String, Timestamp),
    /// A record in quarantine that names them.
    Quarantined(Box<Quarantined>, NamedBy),
    /// A trouble that names them.
    Trouble(Box<Matter>),
    /// The last words of a mail server that name them, or what looks wrong with their record: of what,
    /// and the words.
    Words(String, String),
}

/// Takes the pieces.
pub type TakePiece<'a, E> = &'a mut (dyn FnMut(Piece) -> Result<(), E> + Send);

impl Store {
    /// Hands over everything that is here of a person. What another process writes meanwhile isn't
    /// seen.
    ///
    /// # Errors
    /// [`ApplyError::Rows`] with the reader's error, or [`ApplyError::Store`].
    pub async fn dossier<E: Send>(
        &self,
        whom: &Whom,
        read: TakePiece<'_, E>,
    ) -> Result<(), ApplyError<E>> {
        let begin = self.reader().begin().await;
        let tx = begin.map_err(|error| ApplyError::Store(self.trouble(error)))?;
        let mut desk = Desk {
            store: self,
            tx,
            read,
        };
        match desk.all(whom).await {
            Ok(done) => done.map_err(ApplyError::Rows),
            Err(error) => Err(ApplyError::Store(self.trouble(error))),
        }
    }
}

impl Store {
    /// A customer's record with what is kept beside it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn on_record(&self, customer: &str) -> Result<Option<OnRecord>, StoreError> {
        let read = async { on_record(&mut *self.reader().acquire().await?, customer).await };
        read.await.map_err(|error| self.trouble(error))
    }
}

/// Where it is put together.
struct Desk<'a, E> {
    store: &'a Store,
    tx: super::dialect::Transaction,
    read: TakePiece<'a, E>,
}

/// The reader's error inside, the store's outside.
type Handed<E> = sqlx::Result<Result<(), E>>;

/// Goes on unless the reader has had enough.
macro_rules! hand {
    ($handed:expr) => {
        if let Err(error) = $handed {
            return Ok(Err(error));
        }
    };
}

impl<E: Send> Desk<'_, E> {
    async fn all(&mut self, whom: &Whom) -> Handed<E> {
        let person = Person::find(&mut self.tx, whom).await?;
        for id in &person.ids {
            if let Some(record) = on_record(&mut self.tx, id).await? {
                hand!((self.read)(Piece::Customer(Box::new(record))));
            }
        }
        for id in &person.ids {
            if let Some(said) = said(&mut self.tx, id).await? {
                hand!((self.read)(Piece::Said(Box::new(said))));
            }
        }
        for id in &person.ids {
            let under = under_id(&mut self.tx, id).await?;
            let bare = UnderId {
                customer: id.clone(),
                ..UnderId::default()
            };
            if under != bare {
                hand!((self.read)(Piece::UnderId(under)));
            }
        }
        for id in &person.ids {
            hand!(self.events(id).await?);
        }
        for id in &person.ids {
            hand!(self.entries(id).await?);
        }
        for (_, entry) in numbered(&mut self.tx, &person.elsewhere).await? {
            if let Some(shown) = shown(&mut self.tx, &entry.id).await? {
                hand!((self.read)(Piece::Entry(Box::new(shown))));
            }
        }
        hand!(self.suppressed(&person).await?);
        hand!(self.quarantined(&person).await?);
        self.words(&person).await
    }

    /// In the order of the index, page by page.
    async fn events(&mut self, id: &str) -> Handed<E> {
        let mut after = (i64::MIN, String::new(), String::new(), String::new());
        loop {
            let page = sqlx::query(concat!(
                "SELECT source, moved_from, ",
                event_columns!(),
                " FROM event WHERE customer_id = $1 AND day >= $2 \
                    AND (day, kind, source, id) > ($2, $3, $4, $5) \
                  ORDER BY day, kind, source, id LIMIT $6"
            ))
            .bind(id)
            .bind(after.0)
            .bind(after.1)
            .bind(after.2)
            .bind(after.3)
            .bind(TOGETHER)
            .fetch_all(&mut *self.tx)
            .await?;
            let last = page.len() < usize::try_from(TOGETHER).unwrap_or(usize::MAX);
            after = (i64::MAX, String::new(), String::new(), String::new());
            for row in page {
                let columns = &mut Columns::of(&row);
                let (source, moved_from) = (columns.text()?, columns.maybe_text()?);
                let event = read_event(columns)?;
                let day: i64 = sqlx::Row::try_get(&row, "day")?;
                after = (day, event.kind.clone(), source.clone(), event.id.clone());
                let happened = Happened {
                    event,
                    source,
                    moved_from,
                };
                hand!((self.read)(Piece::Event(Box::new(happened))));
            }
            if last {
                return Ok(Ok(()));
            }
        }
    }

    async fn entries(&mut self, id: &str) -> Handed<E> {
        let entries: Vec<String> =
            sqlx::query_scalar("SELECT id FROM ledger WHERE customer = $1 ORDER BY due_at, id")
                .bind(id)
                .fetch_all(&mut *self.tx)
                .await?;
        for entry in entries {
            if let Some(shown) = shown(&mut self.tx, &entry).await? {
                hand!((self.read)(Piece::Entry(Box::new(shown))));
            }
        }
        Ok(Ok(()))
    }

    /// By their addresses, or by the marks of them.
    async fn suppressed(&mut self, person: &Person) -> Handed<E> {
        let key = self.store.hash_key();
        let marks = person.addresses.iter().map(|one| forgotten_key(key, one));
        let ids = person.ids.iter().map(|one| forgotten_id(key, one));
        let asked: Vec<String> = person.addresses.iter().cloned().chain(marks).collect();
        let rows = sqlx::query(concat!(
            "SELECT address, reason, at FROM suppression WHERE address IN ",
            texts!("$1"),
            " UNION ALL SELECT mark, 'erased', at FROM forgotten WHERE mark IN ",
            texts!("$2"),
            " ORDER BY 1"
        ))
        .bind(json(&asked)?)
        .bind(json(&ids.collect::<Vec<_>>())?)
        .fetch_all(&mut *self.tx)
        .await?;
        for row in rows {
            let columns = &mut Columns::of(&row);
            let piece = Piece::Suppressed(columns.text()?, columns.text()?, columns.moment()?);
            hand!((self.read)(piece));
        }
        Ok(Ok(()))
    }

    async fn quarantined(&mut self, person: &Person) -> Handed<E> {
        let rows = sqlx::query(
            "SELECT customer_id, source, file, line, column_name, value, reason, record, seen_at \
             FROM quarantine ORDER BY source, file, line, id",
        )
        .fetch_all(&mut *self.tx)
        .await?;
        for row in rows {
            let columns = &mut Columns::of(&row);
            let of = columns.maybe_text()?;
            let one = Quarantined {
                source: columns.text()?,
                refusal: columns.refusal()?,
                seen_at: columns.moment()?,
            };
            let named = |text: &str| person.named_in(text, of.as_deref());
            let by = named(&one.refusal.record).or_else(|| named(&one.refusal.value));
            if let Some(by) = by {
                hand!((self.read)(Piece::Quarantined(Box::new(one), by)));
            }
        }
        Ok(Ok(()))
    }

    async fn words(&mut self, person: &Person) -> Handed<E> {
        let all: Vec<(String, String, String)> =
            sqlx::query_as("SELECT kind, name, facts FROM trouble ORDER BY kind, name")
                .fetch_all(&mut *self.tx)
                .await?;
        for (kind, name, facts) in all {
            let matter = matter(kind, name, &facts);
            if person.blotted_within(&facts).is_some() || person.complains(&matter) {
                hand!((self.read)(Piece::Trouble(Box::new(matter))));
            }
        }
        let all: Vec<(String, String)> =
            sqlx::query_as("SELECT via, words FROM relay ORDER BY via")
                .fetch_all(&mut *self.tx)
                .await?;
        for (of, words) in all {
            if person.blotted(&words).is_some() {
                hand!((self.read)(Piece::Words(of, words)));
            }
        }
        let judged: Vec<(String, String, String)> =
            sqlx::query_as("SELECT source, words, examples FROM judged ORDER BY source, place")
                .fetch_all(&mut *self.tx)
                .await?;
        for (source, words, examples) in judged {
            let examples: Vec<String> = serde_json::from_str(&examples).unwrap_or_default();
            if examples.iter().any(|id| person.ids.contains(id)) {
                let of = format!("records of {source}, of which you are an example");
                hand!((self.read)(Piece::Words(of, words)));
            }
        }
        Ok(Ok(()))
    }
}

async fn on_record(tx: &mut Connection, id: &str) -> sqlx::Result<Option<OnRecord>> {
    let row = sqlx::query(concat!(
        "SELECT c.source, c.first_seen, c.stopped_at, c.gone_at, ",
        customer_columns!(),
        " FROM customer c WHERE c.id = $1"
    ))
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let columns = &mut Columns::of(&row);
    let (source, first_seen) = (columns.text()?, columns.moment()?);
    let (stopped_at, gone_at) = (columns.maybe_moment()?, columns.maybe_moment()?);
    let customer = read_customer(columns)?;
    let dates = sqlx::query_as(
        "SELECT d.field, d.year, d.month_day FROM customer c CROSS JOIN customer_date d \
         WHERE c.id = $1 AND d.customer = c.number ORDER BY d.field",
    )
    .bind(id)
    .fetch_all(&mut *tx)
    .await?;
    let also_told = sqlx::query_scalar(
        "SELECT a.source FROM customer c CROSS JOIN also_told a \
         WHERE c.id = $1 AND a.customer = c.number ORDER BY a.source",
    )
    .bind(id)
    .fetch_all(tx)
    .await?;
    Ok(Some(OnRecord {
        customer,
        source,
        also_told,
        first_seen,
        stopped_at,
        gone_at,
        dates,
    }))
}

async fn under_id(tx: &mut Connection, id: &str) -> sqlx::Result<UnderId> {
    let mut under = UnderId {
        customer: id.to_owned(),
        ..UnderId::default()
    };
    for row in sqlx::query("SELECT rule, day FROM awaited WHERE customer_id = $1 ORDER BY rule")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?
    {
        let columns = &mut Columns::of(&row);
        under.awaited.push((columns.text()?, columns.day()?));
    }
    for row in sqlx::query(
        "SELECT kind, number, last_day FROM past_events WHERE customer_id = $1 ORDER BY kind",
    )
    .bind(id)
    .fetch_all(&mut *tx)
    .await?
    {
        let columns = &mut Columns::of(&row);
        let past = (columns.text()?, columns.small()?, columns.day()?);
        under.past_events.push(past);
    }
    let touched: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM customer c WHERE c.id = $1 AND (\
             EXISTS (SELECT 1 FROM touched t WHERE t.customer = c.number) OR \
             EXISTS (SELECT 1 FROM arrived a WHERE c.number BETWEEN a.first AND a.last))",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    under.to_be_looked_at = touched.is_some();
    Ok(under)
}
