//! Who has gone quiet: how often they used to come, how sure it is that they stay away, and what
//! they used to bring.
//!
//! Seen from a day with what was known on it. May not change anything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::results::CONTACTS;
use super::{EngineError, House};
use crate::decide::lapse::contact_days;
use crate::model::amount::same_currency;
use crate::model::dates::day_number;
use crate::model::{Amount, View};
use crate::rhythm::cadence::gaps;
use crate::rhythm::{Cadence, Sample};
use crate::rules::Trigger;

/// Customers looked at together.
const CHUNK: usize = 512;
/// Who was here within the week isn't quiet, however sure it is that they stay away.
const LEAST_SILENCE: u32 = 7;
/// Somebody with one contact day never had a rhythm to fall out of.
const LEAST_CONTACTS: usize = 2;
/// From this chance on somebody counts as gone quiet.
const QUIET: f64 = 0.8;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The last civil day of what is known.
    pub on: Date,
    /// No contact in so many coming days.
    pub horizon_days: u32,
    /// Everybody with a contact, not only those who have gone quiet.
    pub all: bool,
}

/// A customer and their silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiet {
    /// The customer's id.
    pub customer: String,
    /// Their first and last name, as far as they are known.
    pub name: String,
    /// Distinct contact days.
    pub contacts: usize,
    /// The last of them.
    pub last_contact: Date,
    /// Whole days since.
    pub silent_days: u32,
    /// The median gap, from three contact days on.
    pub cadence: Option<Cadence>,
    /// The chance of no contact in the coming days, from 0 to 1.
    pub chance_gone: f64,
    /// What they brought in the year up to their last contact; `None` where nothing with an amount
    /// is known, or amounts are in several currencies.
    pub value_per_year: Option<Amount>,
    /// Its currency, if it is known.
    pub currency: Option<String>,
    /// The last letter that went out or may have, if there was one: the rule, and when.
    pub last_letter: Option<(String, Timestamp)>,
}

/// Characters of a currency that are shown; most have three.
pub const MOST_OF_A_CURRENCY: usize = 8;
/// Currencies that are summed up: records can name any number.
const CURRENCIES: usize = 4;

/// What they used to bring in a year by currency, the most first, and whether there are others.
pub fn worth<'a>(found: impl IntoIterator<Item = &'a Quiet>) -> (Vec<(f64, &'a str)>, bool) {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for one in found {
        if let Some(amount) = one.value_per_year {
            let currency = one.currency.as_deref().unwrap_or_default();
            *sums.entry(currency).or_default() += amount.to_f64();
        }
    }
    let mut sums: Vec<(f64, &str)> = sums.into_iter().map(|(name, sum)| (sum, name)).collect();
    sums.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let others = sums.len() > CURRENCIES;
    sums.truncate(CURRENCIES);
    (sums, others)
}

/// Who has gone quiet, the most valuable first.
///
/// # Errors
/// The store's trouble.
pub async fn quiet(house: &House, question: &Question) -> Result<Vec<Quiet>, EngineError> {
    let kinds = kinds(house);
    let today = day_number(question.on);
    let everyone = house.store.everyone(false).await?;
    // How customers come is learnt of all of them, and only then can anybody be judged. Of those who
    // may be listed, the second walk reads again: all of everybody would be too much to keep.
    let (mut sample, mut perhaps) = (Sample::default(), Vec::new());
    for ids in everyone.chunks(CHUNK) {
        for view in house.views(ids).await? {
            let Some((days, _)) = contacts_by(&view, &kinds, question.on) else {
                continue;
            };
            sample.add(&days, today);
            if question.all || Silence::of(&days, today).is_unusual() {
                perhaps.push(view.customer.id);
            }
        }
    }
    drop(everyone);
    let pattern = sample.fit();
    let mut listed = Vec::new();
    for ids in perhaps.chunks(CHUNK) {
        for view in house.views(ids).await? {
            let Some((days, last)) = contacts_by(&view, &kinds, question.on) else {
                continue;
            };
            let silence = Silence::of(&days, today);
            let outlook = pattern.outlook(gaps(&days));
            let chance = outlook.chance(silence.days, question.horizon_days);
            if question.all || (silence.is_unusual() && chance >= QUIET) {
                listed.push(seen(&view, question, last, (silence, chance)));
            }
        }
    }
    listed.sort_by(|a, b| {
        let dearer = b.value_per_year.cmp(&a.value_per_year);
        dearer
            .then_with(|| b.chance_gone.total_cmp(&a.chance_gone))
            .then_with(|| a.customer.cmp(&b.customer))
    });
    Ok(listed)
}

/// How long somebody has been silent, beside how often they came.
#[derive(Debug, Clone, Copy)]
struct Silence {
    contacts: usize,
    days: u32,
    cadence: Option<Cadence>,
}

impl Silence {
    fn of(contacts: &[i32], today: i32) -> Self {
        Self {
            contacts: contacts.len(),
            days: contacts.last().map_or(0, |last| today.abs_diff(*last)),
            cadence: Cadence::of(contacts),
        }
    }

    /// Whether they came more than once, and stay away longer than is usual for them. Who most likely
    /// goes on doing so has gone quiet.
    fn is_unusual(&self) -> bool {
        let unusual = self
            .cadence
            .is_none_or(|cadence| f64::from(self.days) > cadence.days());
        self.contacts >= LEAST_CONTACTS && self.days >= LEAST_SILENCE && unusual
    }
}

/// The days on which a customer who is still here was in touch up to this one, and the last of them.
fn contacts_by(view: &View, kinds: &[String], on: Date) -> Option<(Vec<i32>, Date)> {
    if view.erased || view.gone {
        return None;
    }
    let mut contacts = contact_days(view, kinds);
    contacts.truncate(contacts.partition_point(|one| one.day <= on));
    let last = contacts.last()?.day;
    Some((
        contacts.iter().map(|one| day_number(one.day)).collect(),
        last,
    ))
}

/// The kinds of event that count as a contact: those of every rule for silences.
fn kinds(house: &House) -> Vec<String> {
    let named = house.plans.rules.iter().filter_map(|rule| {
        if let Trigger::Lapsed(silence) = &rule.trigger {
            Some(silence.contact.iter().cloned())
        } else {
            None
        }
    });
    let kinds: BTreeSet<String> = named.flatten().collect();
    if kinds.is_empty() {
        return CONTACTS.map(str::to_owned).to_vec();
    }
    kinds.into_iter().collect()
}

/// A customer with what is known of them.
fn seen(
    view: &View,
    question: &Question,
    last_contact: Date,
    (silence, chance_gone): (Silence, f64),
) -> Quiet {
    let customer = &view.customer;
    let names = [&customer.first_name, &customer.last_name];
    let names: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).collect();
    let (value_per_year, currency) = value(view, last_contact);
    let end = question.on.tomorrow().unwrap_or(question.on);
    let end = view.zone.to_timestamp(end.at(0, 0, 0, 0));
    let sent = view.letters();
    let sent = sent.filter(|sent| end.as_ref().is_ok_and(|end| sent.at < *end));
    let last_letter = sent.max_by_key(|sent| sent.at);
    Quiet {
        customer: customer.id.clone(),
        name: names.join(" ").trim().to_owned(),
        contacts: silence.contacts,
        last_contact,
        silent_days: silence.days,
        cadence: silence.cadence,
        chance_gone,
        value_per_year,
        currency,
        last_letter: last_letter.map(|sent| (sent.rule.clone(), sent.at)),
    }
}

/// The sum of everything with an amount in the year up to the last contact.
fn value(view: &View, last_contact: Date) -> (Option<Amount>, Option<String>) {
    let before = last_contact.saturating_sub(365.days());
    let paid = view.events.iter().filter_map(|event| {
        let day = event.at.civil_day(&view.zone);
        let counts = day > before && day <= last_contact;
        counts.then_some((event.amount?, event.currency.as_deref()))
    });
    let mut total: Option<(Amount, Option<&str>)> = None;
    for (amount, currency) in paid {
        let sum = match total {
            None => Some(amount),
            Some((sum, one)) if same_currency(one, currency) => sum.checked_add(amount),
            Some(_) => None,
        };
        let Some(sum) = sum else {
            return (None, None);
        };
        total = Some((sum, currency));
    }
    total.map_or((None, None), |(sum, currency)| {
        (Some(sum), currency.map(str::to_owned))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_currencies_the_largest_sums_are_told() {
        let one = |currency: &str, amount: &str| Quiet {
            customer: String::new(),
            name: String::new(),
            contacts: 2,
            last_contact: Date::constant(2027, 5, 2),
            silent_days: 30,
            cadence: None,
            chance_gone: 0.9,
            value_per_year: Amount::parse(amount),
            currency: Some(currency.to_owned()),
            last_letter: None,
        };
        let mut all = vec![one("EUR", "20"), one("GBP", "30"), one("EUR", "20")];
        assert_eq!(worth(&all), (vec![(40.0, "EUR"), (30.0, "GBP")], false));
        all.extend(["A", "B", "C"].map(|currency| one(currency, "1")));
        let (sums, others) = worth(&all);
        assert!(
            others && sums.len() == 4 && sums[0] == (40.0, "EUR"),
            "{sums:?}"
        );
    }
}
