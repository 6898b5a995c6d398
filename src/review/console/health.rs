//! Health: whether it is alive, and what is wrong, in words.
//!
//! May not mend anything.

use std::sync::Arc;

use axum::extract::{Extension, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::trouble::Trouble;
use super::words::moment;
use super::{Answer, Console, today};
use crate::engine::{alert, digest};
use crate::model::{Matter, State as Standing};
use crate::render::notice;

/// Whether everything works, as the first page says it too.
pub(super) async fn alive(console: &Console) -> Result<Value, Trouble> {
    let house = console.house();
    let now = house.clock.now();
    let zone = &house.policy().zone;
    let mut wrong: Vec<Value> = Vec::new();
    let mut add = |what: String, words: Option<String>, since: Option<jiff::Timestamp>| {
        let since = since.map(|at| moment(at, zone));
        let what = begun(&what);
        wrong.push(json!({ "what": what, "words": words, "since": since }));
    };
    if let Some(words) = console.pulse.trouble(now) {
        add(
            format!("fondly isn't at work as it should be: {words}"),
            None,
            None,
        );
    }
    let paused = house.store.paused().await?;
    if paused.all.is_some() {
        let words = "Nothing is sent until `fondly resume` says so.".to_owned();
        add("Everything is paused".to_owned(), Some(words), paused.all);
    }
    let mut told = Vec::new();
    for trouble in house.store.troubles().await? {
        // What waits for a decision isn't broken; it has a page of its own.
        if matches!(trouble.matter, Matter::Held { .. }) {
            continue;
        }
        if let Matter::Source { name, .. } = &trouble.matter {
            told.push(name.clone());
        }
        let (what, words) = alert::in_english(&house, &trouble.matter);
        // The words are those of a letter to the owner, which is what they look like here.
        let words = notice("", &words, alert::ENGLISH).text;
        add(what, Some(words), Some(trouble.since));
    }
    for (via, standing) in house.store.relays().await? {
        let what = match standing.state {
            Standing::Works => continue,
            Standing::Away => format!("Letters can't leave by {via}"),
            Standing::RefusesUs => format!("{via} refuses us, whatever the letter"),
        };
        add(what, Some(standing.words), standing.since);
    }
    let unread = house.store.unread_sources().await?;
    for source in unread.iter().filter(|source| !told.contains(source)) {
        add(format!("The source `{source}` can't be read"), None, None);
    }
    let heartbeat = house.store.heartbeat().await?;
    let unusable = house.store.count_quarantined().await?;
    let held = house.store.held_batches().await?;
    let held: u64 = held.iter().map(|batch| batch.entries).sum();
    let to_decide = held + house.store.count_unknown().await?;
    Ok(json!({
        "well": wrong.is_empty(),
        "to_decide": to_decide,
        "waits": unusable + to_decide > 0,
        "unusable": unusable,
        "wrong": wrong,
        "heartbeat": heartbeat.map(|at| today::when(&house, at, now)),
    }))
}

/// With a capital, as a line of its own begins.
fn begun(words: &str) -> String {
    let mut signs = words.chars();
    let first = signs.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + signs.as_str()
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Answer {
    let house = console.house();
    let now = house.clock.now();
    let alive = alive(&console).await?;
    let settings = &house.plans.settings;
    let relays = house.store.relays().await?;
    let paused = house.store.paused().await?;
    let (customers, reachable) = house.store.count_customers().await?;
    let presence = house.store.presence().await?;
    let ways: Vec<Value> = relays
        .iter()
        .map(|(via, standing)| {
            json!({
                "via": via,
                "state": standing.state.as_str(),
                "words": standing.words,
                "next": standing.next_try.map(|at| moment(at, &house.policy().zone)),
            })
        })
        .collect();
    let rules = &house.plans.rules;
    let zone = &house.policy().zone;
    let page = json!({
        "alive": alive,
        "version": env!("CARGO_PKG_VERSION"),
        "now": moment(now, zone),
        "passes": presence.as_ref().map(|presence| presence.count.passes),
        "sync": settings.schedule.sync,
        "tick": settings.schedule.tick,
        "letter": house.store.last_digest_handed_over().await?.map(|last| moment(last.at, zone)),
        "next_letter": digest::next(&house, now).map(|at| moment(at, zone)),
        "ways": ways,
        "paused": paused.rules.iter().map(|(rule, at)| json!({
            "rule": house.title(rule),
            "since": moment(*at, zone),
        })).collect::<Vec<_>>(),
        "customers": customers,
        "reachable": reachable,
        "rules_on": rules.iter().filter(|rule| rule.enabled).count(),
        "rules": rules.len(),
        "quarantined": house.store.count_quarantined().await?,
    });
    console.page(&visit, "health.html", &page)
}
