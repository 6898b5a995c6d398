//! Today: what was due, whether everything works, what needs somebody, what went out last.
//!
//! May not decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, State};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::access::Visit;
use super::slow::Told;
use super::words::{ago, day, entry_row, moment, names, short_day, whole_day};
use super::{Answer, Console, chart, health, show};
use crate::engine::House;
use crate::engine::listing;
use crate::model::Outcome;
use crate::store::{DayCount, MOST_COUNTED, Place, Wanted};

/// Days that the picture shows.
const DAYS: i32 = 30;
/// Entries that are listed as the latest.
const LATEST: u16 = 10;

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Answer {
    let house = console.house();
    let now = house.clock.now();
    let today = house.today(now);
    let counts = house.store.counts_of_days(today, today).await?;
    let count = |wanted: Outcome| -> u64 {
        let some = counts.iter().filter(|one| one.outcome == wanted);
        some.map(|one| one.entries).sum()
    };
    // What was due before and is still open, or was given up only now, would be missing in the day's.
    let standing = house.store.standing(whole_day(&house, today)).await?;
    let latest = house
        .store
        .ledger_page(&Wanted::default(), Some(Place::at(now)), LATEST)
        .await?
        .entries;
    let ids: Vec<&str> = latest.iter().map(|entry| entry.customer.as_str()).collect();
    let known = names(house.store.named(&ids).await?);
    let rows: Vec<Value> = latest
        .iter()
        .map(|entry| entry_row(&house, &known, entry))
        .collect();
    let days = days(&console).await;
    let alive = health::alive(&console).await?;
    let page = json!({
        "day": day(today),
        "sent": count(Outcome::Sent),
        "waiting": standing.waiting,
        "waiting_and_more": standing.waiting >= MOST_COUNTED,
        "skipped": count(Outcome::Skipped),
        "failed": standing.failed,
        "latest": rows,
        "chart": days.well().map(|(days, _)| {
            // The days before hardly change; this one does all the time.
            let before = days.iter().filter(|one| one.day != today);
            picture(before.chain(&counts), today)
        }),
        "no_chart": days.why_not(),
        "chart_from": short_day(first_day(today)),
        "chart_until": short_day(today),
        "alive": alive,
        "sent_link": format!("/ledger?outcome=sent&day={today}"),
        "skipped_link": format!("/ledger?outcome=skipped&day={today}"),
        "waiting_link": "/ledger?outcome=waiting",
        "failed_link": format!("/ledger?outcome=failed&decided={today}"),
    });
    console.page(&visit, "today.html", &page)
}

/// The days of the picture.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    const FIELDS: &[&str] = &["day", "outcome", "entries"];
    let days = days(&console).await.answer()?;
    let rows: Vec<_> = days
        .iter()
        .map(|one| {
            let values = [
                json!(one.day.to_string()),
                json!(one.outcome.as_str()),
                json!(one.entries),
            ];
            listing::row(FIELDS, values)
        })
        .collect();
    show::download("days", FIELDS, &rows)
}

fn first_day(today: Date) -> Date {
    today.saturating_sub((DAYS - 1).days())
}

async fn days(console: &Console) -> Told<Vec<DayCount>> {
    let house = console.house();
    let today = house.today(house.clock.now());
    let work = async move {
        let counts = house.store.counts_of_days(first_day(today), today).await;
        counts.map_err(|error| error.to_string())
    };
    console.days.ask(console, work).await
}

fn picture<'a>(counts: impl Iterator<Item = &'a DayCount>, today: Date) -> String {
    let mut days: BTreeMap<Date, [u64; 3]> = BTreeMap::new();
    let mut day = first_day(today);
    while day <= today {
        days.insert(day, [0; 3]);
        day = day.saturating_add(1.day());
    }
    for one in counts {
        let Some([sent, open, not]) = days.get_mut(&one.day) else {
            continue;
        };
        let kind = match one.outcome {
            Outcome::Sent => sent,
            Outcome::Planned
            | Outcome::Held
            | Outcome::Deferred
            | Outcome::Sending
            | Outcome::Unknown => open,
            Outcome::Skipped | Outcome::Rejected | Outcome::Expired => not,
        };
        *kind += one.entries;
    }
    chart::days(&days.into_values().collect::<Vec<_>>())
}

/// A moment with how long ago it is.
pub(super) fn when(house: &House, at: Timestamp, now: Timestamp) -> Value {
    json!({ "at": moment(at, &house.policy().zone), "ago": ago(at, now) })
}
