//! Opinions: what customers said of letters and of the business, the latest first, and how they go by
//! rule.
//!
//! May not close a complaint.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::access::Visit;
use super::file::{self, Kind, TOGETHER};
use super::show::{harmless, part};
use super::trouble::Trouble;
use super::words::{customer_link, entry_link, names, rule_link};
use super::{Answer, Console};
use crate::engine::House;
use crate::engine::entry_json::rfc3339;
use crate::engine::listing;
use crate::engine::opinion::{self, FACES, Told};
use crate::model::When;
use crate::store::{Mark, RatingCount};

/// Opinions on a page.
const ON_A_PAGE: u16 = 50;
/// Characters of one opinion that the page shows.
const MOST_CHARS: usize = 200;
/// Days of which is told how they go.
const DAYS: i32 = 90;

type Fields = HashMap<String, String>;

fn from(fields: &Fields) -> Result<Option<Mark>, Trouble> {
    let wrong = || Trouble::Wrong("This page doesn't go on like that.".to_owned());
    let before = fields.get("before").filter(|text| !text.is_empty());
    before
        .map(|text| Mark::parse(text).ok_or_else(wrong))
        .transpose()
}

fn address(path: &str, place: &Mark) -> String {
    format!("{path}?before={}", part(&place.to_string()))
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let from = from(&fields)?;
    let found = house.store.opinions(from.as_ref(), ON_A_PAGE).await?;
    let told: Vec<Told> = found.events.iter().map(opinion::told).collect();
    let ids: Vec<&str> = told.iter().map(|one| &*one.customer).collect();
    let known = names(house.store.named(&ids).await?);
    let rows: Vec<Value> = told.iter().map(|one| row(&house, &known, one)).collect();
    let since = house.today(house.clock.now()).saturating_sub(DAYS.days());
    let page = json!({
        "rows": rows,
        "cut": told.iter().any(is_cut),
        "days": DAYS,
        "faces": FACES,
        "rules": rules(&house, &house.store.ratings(since).await?),
        "next": found.next.map(|place| address("/opinions", &place)),
        "latest": from.is_some(),
    });
    console.page(&visit, "opinions.html", &page)
}

/// One opinion.
fn row(house: &House, names: &HashMap<String, String>, one: &Told) -> Value {
    let face = one.opinion.as_ref().map(|said| said.face);
    json!({
        "at": when(house, one.at),
        "customer": one.customer,
        "customer_link": customer_link(&one.customer),
        "name": names.get(&one.customer),
        "face": face,
        "kind": face.map(|face| match face {
            ..=2 => "rejected",
            3 => "planned",
            4.. => "sent",
        }),
        "words": one.words.as_deref().map(|words| harmless(words, MOST_CHARS)),
        "rule": one.rule.as_deref().map(|rule| house.title(rule)),
        "rule_link": one.rule.as_deref().map(rule_link),
        "entry_link": one.entry.as_deref().map(entry_link),
    })
}

/// Whether they wrote more than the page shows of it.
fn is_cut(one: &Told) -> bool {
    let words = one.words.as_deref().unwrap_or_default();
    words.chars().nth(MOST_CHARS).is_some()
}

fn when(house: &House, at: When) -> String {
    match at {
        When::Instant(at) => super::words::moment(at, &house.policy().zone),
        When::Day(day) => super::words::brief_day(day),
    }
}

/// How many opinions of each rule's letters there are and what they come to, the most first.
fn rules(house: &House, counts: &[RatingCount]) -> Vec<Value> {
    let mut rules: BTreeMap<Option<&str>, [u64; FACES as usize]> = BTreeMap::new();
    for one in counts {
        let Ok(face) = usize::try_from(one.rating) else {
            continue;
        };
        let faces = rules.entry(one.rule.as_deref()).or_default();
        if let Some(count) = face.checked_sub(1).and_then(|at| faces.get_mut(at)) {
            *count += one.opinions;
        }
    }
    let mut rules: Vec<(u64, Value)> = rules
        .into_iter()
        .filter_map(|(rule, faces)| {
            let count: u64 = faces.iter().sum();
            let sum: u64 = (1..).zip(faces).map(|(face, count)| face * count).sum();
            // Tenths, rounded.
            let tenths = (sum * 10 + count / 2).checked_div(count)?;
            let told = json!({
                "rule": rule.map(|rule| house.title(rule)),
                "rule_link": rule.map(rule_link),
                "count": count,
                "average": format!("{}.{}", tenths / 10, tenths % 10),
                "bad": faces.iter().take(usize::from(opinion::BAD)).sum::<u64>(),
            });
            Some((count, told))
        })
        .collect();
    rules.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    rules.into_iter().map(|(_, told)| told).collect()
}

/// All of them, as a file.
pub(super) async fn csv(
    State(console): State<Arc<Console>>,
    Query(fields): Query<Fields>,
) -> Answer {
    const KIND: Kind = Kind {
        name: "opinions",
        fields: &["at", "customer", "rating", "words", "rule", "entry"],
    };
    let house = console.house();
    let read = move |from: Option<Mark>| {
        let house = Arc::clone(&house);
        async move {
            let found = house.store.opinions(from.as_ref(), TOGETHER).await?;
            let rows = found.events.iter().map(|one| {
                let one = opinion::told(one);
                let at = match one.at {
                    When::Instant(at) => rfc3339(at, &house.policy().zone),
                    When::Day(day) => day.to_string(),
                };
                let values = [
                    json!(at),
                    json!(one.customer),
                    json!(one.opinion.map(|said| said.face)),
                    json!(one.words),
                    json!(one.rule),
                    json!(one.entry),
                ];
                listing::row(KIND.fields, values)
            });
            Ok((rows.collect(), found.next))
        }
    };
    let address = |place: &Mark| address("/opinions.csv", place);
    file::file(KIND, from(&fields)?, read, address).await
}
