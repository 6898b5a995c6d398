//! How good the records are: shows every customer to `records::quality`, and asks the store what
//! several of them share. What was found of a source is kept, since looking takes long. May not print.

use super::{EngineError, House};
use crate::model::Customer;
use crate::model::address::key;
use crate::records::quality::{self, Inspector, Languages, Quality, Shared, Twins};
use crate::settings::Feeds;
use crate::store::{Finding, Judged, SharedBy};

/// The days of every month, 29 February among them.
const DAYS: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// Examples of addresses in disguise.
const EXAMPLES: usize = 5;

/// Looks at one source's customers, and keeps what was found.
///
/// # Errors
/// The store's trouble.
pub async fn judge(house: &House, source: &str) -> Result<Quality, EngineError> {
    // What comes in meanwhile may be missed, and is looked at the next time.
    let marks = house.store.source_marks().await?;
    let mark = marks.iter().find(|mark| mark.source == source);
    let quality = of(house, Some(source)).await?;
    let judged = Judged {
        source: source.to_owned(),
        at: house.clock.now(),
        news: mark.map(|mark| mark.applied_at),
        found: told(&quality),
    };
    house.store.keep_judged(&judged).await?;
    Ok(quality)
}

/// The sources of customers of which something came in since they were judged.
///
/// # Errors
/// The store's trouble.
pub async fn with_news(house: &House) -> Result<Vec<String>, EngineError> {
    let marks = house.store.source_marks().await?;
    let judged = house.store.judged().await?;
    let sources = house.plans.settings.sources.iter();
    let with_news = sources.filter(|source| {
        let mark = marks.iter().find(|mark| mark.source == source.name);
        let known = judged.iter().find(|one| one.source == source.name);
        let news = mark.map(|mark| mark.applied_at);
        source.feeds == Feeds::Customers
            && news.is_some()
            && known.is_none_or(|known| known.news != news)
    });
    Ok(with_news.map(|source| source.name.clone()).collect())
}

/// Judges those anew.
///
/// # Errors
/// The store's trouble.
pub async fn refresh(house: &House) -> Result<(), EngineError> {
    for source in with_news(house).await? {
        judge(house, &source).await?;
    }
    Ok(())
}

/// What was found, line by line: first how many lack what, then what looks wrong.
pub fn told(quality: &Quality) -> Vec<Finding> {
    let known = &quality.known;
    let all = known.customers;
    let missing = [
        ("customers", all, "customers"),
        ("without-address", all - known.address, "have no address"),
        ("without-name", all - known.name, "have no name"),
        ("without-birthday", all - known.birthday, "have no birthday"),
        (
            "without-birth-year",
            known.birthday - known.birth_year,
            "have a birthday without a year",
        ),
        (
            "without-language",
            all - known.language,
            "have no language of their own",
        ),
        (
            "without-zone",
            all - known.zone,
            "have no time zone of their own",
        ),
    ];
    let missing = missing.map(|(kind, customers, words)| Finding {
        kind: kind.to_owned(),
        customers,
        of: all,
        words: words.to_owned(),
        examples: Vec::new(),
    });
    let found = quality.findings.iter().map(|one| Finding {
        kind: one.kind.to_owned(),
        customers: one.customers,
        of: all,
        words: one.words.clone(),
        examples: one.examples.clone(),
    });
    missing.into_iter().chain(found).collect()
}

/// How many of what [`told`] gives only say how many lack what.
pub const FACTS: usize = 7;

/// Looks at all customers, or only at those of one source, as they are in the store.
///
/// # Errors
/// The store's trouble.
pub async fn of(house: &House, source: Option<&str>) -> Result<Quality, EngineError> {
    let today = house.today(house.clock.now());
    let mut inspector = Inspector::new(today, languages(house));
    let mut twins = Twins::default();
    let mut after = 0;
    while let Some((last, some)) = house.store.some_customers(source, after).await? {
        for one in &some {
            inspector.see(one);
        }
        in_disguise(house, &some, &mut twins.variants).await?;
        after = last;
    }
    twins.addresses = shared(house.store.shared_addresses(source).await?);
    let mut people = SharedBy::default();
    let spikes = inspector.spikes();
    for (month, days) in (1..).zip(DAYS) {
        for day in 1..=days {
            let day = month * 100 + day;
            let on_it = spikes.iter().filter(|(_, spike)| *spike == day);
            let years: Vec<i16> = on_it.map(|(year, _)| *year).collect();
            let found = house.store.shared_birthdays(source, day, &years).await?;
            people.add(found);
        }
    }
    twins.people = shared(people);
    Ok(inspector.judge(twins))
}

/// The languages that every letter of the enabled rules is there in.
fn languages(house: &House) -> Languages {
    let plans = &house.plans;
    let mut of_letters: Option<Vec<&str>> = None;
    for rule in plans.rules.iter().filter(|rule| rule.enabled) {
        let mut there = plans.letters.languages(&rule.template);
        if let Some(all) = &of_letters {
            there.retain(|language| all.contains(language));
        }
        of_letters = Some(there);
    }
    let of_letters = of_letters.unwrap_or_default();
    Languages {
        of_letters: of_letters.into_iter().map(str::to_owned).collect(),
        own: plans.settings.business.language.clone(),
    }
}

fn shared(found: SharedBy) -> Shared {
    Shared {
        things: found.things,
        customers: found.customers,
        examples: found.examples,
    }
}

/// Counts whose address is a spelling of another customer's.
async fn in_disguise(
    house: &House,
    some: &[Customer],
    found: &mut Shared,
) -> Result<(), EngineError> {
    let addresses = some.iter().filter_map(|one| {
        let plain = quality::plain_form(&key(one.email.as_deref()?))?;
        Some((plain, one.id.as_str()))
    });
    let addresses: Vec<(String, &str)> = addresses.collect();
    if addresses.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = addresses.iter().map(|(plain, _)| plain.clone()).collect();
    let known = house.store.known_addresses(&keys).await?;
    for (plain, id) in addresses {
        if known.contains(&plain) {
            found.things += 1;
            found.customers += 1;
            if found.examples.len() < EXAMPLES {
                found.examples.push(id.to_owned());
            }
        }
    }
    Ok(())
}
