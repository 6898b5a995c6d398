//! `per_domain`: how many letters the people behind one mail domain get within a time.
//!
//! Text in, values out: no files.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::model::Period;
use crate::model::tables::{Table, Value};

/// Letters to one domain within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainLimit {
    /// At most so many.
    pub count: u32,
    /// Within so long.
    pub within: SignedDuration,
}

impl DomainLimit {
    /// The name that stands for every domain without a limit of its own.
    pub const OTHERS: &'static str = "*";

    /// As settings write it.
    pub fn shown(self) -> String {
        let minutes = self.within.as_mins();
        format!("{} per {}", self.count, Period::Minutes(minutes))
    }
}

/// More letters than a limit can sensibly count.
const MOST_LETTERS: u32 = 100_000;

/// The longest time, in minutes: a week.
const LONGEST: i64 = 7 * 24 * 60;

/// Reads `per_domain`, by domain as mail knows it: in small letters, and in ASCII.
pub(super) fn per_domain(value: &Value<'_>) -> BTreeMap<String, DomainLimit> {
    let mut limits = BTreeMap::new();
    let mut given: Vec<_> = value.table().into_iter().flat_map(Table::all).collect();
    // Layers lose the order in which they were written.
    given.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in given {
        let limit = value.read(limit);
        let Some(domain) = domain(name) else {
            let message = format!("`{name}` is no mail domain");
            let others = DomainLimit::OTHERS;
            let help = format!(
                "write one such as `gmail.com`, without `@`, or `{others}` for each of the others"
            );
            value.complain_of_key(&message, &help);
            continue;
        };
        if limits.contains_key(&domain) {
            let message = format!("there is a limit for `{domain}` already");
            value.complain_of_key(&message, "keep one of the two");
        }
        limits.extend(limit.map(|limit| (domain, limit)));
    }
    limits
}

fn domain(text: &str) -> Option<String> {
    if text == DomainLimit::OTHERS {
        return Some(text.to_owned());
    }
    let fits = |c: char| c.is_alphanumeric() || "-.".contains(c);
    let domain = idna::domain_to_ascii(text).ok()?;
    (!domain.is_empty() && text.chars().all(fits)).then_some(domain)
}

/// `20 per 1 minute`
fn limit(text: &str) -> Result<DomainLimit, String> {
    let wanted =
        || format!("`{text}` is no limit; write letters and a time such as `20 per 1 minute`");
    let (count, period) = text.split_once(" per ").ok_or_else(wanted)?;
    let count: u32 = count.trim().parse().map_err(|_| wanted())?;
    let minutes = match Period::parse(period) {
        Ok(Period::Minutes(minutes)) => minutes,
        Ok(Period::Days(days)) => i64::from(days) * 24 * 60,
        Ok(Period::Months(_)) | Err(_) => return Err(wanted()),
    };
    if !(1..=MOST_LETTERS).contains(&count) {
        return Err(format!(
            "`{text}` lets too few or too many go; write from 1 to {MOST_LETTERS} letters"
        ));
    }
    if !(1..=LONGEST).contains(&minutes) {
        return Err(format!(
            "`{text}` counts over too short or too long a time; write from `1 minute` to `7 days`"
        ));
    }
    Ok(DomainLimit {
        count,
        within: SignedDuration::from_mins(minutes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_back_as_they_are_shown() {
        for text in ["20 per 1 minute", "500 per 24 hours", "7 per 90 minutes"] {
            assert_eq!(limit(text).unwrap().shown(), text);
        }
        assert_eq!(limit("9 per 1 day"), limit("9 per 24 hours"));
        for bad in [
            "20",
            "0 per 1 minute",
            "1 per 0 minutes",
            "1 per 1 month",
            "1 per 8 days",
            "x per 1 day",
        ] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn domains_are_written_in_one_way() {
        for (text, is) in [
            ("GMail.com", "gmail.com"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("*", "*"),
        ] {
            assert_eq!(domain(text).as_deref(), Some(is));
        }
        for bad in [
            "",
            "@gmail.com",
            "a b.example",
            "*.example",
            "ann@mail.example",
        ] {
            assert_eq!(domain(bad), None, "{bad}");
        }
    }
}
