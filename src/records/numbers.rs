//! Text -> a number with a decimal point, as the source's `decimal` says.
//!
//! `1.234` is one or a thousand: what can be read two ways is refused, never guessed.

use std::borrow::Cow;

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// `1234.50`, or `1,234.50`.
    Point,
    /// `1234,50`, or `1.234,50`.
    Comma,
}

impl Decimal {
    const fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    const fn other(self) -> char {
        match self {
            Self::Point => ',',
            Self::Comma => '.',
        }
    }
}

/// What may stand between thousands, whatever the decimals have: blanks and apostrophes.
const BETWEEN: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}'];

/// With a decimal point and nothing between the thousands.
pub(super) fn plain(stated: Option<Decimal>, text: &str) -> Result<Cow<'_, str>, String> {
    match stated {
        None if text.contains(',') => Err(
            "a comma can mean decimals or thousands; write 1234.50, with a decimal point and \
             nothing between the thousands, or say which with `decimal = \",\"` or `decimal = \".\"`"
                .to_owned(),
        ),
        None if could_be_thousands(text) => Err(
            "it can be read two ways, with three decimals or as thousands; say which with \
             `decimal = \".\"` or `decimal = \",\"`"
                .to_owned(),
        ),
        None => Ok(Cow::Borrowed(text)),
        Some(decimal) => of_form(decimal, text).ok_or_else(|| {
            let (sign, other) = (decimal.sign(), decimal.other());
            format!(
                "it isn't a number such as 1{other}234{sign}50, as the source's `decimal` states it \
                 (no currency sign)"
            )
        }),
    }
}

/// `1.234`, but not `0.234`, `12.50` or `1234.500`.
fn could_be_thousands(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+']);
    let Some((whole, rest)) = text.split_once('.') else {
        return false;
    };
    let starts = whole.starts_with(|c: char| ('1'..='9').contains(&c));
    starts && whole.len() <= 3 && rest.len() == 3 && digits(whole) && digits(rest)
}

fn of_form(decimal: Decimal, text: &str) -> Option<Cow<'_, str>> {
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { "-" } else { "" }, rest),
        None => ("", text),
    };
    let (whole, fraction) = match rest.split_once(decimal.sign()) {
        Some((whole, fraction)) if digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (rest, ""),
    };
    let whole = ungrouped(whole, decimal.other())?;
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    Some(Cow::Owned(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }))
}

/// Without what stands between the thousands, which must be one sign and part groups of three.
fn ungrouped(whole: &str, other: char) -> Option<Cow<'_, str>> {
    let Some(between) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return Some(Cow::Borrowed(whole));
    };
    if between != other && !BETWEEN.contains(&between) {
        return None;
    }
    let mut groups = whole.split(between);
    let first = groups.next().filter(|first| {
        digits(first) && (1..=3).contains(&first.len()) && !first.starts_with('0')
    })?;
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 || !digits(group) {
            return None;
        }
        plain.push_str(group);
    }
    Some(Cow::Owned(plain))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Amount;

    fn read(stated: Option<Decimal>, text: &str) -> Option<String> {
        plain(stated, text).ok().map(Cow::into_owned)
    }

    #[test]
    fn nothing_that_reads_two_ways_is_guessed() {
        for text in [
            "1.234", "-12.345", "123.456", "1,234", "1,234.56", "1.234,56", "12,50",
        ] {
            assert_eq!(read(None, text), None, "{text}");
        }
        for text in ["1234.50", "0.125", "12.5", "1.2345", "1234.567", "7"] {
            assert_eq!(read(None, text).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_stated_comma_or_point_decides() {
        let comma = Some(Decimal::Comma);
        for (text, plain) in [
            ("1.234,56", "1234.56"),
            ("1.234", "1234"),
            ("1234,5", "1234.5"),
            ("-0,99", "-0.99"),
            ("1\u{a0}234\u{a0}567,8", "1234567.8"),
            ("1'234,50", "1234.50"),
            ("+7", "7"),
        ] {
            assert_eq!(read(comma, text).as_deref(), Some(plain), "{text}");
        }
        for text in [
            "12.50",
            "1.23,4",
            "1,234,567",
            "1.2345",
            "1.234.56",
            "1 234.567",
            "0.125",
            ",",
            "-",
            "€5",
        ] {
            assert_eq!(read(comma, text), None, "{text}");
        }
        let point = Some(Decimal::Point);
        assert_eq!(read(point, "1,234.50").as_deref(), Some("1234.50"));
        assert_eq!(read(point, "1.234").as_deref(), Some("1.234"));
        assert_eq!(read(point, "12,50"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whoever reads a number without being told must read it as both would, or not at all.
        #[test]
        fn what_is_read_untold_reads_the_same_both_ways(text in "[-+]?[0-9]{0,4}([.,' ][0-9]{1,4}){0,3}") {
            let amount = |stated| read(stated, &text).and_then(|plain| Amount::parse(&plain));
            if let Some(untold) = amount(None) {
                for told in [Decimal::Point, Decimal::Comma] {
                    prop_assert!(amount(Some(told)).is_none_or(|told| told == untold), "{}", text);
                }
            }
        }
    }
}
