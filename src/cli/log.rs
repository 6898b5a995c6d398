//! `fondly log`: the ledger.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::entry_json::{self, entry_json};
use crate::engine::{House, alert, control};
use crate::model;
use crate::store::{Entry, Filter, Trouble};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// From this day on (2027-05-02, in the business's zone) or this moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Before this day or moment
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Only this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only this customer
    #[arg(long)]
    customer: Option<String>,
    /// Only this outcome: planned, held, deferred, sending, sent, skipped, rejected, expired or
    /// unknown
    #[arg(long)]
    outcome: Option<String>,
    /// At most so many, the latest [default: 100 in a table, all as JSON or CSV]
    #[arg(long)]
    limit: Option<u32>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How many a table has, unless somebody says otherwise.
const IN_A_TABLE: u32 = 100;
/// How many are in hand at once where all are printed.
const PAGE: u16 = 5_000;

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let outcome = args.outcome.as_deref().map(outcome).transpose()?;
    let filter = Filter {
        since: args
            .since
            .as_deref()
            .map(|text| moment(&house, text))
            .transpose()?,
        until: args
            .until
            .as_deref()
            .map(|text| moment(&house, text))
            .transpose()?,
        rule: args.rule,
        customer: args.customer,
        outcome,
        limit: Some(args.limit.unwrap_or(IN_A_TABLE)),
        ..Filter::default()
    };
    if args.limit.is_none() && args.format != Format::Table {
        let done = all(&house, &filter, args.format).await;
        house.store.close().await?;
        return done;
    }
    let rows = house.store.log(&filter).await?;
    let troubles = house.store.troubles().await?;
    if let Some(rule) = filter.rule.as_deref().filter(|_| rows.is_empty()) {
        control::known_rule(&house, rule).await?;
    }
    house.store.clone().close().await?;
    let limit = filter.limit.unwrap_or(IN_A_TABLE);
    let full = u32::try_from(rows.len()).is_ok_and(|n| n == limit);
    if rows.is_empty() && args.format == Format::Table {
        output::note("The ledger has no such entry. `fondly tick` decides and sends what is due.");
        tell(&house, &troubles);
        return Ok(Done::Well);
    }
    let table = args.format == Format::Table;
    let rows: Vec<_> = rows.iter().map(|entry| row(&house, entry, table)).collect();
    output::listing(args.format, fields::LOG_COLUMNS, entry_json::FIELDS, &rows)?;
    if full && args.format == Format::Table {
        output::note(format!("The latest {limit}; `--limit` shows more."));
    }
    if args.format == Format::Table {
        tell(&house, &troubles);
    }
    Ok(Done::Well)
}

/// The whole ledger, or what the filter leaves of it, for machines: page by page, the earliest due
/// first.
async fn all(house: &House, filter: &Filter, format: Format) -> Outcome {
    let mut last: Option<Entry> = None;
    loop {
        let entries = house.store.log_after(filter, last.as_ref(), PAGE).await?;
        if let Some(rule) = filter.rule.as_deref()
            && last.is_none()
            && entries.is_empty()
        {
            control::known_rule(house, rule).await?;
        }
        let rows: Vec<_> = entries.iter().map(entry_json).collect();
        let wanted = output::page(format, entry_json::FIELDS, &rows, last.is_none())?;
        let is_full = entries.len() >= usize::from(PAGE);
        last = entries.into_iter().next_back();
        if !wanted || !is_full {
            return Ok(Done::Well);
        }
    }
}

/// What needs a person.
fn tell(house: &House, troubles: &[Trouble]) {
    for trouble in troubles {
        let since = fields::local(trouble.since, &house.policy().zone);
        let (what, _) = alert::in_english(house, &trouble.matter);
        output::note(format!("Since {since}: {what}."));
    }
}

/// People get the due moment as their clock shows it.
fn row(house: &House, entry: &Entry, for_people: bool) -> Row {
    let mut row = entry_json(entry);
    if for_people {
        let occasion = &entry.occasion;
        let due = fields::local(occasion.due_at, &house.zone(&occasion.zone));
        row.insert("due_at".to_owned(), due.into());
    }
    row
}

fn outcome(text: &str) -> Result<model::Outcome, Failure> {
    model::Outcome::parse(text).ok_or_else(|| {
        let all: Vec<_> = model::Outcome::ALL
            .into_iter()
            .map(model::Outcome::as_str)
            .collect();
        Failure::Usage(format!(
            "`{text}` is no outcome; they are: {}",
            all.join(", ")
        ))
    })
}

/// A day begins at midnight in the business's zone.
pub(super) fn moment(house: &House, text: &str) -> Result<Timestamp, Failure> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date = text.parse().map_err(|_| {
        let form = "write a day such as 2027-05-02, or a moment such as 2027-05-02T09:00:00Z";
        Failure::Usage(format!("`{text}` is no day and no moment; {form}"))
    })?;
    Ok(house.policy().zone.to_timestamp(day.at(0, 0, 0, 0))?)
}
