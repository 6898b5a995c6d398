//! One value of one column -> text, address, yes or no, number.
//!
//! Dates have their own file. May not know rows or columns.

use std::borrow::Cow;

use super::words::{self, Answer};
use crate::model::signs::shows_nothing;
use crate::model::{Amount, Consent};

/// Longest id, customer id or kind, in characters; databases can't index much longer ones.
const LONGEST_ID: usize = 200;
/// Longest other text, in characters.
const LONGEST_TEXT: usize = 10_000;

/// Trimmed, with line ends, tabs and other control characters turned into single spaces, so that
/// no value can ever break out of a header line. What nobody sees is nothing: a name of zero-width
/// blanks would be a link without words.
pub(super) fn clean(raw: &str) -> Cow<'_, str> {
    let raw = raw.trim();
    if shows_nothing(raw) {
        return Cow::Borrowed("");
    }
    if !raw.chars().any(breaks) {
        return Cow::Borrowed(raw);
    }
    let words: Vec<&str> = raw.split(breaks).filter(|part| !part.is_empty()).collect();
    Cow::Owned(words.join(" ").trim().to_owned())
}

fn breaks(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

/// Whether it is what a spreadsheet shows in place of a value, in the languages of many offices.
pub(super) fn is_error(text: &str) -> bool {
    const ERRORS: [&str; 22] = [
        "#N/A",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#NV",
        "#WERT!",
        "#BEZUG!",
        "#ZAHL!",
        "#VALEUR!",
        "#NOMBRE!",
        "#NOM?",
        "#N/D",
        "#VALORE!",
        "#RIF!",
        "#\u{a1}VALOR!",
        "#\u{a1}REF!",
    ];
    text.starts_with('#') && ERRORS.contains(&text)
}

/// An id, or a kind.
pub(super) fn id(text: &str) -> Result<String, String> {
    limited(text, LONGEST_ID)
}

/// Any other text.
pub(super) fn text(text: &str) -> Result<String, String> {
    limited(text, LONGEST_TEXT)
}

fn limited(text: &str, longest: usize) -> Result<String, String> {
    // Bytes first: most values needn't be counted.
    if text.len() > longest && text.chars().count() > longest {
        return Err(format!(
            "it is longer than {longest} characters; shorten it"
        ));
    }
    Ok(text.to_owned())
}

/// An address that mail can be sent to, as far as its form tells.
pub(super) fn address(text: &str) -> Result<String, String> {
    match text.parse::<lettre::Address>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if text.contains([';', ',']) => {
            Err("it isn't one e-mail address; leave only one in this column".to_owned())
        }
        Err(_) => Err(
            "it isn't an e-mail address such as ann@example.com; mend it or leave it empty"
                .to_owned(),
        ),
    }
}

/// Consent to marketing.
pub(super) fn consent(text: &str) -> Result<Consent, String> {
    match words::answer(text) {
        Some(Answer::Yes) => Ok(Consent::Yes),
        Some(Answer::No) => Ok(Consent::No),
        Some(Answer::Unknown) => Ok(Consent::Unknown),
        None => Err(words::NONE_OF_THREE.to_owned()),
    }
}

/// Yes or no, as tills and shops write it.
pub(super) fn yes_no(text: &str) -> Result<bool, String> {
    words::yes_no(text).ok_or_else(|| words::NEITHER.to_owned())
}

/// Whether somebody wants no more letters.
pub(super) fn unsubscribed(text: &str) -> Result<bool, String> {
    words::wants_no_more(text).ok_or_else(|| words::NEITHER.to_owned())
}

/// An exact decimal.
pub(super) fn amount(text: &str) -> Result<Amount, String> {
    Amount::parse(text).ok_or_else(not_a_number)
}

/// A number of the business's own.
pub(super) fn number(text: &str) -> Result<f64, String> {
    // Rust also reads "inf" and "nan", which no business means.
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    let read = if plain { text.parse().ok() } else { None };
    read.filter(|n: &f64| n.is_finite())
        .ok_or_else(not_a_number)
}

fn not_a_number() -> String {
    "it isn't a plain number such as 1234.50 (no currency sign, at most four decimals)".to_owned()
}

/// Labels, separated by `;` or `,`; each once.
pub(super) fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split([';', ',']).map(str::trim) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_kept_on_one_line() {
        assert_eq!(clean("  Ann \u{a0}"), "Ann");
        assert_eq!(
            clean("Ann\r\nBcc: x@y.example\t!"),
            "Ann Bcc: x@y.example !"
        );
        assert_eq!(clean("\0\u{2028}"), "");
        assert_eq!(clean("\u{200b}\u{202e}\u{3164}"), "");
        assert!(matches!(clean("Zoë"), Cow::Borrowed("Zoë")));
        assert!(id(&"x".repeat(200)).is_ok());
        assert!(id(&"x".repeat(201)).unwrap_err().contains("200"));
        assert!(text(&"é".repeat(10_000)).is_ok());
    }

    #[test]
    fn what_a_spreadsheet_could_not_reckon_is_no_value() {
        assert!(is_error("#N/A") && is_error("#WERT!"));
        for text in ["#1 fan", "N/A", "#", "", "Ann"] {
            assert!(!is_error(text), "{text}");
        }
    }

    #[test]
    fn addresses_are_one_and_well_formed() {
        assert!(address("o'neill+shop@mail.example").is_ok());
        for bad in [
            "ann",
            "ann@",
            "@x.example",
            "Ann <ann@x.example>",
            "a b@x.example",
            "a@b..c",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        assert!(
            address("a@x.example; b@x.example")
                .unwrap_err()
                .contains("only one")
        );
    }

    #[test]
    fn yes_and_no_and_consent_in_any_case() {
        assert_eq!(yes_no("YES"), Ok(true));
        assert_eq!(yes_no("0"), Ok(false));
        assert!(yes_no("maybe").is_err());
        assert_eq!(consent("Yes"), Ok(Consent::Yes));
        assert_eq!(consent("UNKNOWN"), Ok(Consent::Unknown));
        assert_eq!(consent("Nein"), Ok(Consent::No));
        assert_eq!(unsubscribed("x"), Ok(true));
        assert!(yes_no("x").unwrap_err().contains("oui"));
        assert!(consent("1").is_err());
    }

    #[test]
    fn amounts_have_a_point_and_no_grouping() {
        assert_eq!(amount("1234.50").unwrap().to_string(), "1234.50");
        assert_eq!(amount("-3").unwrap().to_string(), "-3.00");
        assert!(amount("€12").unwrap_err().contains("plain number"));
        assert_eq!(number("-1.25"), Ok(-1.25));
        for bad in ["inf", "nan", "1e5", "1,5", "--1"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert!(number(&"9".repeat(400)).is_err(), "too large for a float");
    }

    #[test]
    fn tags_are_separated_by_semicolon_or_comma() {
        assert_eq!(tags("vip; wholesale,vip,,"), ["vip", "wholesale"]);
        assert!(tags(" ; ").is_empty());
    }
}
