//! `fondly token`: who may hand in records by HTTP.

use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::House;
use crate::engine::entry_json::rfc3339;
use crate::model::tables::plain_name;
use crate::store::Scope;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a token and shows it this once; only its hash is kept
    Add {
        /// What you call it, such as the program that gets it
        name: String,
        /// What it is good for: events, customers; several with a comma
        #[arg(long, required = true, value_delimiter = ',', value_parser = ["events", "customers"])]
        scope: Vec<String>,
        /// The source that its records belong to, unless the one of the settings: ids of events are
        /// unique within one
        #[arg(long)]
        source: Option<String>,
    },
    /// Every token: what it is good for, since when, and the last day on which something came in by it
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// From now on nothing comes in by this token
    Revoke {
        /// Its name
        name: String,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("name", "name"),
    ("scopes", "scopes"),
    ("source", "source"),
    ("made_at", "made"),
    ("last_day", "last used"),
];
const FIELDS: &[&str] = &["name", "scopes", "source", "made_at", "last_day"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = match &args.command {
        Command::Add {
            name,
            scope,
            source,
        } => add(&house, name, (scope, source.as_deref())).await,
        Command::List { format } => list(&house, *format).await,
        Command::Revoke { name } => revoke(&house, name).await,
    };
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn add(
    house: &House,
    name: &str,
    (scopes, source): (&[String], Option<&str>),
) -> Result<(), Failure> {
    let name = plain_name(name).map_err(Failure::Usage)?;
    let source = source.map(plain_name).transpose().map_err(Failure::Usage)?;
    let settings = &house.plans.settings;
    if let Some(source) = &source
        && settings.sources.iter().any(|known| known.name == *source)
    {
        return Err(Failure::Usage(format!(
            "`{source}` is a [[source]] of fondly.toml; give what this token hands in another name"
        )));
    }
    let asked = |scope: &Scope| scopes.iter().any(|text| text == scope.as_str());
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(asked).collect();
    let now = house.clock.now();
    let token = house
        .store
        .add_token(&name, (&scopes, source.as_deref()), now);
    let Some(token) = token.await? else {
        return Err(Failure::Trouble(anyhow::anyhow!(
            "there is a token `{name}` already; take another name, or `fondly token revoke {name}` first"
        )));
    };
    output::say(token)?;
    output::note(
        "This is the only time that it is shown: give it to the program that sends records, as \
         `Authorization: Bearer …`.",
    );
    if settings.api.is_none() {
        output::note(
            "Nobody listens yet: add [api] to fondly.toml, with bind = \"127.0.0.1:8427\", and \
             restart `fondly run`.",
        );
    }
    Ok(())
}

async fn revoke(house: &House, name: &str) -> Result<(), Failure> {
    if !house.store.revoke_token(name).await? {
        return Err(Failure::Trouble(anyhow::anyhow!(
            "there is no token `{name}`; `fondly token list` shows which there are"
        )));
    }
    output::say(format!(
        "{name} is revoked: nothing comes in by it any more"
    ))?;
    Ok(())
}

async fn list(house: &House, format: Format) -> Result<(), Failure> {
    let settings = &house.plans.settings;
    let zone = &settings.policy.zone;
    let usual = settings.api.as_ref().map(|api| api.source.as_str());
    let all = house.store.tokens().await?;
    if all.is_empty() && format == Format::Table {
        output::note("There is no token; `fondly token add NAME --scope events` makes one.");
        return Ok(());
    }
    let rows: Vec<Row> = all
        .into_iter()
        .map(|token| {
            let made_at = match format {
                Format::Table => fields::local(token.made_at, zone),
                Format::Json | Format::Csv => rfc3339(token.made_at, zone),
            };
            let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
            let source = token.source.or_else(|| usual.map(str::to_owned));
            let never = || match format {
                Format::Table => Some("never".to_owned()),
                Format::Json | Format::Csv => None,
            };
            let last_day = token.last_day.map(|day| day.to_string()).or_else(never);
            let values: [Value; 5] = [
                token.name.into(),
                scopes.join(",").into(),
                source.into(),
                made_at.into(),
                last_day.into(),
            ];
            let names = FIELDS.iter().map(|field| (*field).to_owned());
            names.zip(values).collect()
        })
        .collect();
    output::listing(format, COLUMNS, FIELDS, &rows)?;
    Ok(())
}
