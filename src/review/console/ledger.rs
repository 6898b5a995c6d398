//! The ledger: looking for entries, page by page.
//!
//! May not decide.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::access::Visit;
use super::show::part;
use super::trouble::Trouble;
use super::words::{customer_link, entry_row, names, outcome};
use super::{Answer, Console, show};
use crate::engine::House;
use crate::engine::entry_json::{self, entry_json};
use crate::model::Outcome;
use crate::store::{Place, Wanted};

/// Entries on a page.
const ON_A_PAGE: u16 = 50;
/// Entries that one download holds; the next one goes on from an older page.
const IN_A_FILE: usize = 20_000;
/// Customers whom a search offers.
const OFFERED: u16 = 20;

type Fields = HashMap<String, String>;

/// What is wanted, by the address.
fn wanted(fields: &Fields) -> Result<(Wanted, Option<Place>), Trouble> {
    let field = |name: &str| {
        let text = fields.get(name).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    };
    let day = field("day").map(str::parse::<Date>).transpose();
    let wanted = Wanted {
        customer: field("customer").map(str::to_owned),
        rule: field("rule").map(str::to_owned),
        outcome: match field("outcome") {
            Some(text) => Some(Outcome::parse(text).ok_or_else(|| {
                Trouble::Wrong("There is no such outcome; choose one of the list.".to_owned())
            })?),
            None => None,
        },
        day: day.map_err(|_| Trouble::Wrong("Write a day such as 2027-05-02.".to_owned()))?,
    };
    let from = field("before").map(|text| {
        let wrong = || Trouble::Wrong("This page doesn't go on like that.".to_owned());
        Place::parse(text).ok_or_else(wrong)
    });
    Ok((wanted, from.transpose()?))
}

/// The address of this page.
fn address(path: &str, wanted: &Wanted, from: Option<Place>) -> String {
    let day = wanted.day.map(|day| day.to_string());
    let from = from.map(|place| place.to_string());
    let all = [
        ("customer", wanted.customer.as_deref()),
        ("rule", wanted.rule.as_deref()),
        ("outcome", wanted.outcome.map(Outcome::as_str)),
        ("day", day.as_deref()),
        ("before", from.as_deref()),
    ];
    let some = all.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(format!("{name}={}", part(value)))
    });
    let some: Vec<String> = some.collect();
    if some.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", some.join("&"))
    }
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let (wanted, from) = wanted(&fields)?;
    let found = house.store.ledger_page(&wanted, from, ON_A_PAGE).await?;
    let mut offered = Vec::new();
    if let Some(words) = wanted
        .customer
        .as_deref()
        .filter(|_| found.entries.is_empty())
    {
        offered = offers(&house, words).await?;
    }
    let ids = found.entries.iter().map(|entry| entry.customer.as_str());
    let ids: Vec<&str> = ids.collect();
    let known = names(house.store.named(&ids).await?);
    let rows: Vec<Value> = found
        .entries
        .iter()
        .map(|entry| entry_row(&house, &known, entry))
        .collect();
    let outcomes = Outcome::ALL.map(|one| {
        json!({
            "value": one.as_str(),
            "words": outcome(one),
            "chosen": wanted.outcome == Some(one),
        })
    });
    let rules = house.plans.rules.iter().map(|rule| {
        json!({
            "value": rule.id,
            "words": rule.title,
            "chosen": wanted.rule.as_ref() == Some(&rule.id),
        })
    });
    let rules: Vec<Value> = rules.collect();
    let other_rule = wanted.rule.as_deref();
    let other_rule = other_rule.filter(|id| house.rule(id).is_none());
    let next = found
        .next
        .map(|place| address("/ledger", &wanted, Some(place)));
    let page = json!({
        "rows": rows,
        "offered": offered,
        "customer": wanted.customer,
        "day": wanted.day.map(|day| day.to_string()),
        "outcomes": outcomes,
        "rules": rules,
        "other_rule": other_rule,
        "filtered": wanted != Wanted::default(),
        "csv": address("/ledger.csv", &wanted, from),
        "latest": from.map(|_| address("/ledger", &wanted, None)),
        "next": next,
        "searching": found.entries.len() < usize::from(ON_A_PAGE) && found.next.is_some(),
    });
    console.page(&visit, "ledger.html", &page)
}

/// Customers who may be meant.
async fn offers(house: &House, words: &str) -> Result<Vec<Value>, Trouble> {
    let found = house.store.find_customers(words, OFFERED).await?;
    let offers = found.into_iter().map(|one| {
        json!({
            "id": one.id,
            "name": one.name,
            "email": one.email,
            "link": customer_link(&one.id),
        })
    });
    Ok(offers.collect())
}

/// The same entries as a file, and more of them.
pub(super) async fn csv(
    State(console): State<Arc<Console>>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let (wanted, mut from) = wanted(&fields)?;
    let mut rows = Vec::new();
    loop {
        let found = house.store.ledger_page(&wanted, from, 1_000).await?;
        rows.extend(found.entries.iter().map(entry_json));
        from = found.next;
        if from.is_none() || rows.len() >= IN_A_FILE {
            break;
        }
    }
    show::download("ledger", entry_json::FIELDS, &rows)
}
