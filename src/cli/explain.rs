//! `fondly explain`: why a customer did, didn't, will or won't get something.

use std::path::Path;

use jiff::civil::Date;

use super::output::{self, Format, Row};
use super::{Done, Outcome, house};
use crate::engine::House;
use crate::engine::explain::{Explained, Question, Said, explain};
use crate::engine::explain_json::{FIELDS, said_json};
use crate::model::Reason;
use crate::model::dates::civil_date;
use crate::model::signs::{MOST_OF_A_NAME, brief};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "What lies ahead is told as `fondly forecast` has it: of two letters that the frequency \
    caps don't let go together, which one goes first, until when the other waits for it, or that it is too \
    late then. What hangs on other customers' letters is told as not certain. It goes by the records as \
    they were last read, by a pass or by `fondly sync`; a forecast reads the sources first."
)]
pub(super) struct Args {
    /// The customer's id
    customer: String,
    /// Only this rule
    #[arg(long)]
    rule: Option<String>,
    /// This day, past or to come: 2027-05-02; without it, what was and what comes next
    #[arg(long, value_name = "DATE", value_parser = civil_date)]
    on: Option<Date>,
    /// How to print. In JSON and CSV `outcome` is the ledger's where there is an `entry`, and what
    /// the first look at it will say where there is none; `comes_to`, `comes_to_reason` and
    /// `goes_at` are what `forecast` says of it (empty where it is settled, or hangs on other
    /// customers' letters), `because_of` the letters that go before and stand in its way
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let question = Question {
        customer: args.customer,
        rule: args.rule,
        on: args.on,
    };
    let told = explain(&house, &question).await;
    house.store.clone().close().await?;
    let told = told?;
    if args.format == Format::Table {
        output::lines(&letter(&house, &question, &told))?;
    } else {
        let said = told.said.iter();
        let rows: Vec<Row> = said.map(|one| said_json(&question.customer, one)).collect();
        output::listing(args.format, &[], FIELDS, &rows)?;
    }
    Ok(Done::Well)
}

/// A heading for each rule, and the sentences under it.
fn letter(house: &House, question: &Question, told: &Explained) -> String {
    let id = &question.customer;
    let who = told.name.as_ref().map_or_else(
        || format!("Customer {id}"),
        |name| format!("{} ({id})", brief(name, MOST_OF_A_NAME)),
    );
    let mut lines = vec![who];
    let mut last = "";
    let is_off = |one: &&Said| one.outcome.is_none() && one.reason == Some(Reason::RuleDisabled);
    let (off, said): (Vec<&Said>, Vec<&Said>) = told.said.iter().partition(is_off);
    for one in said {
        if one.rule != last {
            let title = house
                .rule(&one.rule)
                .map_or("The rule's file is gone", |rule| rule.title.as_str());
            lines.push(format!("\n{title} ({})", one.rule));
            last = &one.rule;
        }
        let entry = one.entry.as_ref();
        let entry = entry.map_or(String::new(), |id| format!(" [{id}]"));
        lines.push(format!("  {}{entry}", one.words));
    }
    if told.said.is_empty() {
        lines.push("There is no rule.".to_owned());
    }
    if !off.is_empty() {
        let off: Vec<&str> = off.iter().map(|one| one.rule.as_str()).collect();
        lines.push(format!("\nSwitched off: {}", off.join(", ")));
    }
    lines.join("\n") + "\n"
}
