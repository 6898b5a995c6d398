//! The ledger: looking for entries, page by page.
//!
//! May not decide.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::access::Visit;
use super::file::{self, Kind, TOGETHER};
use super::show::part;
use super::trouble::Trouble;
use super::words::{customer_link, entry_row, names, outcome, whole_day};
use super::{Answer, Console};
use crate::engine::House;
use crate::engine::entry_json::{self, entry_json};
use crate::model::Outcome;
use crate::store::{Place, Wanted, Which};

/// Entries on a page.
const ON_A_PAGE: u16 = 50;
/// Customers whom a search offers.
const OFFERED: u16 = 20;

type Fields = HashMap<String, String>;

/// What is asked for.
struct Asked {
    wanted: Wanted,
    /// The civil day at the business on which it was decided.
    decided: Option<Date>,
    from: Option<Place>,
}

/// What is asked for by the address.
fn asked(house: &House, fields: &Fields) -> Result<Asked, Trouble> {
    let field = |name: &str| {
        let text = fields.get(name).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    };
    let day = |name: &str| {
        let wrong = |_| Trouble::Wrong("Write a day such as 2027-05-02.".to_owned());
        field(name)
            .map(|text| text.parse::<Date>().map_err(wrong))
            .transpose()
    };
    let decided = day("decided")?;
    let wanted = Wanted {
        customer: field("customer").map(str::to_owned),
        rule: field("rule").map(str::to_owned),
        which: match field("outcome") {
            Some(text) => which(text).ok_or_else(|| {
                Trouble::Wrong("There is no such outcome; choose one of the list.".to_owned())
            })?,
            None => Which::Any,
        },
        day: day("day")?,
        decided: decided.map(|day| whole_day(house, day)),
    };
    let from = field("before").map(|text| {
        let wrong = || Trouble::Wrong("This page doesn't go on like that.".to_owned());
        Place::parse(text).ok_or_else(wrong)
    });
    Ok(Asked {
        wanted,
        decided,
        from: from.transpose()?,
    })
}

fn which(text: &str) -> Option<Which> {
    match text {
        "waiting" => Some(Which::Waiting),
        "failed" => Some(Which::Failed),
        one => Outcome::parse(one).map(Which::One),
    }
}

/// What [`which`] reads.
const fn which_word(which: Which) -> Option<&'static str> {
    match which {
        Which::Any => None,
        Which::Waiting => Some("waiting"),
        Which::Failed => Some("failed"),
        Which::One(one) => Some(one.as_str()),
    }
}

/// What may be chosen, with its words.
fn outcomes(chosen: Which) -> Vec<Value> {
    let all = [
        (Which::Waiting, "all that waits"),
        (Which::Failed, "all that failed"),
    ];
    let each = Outcome::ALL.map(|one| (Which::One(one), outcome(one)));
    let options = all.into_iter().chain(each).map(
        |(one, words)| json!({ "value": which_word(one), "words": words, "chosen": one == chosen }),
    );
    options.collect()
}

/// The address of this page.
fn address(path: &str, asked: &Asked, from: Option<Place>) -> String {
    let wanted = &asked.wanted;
    let day = wanted.day.map(|day| day.to_string());
    let decided = asked.decided.map(|day| day.to_string());
    let from = from.map(|place| place.to_string());
    let all = [
        ("customer", wanted.customer.as_deref()),
        ("rule", wanted.rule.as_deref()),
        ("outcome", which_word(wanted.which)),
        ("day", day.as_deref()),
        ("decided", decided.as_deref()),
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

/// The address of a customer's entries.
pub(super) fn customers_entries(id: &str) -> String {
    format!("/ledger?customer={}", part(id))
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let asked = asked(&house, &fields)?;
    let wanted = &asked.wanted;
    let found = house
        .store
        .ledger_page(wanted, asked.from, ON_A_PAGE)
        .await?;
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
        .map(|place| address("/ledger", &asked, Some(place)));
    let page = json!({
        "rows": rows,
        "offered": offered,
        "customer": wanted.customer,
        "day": wanted.day.map(|day| day.to_string()),
        "decided": asked.decided.map(|day| day.to_string()),
        "outcomes": outcomes(wanted.which),
        "rules": rules,
        "other_rule": other_rule,
        "filtered": *wanted != Wanted::default(),
        "csv": address("/ledger.csv", &asked, asked.from),
        "latest": asked.from.map(|_| address("/ledger", &asked, None)),
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

/// The same entries as a file, from there to the end.
pub(super) async fn csv(
    State(console): State<Arc<Console>>,
    Query(fields): Query<Fields>,
) -> Answer {
    const KIND: Kind = Kind {
        name: "ledger",
        fields: entry_json::FIELDS,
    };
    let house = console.house();
    let asked = Arc::new(asked(&house, &fields)?);
    let (from, wanted) = (asked.from, Arc::clone(&asked));
    let read = move |from: Option<Place>| {
        let (house, asked) = (Arc::clone(&house), Arc::clone(&wanted));
        async move {
            let found = house
                .store
                .ledger_page(&asked.wanted, from, TOGETHER)
                .await?;
            let rows = found.entries.iter().map(entry_json);
            Ok((rows.collect(), found.next))
        }
    };
    let goes_on = move |place: &Place| address("/ledger.csv", &asked, Some(*place));
    file::file(KIND, from, read, goes_on).await
}
