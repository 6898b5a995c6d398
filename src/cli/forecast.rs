//! `fondly forecast`: what lies ahead, as a calendar for people and as ledger entries for machines.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::bar::Bar;
use super::output::{self, Format};
use super::{Done, Outcome, plans};
use crate::clock::Clock;
use crate::engine::Plans;
use crate::engine::entry_json::{self, entry_json};
use crate::engine::forecast::calendar::{Fate, fate, words};
use crate::engine::forecast::{self, Forecast, Question};
use crate::engine::walk::Stretch;
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
        output::lines(&calendar(&told, &titles, args.days))?;
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
    text.push_str(&to_decide(&by_day));
    text
}

/// What a person can do about the first batch that will be held.
fn to_decide(days: &Days<'_>) -> String {
    let mut held = days.iter().flat_map(|(day, groups)| {
        let held = groups
            .keys()
            .filter(|(_, fate)| matches!(fate, Fate::Held(_)));
        held.map(move |(rule, _)| (rule, day))
    });
    held.next().map_or(String::new(), |(rule, day)| {
        format!(
            "\nWhat is held goes out once you approve it, and not at all if you don't in time: \
             `fondly approve {rule} --on {day}` does it ahead.\n"
        )
    })
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
