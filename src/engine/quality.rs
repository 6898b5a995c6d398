//! How good the records are: shows every customer to `records::quality`, and asks the store what
//! several of them share. May not print.

use super::{EngineError, House};
use crate::model::Customer;
use crate::model::address::key;
use crate::records::quality::{self, Inspector, Languages, Quality, Shared, Twins};
use crate::store::SharedBy;

/// The days of every month, 29 February among them.
const DAYS: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// Examples of addresses in disguise.
const EXAMPLES: usize = 5;

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
