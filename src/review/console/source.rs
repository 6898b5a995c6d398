//! One source: how good its records are, and which can't be used and why.
//!
//! What was found is kept in the store; when something has come in since, it is looked at anew while
//! somebody waits for the page, or reads what was found before. May not judge a record.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::show::part;
use super::slow::Told;
use super::sources::{bad_rows, many_gone, place};
use super::trouble::Trouble;
use super::words::{ago, customer_link, moment};
use super::{Answer, Console, show};
use crate::engine::quality::{self, FACTS};
use crate::engine::{House, listing};
use crate::settings::{Feeds, Source};
use crate::store::{Finding, Judged};

/// Reasons that are told with their number.
const REASONS: u16 = 20;

/// What a fact of how many lack something is called as what is there.
const THERE: [(&str, &str); 6] = [
    ("without-address", "an address"),
    ("without-name", "a name"),
    ("without-birthday", "a birthday"),
    ("without-birth-year", "a birthday with its year"),
    ("without-language", "a language of their own"),
    ("without-zone", "a time zone of their own"),
];

/// The address of a source's page.
pub(super) fn source_link(name: &str) -> String {
    format!("/sources/{}", part(name))
}

fn known<'a>(house: &'a House, name: &str) -> Result<&'a Source, Trouble> {
    let mut all = house.plans.settings.sources.iter();
    let found = all.find(|source| source.name == name);
    found.ok_or_else(|| Trouble::Nothing("There is no such source.".to_owned()))
}

/// Has what came in since looked at.
async fn refreshed(console: &Console) -> Result<Told<()>, Trouble> {
    let house = console.house();
    if quality::with_news(&house).await?.is_empty() {
        return Ok(Told::Well(Arc::new(()), house.clock.now()));
    }
    console.quality.outdated();
    let here = tokio::runtime::Handle::current();
    let work = async move {
        // Much of it is counting, which must not keep other answers waiting.
        let work = tokio::task::spawn_blocking(move || here.block_on(quality::refresh(&house)));
        let done = work.await.map_err(|error| error.to_string())?;
        done.map_err(|error| {
            tracing::error!(%error, "the records can't be looked at");
            error.to_string()
        })
    };
    Ok(console.quality.ask(console, work).await)
}

async fn judged(house: &House, name: &str) -> Result<Option<Judged>, Trouble> {
    let all = house.store.judged().await?;
    Ok(all.into_iter().find(|one| one.source == name))
}

/// How many have what: the number, of how many, and the share.
fn facts(judged: &Judged) -> Vec<Value> {
    let count = |kind: &str| {
        let found = judged.found.iter().find(|one| one.kind == kind);
        found.map_or(0, |one| one.customers)
    };
    let all = count("customers");
    let there = THERE.iter().map(|(kind, words)| {
        let of = if *kind == "without-birth-year" {
            all - count("without-birthday").min(all)
        } else {
            all
        };
        let some = of - count(kind).min(of);
        json!({
            "words": words,
            "some": some,
            "share": (some * 100).checked_div(of),
        })
    });
    there.collect()
}

fn finding(one: &Finding) -> Value {
    let examples = one
        .examples
        .iter()
        .map(|id| json!({ "id": id, "link": customer_link(id) }));
    json!({
        "customers": one.customers,
        "words": one.words,
        "examples": examples.collect::<Vec<_>>(),
    })
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    let house = console.house();
    let source = known(&house, &name)?;
    let (now, zone) = (house.clock.now(), &house.policy().zone);
    let is_of_customers = source.feeds == Feeds::Customers;
    let why_not = if is_of_customers {
        refreshed(&console).await?.why_not()
    } else {
        None
    };
    let judged = judged(&house, &name).await?.filter(|_| is_of_customers);
    let marks = house.store.source_marks().await?;
    let mark = marks.iter().find(|mark| mark.source == name);
    let mut reasons = house.store.quarantine_reasons(&name, REASONS).await?;
    // Where each has its own, the list below says the same.
    if reasons.iter().all(|one| one.records == 1) {
        reasons.clear();
    }
    let (rows, next) = bad_rows(&house, Some(&name), &fields).await?;
    let link = source_link(&name);
    let found = |judged: &Judged| {
        judged
            .found
            .iter()
            .skip(FACTS)
            .map(finding)
            .collect::<Vec<_>>()
    };
    let page = json!({
        "name": name,
        "feeds": source.feeds.as_str(),
        "path": place(&house, source),
        "many_gone": many_gone(&house).await?.contains(&name),
        "unread": house.store.unread_sources().await?.contains(&name),
        "at": mark.map(|mark| moment(mark.applied_at, zone)),
        "ago": mark.map(|mark| ago(mark.applied_at, now)),
        "records": mark.map(|mark| mark.records),
        "refused": mark.map(|mark| mark.refused),
        "of_customers": is_of_customers,
        "customers": judged.as_ref().and_then(|one| one.found.first()).map(|one| one.customers),
        "facts": judged.as_ref().map(facts),
        "found": judged.as_ref().map(found),
        "judged": judged.as_ref().map(|one| moment(one.at, zone)),
        "why_not": why_not,
        "quality_csv": format!("{link}/quality.csv"),
        "reasons": reasons.iter().map(|one| json!({
            "column": one.column,
            "reason": one.reason,
            "records": one.records,
        })).collect::<Vec<_>>(),
        "rows": rows,
        "next": next.map(|last| format!("{link}?after={last}")),
        "csv": format!("/sources.csv?source={}", part(&name)),
        "link": link,
    });
    console.page(&visit, "source.html", &page)
}

/// What was found, as a file: the same as `fondly sync SOURCE --report --format csv`.
pub(super) async fn csv(State(console): State<Arc<Console>>, Path(name): Path<String>) -> Answer {
    const FIELDS: &[&str] = &["finding", "customers", "of", "words", "examples"];
    let house = console.house();
    if known(&house, &name)?.feeds == Feeds::Customers {
        // Half of it would pass for all.
        refreshed(&console).await?.answer()?;
    }
    let judged = judged(&house, &name).await?;
    let found = judged.map(|one| one.found).unwrap_or_default();
    let rows = found.iter().map(|one| {
        let values = [
            json!(one.kind),
            json!(one.customers),
            json!(one.of),
            json!(one.words),
            json!(one.examples.join(", ")),
        ];
        listing::row(FIELDS, values)
    });
    show::download("quality", FIELDS, &rows.collect::<Vec<_>>())
}
