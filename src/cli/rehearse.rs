//! `fondly rehearse`: a stretch of time on a copy of the store.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::ZonedDateTime;

use super::{Done, Failure, Outcome, output, plans};
use crate::engine::rehearse::{Rehearsal, rehearse};

/// Work under two seconds needs no bar.
const BAR_AFTER: Duration = Duration::from_secs(2);

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
        out: args.out,
    };
    let bar = Bar::new(&wanted);
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

/// Shows how far the virtual clock has come, on a terminal, once it takes a while.
struct Bar {
    drawn: ProgressBar,
    from: jiff::Timestamp,
    until: jiff::Timestamp,
    started: std::time::Instant,
}

impl Bar {
    fn new(wanted: &Rehearsal) -> Self {
        let (from, until) = (wanted.from.timestamp(), wanted.until.timestamp());
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(u64::try_from((until - from).as_secs().max(1)).unwrap_or(1))
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent} %") {
            bar.set_style(style);
        }
        Self {
            drawn: bar,
            from,
            until,
            started: std::time::Instant::now(),
        }
    }

    fn at(&self, now: jiff::Timestamp) {
        if self.started.elapsed() < BAR_AFTER {
            return;
        }
        let passed = (now.min(self.until) - self.from).as_secs();
        self.drawn.set_message(now.strftime("%Y-%m-%d").to_string());
        self.drawn.set_position(u64::try_from(passed).unwrap_or(0));
    }

    fn finish(&self) {
        self.drawn.finish_and_clear();
    }
}
