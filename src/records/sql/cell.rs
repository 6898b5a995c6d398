//! One value of a result, as its database writes it -> the text that a file would hold.
//!
//! May not know fields: what a text means is for `values` and `dates`.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::records::forms::shown;

/// What a column's type asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its text as it stands: text, dates, times without a zone.
    Plain,
    /// Whole numbers and exact decimals.
    Number,
    /// PostgreSQL's `t` and `f`.
    Truth,
    /// A moment with its offset.
    Moment,
    /// MySQL's TIMESTAMP, which is told in UTC.
    Utc,
    /// MySQL's dates, where zeros stand for none.
    ZeroDate,
    /// A number that may come with an exponent.
    Float,
    /// A list as PostgreSQL writes it: `{a,b}`.
    Array,
    /// JSON.
    Json,
    /// PostgreSQL's `\x…`.
    Hex,
    /// MySQL's BIT.
    Bits,
}

/// Why a value can't be taken.
pub(super) const BINARY: &str =
    "it holds bytes that are no text; choose a column of text, or convert it in the query";

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// None.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A number that the database keeps as one: a decimal point, and nothing between thousands.
    Number(Cow<'a, str>),
    /// One that can't be taken, and why.
    Unusable(&'static str),
}

impl<'a> Cell<'a> {
    /// Reads the bytes that a database wrote for a value of this kind. Moments are put into the
    /// zone, so that their day is the business's.
    pub(super) fn read(kind: Kind, bytes: &'a [u8], zone: &TimeZone) -> Self {
        if kind == Kind::Bits {
            return bits(bytes);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Unusable(BINARY);
        };
        let own = |text: String| Self::Text(Cow::Owned(text));
        match kind {
            Kind::Truth => Self::Text(Cow::Borrowed(if text == "t" { "yes" } else { "no" })),
            Kind::Moment => moment(text, zone).map_or(Self::Text(Cow::Borrowed(text)), own),
            Kind::ZeroDate | Kind::Utc if text.starts_with("0000-00-00") => Self::Null,
            Kind::Plain | Kind::Bits | Kind::ZeroDate => Self::Text(Cow::Borrowed(text)),
            Kind::Number => Self::Number(Cow::Borrowed(text)),
            Kind::Utc => {
                let read = moment(&format!("{text}Z"), zone);
                read.map_or(Self::Text(Cow::Borrowed(text)), own)
            }
            Kind::Float => match text.parse() {
                Ok(number) => Self::float(number),
                Err(_) => Self::Number(Cow::Borrowed(text)),
            },
            Kind::Array => own(joined(&array(text))),
            Kind::Json => json(text),
            Kind::Hex => hex(text),
        }
    }

    /// A binary number without an exponent. What was reckoned with is brought to the digits that a
    /// spreadsheet shows, so that a sum of prices is a price again; whole numbers may be ids, and stay
    /// exactly what they are.
    pub(super) fn float(number: f64) -> Self {
        let text = if number.fract() == 0.0 {
            number.to_string()
        } else {
            shown(number)
        };
        Self::Number(Cow::Owned(text))
    }
}

/// A moment in the zone: `2026-11-29T02:18:29.5+01:00`.
fn moment(text: &str, zone: &TimeZone) -> Option<String> {
    let at: Timestamp = text.parse().ok()?;
    let offset = zone.to_offset(at);
    // An offset with seconds, of the days before railways, has no place in RFC 3339. It becomes the
    // next one, so that midnight doesn't fall on the day before.
    let minutes = -(-offset.seconds()).div_euclid(60);
    let offset = jiff::tz::Offset::from_seconds(minutes * 60).ok()?;
    Some(at.display_with_offset(offset).to_string())
}

/// The values of `{a,"b, c",NULL}`, of nested lists as well.
fn array(text: &str) -> Vec<String> {
    // The bounds that don't start at 1: `[0:1]={a,b}`.
    let text = text.split_once('{').map_or("", |(_, rest)| rest);
    let mut values = Vec::new();
    let mut value = String::new();
    let (mut quoted, mut was_quoted) = (false, false);
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => value.extend(signs.next()),
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' | '}' if !quoted => {
                let value = std::mem::take(&mut value);
                if was_quoted || !(value.is_empty() || value.eq_ignore_ascii_case("null")) {
                    values.push(value);
                }
                was_quoted = false;
            }
            '{' if !quoted => {}
            other => value.push(other),
        }
    }
    values
}

/// As `tags` are written.
fn joined(values: &[String]) -> String {
    values.join(";")
}

/// A text without its quotes, a list of plain values as `tags` are written, the rest as it stands.
fn json(text: &str) -> Cell<'_> {
    use serde_json::Value;
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    };
    let read: Option<Value> = serde_json::from_str(text).ok();
    let written = match &read {
        Some(Value::Null) => return Cell::Null,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(values)) => {
            let values: Option<Vec<String>> = values.iter().map(plain).collect();
            values.map(|values| joined(&values))
        }
        Some(Value::Number(_)) => return Cell::Number(Cow::Borrowed(text)),
        _ => None,
    };
    written.map_or(Cell::Text(Cow::Borrowed(text)), |text| {
        Cell::Text(Cow::Owned(text))
    })
}

/// Bytes that are text after all.
fn hex(text: &str) -> Cell<'_> {
    let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or(Cell::Unusable(BINARY), |text| Cell::Text(Cow::Owned(text)))
}

/// A number, the highest bits first.
fn bits(bytes: &[u8]) -> Cell<'_> {
    const MOST: usize = 8;
    if bytes.len() > MOST {
        return Cell::Unusable(BINARY);
    }
    let number = bytes
        .iter()
        .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    Cell::Number(Cow::Owned(number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, bytes: &[u8]) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        match Cell::read(kind, bytes, &zone) {
            Cell::Null => "(none)".to_owned(),
            Cell::Text(text) | Cell::Number(text) => text.into_owned(),
            Cell::Unusable(why) => format!("!{why}"),
        }
    }

    #[test]
    fn values_become_the_text_that_a_file_would_hold() {
        for (kind, bytes, text) in [
            (Kind::Plain, "12.5000", "12.5000"),
            (Kind::Truth, "t", "yes"),
            (Kind::Truth, "f", "no"),
            (Kind::Number, "12.5000", "12.5000"),
            (Kind::Float, "19.99", "19.99"),
            // A sum of prices, a third, and an id that somebody keeps as a float.
            (Kind::Float, "29.990000000000002", "29.99"),
            (Kind::Float, "0.3333333333333333", "0.333333333333333"),
            (Kind::Float, "9007199254740991", "9007199254740991"),
            (Kind::Float, "1e+20", "100000000000000000000"),
            (Kind::Float, "1.5e-05", "0.000015"),
            (Kind::Float, "NaN", "NaN"),
            (
                Kind::Array,
                "{vip,\"a, \\\"b\\\"\",NULL,\"\"}",
                "vip;a, \"b\";",
            ),
            (Kind::Array, "[0:1]={{1,2},{3,4}}", "1;2;3;4"),
            (Kind::Array, "{}", ""),
            (Kind::Json, "[\"vip\", 7, true]", "vip;7;true"),
            (Kind::Json, "\"ann\"", "ann"),
            (Kind::Json, "null", "(none)"),
            (Kind::Json, "{\"a\": 1}", "{\"a\": 1}"),
            (Kind::Json, "12.50", "12.50"),
            (Kind::Hex, "\\x416e6e", "Ann"),
            (Kind::Bits, "\u{1}", "1"),
            (Kind::ZeroDate, "0000-00-00 00:00:00", "(none)"),
            (Kind::ZeroDate, "2026-11-29", "2026-11-29"),
        ] {
            assert_eq!(read(kind, bytes.as_bytes()), text, "{kind:?} {bytes}");
        }
        assert!(read(Kind::Hex, b"\\xff00").starts_with("!it holds bytes"));
        assert!(read(Kind::Plain, b"\xff").starts_with("!it holds bytes"));
    }

    #[test]
    fn what_a_database_keeps_as_a_number_is_one() {
        let zone = TimeZone::UTC;
        let is_number = |kind, text: &'static str| {
            matches!(Cell::read(kind, text.as_bytes(), &zone), Cell::Number(_))
        };
        for kind in [Kind::Number, Kind::Float, Kind::Bits, Kind::Json] {
            assert!(is_number(kind, "7"), "{kind:?}");
        }
        for (kind, text) in [
            (Kind::Plain, "1.234"),
            (Kind::Json, "\"1.234\""),
            (Kind::ZeroDate, "2026-11-29"),
        ] {
            assert!(!is_number(kind, text), "{kind:?}");
        }
    }

    /// Amsterdam was 19 minutes and 32 seconds ahead.
    #[test]
    fn midnight_before_the_railways_is_still_that_day() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let midnight = zone.to_timestamp(jiff::civil::date(1930, 4, 23).at(0, 0, 0, 0));
        let text = moment(&midnight.unwrap().to_string(), &zone).unwrap();
        assert!(text.starts_with("1930-04-23T"), "{text}");
    }

    /// Half past midnight in Berlin is still the day before in UTC.
    #[test]
    fn the_day_of_a_moment_is_the_businesss() {
        for (kind, text, moment) in [
            (
                Kind::Moment,
                "2026-03-01 23:30:00.25+00",
                "2026-03-02T00:30:00.25+01:00",
            ),
            (
                Kind::Moment,
                "2026-07-01 00:30:00+05:30",
                "2026-06-30T21:00:00+02:00",
            ),
            (
                Kind::Utc,
                "2026-07-01 23:30:00",
                "2026-07-02T01:30:00+02:00",
            ),
            (Kind::Utc, "0000-00-00 00:00:00", "(none)"),
            (Kind::Moment, "infinity", "infinity"),
        ] {
            assert_eq!(read(kind, text.as_bytes()), moment, "{text}");
        }
    }
}
