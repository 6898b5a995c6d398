//! Rules: when each wrote last and writes next, whether it helps, its file as it stands, and what is
//! wrong with the last edit.
//!
//! May not change a rule: files are edited as files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::access::Visit;
use super::slow::Told;
use super::trouble::Trouble;
use super::words::{day, moment, outcomes, rule_link};
use super::{Answer, Console, ahead, chart, show};
use crate::engine::forecast::Forecast;
use crate::engine::forecast::calendar::{Fate, fate};
use crate::engine::listing;
use crate::engine::results::{Question, RuleResult, results, words};
use crate::engine::{House, Plans};
use crate::store::StoreError;

/// Days in which a return counts; as `fondly results` has it.
const WITHIN: u16 = 30;

async fn told(console: &Console) -> Told<Vec<RuleResult>> {
    let house = console.house();
    let work = async move {
        let question = Question {
            within_days: WITHIN,
            ..Question::default()
        };
        let found = results(&house, &question, house.clock.now()).await;
        found.map_err(|error| error.to_string())
    };
    console.results.ask(console, work).await
}

/// The first day on which each rule writes to somebody.
fn next_days(told: &Forecast) -> BTreeMap<&str, Date> {
    let mut days: BTreeMap<&str, Date> = BTreeMap::new();
    for entry in &told.entries {
        let (day, fate) = fate(told, entry);
        if !matches!(fate, Fate::Not(_)) {
            let known = days.entry(&entry.rule).or_insert(day);
            *known = day.min(*known);
        }
    }
    days
}

/// When a rule writes next, in words.
fn next_words(next: Option<&BTreeMap<&str, Date>>, rule: &str) -> String {
    match next.map(|next| next.get(rule)) {
        Some(Some(on)) => day(*on),
        Some(None) => "not in thirty days".to_owned(),
        None => "not known".to_owned(),
    }
}

/// Why one of the two isn't known.
fn why_not(results: &Told<Vec<RuleResult>>, ahead: &Told<Forecast>) -> Option<String> {
    let ahead = ahead.why_not();
    let ahead = ahead.map(|why| format!("When they write next: {why}"));
    let results = results.why_not();
    let results = results.map(|why| format!("Whether they help: {why}"));
    let both: Vec<String> = ahead.into_iter().chain(results).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

/// What a rule did on its last day, in words and numbers.
async fn last(house: &House, rule: &str) -> Result<Option<(Date, Vec<Value>)>, Trouble> {
    let today = house.today(house.clock.now());
    let counts = house.store.last_day_of(rule, today).await?;
    let Some(first) = counts.first() else {
        return Ok(None);
    };
    let told = counts.iter().map(|one| {
        json!({
            "outcome": one.outcome.as_str(),
            "words": outcomes(one.outcome),
            "entries": one.entries,
        })
    });
    Ok(Some((first.day, told.collect())))
}

/// What is wrong with the files as they lie there now.
fn findings(house: &House) -> Vec<Value> {
    let Err(found) = Plans::read(house.plans.config()) else {
        return Vec::new();
    };
    let folder = &house.plans.settings.folder;
    let told = found.iter().map(|finding| {
        let path = std::path::Path::new(&finding.source.name);
        let name = path.strip_prefix(folder).unwrap_or(path);
        let (line, column) = finding.position();
        json!({
            "place": format!("{}, line {line}, column {column}", name.display()),
            "message": finding.message,
            "help": finding.help,
        })
    });
    told.collect()
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Answer {
    let house = console.house();
    let (told, ahead) = tokio::join!(told(&console), ahead::told(&console));
    let next = ahead.well().map(|(ahead, _)| next_days(ahead));
    let paused = house.store.paused().await?;
    let mut rows = Vec::new();
    for rule in &house.plans.rules {
        let last = last(&house, &rule.id).await?;
        let result = told
            .well()
            .and_then(|(all, _)| all.iter().find(|one| one.rule == rule.id));
        let is_paused = paused.rules.iter().any(|(paused, _)| *paused == rule.id);
        rows.push(json!({
            "title": rule.title,
            "id": rule.id,
            "link": rule_link(&rule.id),
            "class": rule.class.as_str(),
            "on": rule.enabled,
            "paused": is_paused || paused.all.is_some(),
            "last": last.as_ref().map(|(on, _)| day(*on)),
            "last_counts": last.map(|(_, counts)| counts),
            "next": next_words(next.as_ref(), &rule.id),
            "verdict": result.map(words::verdict),
        }));
    }
    let page = json!({
        "rows": rows,
        "findings": findings(&house),
        "why_not": why_not(&told, &ahead),
    });
    console.page(&visit, "rules.html", &page)
}

/// The same as a file.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    const FIELDS: &[&str] = &[
        "rule", "title", "class", "enabled", "last_day", "next_day", "verdict",
    ];
    let house = console.house();
    let (told, ahead) = tokio::join!(told(&console), ahead::told(&console));
    let (told, ahead) = (told.answer()?, ahead.answer()?);
    let next = next_days(&ahead);
    let mut rows = Vec::new();
    for rule in &house.plans.rules {
        let last = last(&house, &rule.id).await?;
        let result = told.iter().find(|one| one.rule == rule.id);
        let values = [
            json!(rule.id),
            json!(rule.title),
            json!(rule.class.as_str()),
            json!(rule.enabled),
            json!(last.map(|(on, _)| on.to_string())),
            json!(next.get(&*rule.id).map(ToString::to_string)),
            json!(result.map(|result| result.verdict.as_str())),
        ];
        rows.push(listing::row(FIELDS, values));
    }
    show::download("rules", FIELDS, &rows)
}

/// One rule.
pub(super) async fn one(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let house = console.house();
    let states = house.store.rule_states().await?;
    let state = states.iter().find(|state| state.rule == id);
    let rule = house.rule(&id);
    if rule.is_none() && state.is_none() {
        return Err(Trouble::Nothing("There is no such rule.".to_owned()));
    }
    let (told, ahead) = tokio::join!(told(&console), ahead::told(&console));
    let next = ahead.well().map(|(ahead, _)| next_days(ahead));
    let last = last(&house, &id).await?;
    let result = told
        .well()
        .and_then(|(all, _)| all.iter().find(|one| one.rule == id));
    // Only what is a rule's name comes this far.
    let path = house.plans.settings.rules_dir().join(format!("{id}.toml"));
    let file = std::fs::read_to_string(path).ok();
    let paused = paused(&house, &id).await?;
    let page = json!({
        "title": house.title(&id),
        "id": id,
        "paused": paused,
        "gone": rule.is_none(),
        "on": rule.is_some_and(|rule| rule.enabled),
        "class": rule.map(|rule| rule.class.as_str()),
        "audience": rule.map(|rule| rule.audience.as_str()),
        "template": rule.map(|rule| &rule.template),
        "version": rule.map(|rule| &rule.version),
        "since": state.map(|state| day(state.first_day)),
        "last": last.as_ref().map(|(on, _)| day(*on)),
        "last_counts": last.map(|(_, counts)| counts),
        "next": next_words(next.as_ref(), &id),
        "next_why_not": ahead.why_not(),
        "log": format!("/ledger?rule={}", super::show::part(&id)),
        "counted": result.map(words::counted),
        "verdict": result.map(words::verdict),
        "groups": result.map(groups),
        "waiting": result.map(|result| result.tally.waiting),
        "chart": result.and_then(|result| result.difference.as_ref()).map(|difference| {
            chart::difference([difference.low, difference.found, difference.high])
        }),
        "chart_words": result.and_then(|result| result.difference.as_ref()).map(|difference| {
            let [low, found, high] = [difference.low, difference.found, difference.high]
                .map(|share| listing::four_places(share) * 100.0 + 0.0);
            format!(
                "{found:+.1} in a hundred more came back than of those held out; with 95 % \
                 confidence from {low:+.1} to {high:+.1}."
            )
        }),
        "file": file,
        "findings": findings(&house),
        "why_not": told.why_not(),
    });
    console.page(&visit, "rule.html", &page)
}

/// Since when nothing of it goes out, and what ends that.
async fn paused(house: &House, rule: &str) -> Result<Option<Value>, StoreError> {
    let paused = house.store.paused().await?;
    let own = paused.rules.iter().find(|(known, _)| known == rule);
    let own = own.map(|(_, at)| (*at, format!("fondly resume {rule}")));
    let all = paused.all.map(|at| (at, "fondly resume".to_owned()));
    Ok(all.or(own).map(
        |(at, command)| json!({ "since": moment(at, &house.policy().zone), "command": command }),
    ))
}

fn groups(result: &RuleResult) -> Vec<Value> {
    let group = |who: &str, of: u32, back: u32, share: Option<f64>| {
        json!({
            "who": who,
            "of": of,
            "back": back,
            "share": share.map(|share| format!("{:.1} %", share * 100.0)),
        })
    };
    let (meant, holdout, sent) = (result.meant, result.holdout, result.sent);
    let compared = result.tally.days.is_some();
    let mut groups = Vec::new();
    if compared {
        groups.push(group(
            "Meant to get it",
            meant.of,
            meant.back,
            meant.share(),
        ));
        groups.push(group("Held out", holdout.of, holdout.back, holdout.share()));
    }
    if !compared || sent != meant {
        groups.push(group("Letter sent", sent.of, sent.back, sent.share()));
    }
    groups
}
