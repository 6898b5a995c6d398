//! `fondly show`: one entry with everything that is known of it.

use std::path::Path;

use serde_json::Value;

use super::output::{self, Format};
use super::{Done, Failure, Outcome, fields, house};
use crate::model::Reason;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's id, as `fondly log` prints it
    entry: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let Some(told) = house.store.entry(&args.entry).await? else {
        let words = format!("there is no entry `{}`; `fondly log` lists them", args.entry);
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    };
    let mut row = told.row.to_json();
    if args.format != Format::Table {
        let history = told.history.iter().map(|line| Value::Object(line.to_json()));
        row.insert("history".to_owned(), history.collect());
        row.insert("message".to_owned(), told.message.into());
        let all: Vec<&str> = fields::LEDGER.iter().copied().chain(["history", "message"]).collect();
        output::listing(args.format, &[], &all, &[row])?;
        return Ok(Done::Well);
    }
    for field in fields::LEDGER {
        let value = match row.get(*field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        output::say(format!("{field:<16} {value}"))?;
    }
    if let Some(reason) = told.row.reason {
        output::say(format!("{:<16} {}", "", Reason::sentence(reason)))?;
    }
    output::say("\nhistory")?;
    for line in &told.history {
        let when = fields::local(line.at, &house.policy().zone);
        let reason = line.reason.map_or(String::new(), |reason| format!(" ({reason})"));
        let reply = line.reply.as_deref().unwrap_or_default();
        output::say(format!("  {when}  {}{reason}  {reply}", line.outcome).trim_end())?;
    }
    if let Some(message) = &told.message {
        output::say("\nmessage")?;
        output::raw(&message.replace("\r\n", "\n"))?;
    }
    Ok(Done::Well)
}
