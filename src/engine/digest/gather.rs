//! What a week came to: asked of the store and of the engine's other answers, fact by fact.
//!
//! May not put anything into words.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::super::alert;
use super::super::compare::Verdict;
use super::super::forecast::calendar::{Fate, fate};
use super::super::forecast::{self, forecast};
use super::super::quiet::{self, Quiet, quiet};
use super::super::results::{self, results};
use super::super::walk::Stretch;
use super::super::{EngineError, House};
use super::idle;
use super::period::Period;
use crate::model::policy::{Audience, Class};
use crate::model::{Matter, Outcome};
use crate::render::digest::{
    self, Ahead, Back, Broken, Compared, Facts, Fault, Gone, Missing, Need, Told, why,
};
use crate::rhythm::Cadence;
use crate::rules::{Delay, Rule, Trigger};
use crate::store::{Ended, Returns, Trouble};

/// Days that are looked ahead.
const AHEAD_DAYS: u16 = 7;
/// Days in which a return counts, as `fondly results` has it.
const WITHIN_DAYS: u16 = 30;
/// Days ahead in which somebody who has gone quiet most likely doesn't come, as `fondly quiet` has it.
const HORIZON_DAYS: u32 = 90;
/// Names of those who came back, and customers who are missing: a phone's screen holds no more.
const NAMED: usize = 3;
/// Customers who are missing, by name.
const MISSING: usize = 3;
/// A letter about a week that ended longer ago than this says nothing of what is or will be.
const FRESH: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What may be told besides the week itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is now, and what lies ahead.
    Now(Timestamp),
    /// Only the past.
    Past,
}

impl Scope {
    /// Of a week that ended at this moment, seen from now.
    pub fn at(until: Timestamp, now: Timestamp) -> Self {
        if now.duration_since(until) < FRESH {
            Self::Now(now)
        } else {
            Self::Past
        }
    }
}

/// Everything that the letter of a period tells.
///
/// # Errors
/// The store's trouble.
pub async fn gather(house: &House, period: Period, scope: Scope) -> Result<Facts, EngineError> {
    let days = (house.today(period.since), house.today(period.until));
    let ended = house
        .store
        .ended_between((period.since, period.until))
        .await?;
    let mut facts = Facts {
        business: house.plans.settings.business.name.clone(),
        days,
        console: console(house),
        balance: balance(house, &ended),
        sent: by_title(house, &ended),
        not_sent: by_reason(&ended),
        back: back(house, period, days).await?,
        missing: missing(house, days.1).await?,
        ..Facts::default()
    };
    if let Scope::Now(now) = scope {
        facts.ahead = Some(ahead(house, now).await);
        now_at_hand(house, &mut facts).await?;
    }
    if facts.sent.is_empty() {
        let now = matches!(scope, Scope::Now(_));
        facts.idle = Some(idle::why(house, &facts, now).await?);
    }
    Ok(facts)
}

/// Where the console is reached from wherever the letter is read, if anywhere: an address of this
/// machine alone leads nowhere on a phone.
fn console(house: &House) -> Option<String> {
    house.plans.settings.console.as_ref()?.base_url.clone()
}

/// Letters that went out, by title, the most first.
fn by_title(house: &House, ended: &[Ended]) -> Vec<(String, u64)> {
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for one in ended.iter().filter(|one| one.outcome == Outcome::Sent) {
        *sent.entry(house.title(&one.rule).to_owned()).or_default() += one.entries;
    }
    most_first(sent)
}

fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    // Of equals, the titles keep their order.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// Letters that weren't sent, by what kept them, in the order of telling.
fn by_reason(ended: &[Ended]) -> Vec<(crate::render::digest::Why, u64)> {
    let mut kept = BTreeMap::new();
    for one in ended {
        if let Some(why) = why(one.outcome, one.reason) {
            *kept.entry(why).or_default() += one.entries;
        }
    }
    kept.into_iter().collect()
}

/// Letters to customers that cared, and letters that asked for something.
fn balance(house: &House, ended: &[Ended]) -> (u64, u64) {
    let (mut cared, mut asked) = (0, 0);
    for one in ended {
        let to_customer = one.audience == Audience::Customer.as_str();
        if one.outcome != Outcome::Sent || !to_customer {
            continue;
        }
        let asks = match house.rule(&one.rule) {
            Some(rule) => asks(rule),
            None => one.class == Class::Marketing.as_str(),
        };
        *(if asks { &mut asked } else { &mut cared }) += one.entries;
    }
    (cared, asked)
}

/// Whether a rule's letters hope for something: a visit after a silence, an answer, a purchase. A
/// greeting, a thank-you, a surprise and a word about what somebody asked for don't, whatever their
/// class by law is.
fn asks(rule: &Rule) -> bool {
    match &rule.trigger {
        Trigger::Lapsed(_) | Trigger::Usage(_) => true,
        Trigger::Anniversary(_) | Trigger::Holiday(_) | Trigger::Fixed(_) => false,
        Trigger::Event(event) => {
            let surprise = matches!(event.delay, Delay::Between(..));
            rule.class == Class::Marketing && !surprise
        }
        Trigger::Date(_) => rule.class == Class::Marketing,
    }
}

/// Who came back after the letters of each rule for silences.
async fn back(house: &House, period: Period, days: (Date, Date)) -> Result<Vec<Back>, EngineError> {
    let mut all = Vec::new();
    for rule in &house.plans.rules {
        let Trigger::Lapsed(silence) = &rule.trigger else {
            continue;
        };
        if rule.audience != Audience::Customer {
            continue;
        }
        let asked = Returns {
            rule: &rule.id,
            kinds: &silence.contact,
            within_days: WITHIN_DAYS,
            between: (period.since, period.until),
            days,
        };
        let customers = house.store.came_back(&asked).await?;
        let compared = compared(house, &rule.id, period.until).await?;
        if customers.is_empty() && compared.is_none() {
            continue;
        }
        let named: Vec<&str> = customers.iter().take(NAMED).map(String::as_str).collect();
        let known = house.store.named(&named).await?;
        let name = |id: &&str| {
            let known = known.iter().find(|one| one.id == **id);
            known
                .map(|one| one.name.clone())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| (*id).to_owned())
        };
        all.push(Back {
            title: rule.title.clone(),
            within_days: WITHIN_DAYS,
            count: customers.len() as u64,
            names: named.iter().map(name).collect(),
            compared,
        });
    }
    Ok(all)
}

/// How those did who were meant to get a rule's letter, against those who were left out.
async fn compared(
    house: &House,
    rule: &str,
    until: Timestamp,
) -> Result<Option<Compared>, EngineError> {
    let question = results::Question {
        rule: Some(rule.to_owned()),
        within_days: WITHIN_DAYS,
        since: None,
        until: Some(until),
    };
    let found = results(house, &question, until).await?;
    Ok(found.first().and_then(|found| {
        let told = match found.verdict {
            Verdict::NoLetters | Verdict::NoHoldout | Verdict::TooEarly => return None,
            Verdict::TooFew => Told::TooFew,
            Verdict::Unclear => Told::Unclear,
            Verdict::Helps => Told::Helps,
            Verdict::Hurts => Told::Hurts,
        };
        Some(Compared {
            meant: (found.meant.of, found.meant.back),
            left_out: (found.holdout.of, found.holdout.back),
            told,
        })
    }))
}

async fn missing(house: &House, on: Date) -> Result<Missing, EngineError> {
    let question = quiet::Question {
        on,
        horizon_days: HORIZON_DAYS,
        all: false,
    };
    let found = quiet(house, &question).await?;
    let (worth, others) = quiet::worth(&found);
    Ok(Missing {
        count: found.len() as u64,
        worth: worth
            .iter()
            .map(|(sum, currency)| (*sum, (*currency).to_owned()))
            .collect(),
        others,
        top: found.iter().take(MISSING).map(gone).collect(),
    })
}

fn worth_of(one: &Quiet) -> Option<(f64, &str)> {
    let amount = one.value_per_year?.to_f64();
    Some((amount, one.currency.as_deref().unwrap_or_default()))
}

fn gone(one: &Quiet) -> Gone {
    Gone {
        name: if one.name.is_empty() {
            one.customer.clone()
        } else {
            one.name.clone()
        },
        silent_days: one.silent_days,
        usually: one.cadence.map(Cadence::days),
        worth: worth_of(one).map(|(amount, currency)| (amount, currency.to_owned())),
    }
}

/// What the coming days bring. That may take a copy of the store, for which there may be no room:
/// the letter comes all the same.
async fn ahead(house: &House, now: Timestamp) -> Ahead {
    let unknown = Ahead {
        days: AHEAD_DAYS,
        ..Ahead::default()
    };
    let Ok(until) = now.checked_add((24 * i64::from(AHEAD_DAYS)).hours()) else {
        return unknown;
    };
    let stretch = Stretch {
        from: now,
        until,
        away: Vec::new(),
    };
    let question = forecast::Question::default();
    let told = match Box::pin(forecast(house.plans.clone(), &stretch, &question, |_| ())).await {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(%error, "what lies ahead can't be told in the weekly letter");
            return unknown;
        }
    };
    let (mut letters, mut held): (BTreeMap<String, u64>, u64) = (BTreeMap::new(), 0);
    for entry in &told.entries {
        match fate(&told, entry).1 {
            Fate::GoesOut => {
                let title = house.title(&entry.rule).to_owned();
                *letters.entry(title).or_default() += 1;
            }
            // What is held already stands with what needs a decision.
            Fate::Held(_) if entry.occasion.due_at >= now => held += 1,
            Fate::Held(_) | Fate::Waits(..) | Fate::Not(_) => {}
        }
    }
    Ahead {
        days: AHEAD_DAYS,
        known: true,
        letters: most_first(letters),
        held,
    }
}

/// What needs somebody, and what doesn't work.
async fn now_at_hand(house: &House, facts: &mut Facts) -> Result<(), EngineError> {
    let mut batches: BTreeMap<(Date, String), u64> = BTreeMap::new();
    for batch in house.store.held_batches().await? {
        *batches.entry((batch.day, batch.rule)).or_default() += batch.entries;
    }
    for ((day, rule), letters) in batches {
        facts.needs.push(Need::Held {
            title: house.title(&rule).to_owned(),
            rule,
            day,
            letters,
        });
    }
    let unknown = house.store.count_unknown().await?;
    if unknown > 0 {
        facts.needs.push(Need::Unknown(unknown));
    }
    if let Some(since) = house.store.paused().await?.all {
        facts.needs.push(Need::Paused(house.today(since)));
    }
    for trouble in house.store.troubles().await? {
        tell(house, facts, trouble);
    }
    let quarantined = house.store.count_quarantined().await?;
    if quarantined > 0 {
        facts.needs.push(Need::Quarantined(quarantined));
    }
    Ok(())
}

/// A trouble stands with what doesn't work, unless it is told already.
fn tell(house: &House, facts: &mut Facts, trouble: Trouble) {
    // What has no words in the weekly letter is told in those of an alert.
    let in_words = |matter: &Matter| {
        let language = digest::language(&house.plans.settings.business.language);
        alert::in_words(house, matter, language).0
    };
    let what = match trouble.matter {
        Matter::Held { .. } | Matter::Unknown { .. } => return,
        Matter::Edit { .. } => Fault::Edit,
        Matter::Away { name, .. } => Fault::Away(name),
        Matter::RefusesUs { name, .. } => Fault::RefusesUs(name),
        Matter::Source { name, .. } => Fault::Source(name),
        Matter::Unusable { name, .. } => Fault::Unusable(name),
        Matter::Refusals { .. } => Fault::ManyRefusals,
        Matter::Unwritten { .. } | Matter::Standstill { .. } | Matter::PassesFail { .. } => {
            Fault::Other(in_words(&trouble.matter))
        }
        Matter::ManyGone { name, gone, of } => {
            return facts.needs.push(Need::ManyGone { name, gone, of });
        }
        Matter::Complaint { .. } | Matter::Other { .. } => {
            facts.needs.push(Need::Other(in_words(&trouble.matter)));
            return;
        }
    };
    let since = house.today(trouble.since);
    facts.broken.push(Broken { what, since });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules;

    /// Of the letters that are shipped for customers.
    #[test]
    fn what_hopes_for_something_asks_and_what_greets_and_thanks_doesn_t() {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let loaded = rules::load(&config.join("rules"), &config.join("holidays")).unwrap();
        let to_customers = loaded.rules.iter();
        let to_customers = to_customers.filter(|rule| rule.audience == Audience::Customer);
        let (ask, care): (Vec<&Rule>, Vec<&Rule>) = to_customers.partition(|rule| asks(rule));
        let ids = |rules: Vec<&Rule>| -> Vec<String> {
            rules.iter().map(|rule| rule.id.clone()).collect()
        };
        assert_eq!(
            ids(ask),
            ["we-miss-you-again", "we-miss-you", "your-opinion"]
        );
        let care = ids(care);
        for id in [
            "birthday",
            "thank-you",
            "surprise-thank-you",
            "new-year",
            "renewal-ahead",
        ] {
            assert!(care.iter().any(|known| known == id), "{id}: {care:?}");
        }
    }
}
