//! `fondly show`: one entry with everything that is known of it.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::House;
use crate::engine::entry_json::{self, entry_json, rfc3339};
use crate::model::Reason;
use crate::store::Step;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's id, as `fondly log` prints it
    entry: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let told = house.store.entry(&args.entry).await?;
    house.store.clone().close().await?;
    let Some(told) = told else {
        let words = format!(
            "there is no entry `{}`; `fondly log` lists them",
            args.entry
        );
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    };
    let mut row = entry_json(&told.entry);
    if args.format != Format::Table {
        let history = told
            .history
            .iter()
            .map(|line| Value::Object(step(line, &house.policy().zone)));
        row.insert("history".to_owned(), history.collect());
        row.insert("message".to_owned(), told.message.into());
        row.insert("via".to_owned(), told.entry.via.into());
        let removed = told.text_removed_at;
        let removed = removed.map(|at| rfc3339(at, &house.policy().zone));
        row.insert("text_removed_at".to_owned(), removed.into());
        let all: Vec<&str> = entry_json::FIELDS
            .iter()
            .copied()
            .chain(["history", "message", "via", "text_removed_at"])
            .collect();
        output::listing(args.format, &[], &all, &[row])?;
        return Ok(Done::Well);
    }
    for field in entry_json::FIELDS {
        let value = match row.get(*field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        output::say(format!("{field:<16} {value}"))?;
    }
    if let Some(via) = &told.entry.via {
        output::say(format!("{:<16} {via}", "via"))?;
    }
    if let Some(reason) = told.entry.reason {
        output::say(format!("{:<16} {}", "", Reason::sentence(reason)))?;
    }
    if let Some(at) = told.text_removed_at {
        output::say(text_removed(&house, at))?;
    }
    output::say("\nhistory")?;
    for line in &told.history {
        let when = fields::local(line.at, &house.policy().zone);
        let reason = line
            .reason
            .map_or(String::new(), |reason| format!(" ({reason})"));
        let reply = line.reply.as_deref().unwrap_or_default();
        output::say(format!("  {when}  {}{reason}  {reply}", line.outcome).trim_end())?;
    }
    if let Some(message) = &told.message {
        output::say("\nmessage")?;
        output::lines(&message.replace("\r\n", "\n"))?;
    }
    Ok(Done::Well)
}

/// Why there is no address, subject and letter any more.
fn text_removed(house: &House, at: Timestamp) -> String {
    let day = house.policy().zone.to_datetime(at).date();
    let kept = house.plans.settings.retention.ledger_text;
    let kept = kept.map_or(String::new(), |kept| {
        format!(" (`ledger_text = \"{kept}\"`)")
    });
    format!(
        "\nThe text was taken out on {day}, as [retention] says{kept}: address, subject, letter and \
         replies"
    )
}

fn step(step: &Step, zone: &TimeZone) -> Row {
    let values: [(&str, Value); 4] = [
        ("at", rfc3339(step.at, zone).into()),
        ("outcome", step.outcome.as_str().into()),
        ("reason", step.reason.map(Reason::as_str).into()),
        ("reply", step.reply.clone().into()),
    ];
    values
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
}
