//! One customer: the record, what they said, what happened last, and, rule by rule, what they got, what
//! comes and why.
//!
//! The sentences are those of `fondly explain`. May not decide, nor change a record.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::ledger::customers_entries;
use super::show::{harmless, part};
use super::trouble::Trouble;
use super::words::{brief_day, day, entry_link, entry_row, moment, names, outcome, rule_link};
use super::{Answer, Console, show};
use crate::engine::about::{About, about};
use crate::engine::explain::{Explained, Question, Said, explain};
use crate::engine::explain_json::{FIELDS, said_json};
use crate::engine::opinion::FACES;
use crate::engine::{EngineError, House};
use crate::model::{AttrValue, Event, Outcome, Reason, When};
use crate::store::{Place, Wanted};

/// Entries on a page.
const ENTRIES: u16 = 25;
/// What happened last, as much as is shown.
const EVENTS: usize = 10;
/// Answers of rules that are shown.
const ANSWERS: usize = 40;
/// Own attributes and tags of a record that are shown.
const ATTRIBUTES: usize = 20;
/// Characters of one answer that are shown.
const MOST_OF_AN_ANSWER: usize = 500;
/// Characters of one value of a record that are shown.
const MOST_OF_A_VALUE: usize = 150;

/// What the engine says of them; the words why it says nothing, where only the ledger knows them.
type Sayings = Result<Explained, String>;

async fn sayings(house: &House, id: &str) -> Result<Sayings, Trouble> {
    let question = Question {
        customer: id.to_owned(),
        rule: None,
        on: None,
    };
    match explain(house, &question).await {
        Ok(told) => Ok(Ok(told)),
        Err(EngineError::Other(words)) => Ok(Err(words)),
        Err(error) => Err(error.into()),
    }
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    let house = console.house();
    let wanted = Wanted {
        customer: Some(id.clone()),
        ..Wanted::default()
    };
    let from = fields.get("before").and_then(|text| Place::parse(text));
    let found = house.store.ledger_page(&wanted, from, ENTRIES).await?;
    let about = about(&house, &id, EVENTS).await?;
    let told = sayings(&house, &id).await?;
    if let (Err(words), true) = (&told, found.entries.is_empty()) {
        return Err(Trouble::Nothing(words.clone()));
    }
    let known = names(house.store.named(&[&id]).await?);
    let rows = found
        .entries
        .iter()
        .map(|entry| entry_row(&house, &known, entry));
    let link = format!("/customers/{}", part(&id));
    let told = told.as_ref();
    let page = json!({
        "id": id,
        "name": known.get(&id),
        "unknown": told.err(),
        "record": about.as_ref().map(|one| record(&house, one)),
        "more_attributes": about.as_ref().map(more_attributes),
        "wishes": about.as_ref().map(|one| wishes(&house, one)),
        "gone": about.as_ref().and_then(|one| one.record.gone_at)
            .map(|at| moment(at, &house.policy().zone)),
        "complaint": about.as_ref().and_then(|one| complaint(&house, one)),
        "events": about.as_ref().map(|one| events(&house, one)),
        "happened": about.as_ref().map(|one| one.happened),
        "answers": told.ok().map(|told| answers(&house, told)),
        "more_answers": told.ok().map(|told| heard(told).count().saturating_sub(ANSWERS)),
        "off": told.ok().map(|told| off(&house, told)),
        "csv": format!("{link}/explained.csv"),
        "rows": rows.collect::<Vec<_>>(),
        "next": found.next.map(|place| format!("{link}?before={place}")),
        "ledger": customers_entries(&id),
        "link": link,
    });
    console.page(&visit, "customer.html", &page)
}

/// A word beside its value.
fn line(label: &str, value: impl Into<String>) -> Value {
    let value = value.into();
    json!({ "label": label, "value": harmless(&value, MOST_OF_A_VALUE) })
}

/// What the record says, as far as it says anything.
fn record(house: &House, about: &About) -> Vec<Value> {
    let zone = &house.policy().zone;
    let (record, kept) = (&about.record.customer, &about.record);
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut lines = vec![
        line("Id", &*record.id),
        line("Address", or_none(&record.email)),
    ];
    let texts = [
        ("Salutation", record.salutation.clone()),
        ("Language", record.language.clone()),
        ("Time zone", record.timezone.clone()),
        ("Birthday", record.birthday.map(|date| date.to_string())),
        ("Customer since", record.joined_on.map(day)),
        ("Own contact", record.staff_name.clone()),
        ("Their address", record.staff_email.clone()),
    ];
    let texts = texts.into_iter();
    lines.extend(texts.filter_map(|(label, value)| Some(line(label, value?))));
    if record.timezone.as_ref() != Some(&about.zone_name) {
        lines.push(line("Letters go by the clock of", &*about.zone_name));
    }
    let tags = record.tags.iter().take(ATTRIBUTES);
    lines.extend(tags.map(|tag| line("Tag", &**tag)));
    let attrs = record.attrs.iter().take(ATTRIBUTES);
    lines.extend(attrs.map(|(name, value)| line(name, attribute(value))));
    lines.push(line("Source", &*kept.source));
    lines.push(line("First seen", moment(kept.first_seen, zone)));
    lines
}

fn more_attributes(about: &About) -> usize {
    let record = &about.record.customer;
    let more = |all: usize| all.saturating_sub(ATTRIBUTES);
    more(record.tags.len()) + more(record.attrs.len())
}

fn attribute(value: &AttrValue) -> String {
    match value {
        AttrValue::Text(text) => text.clone(),
        AttrValue::Number(number) => number.to_string(),
        AttrValue::Date(date) => date.to_string(),
        AttrValue::YesNo(true) => "yes".to_owned(),
        AttrValue::YesNo(false) => "no".to_owned(),
    }
}

/// Which letters they want, by their record and by what they said.
fn wishes(house: &House, about: &About) -> Vec<Value> {
    let zone = &house.policy().zone;
    let (record, wishes) = (&about.record.customer, &about.wishes);
    let mut lines = Vec::new();
    if let Some(at) = about.record.stopped_at {
        let at = moment(at, zone);
        lines.push(line("Unsubscribed", format!("by a letter's link on {at}")));
    } else if about.suppressed {
        lines.push(line("Suppressed", "the address is on the suppression list"));
    }
    if record.unsubscribed {
        lines.push(line("Unsubscribed", "by the record"));
    }
    if lines.is_empty() {
        lines.push(line("Unsubscribed", "no"));
    }
    let since = record
        .consent_at
        .map(|at| format!(" since {}", moment(at, zone)));
    let consent = format!("{}{}", record.consent.as_str(), since.unwrap_or_default());
    lines.push(line("Consent to marketing", consent));
    if let Some(language) = &wishes.language {
        lines.push(line("Wants letters in", &**language));
    }
    if wishes.fewer {
        lines.push(line("Wants", "fewer letters"));
    }
    let without = wishes.without.iter();
    lines.extend(without.map(|topic| line("No letters about", topic.as_str())));
    if let Some(until) = wishes.pause_until {
        lines.push(line("No letters before", day(until)));
    }
    if let Some(told) = wishes.birthday {
        lines.push(line("Told us their birthday", told.day.to_string()));
    }
    lines
}

fn complaint(house: &House, about: &About) -> Option<Value> {
    let complaint = about.complaint.as_ref()?;
    let said = complaint.opinion.as_ref();
    Some(json!({
        "since": moment(complaint.since, &house.policy().zone),
        "face": said.map(|said| format!("{} of {FACES}", said.face)),
        "words": said.map(|said| &said.words).filter(|words| !words.is_empty()),
    }))
}

fn events(house: &House, about: &About) -> Vec<Value> {
    let one = |(event, at): &(Event, jiff::Timestamp)| {
        let amount = event.amount.map(|amount| {
            let currency = event.currency.as_deref().unwrap_or_default();
            format!("{amount} {currency}").trim_end().to_owned()
        });
        json!({
            "at": match event.at {
                When::Day(on) => brief_day(on),
                When::Instant(_) => moment(*at, &house.policy().zone),
            },
            "kind": event.kind,
            "amount": amount,
        })
    };
    about.events.iter().map(one).collect()
}

/// A rule that is off and never did anything says nothing more.
fn is_off(said: &Said) -> bool {
    said.outcome.is_none() && said.reason == Some(Reason::RuleDisabled)
}

fn heard(told: &Explained) -> impl Iterator<Item = &Said> {
    told.said.iter().filter(|said| !is_off(said))
}

fn answers(house: &House, told: &Explained) -> Vec<Value> {
    let one = |said: &Said| {
        json!({
            "rule": house.title(&said.rule),
            "rule_link": rule_link(&said.rule),
            "entry_link": said.entry.as_deref().map(entry_link),
            "kind": comes_to(said).map(Outcome::as_str),
            "outcome": comes_to(said).map(|what| match what {
                // The ledger doesn't have it yet; it is what it would come to.
                Outcome::Planned | Outcome::Sent if said.entry.is_none() => "would go out",
                other => outcome(other),
            }),
            "day": said.day.map(day),
            "words": harmless(&said.words, MOST_OF_AN_ANSWER),
        })
    };
    heard(told).take(ANSWERS).map(one).collect()
}

/// What became of it; where the ledger doesn't have it yet, what it will come to, as far as that is sure.
fn comes_to(said: &Said) -> Option<Outcome> {
    let ahead = said.comes_to.filter(|_| said.entry.is_none());
    ahead.map(|(outcome, _)| outcome).or(said.outcome)
}

fn off<'a>(house: &'a House, told: &'a Explained) -> Vec<&'a str> {
    let off = told.said.iter().filter(|said| is_off(said));
    off.map(|said| house.title(&said.rule)).collect()
}

/// What every rule says of them, as `fondly explain` has it.
pub(super) async fn csv(State(console): State<Arc<Console>>, Path(id): Path<String>) -> Answer {
    let house = console.house();
    let told = sayings(&house, &id).await?.map_err(Trouble::Nothing)?;
    let rows = told.said.iter().map(|said| said_json(&id, said));
    show::download("explained", FIELDS, &rows.collect::<Vec<_>>())
}
