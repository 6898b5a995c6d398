//! The few words and dates that fondly itself writes, by language.
//!
//! May not know letters. A language that isn't here gets English words and ISO dates.

use crate::model::PartialDate;

/// What stands under a letter that isn't about an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct FooterWords {
    /// Before the business's name.
    pub(super) because_before: &'static str,
    /// After the business's name.
    pub(super) because_after: &'static str,
    /// The link's text.
    pub(super) unsubscribe: &'static str,
    /// Between those words and an address.
    pub(super) colon: &'static str,
}

const ENGLISH: FooterWords = FooterWords {
    because_before: "You are receiving this letter as a customer of ",
    because_after: ".",
    unsubscribe: "Unsubscribe",
    colon: ": ",
};
const GERMAN: FooterWords = FooterWords {
    because_before: "Sie erhalten diesen Brief, weil Sie Kundin oder Kunde von ",
    because_after: " sind.",
    unsubscribe: "Abmelden",
    colon: ": ",
};
const FRENCH: FooterWords = FooterWords {
    because_before: "Vous recevez cette lettre parce que vous êtes cliente ou client de ",
    because_after: ".",
    unsubscribe: "Se désinscrire",
    colon: " : ",
};

const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const FRENCH_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// The language without region or script: `de` of `de-AT`.
pub(super) fn primary(language: &str) -> &str {
    language.split(['-', '_']).next().unwrap_or(language)
}

/// Whether a language is written from right to left.
pub(super) fn is_right_to_left(language: &str) -> bool {
    matches!(primary(language), "ar" | "fa" | "he" | "ur" | "yi")
}

/// The footer's words.
pub(super) fn footer(language: &str) -> FooterWords {
    match primary(language) {
        "de" => GERMAN,
        "fr" => FRENCH,
        _ => ENGLISH,
    }
}

/// A date as it is written in a letter: `2 May 2027`, `2. Mai 2027`, `2 mai 2027`; without the
/// year where it isn't known.
pub(super) fn date(date: PartialDate, language: &str) -> String {
    let american = language.eq_ignore_ascii_case("en-us");
    let months = match primary(language) {
        "de" => &GERMAN_MONTHS,
        "fr" => &FRENCH_MONTHS,
        "en" => &ENGLISH_MONTHS,
        _ => return date.to_string(),
    };
    let month = usize::try_from(date.month() - 1)
        .ok()
        .and_then(|at| months.get(at))
        .copied()
        .unwrap_or("");
    let day = date.day();
    let without_year = match primary(language) {
        "de" => format!("{day}. {month}"),
        "fr" if day == 1 => format!("1er {month}"),
        "en" if american => format!("{month} {day}"),
        _ => format!("{day} {month}"),
    };
    match date.year() {
        Some(year) if american => format!("{without_year}, {year}"),
        Some(year) => format!("{without_year} {year}"),
        None => without_year,
    }
}

/// A decimal with the language's own mark.
pub(super) fn decimal(plain: &str, language: &str) -> String {
    match primary(language) {
        "de" | "fr" | "es" | "it" | "nl" | "pt" => plain.replace('.', ","),
        _ => plain.to_owned(),
    }
}
