//! `fondly approve` and `fondly decline`: what becomes of a batch that waits for a person.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use super::bar::Bar;
use super::forecast::from_now;
use super::summary::counted;
use super::{Done, Failure, Outcome, house_at_hand, output};
use crate::engine::forecast::{self, Question};
use crate::engine::{House, control};
use crate::model;

/// Days ahead that are looked at for batches that will be held.
const AHEAD_DAYS: u16 = 30;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The rule's id: its file's name
    rule: String,
    /// Only the letters due on this day (2027-12-24), which may lie ahead; otherwise every held
    /// batch of the rule
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

pub(super) async fn run(args: Args, config: &Path, approved: bool) -> Outcome {
    let house = house_at_hand(config).await?;
    let said = Box::pin(say(&house, &args, approved)).await;
    house.store.clone().close().await?;
    said?;
    Ok(Done::Well)
}

async fn say(house: &House, args: &Args, approved: bool) -> Result<(), Failure> {
    let rule = args.rule.as_str();
    control::known_rule(house, rule).await?;
    let now = house.clock.now();
    let mut held: BTreeMap<Date, u64> = BTreeMap::new();
    for batch in house.store.held_batches().await? {
        if batch.rule == rule && args.on.is_none_or(|day| day == batch.day) {
            *held.entry(batch.day).or_default() += batch.entries;
        }
    }
    if let Some(day) = args.on {
        held.entry(day).or_default();
    }
    if held.is_empty() {
        return nothing_held(house, rule, approved).await;
    }
    for day in held.into_keys() {
        let count = control::decide(house, control::BY_COMMAND, (rule, day), approved, now).await?;
        output::say(what_happens(house.title(rule), day, count, approved))?;
    }
    Ok(())
}

fn what_happens(title: &str, day: Date, count: u64, approved: bool) -> String {
    match (count, approved) {
        (0, true) => format!("{title}: nothing of {day} is held, and nothing of it will be"),
        (0, false) => format!("{title}: nothing of {day} is held, and nothing of it will be sent"),
        (n, true) => format!(
            "{title}: {} of {day} may go; the next pass sends what the other gates still let pass",
            counted(n, "letter")
        ),
        (n, false) => format!(
            "{title}: {} of {day} ended unsent, and nothing more of that day will be sent",
            counted(n, "letter")
        ),
    }
}

/// The days from today on whose batch will be held, with the number of letters: what `forecast` says
/// of them.
async fn held_ahead(house: &House, rule: &str) -> Result<BTreeMap<Date, u64>, Failure> {
    let stretch = from_now(&house.plans, AHEAD_DAYS)?;
    let question = Question {
        rule: Some(rule.to_owned()),
        customer: None,
    };
    let bar = Bar::new(stretch.from, stretch.until);
    let plans = house.plans.clone();
    let told = forecast::forecast(plans, &stretch, &question, |now| bar.at(now));
    let told = Box::pin(told).await;
    bar.finish();
    let mut held = BTreeMap::new();
    for entry in told?.entries {
        if entry.outcome == model::Outcome::Held {
            *held.entry(entry.occasion.day).or_default() += 1;
        }
    }
    Ok(held)
}

/// Says so, and which days ahead will be held as it looks now.
async fn nothing_held(house: &House, rule: &str, approved: bool) -> Result<(), Failure> {
    let title = house.title(rule);
    if house.plans.broken.all().next().is_some() {
        output::say(format!("{title}: nothing is held"))?;
        output::note(
            "Which days ahead will be held can't be told while not everything can be read; with \
             `--on DATE` it can be said of a day all the same.",
        );
        return Ok(());
    }
    let ahead = match house.rule(rule) {
        Some(_) => held_ahead(house, rule).await?,
        None => BTreeMap::new(),
    };
    output::say(format!("{title}: nothing is held"))?;
    if ahead.is_empty() {
        let words =
            format!("Nothing of the next {AHEAD_DAYS} days will be either, as it looks now.");
        output::note(words);
        return Ok(());
    }
    output::note("As it looks now, these days will be held:");
    let command = if approved { "approve" } else { "decline" };
    for (day, count) in ahead {
        output::note(format!(
            "  {day}: {}; `fondly {command} {rule} --on {day}` says it ahead",
            counted(count, "letter")
        ));
    }
    Ok(())
}
