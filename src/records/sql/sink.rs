//! Where a result's rows go: each becomes a record or a refusal, and they are handed on together.
//!
//! May not know which database they come from.

use csv::StringRecord;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;

use super::cell::Cell;
use super::mark::Mark;
use super::{Part, Stop};
use crate::model::Refusal;
use crate::model::ids::{Ids, KnownIds};
use crate::records::Row;
use crate::records::error::SourceError;
use crate::records::forms::{Forms, Value, Values};
use crate::records::rows::{self, Fault, Plan};
use crate::records::seen::Seen;

/// Rows handed on together.
const TOGETHER: usize = 500;
/// After so many rows it is said that they come. Those of a slow query take a second each.
const MOVED: u64 = 100;
/// Characters kept of a value that can't be used.
const VALUE_KEPT: usize = 200;
/// Characters kept of a row that can't be used.
const RECORD_KEPT: usize = 2000;

/// What becomes of the rows.
pub(super) struct Sink<'a> {
    pub(super) out: &'a Sender<Result<Part, SourceError>>,
    /// The source's name.
    pub(super) name: &'a str,
    pub(super) header: &'a [String],
    pub(super) plan: &'a Plan,
    pub(super) forms: &'a Forms,
    /// The column that moves the mark.
    pub(super) since: Option<Watched>,
    /// Whether the rows are only looked at, to see if anything changed.
    pub(super) only_looks: bool,
    /// Where only the rows' ids are wanted: those so far.
    pub(super) ids: Option<Ids>,
    reading: Reading,
}

/// The column that moves the mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) index: usize,
    /// Whether its values are moments, and have an offset.
    pub(super) moments: bool,
}

/// How far it has come.
#[derive(Default)]
struct Reading {
    record: StringRecord,
    /// Which of the record's values are numbers in the database.
    numbers: Vec<bool>,
    unusable: Option<(usize, &'static str)>,
    rows: Vec<Row>,
    /// The ids of the rows that went in, and the rows' numbers.
    seen: Seen,
    number: u64,
    digest: Digest,
    row_hash: Sha256,
    highest: Option<Mark>,
    odd: Option<String>,
}

/// The same for the same rows, in whatever order they come.
#[derive(Default)]
struct Digest {
    low: u128,
    high: u128,
    rows: u64,
}

impl Digest {
    fn add(&mut self, row: Sha256) {
        let bytes: [u8; 32] = row.finalize().into();
        let half = |range: std::ops::Range<usize>| {
            let bytes = bytes.get(range).unwrap_or_default();
            bytes.iter().fold(0, |n, byte| n << 8 | u128::from(*byte))
        };
        self.low = self.low.wrapping_add(half(0..16));
        self.high = self.high.wrapping_add(half(16..32));
        self.rows += 1;
    }
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        out: &'a Sender<Result<Part, SourceError>>,
        (name, header): (&'a str, &'a [String]),
        (plan, forms): (&'a Plan, &'a Forms),
        since: Option<Watched>,
    ) -> Self {
        Self {
            out,
            name,
            header,
            plan,
            forms,
            since,
            only_looks: false,
            ids: None,
            reading: Reading::default(),
        }
    }

    /// Takes the next value of the row.
    pub(super) fn take(&mut self, cell: &Cell<'_>) {
        let reading = &mut self.reading;
        let index = reading.record.len();
        reading.numbers.push(matches!(cell, Cell::Number(_)));
        let text = match cell {
            Cell::Null => {
                reading.row_hash.update([0]);
                ""
            }
            Cell::Text(text) | Cell::Number(text) => {
                reading.row_hash.update([1]);
                reading.row_hash.update(text.len().to_be_bytes());
                reading.row_hash.update(text.as_bytes());
                text
            }
            Cell::Unusable(why) => {
                reading.row_hash.update([2]);
                if self.plan.feeds(index) && reading.unusable.is_none() {
                    reading.unusable = Some((index, why));
                }
                ""
            }
        };
        reading.record.push_field(text);
    }

    /// The row has no more values.
    pub(super) async fn end_row(&mut self) -> Result<(), Stop> {
        let reading = &mut self.reading;
        reading.number += 1;
        let hash = std::mem::take(&mut reading.row_hash);
        reading.digest.add(hash);
        if reading.number.is_multiple_of(MOVED) {
            // Where several wait already, or nobody listens, there is nothing to add.
            _ = self.out.try_send(Ok(Part::Moves));
        }
        if self.ids.is_some() {
            self.take_id();
        } else if !self.only_looks {
            self.watch();
            let row = match self.row() {
                Ok(row) => row,
                Err(fault) => Row::Refused(self.refusal(fault)),
            };
            self.reading.rows.push(row);
            if self.reading.rows.len() == TOGETHER {
                self.flush().await?;
            }
        }
        self.reading.record.clear();
        self.reading.numbers.clear();
        self.reading.unusable = None;
        Ok(())
    }

    /// Takes the row's id; the first row without one is kept in mind.
    fn take_id(&mut self) {
        let reading = &mut self.reading;
        let column = self.plan.id_column().unwrap_or_default();
        let unusable = reading.unusable.is_some_and(|(index, _)| index == column);
        let id = Forms::id(&reading.exact().value(column));
        match (&mut self.ids, id) {
            (Some(ids), Ok(id)) if !unusable && !id.is_empty() => ids.add(&id),
            _ => {
                let number = reading.number;
                let odd = || format!("row {number} of the result has no usable id");
                reading.odd.get_or_insert_with(odd);
            }
        }
    }

    /// The ids of all rows.
    ///
    /// # Errors
    /// The first row without one.
    pub(super) fn into_ids(self) -> Result<KnownIds, String> {
        match self.reading.odd {
            Some(odd) => Err(odd),
            None => Ok(self.ids.unwrap_or_default().known()),
        }
    }

    /// Hands on what waits.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        if self.reading.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::replace(&mut self.reading.rows, Vec::with_capacity(TOGETHER));
        let sent = self.out.send(Ok(Part::Rows(rows))).await;
        sent.map_err(|_| Stop::NobodyListens)
    }

    /// The digest of all rows so far; 64 hexadecimal digits and their number.
    pub(super) fn digest(&self) -> String {
        let Digest { low, high, rows } = &self.reading.digest;
        format!("{high:032x}{low:032x}-{rows}")
    }

    /// The highest value of the column that moves the mark.
    ///
    /// # Errors
    /// The first value that is neither a time nor a number.
    pub(super) fn highest(&self) -> Result<Option<Mark>, String> {
        match &self.reading.odd {
            Some(odd) => Err(odd.clone()),
            None => Ok(self.reading.highest),
        }
    }

    fn watch(&mut self) {
        let reading = &mut self.reading;
        let Some(watched) = self.since else {
            return;
        };
        let text = reading.record.get(watched.index).unwrap_or_default();
        if text.is_empty() || reading.odd.is_some() {
            return;
        }
        let read = if watched.moments {
            Mark::moment(text)
        } else {
            Mark::of(text)
        };
        let later = match (read, reading.highest) {
            (Some(read), Some(highest)) => highest.later(read),
            (read, _) => read,
        };
        match later {
            Some(later) => reading.highest = Some(later),
            None => reading.odd = Some(kept(text, VALUE_KEPT)),
        }
    }

    fn row(&mut self) -> Result<Row, Fault> {
        if let Some((index, why)) = self.reading.unusable {
            return Err(Fault {
                column: Some(index),
                reason: why.to_owned(),
            });
        }
        match self.plan {
            Plan::Customers(plan) => {
                let (customer, told) = rows::customer(plan, &self.reading.exact(), self.forms)?;
                self.is_new(&customer.id)?;
                Ok(Row::Customer(customer, told))
            }
            Plan::Events(plan) => {
                let event = rows::event(plan, &self.reading.exact(), self.forms)?;
                self.is_new(&event.id)?;
                Ok(Row::Event(event))
            }
        }
    }

    /// Of rows with the same id the first goes in; the rest would silently overwrite it.
    fn is_new(&mut self, id: &str) -> Result<(), Fault> {
        match self.reading.seen.first_line(id, self.reading.number) {
            None => Ok(()),
            Some(first) => Err(Fault {
                column: self.plan.id_column(),
                reason: format!(
                    "row {first} of the result has the same id, which must be unique; that row went \
                     in (does the query join a table with several rows for each?)"
                ),
            }),
        }
    }

    fn refusal(&self, fault: Fault) -> Refusal {
        let record = &self.reading.record;
        let at = |index: usize| self.header.get(index).cloned();
        let value = fault.column.and_then(|index| record.get(index));
        let id = self.plan.id_column().and_then(|index| record.get(index));
        let id = id.unwrap_or_default().trim();
        let named = self.header.iter().zip(record);
        let named = named.filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = named
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Refusal {
            file: place_of(self.name, id),
            line: self.reading.number,
            column: fault.column.and_then(at).unwrap_or_default(),
            value: kept(value.unwrap_or_default(), VALUE_KEPT),
            reason: fault.reason,
            record: kept(&pairs.join(", "), RECORD_KEPT),
            of: self.plan.claims(&self.reading.exact()),
        }
    }
}

impl Reading {
    fn exact(&self) -> Exact<'_> {
        Exact(&self.record, &self.numbers)
    }
}

/// A row, and which of its values a machine wrote as numbers: there `12.500` is twelve and a half. In a
/// column of text it is whatever people mean by it.
struct Exact<'a>(&'a StringRecord, &'a [bool]);

impl Values for Exact<'_> {
    fn value(&self, column: usize) -> Value<'_> {
        let text = self.0.get(column).unwrap_or_default();
        if !self.1.get(column).is_some_and(|is_number| *is_number) {
            return Value::Text(text);
        }
        let number = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(whole) && digits(fraction) {
            Value::Number(text)
        } else {
            Value::Text(text)
        }
    }
}

/// What stands for the file of a row with this id, in quarantine.
pub fn place_of(source: &str, id: &str) -> String {
    if id.is_empty() {
        return source.to_owned();
    }
    format!("{source}, id {}", kept(id, VALUE_KEPT))
}

/// The beginning of a value, without what databases can't hold.
fn kept(text: &str, longest: usize) -> String {
    let kept = text.chars().take(longest);
    kept.map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}
