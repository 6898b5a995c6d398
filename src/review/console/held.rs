//! Held: what waits for a person, a look at the letters, and yes or no.
//!
//! May not decide: it hands on what a person says.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Form, Path, Query, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::access::Visit;
use super::show::{part, see_other};
use super::trouble::Trouble;
use super::words::{day as day_words, entry_link, entry_row, names, rule_link};
use super::{Answer, Console, show};
use crate::engine::forecast::calendar::{Fate, fate};
use crate::engine::{House, control, listing};
use crate::model::{Outcome, Reason};
use crate::store::{Place, Wanted, Which};

/// Letters on a page of a batch.
const ON_A_PAGE: u16 = 50;
/// Letters that nobody knows about on one page.
const UNKNOWN: u16 = 50;

type Fields = HashMap<String, String>;

/// The address of a batch.
pub(super) fn batch_link(rule: &str, day: Date) -> String {
    format!("/held/{}/{day}", part(rule))
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let batches: Vec<Value> = house
        .store
        .held_batches()
        .await?
        .iter()
        .map(|batch| {
            json!({
                "rule": house.title(&batch.rule),
                "rule_link": rule_link(&batch.rule),
                "day": day_words(batch.day),
                "reason": batch.reason.map(Reason::sentence),
                "entries": batch.entries,
                "link": batch_link(&batch.rule, batch.day),
            })
        })
        .collect();
    let wanted = Wanted {
        which: Which::One(Outcome::Unknown),
        ..Wanted::default()
    };
    let from = fields.get("before").and_then(|text| Place::parse(text));
    let found = house.store.ledger_page(&wanted, from, UNKNOWN).await?;
    let unknown = found.entries;
    let ids: Vec<&str> = unknown.iter().map(|entry| &*entry.customer).collect();
    let known = names(house.store.named(&ids).await?);
    let unknown = unknown.iter().map(|entry| entry_row(&house, &known, entry));
    let said = match fields.get("said").map(String::as_str) {
        Some("approved") => Some("They may go: the next pass sends what the other rules let pass."),
        Some("declined") => Some("None of them is sent."),
        _ => None,
    };
    let page = json!({
        "batches": batches,
        "unknown": unknown.collect::<Vec<_>>(),
        "next": found.next.map(|place| format!("/held?before={place}")),
        "unknown_from": from.is_some(),
        "in_all": house.store.count_unknown().await?,
        "ahead": ahead(&console, &house),
        "said": said,
    });
    console.page(&visit, "held.html", &page)
}

/// What will be held, as far as that was looked at lately.
fn ahead(console: &Console, house: &House) -> Vec<Value> {
    let told = console.ahead.known(house.clock.now());
    let Some((told, _)) = told.well() else {
        return Vec::new();
    };
    let today = house.today(house.clock.now());
    let mut all: std::collections::BTreeMap<(Date, &str), u64> = std::collections::BTreeMap::new();
    for entry in &told.entries {
        let (day, fate) = fate(told, entry);
        if matches!(fate, Fate::Held(_)) && day > today {
            *all.entry((day, &entry.rule)).or_default() += 1;
        }
    }
    let all = all.into_iter().map(|((day, rule), entries)| {
        json!({
            "rule": house.title(rule),
            "day": day_words(day),
            "entries": entries,
            "link": batch_link(rule, day),
        })
    });
    all.collect()
}

/// All that is held, as a file.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    const FIELDS: &[&str] = &["rule", "day", "reason", "entries"];
    let batches = console.house().store.held_batches().await?;
    let rows = batches.iter().map(|batch| {
        let values = [
            json!(batch.rule),
            json!(batch.day.to_string()),
            json!(batch.reason.map(Reason::as_str)),
            json!(batch.entries),
        ];
        listing::row(FIELDS, values)
    });
    show::download("held", FIELDS, &rows.collect::<Vec<_>>())
}

fn parsed(house: &House, rule: &str, day: &str) -> Result<Date, Trouble> {
    let nothing = || Trouble::Nothing("There is no such batch.".to_owned());
    let day: Date = day.parse().map_err(|_| nothing())?;
    house.rule(rule).map(|_| day).ok_or_else(nothing)
}

/// The letters of a batch, and the buttons.
pub(super) async fn batch(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path((rule, day)): Path<(String, String)>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let day = parsed(&house, &rule, &day)?;
    let from = fields.get("before").and_then(|text| Place::parse(text));
    shown(&console, &visit, (&rule, day), from, None).await
}

/// How many of a batch are held, and why.
async fn held(
    house: &House,
    (rule, day): (&str, Date),
) -> Result<(u64, Vec<&'static str>), Trouble> {
    let batches = house.store.held_batches().await?;
    let ours = batches
        .iter()
        .filter(|one| one.rule == rule && one.day == day);
    let held = ours.clone().map(|one| one.entries).sum();
    let reasons = ours.filter_map(|one| Some(one.reason?.sentence()));
    Ok((held, reasons.collect()))
}

/// The page; with how many somebody saw who has decided of fewer than there are.
async fn shown(
    console: &Console,
    visit: &Visit,
    (rule, day): (&str, Date),
    from: Option<Place>,
    seen: Option<u64>,
) -> Answer {
    let house = console.house();
    let wanted = Wanted {
        rule: Some(rule.to_owned()),
        which: Which::One(Outcome::Held),
        day: Some(day),
        ..Wanted::default()
    };
    let found = house.store.ledger_page(&wanted, from, ON_A_PAGE).await?;
    let (held, reasons) = held(&house, (rule, day)).await?;
    let ids: Vec<&str> = found.entries.iter().map(|entry| &*entry.customer).collect();
    let known = names(house.store.named(&ids).await?);
    let rows = found
        .entries
        .iter()
        .map(|entry| entry_row(&house, &known, entry));
    let first = found.entries.first();
    let approvals = house.store.approvals(day).await?;
    let said = approvals
        .iter()
        .find(|said| said.rule == rule && said.day == day);
    let page = json!({
        "rule": house.title(rule),
        "rule_link": rule_link(rule),
        "day": day_words(day),
        "link": batch_link(rule, day),
        "held": held,
        "seen": seen,
        "reasons": reasons,
        "rows": rows.collect::<Vec<_>>(),
        "frame": first.map(|entry| format!("{}/letter", entry_link(&entry.id))),
        "first": first.map(|entry| known.get(&entry.customer).unwrap_or(&entry.customer)),
        "next": found.next.map(|place| format!("{}?before={place}", batch_link(rule, day))),
        "said": said.map(|said| if said.approved { "approved" } else { "declined" }),
    });
    console.page(visit, "batch.html", &page)
}

/// Yes or no.
pub(super) async fn decide(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path((rule, day)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Answer {
    visit.decides()?;
    let house = console.house();
    let day = parsed(&house, &rule, &day)?;
    let approved = match fields.get("word").map(String::as_str) {
        Some("approve") => true,
        Some("decline") => false,
        _ => return Err(Trouble::Wrong("Say whether they may go.".to_owned())),
    };
    let seen = fields.get("count").and_then(|text| text.parse().ok());
    let seen: u64 = seen.ok_or_else(|| {
        Trouble::Wrong("Decide by the buttons below the batch: they say of how many.".to_owned())
    })?;
    // A pass between the page and the click may have held more, of which this person knows nothing.
    if held(&house, (&rule, day)).await?.0 > seen {
        let mut page = shown(&console, &visit, (&rule, day), None, Some(seen)).await?;
        *page.status_mut() = StatusCode::CONFLICT;
        return Ok(page);
    }
    let now = house.clock.now();
    control::decide(&house, &visit.who, (&rule, day), approved, now).await?;
    tracing::info!(rule, %day, approved, "a person decided about a batch");
    console.ahead.forget();
    let said = if approved { "approved" } else { "declined" };
    Ok(see_other(&format!("/held?said={said}")))
}
