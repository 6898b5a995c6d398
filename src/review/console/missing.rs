//! Missing: who has gone quiet, and what they used to bring.
//!
//! May not judge who that is.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::slow::Told;
use super::words::{customer_link, day, moment};
use super::{Answer, Console, show};
use crate::engine::quiet::{MOST_OF_A_CURRENCY, Question, Quiet, quiet, worth};
use crate::engine::quiet_json;
use crate::model::signs::brief;

/// Customers on a page.
const ON_A_PAGE: usize = 50;
/// How far ahead it is asked whether they come, in days; as `fondly quiet` does.
const HORIZON: u32 = 90;

async fn told(console: &Console) -> Told<Vec<Quiet>> {
    let house = console.house();
    let work = async move {
        let question = Question {
            on: house.today(house.clock.now()),
            horizon_days: HORIZON,
            all: false,
        };
        quiet(&house, &question)
            .await
            .map_err(|error| error.to_string())
    };
    console.missing.ask(console, work).await
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    let house = console.house();
    let told = told(&console).await;
    let from: usize = fields.get("from").and_then(|n| n.parse().ok()).unwrap_or(0);
    let none = Vec::new();
    let all = told.well().map_or(&none, |(all, _)| all);
    let (sums, others) = worth(all);
    let sums = sums.iter().map(|(sum, currency)| money(*sum, currency));
    let others = others.then(|| "sums in other currencies".to_owned());
    let sums: Vec<String> = sums.chain(others).collect();
    let rows: Vec<Value> = all
        .iter()
        .skip(from)
        .take(ON_A_PAGE)
        .map(|one| {
            let currency = one.currency.as_deref().unwrap_or_default();
            json!({
                "customer": one.customer,
                "link": customer_link(&one.customer),
                "name": one.name,
                "last": day(one.last_contact),
                "silent": one.silent_days,
                "usually": one.cadence.map(|cadence| format!("every {cadence} days")),
                "sure": format!("{:.0} %", one.chance_gone * 100.0),
                "worth": one.value_per_year.map(|amount| money(amount.to_f64(), currency)),
                "letter": one.last_letter.as_ref().map(|(rule, _)| house.title(rule)),
                "letter_at": one.last_letter.as_ref().map(|(_, at)| moment(*at, &house.policy().zone)),
            })
        })
        .collect();
    let more = from + rows.len();
    let page = json!({
        "count": all.len(),
        "sums": sums,
        "rows": rows,
        "horizon": HORIZON,
        "at": told.well().map(|(_, at)| moment(at, &house.policy().zone)),
        "why_not": told.why_not(),
        "next": (more < all.len()).then(|| format!("/missing?from={more}")),
    });
    console.page(&visit, "missing.html", &page)
}

fn money(amount: f64, currency: &str) -> String {
    let currency = brief(currency, MOST_OF_A_CURRENCY);
    format!("{amount:.2} {currency}").trim().to_owned()
}

/// All of them.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    let all = told(&console).await.answer()?;
    let rows: Vec<_> = all.iter().map(quiet_json::quiet_json).collect();
    show::download("missing", quiet_json::FIELDS, &rows)
}
