//! `fondly results`: whether letters helped, in words and for machines.

use std::path::Path;

use serde_json::{Value, json};

use super::numbers::{four_places, whole_days};
use super::output::{self, Format, Row};
use super::{Done, Outcome, house_for_review, log};
use crate::engine::compare::{Difference, Group, Verdict};
use crate::engine::results::{Question, RuleResult, results, words};

/// The fields of JSON and CSV.
const FIELDS: &[&str] = &[
    "rule",
    "within_days",
    "contact",
    "first_day",
    "last_day",
    "meant",
    "meant_back",
    "holdout",
    "holdout_back",
    "difference",
    "low",
    "high",
    "sent",
    "sent_back",
    "unknown",
    "waiting",
    "needed",
    "verdict",
];

/// What the numbers mean, below the options.
const MEANING: &str = "\
A return is an event: of the kinds that a `lapsed` rule names as `contact`, a visit or a purchase for \
all other rules. Whether somebody opened a letter is neither known nor asked. For a note to staff or to \
the owner, it is the customer's return that counts.

The groups compared are those for whom a letter was meant, whatever became of it afterwards (a frequency \
cap, quiet hours, a refused address), and those who were held out. To compare the holdout with only the \
letters that went out would be unfair, since no cap took anybody out of the holdout; how those did is \
told beside it. Each customer counts once, from the first time. Whose days aren't over yet is still \
waiting, and in neither group.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = MEANING)]
pub(super) struct Args {
    /// Only this rule; without it, each that is on or ever had a letter to decide about
    rule: Option<String>,
    /// How soon a return counts, in whole days or weeks
    #[arg(long, value_name = "TIME", default_value = "30 days", value_parser = whole_days)]
    within: u16,
    /// Only what came due on this day or later (2027-05-02, in the business's zone) or from this
    /// moment on (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only what came due before this day or moment
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// How to print. In JSON and CSV, shares and differences are from -1 to 1
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_for_review(config).await?;
    let moment = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| log::moment(&house, text)).transpose()
    };
    let question = Question {
        since: moment(&args.since)?,
        until: moment(&args.until)?,
        rule: args.rule,
        within_days: args.within,
    };
    let found = results(&house, &question, house.clock.now()).await;
    house.store.clone().close().await?;
    let found = found?;
    if args.format != Format::Table {
        let rows: Vec<Row> = found.iter().map(row).collect();
        output::listing(args.format, &[], FIELDS, &rows)?;
    } else if found.is_empty() {
        output::note("No rule is switched on, and none ever had a letter to decide about.");
    } else {
        let told: Vec<String> = found.iter().map(told).collect();
        output::lines(&told.join("\n"))?;
    }
    Ok(Done::Well)
}

fn row(result: &RuleResult) -> Row {
    let tally = &result.tally;
    let day = |pick: fn(&(jiff::civil::Date, jiff::civil::Date)) -> jiff::civil::Date| {
        let day = tally.days.as_ref().map(pick);
        day.map(|day| day.to_string())
    };
    let part = |pick: fn(&Difference) -> f64| result.difference.as_ref().map(pick).map(four_places);
    let values: [Value; 18] = [
        json!(result.rule),
        json!(result.within_days),
        json!(result.contact),
        json!(day(|days| days.0)),
        json!(day(|days| days.1)),
        json!(result.meant.of),
        json!(result.meant.back),
        json!(result.holdout.of),
        json!(result.holdout.back),
        json!(part(|difference| difference.found)),
        json!(part(|difference| difference.low)),
        json!(part(|difference| difference.high)),
        json!(result.sent.of),
        json!(result.sent.back),
        json!(tally.unknown),
        json!(tally.waiting),
        json!(result.needed),
        json!(result.verdict.as_str()),
    ];
    let fields = FIELDS.iter().map(|field| (*field).to_owned());
    fields.zip(values).collect()
}

/// One rule, for people.
fn told(result: &RuleResult) -> String {
    let title = match &result.title {
        Some(title) => format!("{title} ({})", result.rule),
        None => result.rule.clone(),
    };
    let mut lines = vec![title];
    if result.verdict != Verdict::NoLetters {
        lines.push(words::counted(result));
        lines.extend(groups(result));
    }
    if let Some(difference) = &result.difference {
        let Difference { low, found, high } = *difference;
        let [low, found, high] = [low, found, high].map(|share| four_places(share) * 100.0 + 0.0);
        lines.push(format!(
            "Difference: {found:+.1} in a hundred; with 95 % confidence from {low:+.1} to {high:+.1}."
        ));
    }
    lines.push(words::verdict(result));
    lines.join("\n  ") + "\n"
}

/// A line for each group; that of the letters sent only where it isn't that of those meant.
fn groups(result: &RuleResult) -> Vec<String> {
    let line = |who: &str, group: Group| {
        let Group { of, back } = group;
        let came = match group.share() {
            Some(share) => format!("{back} of {of} came back, {:.1} %", share * 100.0),
            None => "nobody yet".to_owned(),
        };
        format!("{:<18}{came}", [who, ":"].concat())
    };
    let mut lines = Vec::new();
    let compared = result.tally.days.is_some();
    if compared {
        lines.push(line("Meant to get it", result.meant));
        lines.push(line("Held out", result.holdout));
    }
    if !compared || result.sent != result.meant {
        lines.push(line("Letter sent", result.sent));
    }
    let counts = [
        (result.tally.unknown, "Sent or not, nobody knows"),
        (result.tally.waiting, "Still waiting"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    lines.extend(counts.map(|(count, what)| format!("{what}: {count}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compare::{difference, needed};
    use crate::store::Tally;

    fn result(meant: (u32, u32), holdout: (u32, u32)) -> RuleResult {
        let day = jiff::civil::date(2027, 5, 2);
        let group = |(back, of)| Group { of, back };
        let (meant, holdout) = (group(meant), group(holdout));
        RuleResult {
            rule: "r".to_owned(),
            title: None,
            contact: ["visit", "call", "reply"].map(str::to_owned).to_vec(),
            within_days: 1,
            tally: Tally {
                days: Some((day, day)),
                ..Tally::default()
            },
            meant,
            holdout,
            sent: meant,
            difference: difference(meant, holdout),
            needed: needed(meant, holdout),
            verdict: Verdict::of(meant, holdout),
        }
    }

    #[test]
    fn no_more_is_said_than_can_be_known() {
        assert_eq!(
            told(&result((5, 56), (0, 29))),
            "r\n  Back means: visit, call or reply within 1 day. Due on 2027-05-02.\n  \
             Meant to get it:  5 of 56 came back, 8.9 %\n  \
             Held out:         0 of 29 came back, 0.0 %\n  \
             Difference: +8.9 in a hundred; with 95 % confidence from -3.8 to +19.3.\n  \
             That can't be told from chance yet. About 83 in each group would be needed to see a \
             difference of this size; there are 56 and 29.\n"
        );
        for (meant, holdout, words) in [
            (
                (9, 10),
                (3, 9),
                "Too few to tell: below 10 in a group, a single return changes the answer. About ",
            ),
            ((30, 90), (10, 30), "There is hardly any difference to see."),
            ((48, 80), (56, 70), "It does harm: fewer came back"),
            ((56, 70), (48, 80), "It helps: more came back"),
            ((0, 0), (1, 9), "the 1 day isn't over for those meant"),
            ((1, 9), (0, 0), "the 1 day isn't over for those held out"),
        ] {
            let told = told(&result(meant, holdout));
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn shares_for_machines_are_rounded_and_zero_has_no_sign() {
        assert_eq!(four_places(0.123_456).to_string(), "0.1235");
        assert_eq!(four_places(-0.000_001).to_string(), "0");
        let row = row(&result((30, 90), (10, 30)));
        assert_eq!(row.keys().map(String::as_str).collect::<Vec<_>>(), FIELDS);
        assert_eq!(row["difference"], json!(0.0));
    }
}
