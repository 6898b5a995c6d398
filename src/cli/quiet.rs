//! `fondly quiet`: who has gone quiet, the most valuable first.

use std::path::Path;

use jiff::civil::Date;
use serde_json::Value;

use super::numbers::whole_days;
use super::output::{self, Format, Row};
use super::{Done, Outcome, house_for_review};
use crate::engine::quiet::{MOST_OF_A_CURRENCY, Question, Quiet, quiet, worth};
use crate::engine::quiet_json;
use crate::model::dates::civil_date;
use crate::model::signs::brief;

const COLUMNS: &[(&str, &str)] = &[
    ("customer", "Customer"),
    ("name", "Name"),
    ("last_contact", "Last contact"),
    ("silent", "Silent"),
    ("usually", "Usually"),
    ("sure", "Sure"),
    ("worth", "A year"),
    ("letter", "Last letter"),
];

/// What the numbers mean, below the options.
const MEANING: &str = "\
A contact is an event of a kind that some rule for silences (`[trigger.lapsed]`) names as `contact`; \
without such a rule, a visit or a purchase. Several on one civil day count once.

How sure: of a hundred customers who came like this one and are silent for as long, so many have no \
contact in the coming days of the horizon. It is worked out from the customer's own gaps and from what \
the business's other customers did up to the day, anew each time.

Gone quiet means: came on at least two days, is away for a week or more and for longer than usual for \
them, and is at least 80 % sure to stay away. What they used to bring in a year is the sum of everything \
with an amount in the year up to their last contact; currencies aren't converted, and who paid in several \
has no sum. The last letter is one that went out, or of which nobody knows whether it did.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = MEANING)]
pub(super) struct Args {
    /// As it looked at the end of this day (2027-05-02), with what was known then; without it, today
    #[arg(long, value_name = "DATE", value_parser = civil_date)]
    on: Option<Date>,
    /// Everybody with a contact, gone quiet or not
    #[arg(long)]
    all: bool,
    /// How far ahead, in whole days or weeks
    #[arg(long, value_name = "TIME", default_value = "90 days", value_parser = whole_days)]
    horizon: u16,
    /// How to print. In JSON and CSV, `chance_gone` is from 0 to 1
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_for_review(config).await?;
    let question = Question {
        on: args.on.unwrap_or_else(|| house.today(house.clock.now())),
        horizon_days: args.horizon.into(),
        all: args.all,
    };
    let found = quiet(&house, &question).await;
    house.store.clone().close().await?;
    let found = found?;
    let table = args.format == Format::Table;
    if table && found.is_empty() {
        output::note("Nobody has gone quiet.");
        return Ok(Done::Well);
    }
    let words = if table { told } else { quiet_json::quiet_json };
    let rows: Vec<Row> = found.iter().map(words).collect();
    output::listing(args.format, COLUMNS, quiet_json::FIELDS, &rows)?;
    if table {
        output::note(summary(&found, &question));
    }
    Ok(Done::Well)
}

/// For people.
fn told(one: &Quiet) -> Row {
    let days = one.silent_days;
    let silent = format!("{days} {}", if days == 1 { "day" } else { "days" });
    let worth = one.value_per_year.map_or(String::new(), |amount| {
        let currency = one.currency.as_deref().unwrap_or_default();
        money(amount.to_f64(), currency)
    });
    let letter = one.last_letter.as_ref();
    let letter = letter.map_or(String::new(), |(rule, at)| {
        format!("{rule}, {}", at.strftime("%Y-%m-%d"))
    });
    let values: [String; 8] = [
        one.customer.clone(),
        one.name.clone(),
        one.last_contact.to_string(),
        silent,
        usually(one),
        format!("{:.0} %", one.chance_gone * 100.0),
        worth,
        letter,
    ];
    let fields = COLUMNS.iter().map(|(field, _)| (*field).to_owned());
    fields.zip(values.map(Value::from)).collect()
}

fn money(amount: f64, currency: &str) -> String {
    let currency = brief(currency, MOST_OF_A_CURRENCY);
    format!("{amount:.2} {currency}").trim().to_owned()
}

fn usually(one: &Quiet) -> String {
    match one.cadence {
        Some(cadence) if cadence.times(10) == 1 => "every day".to_owned(),
        Some(cadence) => format!("every {cadence} days"),
        None => format!("{} contact days", one.contacts),
    }
}

fn summary(found: &[Quiet], question: &Question) -> String {
    let (sums, others) = worth(found);
    let others = others.then(|| "sums in other currencies".to_owned());
    let sums = sums.iter().map(|(sum, currency)| money(*sum, currency));
    let sums: Vec<String> = sums.chain(others).collect();
    let count = found.len();
    let who = if question.all {
        format!("{count} with a contact")
    } else {
        format!("{count} gone quiet")
    };
    let brought = if sums.is_empty() {
        String::new()
    } else {
        format!("; they used to bring {} a year", sums.join(" and "))
    };
    format!(
        "{who}{brought}. Sure: of a hundred like them, so many have no contact in the {} days after {}.",
        question.horizon_days, question.on
    )
}
