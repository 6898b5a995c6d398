//! `fondly backtest`: a rule for silences on the business's own past, and what others would have come
//! to.

mod plot;
mod png;
mod words;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::numbers::{four_places, whole_days};
use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, house};
use crate::engine::backtest::{Advice, Days, Played, Question, Report, backtest};
use crate::model::dates::civil_date;
use crate::rhythm::calibration::Tenth;

const COLUMNS: &[(&str, &str)] = &[
    ("after", "After"),
    ("letters", "Letters"),
    ("needless", "Needless"),
    ("caught", "Caught"),
    ("share", "Of those away"),
    ("missed", "Missed"),
    ("silent", "Caught after"),
    ("mark", ""),
];

const FIELDS: &[&str] = &[
    "part",
    "rule",
    "from",
    "until",
    "judged_until",
    "seen_until",
    "horizon_days",
    "already_sent",
    "learnt_from",
    "verdict",
    "after",
    "is_rule",
    "recommended",
    "letters",
    "right",
    "needless",
    "unjudged",
    "missed",
    "before",
    "silences",
    "needless_share",
    "caught_share",
    "silent_low",
    "silent_median",
    "silent_high",
    "customers",
    "said",
    "was",
];

/// What the numbers mean, below the options.
const MEANING: &str = "\
The rule is walked day by day over a stretch of the past, one letter a silence, and other thresholds \
with it: fixed days, multiples of a customer's own cadence, and how sure it is that they stay away. The \
rule's own `contact` and `min_contacts` hold for all of them. What the likelihood knows of the business \
it has learnt from the days before --from only.

A letter is needless if a contact follows within the horizon: that customer would have come back without \
one. Who stayed away is caught by a letter, or missed without one by the end of the stretch. Only letters \
whose whole horizon has been seen are judged. A silence whose letter lay before the stretch is in no other \
number.

Only silences are played: no condition, cap, consent or address is looked at, and of several letters of \
a silence (`times`) only the first. Letters that really went out in that time make it a past with letters, \
and their number is told.

In JSON and CSV, rows of the part `threshold` are the thresholds, and those of the part `tenth` hold the \
chances given on the eve of --from against what came true, in tenths of the customers. Shares are from 0 \
to 1.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = MEANING)]
pub(super) struct Args {
    /// A rule with [trigger.lapsed]
    rule: String,
    /// The first day on which letters count (2027-05-02); without it, the second half of the past is
    /// walked, two years at most
    #[arg(long, value_name = "DATE", value_parser = civil_date)]
    from: Option<Date>,
    /// The last one; without it, the last day that can be judged
    #[arg(long, value_name = "DATE", value_parser = civil_date)]
    until: Option<Date>,
    /// A contact so soon after a letter makes it needless, in whole days or weeks; without it, the
    /// horizon of the rule's own sureness, or 90 days
    #[arg(long, value_name = "TIME", value_parser = whole_days)]
    horizon: Option<u16>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Draws it into this file, too: a picture that ends in .svg or .png
    #[arg(long, value_name = "FILE", value_parser = picture)]
    plot: Option<Picture>,
}

/// Where a picture goes, and how it is kept.
#[derive(Debug, Clone)]
struct Picture {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Svg,
    Png,
}

fn picture(text: &str) -> Result<Picture, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let kind = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => Kind::Svg,
        Some("png") => Kind::Png,
        _ => return Err("name a file that ends in .svg or .png".to_owned()),
    };
    Ok(Picture { path, kind })
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    if let (Some(from), Some(until)) = (args.from, args.until)
        && until < from
    {
        let words = format!("--until {until} lies before --from {from}");
        return Err(Failure::Usage(words));
    }
    let house = house(config).await?;
    let question = Question {
        rule: args.rule,
        from: args.from,
        until: args.until,
        horizon_days: args.horizon.map(u32::from),
    };
    let found = backtest(&house, &question, house.clock.now()).await;
    house.store.clone().close().await?;
    let report = found?;
    let Some(days) = report.days else {
        output::note(words::nobody(&report));
        return Ok(Done::Well);
    };
    if args.format != Format::Table {
        machines(&report, &days, args.format)?;
    } else if report.advice == Advice::TooShort {
        output::note(words::too_short(&report, &days));
    } else {
        output::lines(&words::head(&report, &days))?;
        let rows: Vec<Row> = report.played.iter().map(|one| told(&report, one)).collect();
        output::listing(args.format, COLUMNS, &[], &rows)?;
        output::lines(&words::tail(&report, &days))?;
    }
    match &args.plot {
        Some(_) if report.advice == Advice::TooShort => {
            output::note("There is nothing to draw yet.");
        }
        Some(picture) => draw(&report, &days, picture)?,
        None => {}
    }
    Ok(Done::Well)
}

/// One row a threshold, one a tenth.
fn machines(report: &Report, days: &Days, format: Format) -> std::io::Result<()> {
    let thresholds = report.played.iter().enumerate();
    let thresholds = thresholds.map(|(place, one)| threshold(report, days, (place, one)));
    let tenths = report.tenths.iter().map(|one| tenth(report, days, one));
    let rows: Vec<Row> = thresholds.chain(tenths).collect();
    output::listing(format, &[], FIELDS, &rows)
}

/// Draws it where it was asked for.
fn draw(report: &Report, days: &Days, picture: &Picture) -> anyhow::Result<()> {
    let Picture { path, kind } = picture;
    let svg = plot::svg(report, days)?;
    let bytes = match kind {
        Kind::Svg => svg.into_bytes(),
        Kind::Png => png::of(&svg)?,
    };
    std::fs::write(path, bytes).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    output::note(format!("Drawn into {}.", path.display()));
    Ok(())
}

/// What every row says of the walk as a whole.
fn common(report: &Report, days: &Days, part: &str) -> Row {
    let mut row: Row = FIELDS
        .iter()
        .map(|field| ((*field).to_owned(), Value::Null))
        .collect();
    let values = [
        ("part", json!(part)),
        ("rule", json!(report.rule)),
        ("from", json!(days.from.to_string())),
        ("until", json!(days.until.to_string())),
        ("judged_until", json!(days.judged_until.to_string())),
        ("seen_until", json!(days.seen.to_string())),
        ("horizon_days", json!(report.horizon_days)),
        ("already_sent", json!(report.sent)),
        ("learnt_from", json!(report.learnt_from)),
        ("verdict", json!(report.advice.as_str())),
    ];
    fill(&mut row, values);
    row
}

fn fill<const N: usize>(row: &mut Row, values: [(&str, Value); N]) {
    for (field, value) in values {
        row.insert(field.to_owned(), value);
    }
}

/// A threshold, for machines.
fn threshold(report: &Report, days: &Days, (place, one): (usize, &Played)) -> Row {
    let tally = &one.tally;
    let mut row = common(report, days, "threshold");
    fill(
        &mut row,
        [
            ("after", json!(one.threshold.to_string())),
            ("is_rule", json!(one.is_rule)),
            ("recommended", json!(report.advice == Advice::Better(place))),
            ("letters", json!(tally.letters())),
            ("right", json!(tally.right.count())),
            ("needless", json!(tally.needless.count())),
            ("unjudged", json!(tally.unjudged)),
            ("missed", json!(tally.missed)),
            ("before", json!(tally.before)),
            ("silences", json!(tally.silences())),
            (
                "needless_share",
                json!(tally.needless_share().map(four_places)),
            ),
            ("caught_share", json!(tally.caught_share().map(four_places))),
            ("silent_low", json!(tally.right.percentile(10))),
            ("silent_median", json!(tally.right.percentile(50))),
            ("silent_high", json!(tally.right.percentile(90))),
        ],
    );
    row
}

/// A tenth of the customers, for machines.
fn tenth(report: &Report, days: &Days, one: &Tenth) -> Row {
    let mut row = common(report, days, "tenth");
    fill(
        &mut row,
        [
            ("customers", json!(one.customers)),
            ("said", json!(four_places(one.said))),
            ("was", json!(four_places(one.was))),
        ],
    );
    row
}

/// A threshold, for people.
fn told(report: &Report, one: &Played) -> Row {
    let tally = &one.tally;
    let percent = |share: Option<f64>| share.map_or_else(String::new, words::percent);
    let mark = match report.advice {
        _ if one.is_rule => "<- this rule",
        Advice::Better(place) if report.played.get(place) == Some(one) => "<- better",
        _ => "",
    };
    let values = [
        ("after", one.threshold.to_string()),
        ("letters", tally.letters().to_string()),
        ("needless", percent(tally.needless_share())),
        ("caught", tally.right.count().to_string()),
        ("share", percent(tally.caught_share())),
        ("missed", tally.missed.to_string()),
        ("silent", words::silent(&tally.right)),
        ("mark", mark.to_owned()),
    ];
    let values = values.map(|(field, value)| (field.to_owned(), Value::from(value)));
    values.into_iter().collect()
}
