//! Dates and numbers as a language writes them.
//!
//! May not know letters. A language without words gets ISO dates.

use super::phrases::Phrases;
use crate::model::PartialDate;

/// The language without region or script: `de` of `de-AT`.
pub(super) fn primary(language: &str) -> &str {
    language.split(['-', '_']).next().unwrap_or(language)
}

/// Whether a language is written from right to left.
pub(super) fn is_right_to_left(language: &str) -> bool {
    matches!(primary(language), "ar" | "fa" | "he" | "ur" | "yi")
}

/// A date as it is written in a letter: `2 May 2027`, `2. Mai 2027`, `2 mai 2027`; without the
/// year where it isn't known.
pub(super) fn date(phrases: &Phrases, date: PartialDate, language: &str) -> String {
    let Some(words) = phrases.known(language) else {
        return date.to_string();
    };
    if !language.eq_ignore_ascii_case("en-us") {
        return words.date(date);
    }
    let at = usize::try_from(date.month() - 1).ok();
    let months = words.months();
    let month = at.and_then(|at| months.get(at)).copied().unwrap_or("");
    let day = date.day();
    match date.year() {
        Some(year) => format!("{month} {day}, {year}"),
        None => format!("{month} {day}"),
    }
}

/// A decimal with the language's own mark.
pub(super) fn decimal(plain: &str, language: &str) -> String {
    match primary(language) {
        "de" | "fr" | "es" | "it" | "nl" | "pt" => plain.replace('.', ","),
        _ => plain.to_owned(),
    }
}
