//! `fondly forecast`: what lies ahead, as a calendar for people and as ledger entries for machines.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::bar::Bar;
use super::output::{self, Format};
use super::{Done, Outcome, fields, plans};
use crate::clock::Clock;
use crate::engine::Plans;
use crate::engine::entry_json::{self, entry_json};
use crate::engine::forecast::{self, Forecast, Question};
use crate::engine::walk::Stretch;
use crate::model::{self, Reason};
use crate::store::Entry;

/// People who are named for a day and rule; the others are counted.
const NAMED: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Days from now
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// Only this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only this customer
    #[arg(long)]
    customer: Option<String>,
    /// How to print. In JSON and CSV they are ledger entries as they will be: `sent` is what goes
    /// out, at `sent_at`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let plans = plans(config)?;
    let stretch = from_now(&plans, args.days)?;
    let titles: HashMap<String, String> = plans
        .rules
        .iter()
        .map(|rule| (rule.id.clone(), rule.title.clone()))
        .collect();
    let question = Question {
        rule: args.rule,
        customer: args.customer,
    };
    let bar = Bar::new(stretch.from, stretch.until);
    let told = Box::pin(forecast::forecast(plans, &stretch, &question, |now| {
        bar.at(now);
    }))
    .await;
    bar.finish();
    let told = told?;
    for trouble in &told.trouble {
        output::note(format!("A source can't be read: {trouble}"));
    }
    if args.format == Format::Table {
        output::raw(&calendar(&told, &titles, args.days))?;
    } else {
        let rows: Vec<_> = told.entries.iter().map(entry_json).collect();
        output::listing(args.format, &[], entry_json::FIELDS, &rows)?;
    }
    Ok(if told.trouble.is_empty() {
        Done::Well
    } else {
        Done::NeedsAPerson
    })
}

/// From now on for so many days on the business's wall clock.
pub(super) fn from_now(plans: &Plans, days: u16) -> anyhow::Result<Stretch> {
    let from = Clock::System.now();
    let here = from.to_zoned_datetime(plans.settings.policy.zone.clone());
    let until = here.checked_add(i64::from(days).days())?.timestamp();
    Ok(Stretch {
        from,
        until,
        away: Vec::new(),
    })
}

/// What becomes of entries on one day, in the order in which people ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    GoesOut,
    Held(Option<Reason>),
    Waits(Option<Reason>, String),
    Not(Option<Reason>),
}

/// Who it happens to, by fate, rule and day.
type Days<'a> = BTreeMap<Date, BTreeMap<(&'a str, Fate), Vec<&'a Entry>>>;

/// A calendar that a person can read.
fn calendar(told: &Forecast, titles: &HashMap<String, String>, days: u16) -> String {
    if told.entries.is_empty() {
        let s = if days == 1 { "" } else { "s" };
        return format!("Nothing comes due in the next {days} day{s}.\n");
    }
    let mut by_day = Days::new();
    for entry in &told.entries {
        let (day, fate) = fate(told, entry);
        let groups = by_day.entry(day).or_default();
        groups.entry((&entry.rule, fate)).or_default().push(entry);
    }
    let mut text = String::new();
    for (day, groups) in &by_day {
        text += &(day.strftime("%A, %-d %B %Y").to_string() + "\n");
        let mut last = "";
        for ((rule, fate), entries) in groups {
            if *rule != last {
                let title = titles.get(*rule).map_or(*rule, String::as_str);
                text += &["  ", title, " (", rule, ")\n"].concat();
                last = rule;
            }
            let who = who(told, entries);
            let words = words(fate, entries.len());
            text += &["    ", &words, ": ", &who, "\n"].concat();
        }
        text.push('\n');
    }
    text.push_str(&totals(&by_day));
    text
}

/// On which day it shows in the calendar, and under which heading.
fn fate(told: &Forecast, entry: &Entry) -> (Date, Fate) {
    let zone = &entry.occasion.zone;
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let decided = entry.decided_at.map_or(entry.occasion.day, day);
    match entry.outcome {
        model::Outcome::Sent => (entry.sent_at.map_or(decided, day), Fate::GoesOut),
        model::Outcome::Held => (entry.occasion.day, Fate::Held(entry.reason)),
        model::Outcome::Planned | model::Outcome::Deferred | model::Outcome::Sending => {
            let paused = told.paused.all.is_some()
                || told
                    .paused
                    .rules
                    .iter()
                    .any(|(rule, _)| *rule == entry.rule);
            let until = match entry.next_attempt_at {
                _ if paused => "as long as it is paused".to_owned(),
                Some(at) => format!("until {}", fields::local(at, &zone)),
                None => "for its turn".to_owned(),
            };
            (entry.occasion.day, Fate::Waits(entry.reason, until))
        }
        model::Outcome::Skipped
        | model::Outcome::Rejected
        | model::Outcome::Expired
        | model::Outcome::Unknown => (decided, Fate::Not(entry.reason)),
    }
}

/// `3 go out`, `1 won't get it, There is …`
fn words(fate: &Fate, count: usize) -> String {
    let because = |reason: &Option<Reason>| {
        reason.map_or(String::new(), |reason| {
            format!(" ({})", reason.sentence().trim_end_matches('.'))
        })
    };
    match fate {
        Fate::GoesOut if count == 1 => "1 goes out".to_owned(),
        Fate::GoesOut => format!("{count} go out"),
        Fate::Held(reason) => format!("{count} held for you{}", because(reason)),
        Fate::Waits(reason, until) => format!("{count} waiting {until}{}", because(reason)),
        Fate::Not(reason) => format!("{count} not sent{}", because(reason)),
    }
}

/// A few by name, the others as a number.
fn who(told: &Forecast, entries: &[&Entry]) -> String {
    let named = entries.iter().take(NAMED);
    let mut who: Vec<String> = named.map(|entry| told.named(&entry.customer)).collect();
    if entries.len() > NAMED {
        who.push(format!("and {} more", entries.len() - NAMED));
    }
    who.join(", ")
}

/// What there is in all.
fn totals(days: &Days<'_>) -> String {
    let count = |wanted: fn(&Fate) -> bool| -> usize {
        let groups = days.values().flatten();
        let of_fate = groups.filter(|((_, fate), _)| wanted(fate));
        of_fate.map(|(_, entries)| entries.len()).sum()
    };
    let all = [
        (count(|fate| *fate == Fate::GoesOut), "to go out"),
        (count(|fate| matches!(fate, Fate::Held(_))), "held for you"),
        (count(|fate| matches!(fate, Fate::Waits(..))), "waiting"),
        (count(|fate| matches!(fate, Fate::Not(_))), "not sent"),
    ];
    let some = all.iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("In all: {}\n", some.join(", "))
}
