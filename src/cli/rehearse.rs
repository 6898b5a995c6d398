//! `fondly rehearse`: a stretch of time on a copy of the store.

use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;

use super::bar::Bar;
use super::{Done, Failure, Outcome, output, plans};
use crate::engine::rehearse::{Rehearsal, rehearse};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first moment, such as 2027-02-27T00:00[Europe/London]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    from: ZonedDateTime,
    /// The moment at which it ends
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: ZonedDateTime,
    /// The folder for ledger.jsonl and mail/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn moment(text: &str) -> Result<ZonedDateTime, String> {
    let form = "write a day, a time and a zone such as 2027-02-27T00:00[Europe/London], in quotes";
    text.parse()
        .map_err(|_| format!("it is no such moment; {form}"))
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    if args.until <= args.from {
        return Err(Failure::Usage("--until has to lie after --from".to_owned()));
    }
    let wanted = Rehearsal {
        from: args.from,
        until: args.until,
        away: Vec::new(),
        out: args.out,
    };
    let bar = Bar::new(wanted.from.timestamp(), wanted.until.timestamp());
    let done = Box::pin(rehearse(plans(config)?, &wanted, |now| bar.at(now))).await?;
    bar.finish();
    for trouble in &done.trouble {
        output::note(format!("A source can't be read: {trouble}"));
    }
    let mut by_rule = std::collections::BTreeMap::<&str, Vec<String>>::new();
    for ((rule, outcome, reason), count) in &done.report.decided {
        by_rule
            .entry(rule)
            .or_default()
            .push(format!("{count} {outcome} ({reason})"));
    }
    for (rule, counts) in by_rule {
        output::say(format!("{rule}: {}", counts.join(", ")))?;
    }
    let ledger = wanted.out.join("ledger.jsonl");
    let entries = if done.entries == 1 {
        "entry"
    } else {
        "entries"
    };
    let count = done.entries;
    output::say(format!("{count} {entries} in {}", ledger.display()))?;
    Ok(if done.trouble.is_empty() {
        Done::Well
    } else {
        Done::NeedsAPerson
    })
}
