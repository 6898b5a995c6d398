//! `fondly diff`: what edited rules would change, rule by rule.

use std::path::Path;

use serde_json::Value;

use super::bar::Bar;
use super::forecast::from_now;
use super::output::{self, Format, Row};
use super::{Done, Outcome, fields, plans};
use crate::engine::diff::{self, Change, Diff, Difference, Edit, Fate};
use crate::engine::entry_json::rfc3339;
use crate::model::Reason;

/// People who are named for a rule and kind of change; the others are counted.
const NAMED: usize = 12;

/// The fields of JSON and CSV.
const FIELDS: &[&str] = &[
    "rule",
    "customer",
    "occasion",
    "change",
    "before_day",
    "before_at",
    "before_outcome",
    "before_reason",
    "after_day",
    "after_at",
    "after_outcome",
    "after_reason",
];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Days from now
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// How to print. In JSON and CSV each occasion that differs is one row: `change` is more,
    /// fewer, moved or otherwise; fields of a side that has no such occasion are empty
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let plans = plans(config)?;
    let stretch = from_now(&plans, args.days)?;
    let bar = Bar::new(stretch.from, stretch.until);
    let told = Box::pin(diff::diff(plans, &stretch, |now| bar.at(now))).await;
    bar.finish();
    let told = told?;
    for trouble in &told.trouble {
        output::note(format!("A source can't be read: {trouble}"));
    }
    for remark in &told.remarks {
        output::note(format!("Note: {remark}"));
    }
    if args.format == Format::Table {
        output::lines(&report(&told, args.days))?;
    } else {
        let rows: Vec<Row> = told.differences.iter().map(row).collect();
        output::listing(args.format, &[], FIELDS, &rows)?;
    }
    Ok(if told.trouble.is_empty() {
        Done::Well
    } else {
        Done::NeedsAPerson
    })
}

/// Rule by rule.
fn report(told: &Diff, days: u16) -> String {
    if !told.any_edit() {
        return "The rules in force are those of the files: nothing would change.\n".to_owned();
    }
    let mut lines = Vec::new();
    for (id, (title, edit)) in &told.rules {
        let of_rule = told.differences.iter().filter(|one| one.rule == *id);
        let of_rule: Vec<&Difference> = of_rule.collect();
        if of_rule.is_empty() && *edit == Edit::Untouched {
            continue;
        }
        lines.push(format!("{title} ({id}): {}", edit_words(*edit)));
        for change in [
            Change::More,
            Change::Fewer,
            Change::Moved,
            Change::Otherwise,
        ] {
            let some = of_rule.iter().filter(|one| one.change == change);
            let some: Vec<&Difference> = some.copied().collect();
            lines.extend(group(told, change, &some));
        }
        if of_rule.is_empty() {
            lines.push("  the same for everybody".to_owned());
        }
    }
    let s = if days == 1 { "" } else { "s" };
    let count = |change| {
        let some = told.differences.iter().filter(|one| one.change == change);
        some.count()
    };
    let (more, fewer) = (count(Change::More), count(Change::Fewer));
    let moved = count(Change::Moved);
    lines.push(format!(
        "In the next {days} day{s}: {more} more, {fewer} fewer, {moved} at another time\n"
    ));
    lines.join("\n")
}

const fn edit_words(edit: Edit) -> &'static str {
    match edit {
        Edit::New => "new",
        Edit::Removed => "removed",
        Edit::SwitchedOn => "switched on",
        Edit::SwitchedOff => "switched off",
        Edit::Edited => "edited",
        Edit::Untouched => "not edited, but affected by the others",
    }
}

fn group(told: &Diff, change: Change, some: &[&Difference]) -> Vec<String> {
    if some.is_empty() {
        return Vec::new();
    }
    let (sign, what) = match change {
        Change::More => ("+", "more"),
        Change::Fewer => ("-", "fewer"),
        Change::Moved => ("~", "at another time"),
        Change::Otherwise => (" ", "not sent either way, but for another reason"),
    };
    let mut lines = vec![format!("  {sign} {} {what}", some.len())];
    for one in some.iter().take(NAMED) {
        let who = told.named(&one.customer);
        lines.push(format!("      {who}: {}", story(one)));
    }
    if some.len() > NAMED {
        let more = some.len() - NAMED;
        lines.push(format!("      and {more} more; `--format json` lists all"));
    }
    lines
}

/// `before -> after`
fn story(one: &Difference) -> String {
    match (&one.before, &one.after) {
        (Some(before), Some(after)) => format!("{} -> {}", words(before), words(after)),
        (Some(before), None) => format!("{} -> nothing", words(before)),
        (None, Some(after)) => words(after),
        (None, None) => String::new(),
    }
}

fn words(fate: &Fate) -> String {
    let zone = jiff::tz::TimeZone::get(&fate.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let at = fields::local(fate.at, &zone);
    if fate.outcome == crate::model::Outcome::Sent {
        return at;
    }
    let reason = fate
        .reason
        .map_or(String::new(), |reason| format!(" ({reason})"));
    format!("{} {}{reason}", fate.day, fate.outcome)
}

fn row(one: &Difference) -> Row {
    let side = |fate: &Option<Fate>| -> [Value; 4] {
        let Some(fate) = fate else {
            return [Value::Null, Value::Null, Value::Null, Value::Null];
        };
        let zone = jiff::tz::TimeZone::get(&fate.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        [
            fate.day.to_string().into(),
            rfc3339(fate.at, &zone).into(),
            fate.outcome.as_str().into(),
            fate.reason.map(Reason::as_str).into(),
        ]
    };
    let first: [Value; 4] = [
        one.rule.as_str().into(),
        one.customer.as_str().into(),
        one.occasion.as_str().into(),
        one.change.as_str().into(),
    ];
    let values = first
        .into_iter()
        .chain(side(&one.before))
        .chain(side(&one.after));
    let fields = FIELDS.iter().map(|field| (*field).to_owned());
    fields.zip(values).collect()
}
