//! SPF (RFC 7208): which servers may send in the name of a domain, read and judged. Pure.
//!
//! [`walk`] says which names are still to be asked, and once all answers are there, what they come to:
//! whoever holds the answers asks in between.

use std::collections::BTreeMap;

use super::{Check, State};
use crate::outside::Answer;

const NAME: &str = "spf";

/// What may be looked up for one letter (RFC 7208 §4.6.4); receivers give up beyond it.
const MOST_LOOKUPS: u32 = 10;

/// What is known of each name.
pub(super) type Known = BTreeMap<String, Answer<Vec<String>>>;

/// What is to become of letters from servers that nothing before named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum All {
    Pass,
    Neutral,
    SoftFail,
    Fail,
}

/// Another record that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Other {
    Name(String),
    /// It depends on the letter (a macro).
    Macro,
}

/// One record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    all: Option<All>,
    includes: Vec<Other>,
    redirect: Option<Other>,
    /// Terms that make a receiver look something up, includes and redirect among them.
    lookups: u32,
}

/// What the answers come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Names that have to be asked first.
    pub(super) missing: Vec<String>,
    lookups: u32,
    /// What breaks the record for every receiver.
    broken: Vec<String>,
    /// What couldn't be asked.
    unasked: Vec<String>,
    all: Option<All>,
    /// Not even the domain is there.
    no_domain: bool,
    /// The record itself is there.
    there: bool,
    /// Something in it depends on the letter, and wasn't followed.
    has_macro: bool,
}

/// Goes through a domain's record and all that it includes, as far as it is known.
pub(super) fn walk(domain: &str, known: &Known) -> Walk {
    let mut walk = Walk::default();
    if let Some(record) = walk.record(domain, known, None) {
        walk.there = true;
        walk.all = walk.follow(&record, known, &mut vec![domain.to_owned()]);
    }
    walk
}

impl Walk {
    /// The one record of a name, if it has one. `by` names what led there.
    fn record(&mut self, name: &str, known: &Known, by: Option<&str>) -> Option<Record> {
        let texts = match known.get(name) {
            None => {
                self.missing.push(name.to_owned());
                return None;
            }
            Some(Answer::Unasked(why)) => {
                self.unasked.push(format!("{name}: {why}"));
                return None;
            }
            Some(Answer::Found(texts)) => texts.as_slice(),
            Some(Answer::Nothing) => &[],
            Some(Answer::NoName) => {
                self.no_domain = by.is_none();
                &[]
            }
        };
        let mut records = texts.iter().filter(|text| is_spf(text));
        let (first, more) = (records.next(), records.count());
        match (first, more) {
            (Some(text), 0) => match parse(text) {
                Ok(record) => return Some(record),
                Err(why) => self.broken.push(format!("the record of {name} {why}")),
            },
            (Some(_), more) => self.broken.push(format!(
                "{name} has {} SPF records, and only one may be",
                more + 1
            )),
            (None, _) => {
                if let Some(by) = by {
                    self.broken
                        .push(format!("{by} names {name}, which has no SPF record"));
                } else if texts.iter().any(|text| resembles(text)) {
                    self.broken.push(format!(
                        "the record of {name} doesn't begin with `v=spf1` and a space"
                    ));
                }
            }
        }
        None
    }

    /// Counts a record and those it leads to. What it says of everybody else.
    fn follow(&mut self, record: &Record, known: &Known, path: &mut Vec<String>) -> Option<All> {
        self.lookups += record.lookups;
        // Enough is known; what lies behind isn't asked any more.
        if self.lookups > MOST_LOOKUPS {
            return record.all;
        }
        for other in &record.includes {
            self.step(other, "include", known, path);
        }
        match (&record.redirect, record.all) {
            (Some(other), None) => self.step(other, "redirect", known, path),
            (_, all) => all,
        }
    }

    fn step(
        &mut self,
        other: &Other,
        how: &str,
        known: &Known,
        path: &mut Vec<String>,
    ) -> Option<All> {
        let name = match other {
            Other::Name(name) => name,
            Other::Macro => {
                self.has_macro = true;
                return None;
            }
        };
        if path.contains(name) {
            self.broken.push(format!("{name} includes itself"));
            return None;
        }
        let record = self.record(name, known, Some(how))?;
        path.push(name.clone());
        let all = self.follow(&record, known, path);
        path.pop();
        all
    }
}

/// What is to be said of it.
pub(super) fn judge(domain: &str, walk: &Walk) -> Check {
    let counted = format!("{} of {MOST_LOOKUPS} look-ups", walk.lookups);
    if let Some(why) = walk.broken.first() {
        let found = format!("The SPF record of {domain} doesn't count: {why}");
        let advice = "Mend it where the domain's DNS is kept: one TXT record `v=spf1 … ~all` with what \
                      your mail provider's help page says.";
        return Check::wrong(NAME, &found, advice);
    }
    if walk.lookups > MOST_LOOKUPS {
        let found = format!(
            "The SPF record of {domain} takes {}, and receivers give up after {MOST_LOOKUPS}",
            super::counted(u64::from(walk.lookups), "look-up")
        );
        let advice = "Take out what doesn't send for you any more, or name addresses (`ip4:`) instead \
                      of `include:`.";
        return Check::wrong(NAME, &found, advice);
    }
    if walk.all == Some(All::Pass) {
        let found =
            format!("The SPF record of {domain} ends in `+all`: anybody may send in its name");
        return Check::wrong(NAME, &found, "Write `~all` or `-all` instead.");
    }
    if let Some(what) = walk.unasked.first() {
        let found = format!("The SPF record couldn't be asked, {what}");
        return Check::look(NAME, &found, super::dns::ASK_AGAIN);
    }
    if walk.no_domain {
        let found =
            format!("There is no domain {domain}, so receivers can't tell who may send for it");
        return Check::look(NAME, &found, "See the line `replies`.");
    }
    if !walk.there {
        let found =
            format!("{domain} has no SPF record, so receivers can't tell who may send for it");
        let advice = "Add a TXT record where the domain's DNS is kept, such as `v=spf1 \
                      include:_spf.your-provider.example ~all`; your mail provider's help page says \
                      what stands in it.";
        return Check::look(NAME, &found, advice);
    }
    let ends = match walk.all {
        Some(All::Fail) => "`-all`",
        Some(All::SoftFail) => "`~all`",
        Some(All::Pass | All::Neutral) | None if walk.has_macro => "a macro",
        Some(All::Pass | All::Neutral) | None => {
            let found = format!(
                "{domain} has an SPF record that says nothing of other servers ({counted}), so it \
                 protects nobody"
            );
            return Check::look(NAME, &found, "End it with `~all` or `-all`.");
        }
    };
    let found = format!(
        "{domain} has one SPF record, which ends in {ends} ({counted}); whether it names your mail \
         server is for that one's help page to say"
    );
    Check::new(NAME, State::Ok, &found, "")
}

/// Whether a text is an SPF record, right or not (RFC 7208 §4.5).
fn is_spf(text: &str) -> bool {
    let Some((version, rest)) = text.split_at_checked("v=spf1".len()) else {
        return false;
    };
    version.eq_ignore_ascii_case("v=spf1") && (rest.is_empty() || rest.starts_with(' '))
}

/// Whether somebody meant it to be one.
fn resembles(text: &str) -> bool {
    let text = text
        .trim_start_matches([' ', '"', '\''])
        .to_ascii_lowercase();
    text.starts_with("v=spf") || text.starts_with("v = spf") || text.starts_with("spf1 ")
}

/// Reads a record, or says what in it no receiver understands.
fn parse(text: &str) -> Result<Record, String> {
    let mut record = Record::default();
    let mut redirects = 0;
    for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
        if let Some((name, value)) = modifier(term) {
            if name.eq_ignore_ascii_case("redirect") {
                redirects += 1;
                record.redirect = Some(other(value, term)?);
            }
            continue;
        }
        // What stands behind `all` is never looked at.
        if record.all.is_none() {
            mechanism(term, &mut record)?;
        }
    }
    if redirects > 1 {
        return Err("has more than one `redirect=`".to_owned());
    }
    if record.redirect.is_some() && record.all.is_none() {
        record.lookups += 1;
    }
    Ok(record)
}

/// `name=value`, as it may stand in a record.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let mut letters = name.bytes();
    let fits = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    fits.then_some((name, value))
}

fn mechanism(term: &str, record: &mut Record) -> Result<(), String> {
    let (verdict, rest) = match term.split_at_checked(1) {
        Some(("+", rest)) => (All::Pass, rest),
        Some(("-", rest)) => (All::Fail, rest),
        Some(("~", rest)) => (All::SoftFail, rest),
        Some(("?", rest)) => (All::Neutral, rest),
        _ => (All::Pass, term),
    };
    let at = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, value) = rest.split_at_checked(at).unwrap_or((rest, ""));
    let value_of = |sign: char| value.strip_prefix(sign).filter(|value| !value.is_empty());
    let unknown = || format!("holds `{term}`, which no receiver understands");
    match name.to_ascii_lowercase().as_str() {
        "all" if value.is_empty() => record.all = Some(verdict),
        "include" => {
            let name = value_of(':').ok_or_else(unknown)?;
            record.includes.push(other(name, term)?);
            record.lookups += 1;
        }
        "exists" => {
            value_of(':').ok_or_else(unknown)?;
            record.lookups += 1;
        }
        "a" | "mx" | "ptr"
            if value.is_empty() || value_of(':').is_some() || value_of('/').is_some() =>
        {
            record.lookups += 1;
        }
        "ip4" => address::<std::net::Ipv4Addr>(value, 32).ok_or_else(unknown)?,
        "ip6" => address::<std::net::Ipv6Addr>(value, 128).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    }
    Ok(())
}

/// `:192.0.2.0/24`
fn address<A: std::str::FromStr>(value: &str, most: u8) -> Option<()> {
    let value = value.strip_prefix(':')?;
    let (address, bits) = value.split_once('/').unwrap_or((value, ""));
    address.parse::<A>().ok()?;
    let fits = bits.is_empty() && !value.ends_with('/') || bits.parse::<u8>().ok()? <= most;
    fits.then_some(())
}

fn other(name: &str, term: &str) -> Result<Other, String> {
    if name.contains('%') {
        return Ok(Other::Macro);
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() || name.contains(['/', ':']) {
        return Err(format!("holds `{term}`, which names no domain"));
    }
    Ok(Other::Name(name))
}

#[cfg(test)]
mod tests;
