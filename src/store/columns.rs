//! How values stand in columns: moments, days, addresses, closed sets of words.
//!
//! May not know any table.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use sqlx::Row as _;

use super::dialect::Row;
use crate::model::refusal::Claims;
use crate::model::{Refusal, dates};

/// A value that makes no sense, as sqlx reports it.
pub(super) fn nonsense(what: impl Into<String>) -> sqlx::Error {
    sqlx::Error::Decode(what.into().into())
}

/// Days since 1970-01-01.
pub(super) fn day_number(day: Date) -> i64 {
    dates::day_number(day).into()
}

/// The day with this number.
pub(super) fn day_of(number: i64) -> sqlx::Result<Date> {
    i32::try_from(number)
        .ok()
        .and_then(dates::numbered_day)
        .ok_or_else(|| nonsense(format!("day number {number}")))
}

/// The moment with this many milliseconds.
pub(super) fn moment_of(milliseconds: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds)
        .map_err(|_| nonsense(format!("moment {milliseconds}")))
}

/// An address as suppression compares it.
pub(super) use crate::model::address::key as address_key;

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' } else { b'a' - 10 } + value);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Reads a row's columns from left to right.
pub(super) enum Columns<'r> {
    /// Of a row, from this column on.
    Row(&'r Row, usize),
    /// Of a row that came in a list (see [`lists`]).
    List(std::vec::IntoIter<Value>),
}

impl<'r> Columns<'r> {
    /// From the first column.
    pub(super) const fn of(row: &'r Row) -> Self {
        Self::Row(row, 0)
    }

    /// The same, of one row of [`lists`].
    pub(super) fn of_list(list: Vec<Value>) -> Self {
        Self::List(list.into_iter())
    }

    /// A text.
    pub(super) fn text(&mut self) -> sqlx::Result<String> {
        self.maybe_text()?
            .ok_or_else(|| nonsense("nothing where a text must be"))
    }

    /// A text that may be missing.
    pub(super) fn maybe_text(&mut self) -> sqlx::Result<Option<String>> {
        match self {
            Self::Row(row, next) => {
                *next += 1;
                row.try_get(*next - 1)
            }
            Self::List(list) => match list.next() {
                Some(Value::String(text)) => Ok(Some(text)),
                Some(Value::Null) => Ok(None),
                other => Err(nonsense(format!("{other:?} where a text must be"))),
            },
        }
    }

    /// A number.
    pub(super) fn number(&mut self) -> sqlx::Result<i64> {
        self.maybe_number()?
            .ok_or_else(|| nonsense("nothing where a number must be"))
    }

    /// A number that may be missing.
    pub(super) fn maybe_number(&mut self) -> sqlx::Result<Option<i64>> {
        match self {
            Self::Row(row, next) => {
                *next += 1;
                row.try_get(*next - 1)
            }
            Self::List(list) => match list.next() {
                Some(Value::Null) => Ok(None),
                Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64()),
                other => Err(nonsense(format!("{other:?} where a number must be"))),
            },
        }
    }

    /// A yes or no.
    pub(super) fn flag(&mut self) -> sqlx::Result<bool> {
        Ok(self.number()? != 0)
    }

    /// A number of a narrower type.
    pub(super) fn small<T: TryFrom<i64>>(&mut self) -> sqlx::Result<T> {
        let number = self.number()?;
        T::try_from(number).map_err(|_| nonsense(format!("number {number}")))
    }

    /// A moment.
    pub(super) fn moment(&mut self) -> sqlx::Result<Timestamp> {
        moment_of(self.number()?)
    }

    /// What is wrong with a record: six columns, from its file to its text, and not whose it is.
    pub(super) fn refusal(&mut self) -> sqlx::Result<Refusal> {
        Ok(Refusal {
            file: self.text()?,
            line: self.small()?,
            column: self.text()?,
            value: self.text()?,
            reason: self.text()?,
            record: self.text()?,
            of: Claims::default(),
        })
    }

    /// A moment that may be missing.
    pub(super) fn maybe_moment(&mut self) -> sqlx::Result<Option<Timestamp>> {
        self.maybe_number()?.map(moment_of).transpose()
    }

    /// A day by its number.
    pub(super) fn day(&mut self) -> sqlx::Result<Date> {
        day_of(self.number()?)
    }

    /// A text that must read back as something.
    pub(super) fn parsed<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> sqlx::Result<T> {
        let text = self.text()?;
        read(&text).ok_or_else(|| nonsense(format!("`{text}`")))
    }

    /// The same, where it may be missing.
    pub(super) fn maybe_parsed<T>(
        &mut self,
        read: impl Fn(&str) -> Option<T>,
    ) -> sqlx::Result<Option<T>> {
        self.maybe_text()?
            .map(|text| read(&text).ok_or_else(|| nonsense(format!("`{text}`"))))
            .transpose()
    }

    /// The rows of a subquery inside a row of [`lists`]; none where it found nothing.
    pub(super) fn rows<T: serde::de::DeserializeOwned>(&mut self) -> sqlx::Result<Vec<T>> {
        let Self::List(list) = self else {
            return Err(nonsense("a row by itself where one of a list must be"));
        };
        match list.next() {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(rows) => serde_json::from_value(rows).map_err(|error| nonsense(error.to_string())),
        }
    }

    /// A JSON value; its default where the column is empty.
    pub(super) fn json<T: serde::de::DeserializeOwned + Default>(&mut self) -> sqlx::Result<T> {
        self.maybe_text()?.map_or_else(
            || Ok(T::default()),
            |text| serde_json::from_str(&text).map_err(|error| nonsense(error.to_string())),
        )
    }
}

/// The rows of an answer that came as one text, see `lists_of!`.
pub(super) fn lists(text: &str) -> sqlx::Result<Vec<Vec<Value>>> {
    listed(text)
}

/// The same, where all rows have the same few columns.
pub(super) fn listed<T: serde::de::DeserializeOwned>(text: &str) -> sqlx::Result<Vec<T>> {
    serde_json::from_str(text).map_err(|error| nonsense(format!("a list of rows: {error}")))
}

/// Any value as JSON text, for a parameter.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_and_their_numbers_agree() {
        for (day, number) in [
            (date(1970, 1, 1), 0),
            (date(1969, 12, 31), -1),
            (date(2000, 3, 1), 11_017),
            (date(-9999, 1, 1), -4_371_587),
            (date(9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(day_number(day), number);
            assert_eq!(day_of(number).unwrap(), day);
        }
        assert!(day_of(i64::MAX).is_err());
    }
}
