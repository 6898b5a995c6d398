//! Holds rules and letters against the real records, before anybody gets a broken letter.
//!
//! Every rule's condition and letter is tried for every customer whom the rule would reach, with an
//! occasion of theirs. Changes nothing.

mod hours;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::letter::{self, Reader};
use super::scratch::Scratch;
use super::unheard::Heard;
use super::wiring::{self, Input};
use super::{EngineError, House, Plans, learn, refused, sync};
use crate::clock::Clock;
use crate::decide;
use crate::decide::anniversary::date_of;
use crate::model::{Occasion, Period, Refusal, View};
use crate::records::sql::{self, SqlSource};
use crate::records::{self, FileReader, FileSource, Row};
use crate::rules::{Anniversary, DateField, Holiday, OnDate, OnHoliday, Rule, Trigger};

/// Customers looked at together.
const CHUNK: usize = 512;
/// Days within which every customer with the date has an anniversary, even of a 29 February.
const AHEAD: i32 = 366 * 8 + 2;

/// Days ahead for which a list of dates should have one.
const DATES_AHEAD: i32 = 60;

/// What a check of the records found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Customers looked at.
    pub customers: u64,
    /// Letters written, over all rules.
    pub letters: u64,
    /// Each thing that is wrong, with the first customer it is wrong for and how many more.
    pub problems: Vec<String>,
    /// What a person should know of the sources.
    pub remarks: Vec<String>,
    /// Records in the sources that can't be used.
    pub refused: Vec<Refusal>,
}

/// Checks against the sources as they are now, and the customers that the store knows, on a copy
/// of the store.
///
/// # Errors
/// The store's trouble.
pub async fn check(plans: Plans, clock: Clock) -> Result<Checked, EngineError> {
    let now = clock.now();
    let mut name = plans.settings.store.path.clone().into_os_string();
    name.push(format!(".check-{}", std::process::id()));
    let (scratch, house) = Scratch::open(plans, name.into(), clock).await?;
    let checked = on_copy(&house, now).await;
    house.store.clone().close().await?;
    scratch.remove()?;
    checked
}

async fn on_copy(house: &House, now: Timestamp) -> Result<Checked, EngineError> {
    let mut checked = Checked::default();
    let mut heard = Heard::of(&house.plans.settings);
    sources(house, &mut checked, &mut heard).await;
    let today = house.today(now);
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    checked
        .remarks
        .extend(rules.clone().filter_map(|rule| runs_out(rule, today)));
    let quiet = house.policy().quiet;
    let never = rules.filter_map(|rule| hours::never_go(rule, quiet));
    checked.remarks.extend(never);
    sync::sync(house, None, now).await?;
    let fresh = learn::refresh(house, now).await?;
    let house = fresh.as_ref().unwrap_or(house);
    checked.remarks.extend(waiting(house).await?);
    let mut wrong = Tally::default();
    let mut left_out = Tally::default();
    let ids = house.store.everyone(false).await?;
    checked.customers = ids.len() as u64;
    for chunk in ids.chunks(CHUNK) {
        for view in house.views(chunk).await? {
            heard.customer(&view);
            for rule in house.plans.rules.iter().filter(|rule| rule.enabled) {
                match tried(house, rule, &view, now) {
                    Ok(count) => checked.letters += count,
                    Err(words) => wrong.add(words, &view),
                }
                if let Some(words) = no_year(rule, &view) {
                    left_out.add(words, &view);
                }
            }
        }
    }
    checked.problems.extend(wrong.sentences());
    checked.problems.extend(refused::at_start(house).await?);
    checked.remarks.extend(left_out.sentences());
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    let silent = rules.flat_map(|rule| heard.missing_for(rule));
    checked.remarks.extend(silent);
    Ok(checked)
}

/// The rules that have nothing to judge silences by, and what they wait for.
async fn waiting(house: &House) -> Result<Vec<String>, EngineError> {
    let complete = sync::is_complete(house).await?;
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    let waiting = rules.filter(|rule| learn::is_missing(house.policy(), rule));
    let words = waiting.map(|rule| {
        let why = if complete {
            "no customer on record has come"
        } else {
            "a source can't be read"
        };
        format!("rules/{}.toml: nobody is missed while {why}", rule.id)
    });
    Ok(words.collect())
}

/// Sentences, each with the first customer it is true for and how many there are.
#[derive(Default)]
struct Tally(BTreeMap<String, (String, u64)>);

impl Tally {
    fn add(&mut self, words: String, view: &View) {
        let first = self.0.entry(words);
        first.or_insert((view.customer.id.clone(), 0)).1 += 1;
    }

    fn sentences(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(words, (customer, count))| {
            let more = if count > 1 {
                format!(" and {} more", count - 1)
            } else {
                String::new()
            };
            format!("{words} (customer {customer}{more})")
        })
    }
}

/// A rule that has no date of its own left, or soon won't have.
fn runs_out(rule: &Rule, today: Date) -> Option<String> {
    let soon = Period::Days(DATES_AHEAD).from_date(today)?;
    let (file, last) = match &rule.trigger {
        Trigger::Holiday(OnHoliday {
            holiday: Holiday::Own(own),
            ..
        }) => (format!("holidays/{}.toml", own.name), own.last()?),
        Trigger::Fixed(on) => (format!("rules/{}.toml", rule.id), *on.last()?),
        _ => return None,
    };
    (last < soon).then(|| {
        format!(
            "{file}: the last date is {last}; add the next ones, or rule {} ends there",
            rule.id
        )
    })
}

/// A date that the rule can do nothing with, since its year isn't known.
fn no_year(rule: &Rule, view: &View) -> Option<String> {
    let (field, needs_it) = match &rule.trigger {
        Trigger::Anniversary(yearly) => (&yearly.field, !yearly.years.is_empty()),
        Trigger::Date(once) => (&once.field, true),
        Trigger::Event(_)
        | Trigger::Lapsed(_)
        | Trigger::Usage(_)
        | Trigger::Holiday(_)
        | Trigger::Fixed(_) => {
            return None;
        }
    };
    let date = date_of(view, field)?;
    (needs_it && date.year().is_none()).then(|| {
        let (rule, field) = (&rule.id, field.name());
        format!("rules/{rule}.toml: left out, since their `{field}` has no year")
    })
}

/// An attribute that the rule takes for a date, and the source for something else.
fn no_date(rule: &Rule, view: &View) -> Option<String> {
    let (Trigger::Anniversary(Anniversary { field, .. }) | Trigger::Date(OnDate { field, .. })) =
        &rule.trigger
    else {
        return None;
    };
    let DateField::Attr(name) = field else {
        return None;
    };
    let there = view.customer.attrs.contains_key(name);
    (there && date_of(view, field).is_none()).then(|| {
        let (rule, field) = (&rule.id, field.name());
        format!(
            "rules/{rule}.toml: `{field}` isn't read as a date; \
             give its source types = {{ \"{field}\" = \"date\" }}"
        )
    })
}

/// Reads the files without keeping anything, and asks the databases what they would give.
async fn sources(house: &House, checked: &mut Checked, heard: &mut Heard) {
    for source in wiring::sources(&house.plans.settings) {
        match &source {
            Input::Files(source, _) => files(source, checked, heard),
            Input::Query(source, _) => query(source, checked, heard).await,
        }
    }
}

async fn query(source: &SqlSource, checked: &mut Checked, heard: &mut Heard) {
    let name = &source.meaning.name;
    let look = match sql::look(source).await {
        Ok(look) => look,
        Err(error) => {
            checked.problems.push(format!("source {name}: {error}"));
            return;
        }
    };
    heard.fields(look.fields.iter().map(|(field, _)| field));
    let fields = look.fields.iter().map(|(field, column)| {
        if field == column {
            field.clone()
        } else {
            format!("{field} (from {column})")
        }
    });
    let fields: Vec<String> = fields.collect();
    let words = format!("source {name}: the query gives {}", fields.join(", "));
    checked.remarks.push(words);
    if !look.ignored.is_empty() {
        let ignored = look.ignored.join(", ");
        let words = format!("source {name}: columns not used: {ignored}");
        checked.remarks.push(words);
    }
    if let Err(error) = sql::look_at_ids(source).await {
        checked.problems.push(format!("source {name}: {error}"));
    }
}

fn files(source: &FileSource, checked: &mut Checked, heard: &mut Heard) {
    let name = &source.meaning.name;
    let files = match records::files(source) {
        Ok(files) => files,
        Err(error) => {
            checked.problems.push(format!("source {name}: {error}"));
            return;
        }
    };
    for path in files {
        let reader = match FileReader::open(source, &path) {
            Ok(reader) => reader,
            Err(error) => {
                checked.problems.push(format!("source {name}: {error}"));
                continue;
            }
        };
        heard.fields(reader.fields());
        for remark in reader.remarks() {
            let words = format!("source {name}: {}: {remark}", reader.shown());
            checked.remarks.push(words);
        }
        let ignored = reader.ignored_columns().join(", ");
        if !ignored.is_empty() {
            let words = format!("source {name}: columns not used: {ignored}");
            checked.remarks.push(words);
        }
        for row in reader {
            match row {
                Ok(Row::Refused(refusal)) => checked.refused.push(refusal),
                Ok(Row::Customer(..) | Row::Event(_)) => {}
                Err(error) => {
                    checked.problems.push(format!("source {name}: {error}"));
                    break;
                }
            }
        }
    }
}

/// How many letters were written for this customer, or what is wrong.
fn tried(house: &House, rule: &Rule, view: &View, now: Timestamp) -> Result<u64, String> {
    if view.erased || view.gone || Reader::of(house, rule.audience, &view.customer).is_none() {
        return Ok(0);
    }
    if let Some(words) = no_date(rule, view) {
        return Err(words);
    }
    let Some(occasion) = an_occasion(house, rule, view, now) else {
        return Ok(0);
    };
    if let Some(condition) = &rule.condition {
        // An event that lies ahead isn't seen before it comes.
        let asked_at = if matches!(rule.trigger, Trigger::Event(_)) {
            now.max(occasion.due_at)
        } else {
            now
        };
        let facts = letter::facts_of(house, Some(rule), view, &occasion, asked_at);
        match condition.holds(&facts) {
            Ok(true) => {}
            Ok(false) => return Ok(0),
            Err(error) => return Err(format!("rules/{}.toml: where: {error}", rule.id)),
        }
    }
    let due = letter::write(house, rule, view, &occasion, occasion.due_at);
    due.map_err(|error| error.to_string())?;
    if rule.send.late_template.is_none() {
        return Ok(1);
    }
    let day = jiff::SignedDuration::from_hours(25);
    let belated = letter::write(house, rule, view, &occasion, occasion.due_at + day);
    belated.map_err(|error| error.to_string())?;
    Ok(2)
}

fn an_occasion(house: &House, rule: &Rule, view: &View, now: Timestamp) -> Option<Occasion> {
    let today = house.today(now);
    let ahead = Period::Days(AHEAD).from_date(today)?;
    let since = Period::Days(-AHEAD * 4).from_date(today)?;
    let policy = house.policy();
    match rule.trigger {
        Trigger::Anniversary(_) | Trigger::Date(_) | Trigger::Holiday(_) | Trigger::Fixed(_) => {
            decide::occasions(rule, view, policy, today, ahead)
                .into_iter()
                .next()
        }
        Trigger::Event(_) | Trigger::Lapsed(_) | Trigger::Usage(_) => {
            decide::occasions(rule, view, policy, since, ahead).pop()
        }
    }
}
