//! A cell as calamine has it -> a value, or why there is none.
//!
//! May not know where the cell stands.

use calamine::{Data, DataRef, ExcelDateTime};
use jiff::civil::{Date, DateTime, Time};

use super::forms::{Value, shown};
use super::serial::{self, Serial, System};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Float(f64),
    Day(Date),
    Local(DateTime),
    YesNo(bool),
    /// What can't be used: how it looks, and why.
    Wrong(String, String),
}

impl Cell {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Float(number) => Value::Float(*number),
            Self::Day(day) => Value::Day(*day),
            Self::Local(at) => Value::Local(*at),
            Self::YesNo(yes) => Value::YesNo(*yes),
            Self::Wrong(_, why) => Value::Unusable(why),
        }
    }

    /// As a person would see it.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) | Self::Wrong(text, _) => text.clone(),
            Self::Float(number) => shown(*number),
            Self::Day(day) => day.to_string(),
            Self::Local(at) => at.to_string(),
            Self::YesNo(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

pub(super) fn of_xlsx(value: DataRef<'_>, system: System) -> Cell {
    match value {
        DataRef::SharedString(text) => Cell::Text(text.to_owned()),
        DataRef::String(text) => Cell::Text(text),
        other => {
            let data = Data::from(other);
            of_data(&data, system).unwrap_or_else(|| Cell::Text(String::new()))
        }
    }
}

pub(super) fn of_data(value: &Data, system: System) -> Option<Cell> {
    Some(match value {
        Data::Empty => return None,
        Data::String(text) => Cell::Text(text.clone()),
        #[expect(
            clippy::cast_precision_loss,
            reason = "the file itself keeps no more digits"
        )]
        Data::Int(number) => Cell::Float(*number as f64),
        Data::Float(number) if number.is_finite() => Cell::Float(*number),
        Data::Float(number) => Cell::Wrong(number.to_string(), "it is no number".to_owned()),
        Data::Bool(yes) => Cell::YesNo(*yes),
        Data::DateTime(at) => date(*at, system),
        Data::DateTimeIso(text) => iso(text),
        Data::DurationIso(text) => length_of_time(text.clone()),
        Data::Error(error) => Cell::Wrong(
            error.to_string(),
            "the cell holds an error; mend its formula or empty it".to_owned(),
        ),
    })
}

fn length_of_time(text: String) -> Cell {
    Cell::Wrong(
        text,
        "it is a length of time, not a value to keep; write it as text".to_owned(),
    )
}

fn date(at: ExcelDateTime, system: System) -> Cell {
    let number = at.as_f64();
    if at.is_duration() {
        return length_of_time(shown(number));
    }
    match serial::read(number, system) {
        Ok(Serial::Day(day)) => Cell::Day(day),
        Ok(Serial::Local(at)) => Cell::Local(at),
        Err(why) => Cell::Wrong(shown(number), why),
    }
}

/// A date as ods keeps it.
fn iso(text: &str) -> Cell {
    match (text.parse::<Date>(), text.parse::<DateTime>()) {
        (_, Ok(at)) if text.contains('T') => {
            if at.time() == Time::midnight() {
                Cell::Day(at.date())
            } else {
                Cell::Local(at)
            }
        }
        (Ok(day), _) => Cell::Day(day),
        _ => Cell::Wrong(
            text.to_owned(),
            "there is no such day in the calendar; mend it".to_owned(),
        ),
    }
}
