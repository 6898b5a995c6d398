//! Ahead: the calendar of the next days, with those who get nothing and why.
//!
//! The forecast is the engine's own, worked out on a copy. May not decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::access::Visit;
use super::held::batch_link;
use super::slow::Told;
use super::trouble::Trouble;
use super::words::{customer_link, day as day_words, moment, rule_link};
use super::{Answer, Console, show};
use crate::engine::House;
use crate::engine::entry_json::{self, entry_json};
use crate::engine::forecast::calendar::{Fate, fate, words};
use crate::engine::forecast::{self, Forecast, Question};
use crate::engine::walk::Stretch;
use crate::store::Entry;

/// Days ahead.
const DAYS: i64 = 30;
/// Entries on one page of a day.
const ON_A_PAGE: usize = 100;

/// What lies ahead, as far as it is known.
pub(super) async fn told(console: &Console) -> Told<Forecast> {
    let (house, stop) = (console.house(), console.stop.clone());
    let here = tokio::runtime::Handle::current();
    let work = async move {
        // Much of it is arithmetic, which must not keep other answers waiting.
        let played = tokio::task::spawn_blocking(move || here.block_on(play(&house, &stop)));
        played.await.map_err(|error| error.to_string())?
    };
    console.ahead.ask(console, work).await
}

async fn play(house: &House, stop: &CancellationToken) -> Result<Forecast, String> {
    let from = house.clock.now();
    let here = from.to_zoned_datetime(house.policy().zone.clone());
    let until = here.checked_add(DAYS.days());
    let stretch = Stretch {
        from,
        until: until.map_err(|error| error.to_string())?.timestamp(),
        away: Vec::new(),
    };
    let asked = Question::default();
    let told = Box::pin(forecast::forecast(
        house.plans.clone(),
        &stretch,
        &asked,
        |_| {},
    ));
    tokio::select! {
        told = told => told.map_err(|error| {
            tracing::error!(%error, "the console's forecast failed");
            error.to_string()
        }),
        () = stop.cancelled() => Err("fondly stops".to_owned()),
    }
}

/// What becomes of a day's entries, in numbers.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    go: u64,
    held: u64,
    wait: u64,
    not: u64,
}

impl Counts {
    fn add(&mut self, fate: &Fate) {
        let kind = match fate {
            Fate::GoesOut => &mut self.go,
            Fate::Held(_) => &mut self.held,
            Fate::Waits(..) => &mut self.wait,
            Fate::Not(_) => &mut self.not,
        };
        *kind += 1;
    }

    fn json(self) -> Value {
        json!({ "go": self.go, "held": self.held, "wait": self.wait, "not": self.not })
    }
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Answer {
    let house = console.house();
    let told = told(&console).await;
    let today = house.today(house.clock.now());
    let mut days: BTreeMap<Date, Counts> = BTreeMap::new();
    let mut rules: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    if let Some((told, _)) = told.well() {
        for entry in &told.entries {
            let (day, fate) = fate(told, entry);
            days.entry(day).or_default().add(&fate);
            rules.entry(&entry.rule).or_default().add(&fate);
            all.add(&fate);
        }
    }
    let first = today.min(days.keys().next().copied().unwrap_or(today));
    let monday = i64::from(first.weekday().to_monday_zero_offset());
    let mut day = first.saturating_sub(monday.days());
    let last = today.saturating_add(DAYS.days());
    let mut cells = Vec::new();
    while day <= last || day.weekday() != jiff::civil::Weekday::Monday {
        let counts = days.get(&day).copied();
        cells.push(json!({
            "number": day.day(),
            "month": day.strftime("%b").to_string(),
            "words": day.strftime("%a %-d %b").to_string(),
            "link": format!("/ahead/{day}"),
            "today": day == today,
            "outside": day < first || day > last,
            "counts": counts.map(Counts::json),
        }));
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    let rules: Vec<Value> = rules
        .iter()
        .map(|(rule, counts)| {
            json!({
                "title": house.title(rule),
                "link": rule_link(rule),
                "counts": counts.json(),
            })
        })
        .collect();
    let page = json!({
        "cells": cells,
        "rules": rules,
        "all": all.json(),
        "at": told.well().map(|(_, at)| moment(at, &house.policy().zone)),
        "why_not": told.why_not(),
        "trouble": told.well().map(|(told, _)| &told.trouble),
    });
    console.page(&visit, "ahead.html", &page)
}

/// One day of it.
pub(super) async fn day(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(day): Path<String>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    let house = console.house();
    let day: Date = day
        .parse()
        .map_err(|_| Trouble::Nothing("This is no day.".to_owned()))?;
    let told = told(&console).await;
    let from: usize = asked.get("from").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut found: Vec<(&Entry, Fate)> = Vec::new();
    if let Some((told, _)) = told.well() {
        for entry in &told.entries {
            let (on, fate) = fate(told, entry);
            if on == day {
                found.push((entry, fate));
            }
        }
    }
    found.sort_by(|a, b| (&a.0.rule, &a.1, &a.0.customer).cmp(&(&b.0.rule, &b.1, &b.0.customer)));
    let mut groups: BTreeMap<(&str, &Fate), usize> = BTreeMap::new();
    for (entry, fate) in &found {
        *groups.entry((&entry.rule, fate)).or_default() += 1;
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|((rule, fate), count)| {
            json!({
                "rule": house.title(rule),
                "rule_link": rule_link(rule),
                "words": words(fate, count),
                "decide": matches!(fate, Fate::Held(_)).then(|| batch_link(rule, day)),
            })
        })
        .collect();
    let rows = found.iter().skip(from).take(ON_A_PAGE);
    let rows = rows.map(|(entry, fate)| {
        let name = told.well().map(|(told, _)| told.named(&entry.customer));
        row(&house, name.as_deref(), entry, fate)
    });
    let rows: Vec<Value> = rows.collect();
    let more = from + rows.len();
    let page = json!({
        "day": day_words(day),
        "groups": groups,
        "rows": rows,
        "next": (more < found.len()).then(|| format!("/ahead/{day}?from={more}")),
        "why_not": told.why_not(),
    });
    console.page(&visit, "day.html", &page)
}

/// One entry of a day.
fn row(house: &House, name: Option<&str>, entry: &Entry, fate: &Fate) -> Value {
    json!({
        "customer": name,
        "customer_link": customer_link(&entry.customer),
        "rule": house.title(&entry.rule),
        "rule_link": rule_link(&entry.rule),
        "kind": match fate {
            Fate::GoesOut => "sent",
            Fate::Held(_) => "held",
            Fate::Waits(..) => "deferred",
            Fate::Not(_) => "skipped",
        },
        "words": match fate {
            Fate::GoesOut => "goes out",
            Fate::Held(_) => "waits for you",
            Fate::Waits(..) => "waits",
            Fate::Not(_) => "not sent",
        },
        "when": entry.sent_at.map(|at| moment(at, &house.policy().zone)),
        "theirs": entry.sent_at.and_then(|at| theirs(house, entry, at)),
        "reason": match fate {
            Fate::GoesOut => None,
            Fate::Held(reason) | Fate::Waits(reason, _) | Fate::Not(reason) => {
                reason.map(crate::model::Reason::sentence)
            }
        },
    })
}

/// What their own clock says then, where it says something else than the business's.
fn theirs(house: &House, entry: &Entry, at: Timestamp) -> Option<String> {
    let zone = house.zone(&entry.occasion.zone);
    let differs = zone.to_offset(at) != house.policy().zone.to_offset(at);
    differs.then(|| format!("{} in {}", moment(at, &zone), entry.occasion.zone))
}

/// All of it.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    let told = told(&console).await.answer()?;
    let rows: Vec<_> = told.entries.iter().map(entry_json).collect();
    show::download("ahead", entry_json::FIELDS, &rows)
}
