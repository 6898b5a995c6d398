//! How good the records of a business are: what is missing, and what looks wrong.
//!
//! Nothing is mended and nobody is kept out because of it: a person decides. What might as well be
//! right isn't mentioned, so that a clean shop hears nothing. Pure: it is shown one customer after the
//! other and keeps counts, a few examples, and nothing else. May not know the store or the clock.

mod addresses;
mod dates;
mod garbled;
mod names;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::addresses::Addresses;
use self::dates::Dates;
use crate::model::Customer;

/// Ids that are named of each finding.
pub const EXAMPLES: usize = 5;
/// Zones and languages that are kept apart; a business with more has other worries.
const MOST_WORDS: usize = 500;

/// What was looked at and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// How many customers there are, and how much is known of them.
    pub known: Known,
    /// What looks wrong, what concerns most first.
    pub findings: Vec<Finding>,
}

/// How many customers bear what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// All of them.
    pub customers: u64,
    /// Those with an address.
    pub address: u64,
    /// Those with a birthday.
    pub birthday: u64,
    /// Those of them whose year of birth is known.
    pub birth_year: u64,
    /// Those with a first or a last name.
    pub name: u64,
    /// Those with a language of their own.
    pub language: u64,
    /// Those with a time zone of their own.
    pub zone: u64,
}

/// Something that looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A word for machines, such as `birthday-spike`; it never changes.
    pub kind: &'static str,
    /// How many customers it is about.
    pub customers: u64,
    /// What looks wrong, and what may be the reason: a sentence.
    pub words: String,
    /// The ids of a few of them.
    pub examples: Vec<String>,
}

/// Customers that are counted, and the first of them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Group {
    pub(super) fn add(&mut self, customer: &Customer) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(customer.id.clone());
        }
    }

    pub(super) fn finding(self, kind: &'static str, words: String) -> Option<Finding> {
        (self.count > 0).then_some(Finding {
            kind,
            customers: self.count,
            words,
            examples: self.examples,
        })
    }
}

/// What the business sends letters in, and what it sends when a customer's own language isn't there.
#[derive(Debug, Clone, Default)]
pub struct Languages {
    /// The languages in which there is every letter that is in use.
    pub of_letters: Vec<String>,
    /// The business's own.
    pub own: String,
}

/// Looks at one customer after the other.
#[derive(Debug)]
pub struct Inspector {
    languages: Languages,
    known: Known,
    dates: Dates,
    addresses: Addresses,
    names: Group,
    garbled: Group,
    /// How the first of them looks, and what it was.
    garble: Option<(String, char)>,
    zones: BTreeMap<String, Group>,
    unspoken: BTreeMap<String, Group>,
}

impl Inspector {
    /// On this day of the business.
    pub fn new(today: Date, languages: Languages) -> Self {
        Self {
            languages,
            known: Known::default(),
            dates: Dates::new(today),
            addresses: Addresses::default(),
            names: Group::default(),
            garbled: Group::default(),
            garble: None,
            zones: BTreeMap::new(),
            unspoken: BTreeMap::new(),
        }
    }

    /// Takes one customer in.
    pub fn see(&mut self, one: &Customer) {
        let known = &mut self.known;
        known.customers += 1;
        known.address += u64::from(one.email.is_some());
        known.birthday += u64::from(one.birthday.is_some());
        known.birth_year += u64::from(one.birthday.is_some_and(|day| day.year().is_some()));
        known.name += u64::from(one.first_name.is_some() || one.last_name.is_some());
        known.language += u64::from(one.language.is_some());
        known.zone += u64::from(one.timezone.is_some());
        self.dates.see(one);
        self.addresses.see(one);
        if names::is_a_stand_in(one) {
            self.names.add(one);
        }
        if let Some(found) = garbled::found(one) {
            self.garbled.add(one);
            if let (None, Some(meant)) = (&self.garble, found.meant) {
                self.garble = Some((found.stands, meant));
            }
        }
        if let Some(zone) = &one.timezone
            && TimeZone::get(zone).is_err()
        {
            note(&mut self.zones, zone, one);
        }
        if let Some(language) = &one.language
            && !self.languages.speak(language)
        {
            note(&mut self.unspoken, language, one);
        }
    }

    /// The dates on which suspiciously many were born, as year and `month * 100 + day`: people who
    /// share one of them aren't likely to be the same.
    pub fn spikes(&self) -> Vec<(i16, i64)> {
        self.dates.spikes().map(|day| day.0).collect()
    }

    /// What was found; `twins` is what only the whole of the records shows.
    pub fn judge(self, twins: Twins) -> Quality {
        let known = self.known;
        let mut findings = self.dates.findings();
        findings.extend(self.addresses.findings());
        findings.extend(twins.findings());
        let words = "the name looks like a stand-in, such as \"test\" or \"unknown\"; a letter would \
            begin with it";
        findings.extend(self.names.finding("stand-in-name", words.to_owned()));
        let such = self.garble.map_or_else(String::new, |(stands, meant)| {
            format!(" (`{stands}` was `{meant}`)")
        });
        let words = format!(
            "letters were garbled before they came here{such}; a letter would show them so: mend them \
             where they come from, or export them anew in the right encoding"
        );
        findings.extend(self.garbled.finding("garbled", words));
        for (zone, some) in self.zones {
            let words = format!(
                "the time zone `{zone}` doesn't exist, so the business's own counts; write such as \
                 Europe/London"
            );
            findings.extend(some.finding("unknown-zone", words));
        }
        for (language, some) in self.unspoken {
            let words = format!(
                "the language is `{language}`, in which there isn't every letter; what is missing \
                 they get in `{}`",
                self.languages.own
            );
            findings.extend(some.finding("no-letter-in-language", words));
        }
        findings.sort_by_key(|one| std::cmp::Reverse(one.customers));
        Quality { known, findings }
    }
}

fn note(all: &mut BTreeMap<String, Group>, word: &str, one: &Customer) {
    if all.contains_key(word) || all.len() < MOST_WORDS {
        all.entry(word.to_owned()).or_default().add(one);
    }
}

impl Languages {
    /// Whether there are letters for somebody of this language: `de` does for `de-AT`.
    fn speak(&self, language: &str) -> bool {
        let base = language.split(['-', '_']).next().unwrap_or(language);
        let all = self.of_letters.iter().chain([&self.own]);
        let mut all = all.map(String::as_str);
        all.any(|one| one.eq_ignore_ascii_case(language) || one.eq_ignore_ascii_case(base))
    }
}

/// What several customers have in common that hardly two people have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Twins {
    /// Addresses that several customers have.
    pub addresses: Shared,
    /// Names and birthdays, year and all, that several customers have.
    pub people: Shared,
    /// Addresses that are another customer's written differently, such as with a `+` part.
    pub variants: Shared,
}

/// What several customers share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shared {
    /// How many different things are shared.
    pub things: u64,
    /// How many customers share them.
    pub customers: u64,
    /// The ids of a few who share one.
    pub examples: Vec<String>,
}

impl Twins {
    fn findings(self) -> Vec<Finding> {
        let Self {
            addresses,
            people,
            variants,
        } = self;
        let address = if addresses.things == 1 {
            "an address is".to_owned()
        } else {
            format!("{} addresses are each", addresses.things)
        };
        let told = [
            (
                "shared-address",
                format!(
                    "{address} on record for several customers; each of these gets letters of \
                     their own"
                ),
                addresses,
            ),
            (
                "same-name-and-birthday",
                "another customer has the same name and the same birthday; they may be one person"
                    .to_owned(),
                people,
            ),
            (
                "same-address-in-disguise",
                "another customer's address leads to the same mailbox, only written differently \
                 (a `+` part, or dots at Gmail)"
                    .to_owned(),
                variants,
            ),
        ];
        let of = |(kind, words, shared): (_, _, Shared)| {
            let some = Group {
                count: shared.customers,
                examples: shared.examples,
            };
            some.finding(kind, words)
        };
        told.into_iter().filter_map(of).collect()
    }
}

/// The plain form of an address (as compared) whose mailbox has many spellings, if this isn't it.
pub fn plain_form(key: &str) -> Option<String> {
    addresses::plain_form(key)
}

#[cfg(test)]
mod tests;
