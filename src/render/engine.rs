//! The template language as letters may use it: strict, bounded, and with values that stay words.
//!
//! May not know files or mail. There is no `safe` and no `escape`: nothing in a template can turn
//! a record's words into markup.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::phrases::Phrases;
use super::{inert, words};
use crate::model::PartialDate;
use crate::model::facts::Link;

/// Steps after which a template is stopped, so that none can run for ever.
const FUEL: u64 = 200_000;
/// How the subject of `birthday.en.md` is named among the templates.
const SUBJECT: &str = " (subject)";
/// The escaping that bodies use; subjects have none.
const MARKDOWN: &str = "markdown";
/// Decimal places of a printed number, at most; money has at least two.
const PLACES: usize = 4;
/// Characters of one value; records may hold whole pages, and letters aren't for those.
const MOST_CHARS: usize = 2_000;

/// The environment that every template of a catalogue lives in, with months in these words.
pub(super) fn environment(phrases: &Arc<Phrases>) -> Environment<'static> {
    let mut env = Environment::new();
    // Truth of a missing value may be asked (`{% if customer.first_name %}`); printing it, adding
    // to it or comparing it is an error.
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // Names the undefined value in errors.
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|name| {
        if name.ends_with(SUBJECT) {
            AutoEscape::None
        } else {
            AutoEscape::Custom(MARKDOWN.into())
        }
    });
    env.set_formatter(write_value);
    for filter in ["safe", "escape", "e"] {
        env.remove_filter(filter);
    }
    // It would print the whole record.
    env.remove_global("debug");
    let phrases = Arc::clone(phrases);
    env.add_filter("date", move |state: &State<'_, '_>, value: &str| {
        date(&phrases, state, value)
    });
    env.add_filter("money", money);
    env
}

/// The key under which a file's subject is kept.
pub(super) fn subject_key(file: &str) -> String {
    format!("{file}{SUBJECT}")
}

/// Whether an error speaks of a value that isn't there.
pub(super) fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::UndefinedError
}

fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if let Some(link) = value.downcast_object_ref::<Link>() {
        return Ok(out.write_str(link.address())?);
    }
    let in_markdown = !matches!(state.auto_escape(), AutoEscape::None);
    let text = match value.kind() {
        // What `{{ "x" if condition }}` gives when the condition doesn't hold.
        ValueKind::Undefined => return Ok(()),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            if in_markdown && value.is_safe() {
                // The output of a macro or a `set` block: its values are escaped already.
                return Ok(out.write_str(text)?);
            }
            let text = shortened(text);
            return if in_markdown {
                Ok(inert::write_escaped(out, &text)?)
            } else {
                Ok(out.write_str(&inert::words(&text))?)
            };
        }
        ValueKind::Number if value.is_integer() => value.to_string(),
        ValueKind::Number => fraction(f64::try_from(value.clone())?)?,
        ValueKind::Bool => value.to_string(),
        ValueKind::Seq | ValueKind::Iterable => {
            return Err(unprintable(
                "a list can't be printed as it is; write `| join(\", \")`",
            ));
        }
        ValueKind::None => return Err(unprintable("there is nothing to print here")),
        _ => {
            return Err(unprintable(
                "this can't be printed; print one of its fields",
            ));
        }
    };
    if in_markdown {
        inert::write_escaped(out, &text)?;
    } else {
        out.write_str(&text)?;
    }
    Ok(())
}

/// What one value may take of a letter.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// A number with a fraction, the way money is written: `12.50`, `0.125`.
fn fraction(n: f64) -> Result<String, Error> {
    if !n.is_finite() {
        return Err(unprintable("this number can't be written down"));
    }
    let long = format!("{n:.PLACES$}");
    let (whole, places) = long.split_once('.').unwrap_or((&long, ""));
    let (cents, rest) = places.split_at_checked(2).unwrap_or((places, ""));
    Ok(format!("{whole}.{cents}{}", rest.trim_end_matches('0')))
}

/// `{{ event.date | date }}`: `2 May 2027`, in the letter's language.
fn date(phrases: &Phrases, state: &State<'_, '_>, value: &str) -> Result<String, Error> {
    let day = value
        .get(..10)
        .filter(|_| value.contains('T'))
        .unwrap_or(value);
    let date: PartialDate = day.parse().map_err(|_| {
        Error::new(
            ErrorKind::InvalidOperation,
            "`date` takes a date such as `occasion.day`",
        )
    })?;
    Ok(words::date(phrases, date, language_of(state.name())))
}

/// `{{ event.amount | money }}`: `12.50`, with the decimal mark of the letter's language.
fn money(state: &State<'_, '_>, value: f64) -> Result<String, Error> {
    Ok(words::decimal(&fraction(value)?, language_of(state.name())))
}

/// `de-AT` of `birthday.de-AT.md`.
fn language_of(template: &str) -> &str {
    template
        .trim_end_matches(SUBJECT)
        .trim_end_matches(".md")
        .rsplit('.')
        .next()
        .unwrap_or_default()
}

fn unprintable(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
