//! One value of any format -> what its field wants: text, an address, a date, a number.
//!
//! Here every kind of source meets the same checks. May not know files, rows or columns.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::dates::Dates;
use super::error::Wrong;
use super::numbers::{self, Decimal};
use super::{Meaning, values};
use crate::model::{Amount, Consent, PartialDate, When};

/// A spreadsheet keeps so many digits of a number; more of an id would be lost.
const DIGITS_KEPT: usize = 15;

/// One value, as its format gives it. An empty text is no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// Text, as a person or a program wrote it.
    Text(&'a str),
    /// A number as a machine wrote it: digits and a point, all of them true.
    Number(&'a str),
    /// A number of a spreadsheet.
    Float(f64),
    /// A day.
    Day(Date),
    /// A day of which the year may be missing.
    Partial(PartialDate),
    /// A moment by the business's clocks.
    Local(DateTime),
    /// Yes or no.
    YesNo(bool),
    /// What can't be used, and why.
    Unusable(&'a str),
}

/// The values of one row.
pub(super) trait Values {
    /// The value in this column, from 0; an empty text where there is none.
    fn value(&self, column: usize) -> Value<'_>;
}

/// How a source writes dates and numbers.
#[derive(Debug)]
pub(super) struct Forms {
    dates: Dates,
    decimal: Option<Decimal>,
}

impl Forms {
    pub(super) fn new(meaning: &Meaning) -> Result<Self, Wrong> {
        Ok(Self {
            dates: Dates::new(meaning.dates.as_deref(), meaning.zone.clone())?,
            decimal: meaning.decimal,
        })
    }

    pub(super) fn id(value: &Value<'_>) -> Result<String, String> {
        match value {
            Value::Float(number) => {
                let text = shown(*number);
                if text.contains('.') || text.trim_start_matches('-').len() > DIGITS_KEPT {
                    return Err(
                        "a spreadsheet's number can't hold it whole; write it as text".to_owned(),
                    );
                }
                Ok(text)
            }
            Value::Day(_) | Value::Local(_) => Err(
                "the cell holds a date, perhaps one that the spreadsheet made of something else; \
                 write it as text"
                    .to_owned(),
            ),
            other => values::id(&written(other)?),
        }
    }

    /// A name, or whatever else is written to people.
    pub(super) fn text(value: &Value<'_>) -> Result<String, String> {
        match value {
            Value::Day(_) | Value::Local(_) => Self::id(value),
            other => values::text(&written(other)?),
        }
    }

    /// The business's own text; a date there is a date in writing.
    pub(super) fn own_text(value: &Value<'_>) -> Result<String, String> {
        values::text(&written(value)?)
    }

    pub(super) fn address(value: &Value<'_>) -> Result<String, String> {
        values::address(&written(value)?)
    }

    pub(super) fn tags(value: &Value<'_>) -> Result<Vec<String>, String> {
        Ok(values::tags(&written(value)?))
    }

    pub(super) fn consent(value: &Value<'_>) -> Result<Consent, String> {
        match value {
            Value::YesNo(true) => Ok(Consent::Yes),
            Value::YesNo(false) => Ok(Consent::No),
            other => values::consent(&written(other)?),
        }
    }

    pub(super) fn yes_no(value: &Value<'_>) -> Result<bool, String> {
        match value {
            Value::YesNo(yes) => Ok(*yes),
            other => values::yes_no(&written(other)?),
        }
    }

    pub(super) fn unsubscribed(value: &Value<'_>) -> Result<bool, String> {
        match value {
            Value::YesNo(yes) => Ok(*yes),
            other => values::unsubscribed(&written(other)?),
        }
    }

    pub(super) fn amount(&self, value: &Value<'_>) -> Result<Amount, String> {
        match value {
            Value::Text(text) => values::amount(&numbers::plain(self.decimal, text)?),
            other => values::amount(&written(other)?),
        }
    }

    pub(super) fn number(&self, value: &Value<'_>) -> Result<f64, String> {
        match value {
            Value::Text(text) => values::number(&numbers::plain(self.decimal, text)?),
            other => values::number(&written(other)?),
        }
    }

    pub(super) fn partial(&self, value: &Value<'_>) -> Result<PartialDate, String> {
        self.dates.partial(value)
    }

    pub(super) fn date(&self, value: &Value<'_>) -> Result<Date, String> {
        self.dates.date(value)
    }

    pub(super) fn when(&self, value: &Value<'_>) -> Result<When, String> {
        self.dates.when(value)
    }

    pub(super) fn moment(&self, value: &Value<'_>) -> Result<Timestamp, String> {
        self.dates.moment(value)
    }
}

/// A value in writing.
fn written(value: &Value<'_>) -> Result<String, String> {
    Ok(match value {
        Value::Text(text) | Value::Number(text) => (*text).to_owned(),
        Value::Float(number) => shown(*number),
        Value::Day(day) => day.to_string(),
        Value::Partial(day) => day.to_string(),
        Value::Local(at) => at.to_string(),
        Value::YesNo(true) => "yes".to_owned(),
        Value::YesNo(false) => "no".to_owned(),
        Value::Unusable(why) => return Err((*why).to_owned()),
    })
}

/// As a spreadsheet shows it: fifteen digits, so that a tenth and two tenths are three.
pub(super) fn shown(number: f64) -> String {
    let precision = DIGITS_KEPT - 1;
    // `{:e}` rounds to the digits wanted; reading that back and writing it plainly drops the rest.
    let rounded: f64 = format!("{number:.precision$e}").parse().unwrap_or(number);
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn numbers_of_spreadsheets_are_what_they_show() {
        for (number, text) in [
            (4711.0, "4711"),
            (0.1 + 0.2, "0.3"),
            (1234.5, "1234.5"),
            (-3.0, "-3"),
            (123_456_789_012_345.0, "123456789012345"),
        ] {
            assert_eq!(shown(number), text);
        }
        assert_eq!(Forms::id(&Value::Float(4711.0)).as_deref(), Ok("4711"));
        for lost in [4711.5, 1e15, 1e300] {
            assert!(
                Forms::id(&Value::Float(lost))
                    .unwrap_err()
                    .contains("as text")
            );
        }
        assert_eq!(Forms::text(&Value::Float(7.5)).as_deref(), Ok("7.5"));
    }

    #[test]
    fn a_name_that_became_a_date_is_not_a_name() {
        let day = Value::Day(date(2026, 3, 1));
        assert!(Forms::text(&day).unwrap_err().contains("holds a date"));
        assert!(Forms::id(&day).unwrap_err().contains("holds a date"));
        assert_eq!(Forms::own_text(&day).as_deref(), Ok("2026-03-01"));
        assert_eq!(Forms::consent(&Value::YesNo(false)), Ok(Consent::No));
        assert_eq!(Forms::yes_no(&Value::Float(1.0)), Ok(true));
        assert!(Forms::yes_no(&Value::Unusable("#N/A")).is_err());
    }
}
