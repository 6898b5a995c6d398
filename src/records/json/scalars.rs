//! One JSON value -> text, date, moment, number, yes or no. What is wrong is noted, and reading goes on.
//!
//! May not know records.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::super::dates::Dates;
use super::super::forms::Value;
use super::super::rows::known_kind;
use super::super::{AttrType, values};
use super::{Flaw, VALUE_KEPT, kept};
use crate::model::{Amount, AttrValue, Consent, PartialDate, When};

/// No date that a business means lies later.
const LAST_YEAR: i16 = 2999;
/// Beyond, a number isn't exact any more to whoever reads JSON.
const LARGEST: f64 = 1e15;
/// More than any business turns over, in whole units: with four decimals the store can still hold it.
const LARGEST_AMOUNT: u64 = 99_999_999_999_999;

/// Reads values and notes flaws.
pub(super) struct Scalars<'a> {
    dates: &'a Dates,
    flaws: &'a mut Vec<Flaw>,
}

type Given<'v> = Option<&'v RawValue>;

impl<'a> Scalars<'a> {
    pub(super) const fn new(dates: &'a Dates, flaws: &'a mut Vec<Flaw>) -> Self {
        Self { dates, flaws }
    }

    pub(super) fn flaw(&mut self, name: &str, value: &RawValue, reason: String) {
        self.flaw_at(&[name], value, reason);
    }

    pub(super) fn flaw_at(&mut self, path: &[&str], value: &RawValue, reason: String) {
        self.flaws.push(Flaw {
            path: path.iter().copied().map(str::to_owned).collect(),
            value: kept(value.get(), VALUE_KEPT),
            reason,
        });
    }

    pub(super) fn missing(&mut self, name: &str, reason: String) {
        self.flaws.push(Flaw {
            path: vec![name.to_owned()],
            value: String::new(),
            reason,
        });
    }

    fn noted<T>(&mut self, path: &[&str], value: &RawValue, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(reason) => {
                self.flaw_at(path, value, reason);
                None
            }
        }
    }

    /// A text that `how` takes.
    pub(super) fn named<T>(
        &mut self,
        (name, value): (&str, &RawValue),
        how: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = text_of(value).and_then(|text| how(&text));
        self.noted(&[name], value, read)
    }

    /// The same, where it may be missing.
    pub(super) fn maybe<T>(
        &mut self,
        (name, value): (&str, Given<'_>),
        how: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.named((name, value?), how)
    }

    /// A text, on one line as in a row; an empty one says nothing.
    pub(super) fn text(&mut self, name: &str, value: Given<'_>) -> Option<String> {
        let clean = |text: &str| values::text(&values::clean(text));
        let text = self.maybe((name, value), clean);
        text.filter(|text| !text.is_empty())
    }

    pub(super) fn date(&mut self, name: &str, value: Given<'_>) -> Option<Date> {
        let dates = self.dates;
        self.maybe((name, value), |text| full_date(dates, text))
    }

    pub(super) fn partial_date(&mut self, name: &str, value: Given<'_>) -> Option<PartialDate> {
        let dates = self.dates;
        self.maybe((name, value), |text| partial_date(dates, text))
    }

    /// A whole day, or a moment.
    pub(super) fn when(&mut self, name: &str, value: Given<'_>) -> Option<When> {
        let dates = self.dates;
        self.maybe((name, value), |text| {
            is_moment_or_day(text)?;
            dates.when(&Value::Text(text))
        })
    }

    /// A moment; a bare day is its first at the business.
    pub(super) fn moment(&mut self, name: &str, value: Given<'_>) -> Option<Timestamp> {
        let dates = self.dates;
        self.maybe((name, value), |text| {
            is_moment_or_day(text)?;
            dates.moment(&Value::Text(text))
        })
    }

    pub(super) fn yes_no(&mut self, path: &[&str], value: Given<'_>) -> Option<bool> {
        let value = value?;
        let read = parsed(value).ok_or_else(|| "it must be true or false".to_owned());
        self.noted(path, value, read)
    }

    pub(super) fn amount(&mut self, name: &str, value: Given<'_>) -> Option<Amount> {
        let value = value?;
        let read = match first(value) {
            b'"' => text_of(value).and_then(|text| exact(&text)),
            b'-' | b'0'..=b'9' => decimal(value.get()),
            _ => Err("it must be a number such as 49.90, or \"49.90\"".to_owned()),
        };
        self.noted(&[name], value, read)
    }

    /// Labels, each once.
    pub(super) fn tags(&mut self, name: &str, value: &RawValue, most: usize) -> Vec<String> {
        let Some(list) = parsed::<Vec<Box<RawValue>>>(value) else {
            self.flaw(
                name,
                value,
                "it must be a list of texts: `[\"vip\"]`".to_owned(),
            );
            return Vec::new();
        };
        if list.len() > most {
            let reason = format!("it has more than {most} labels; leave the others out");
            self.flaw(name, value, reason);
            return Vec::new();
        }
        let mut tags: Vec<String> = Vec::new();
        for (place, tag) in list.iter().enumerate() {
            let read = text_of(tag).and_then(|text| id(&text));
            let read = self.noted(&[name, &place.to_string()], tag, read);
            tags.extend(read.filter(|tag| !tags.contains(tag)));
        }
        tags
    }

    /// An attribute of the business's own: of the stated type, or else of the value's.
    pub(super) fn attr(
        &mut self,
        path: &[&str],
        value: &RawValue,
        kind: Option<AttrType>,
    ) -> Option<AttrValue> {
        if value.get() == "null" {
            return None;
        }
        let of_value = match first(value) {
            b'"' => AttrType::Text,
            b't' | b'f' => AttrType::YesNo,
            b'-' | b'0'..=b'9' => AttrType::Number,
            _ => {
                let reason = "it must be a text, a number, true or false".to_owned();
                self.flaw_at(path, value, reason);
                return None;
            }
        };
        let dates = self.dates;
        let read = match (kind.unwrap_or(of_value), of_value) {
            (AttrType::Text, AttrType::Text) => text_of(value)
                .and_then(|text| values::text(&values::clean(&text)))
                .map(AttrValue::Text),
            (AttrType::Date, AttrType::Text) => text_of(value)
                .and_then(|text| partial_date(dates, &text))
                .map(AttrValue::Date),
            (AttrType::Number, AttrType::Number) => number(value).map(AttrValue::Number),
            (AttrType::YesNo, AttrType::YesNo) => parsed(value)
                .map(AttrValue::YesNo)
                .ok_or_else(|| "it must be true or false".to_owned()),
            (wanted, _) => Err(format!("the settings say that it is {}", words(wanted))),
        };
        let read = self.noted(path, value, read);
        read.filter(|value| !matches!(value, AttrValue::Text(text) if text.is_empty()))
    }
}

const fn words(kind: AttrType) -> &'static str {
    match kind {
        AttrType::Text => "a text",
        AttrType::Number => "a number",
        AttrType::Date => "a date such as \"1990-04-23\"",
        AttrType::YesNo => "true or false",
    }
}

fn first(value: &RawValue) -> u8 {
    value.get().bytes().next().unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn text_of(value: &RawValue) -> Result<String, String> {
    if first(value) != b'"' {
        return Err("it must be a text in quotes".to_owned());
    }
    parsed(value).ok_or_else(|| "it holds half of a character (a lone surrogate)".to_owned())
}

/// An id or a name: it says something, and means the same to whoever reads it.
pub(super) fn id(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if values::clean(text) != text {
        return Err(
            "it begins or ends with a blank, or holds a line break or another control character; \
             take that out"
                .to_owned(),
        );
    }
    values::id(text)
}

/// The kind of an event.
pub(super) fn kind(text: &str) -> Result<String, String> {
    id(&known_kind(text.to_owned()))
}

pub(super) fn consent(text: &str) -> Result<Consent, String> {
    Consent::parse(text).ok_or_else(|| "consent is `yes`, `no` or `unknown`".to_owned())
}

/// A decimal that was written as a number. Whoever reckons in binary fractions may be off in the last
/// digit of many, which is not meant.
fn decimal(text: &str) -> Result<Amount, String> {
    let near = || {
        let n: f64 = text.parse().ok()?;
        // Larger ones would take pages to write down.
        if n.abs() > LARGEST {
            return None;
        }
        let rounded = format!("{n:.4}");
        let off = rounded.parse::<f64>().ok()? - n;
        let is_meant = off.abs() <= n.abs() * f64::EPSILON * 4.0;
        is_meant.then(|| Amount::parse(&rounded)).flatten()
    };
    let amount = Amount::parse(text).or_else(near);
    amount.filter(|amount| in_bounds(*amount)).ok_or_else(|| {
        "it has more than four decimals, or is too large; write a number such as 49.90".to_owned()
    })
}

/// A decimal that was written as text.
fn exact(text: &str) -> Result<Amount, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fits = (1..=14).contains(&whole.len()) && (1..=4).contains(&fraction.len());
    let amount = if fits && plain(whole) && plain(fraction) {
        Amount::parse(text)
    } else {
        None
    };
    amount.ok_or_else(|| {
        "it isn't a plain number such as 1234.50 (a point, at most four decimals, nothing else)"
            .to_owned()
    })
}

fn in_bounds(amount: Amount) -> bool {
    amount.ten_thousandths().unsigned_abs() <= LARGEST_AMOUNT * 10_000
}

fn number(value: &RawValue) -> Result<f64, String> {
    let read = value.get().parse::<f64>().ok();
    read.filter(|n| n.abs() <= LARGEST)
        .ok_or_else(|| "it is too large; give such numbers as text".to_owned())
}

fn full_date(dates: &Dates, text: &str) -> Result<Date, String> {
    if !looks_like(text, "0000-00-00") {
        return Err("a date is written as 1990-04-23".to_owned());
    }
    in_time(text)?;
    dates.date(&Value::Text(text))
}

fn partial_date(dates: &Dates, text: &str) -> Result<PartialDate, String> {
    if looks_like(text, "--00-00") {
        return dates.partial(&Value::Text(text));
    }
    if !looks_like(text, "0000-00-00") {
        return Err("a date is written as 1990-04-23, or --04-23 without its year".to_owned());
    }
    full_date(dates, text).map(PartialDate::from)
}

/// `1990-04-23`, or RFC 3339 with its offset: without one nobody knows which moment it was.
fn is_moment_or_day(text: &str) -> Result<(), String> {
    in_time(text)?;
    if looks_like(text, "0000-00-00") {
        return Ok(());
    }
    let fits = text.split_at_checked(19).is_some_and(|(moment, rest)| {
        let fraction = rest.strip_prefix('.');
        let digits = fraction.map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let offset = fraction.and_then(|rest| rest.get(digits.unwrap_or_default()..));
        looks_like(moment, "0000-00-00T00:00:00")
            && two_digits(moment, 17) < 60
            && digits.is_none_or(|digits| (1..=9).contains(&digits))
            && is_offset(offset.unwrap_or(rest))
    });
    if fits {
        return Ok(());
    }
    Err(
        "a moment is written with its offset, as 2026-11-24T10:30:00+01:00 or \
         2026-11-24T09:30:00Z, and a whole day as 2026-11-24"
            .to_owned(),
    )
}

fn is_offset(text: &str) -> bool {
    let signed = looks_like(text, "+00:00") || looks_like(text, "-00:00");
    text == "Z" || signed && two_digits(text, 1) < 24 && two_digits(text, 4) < 60
}

/// The number that stands there; more than any where there is none.
fn two_digits(text: &str, at: usize) -> u8 {
    let digits = text.get(at..at + 2).and_then(|digits| digits.parse().ok());
    digits.unwrap_or(u8::MAX)
}

/// Digits where the form has zeros, and the same signs.
fn looks_like(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(given, model)| match model {
                b'0' => given.is_ascii_digit(),
                model => given == model,
            })
}

fn in_time(text: &str) -> Result<(), String> {
    match text.get(..4).and_then(|year| year.parse::<i16>().ok()) {
        Some(year) if year > LAST_YEAR => {
            Err(format!("the year {year} lies after {LAST_YEAR}; mend it"))
        }
        _ => Ok(()),
    }
}
