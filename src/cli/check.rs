//! `fondly check`: is it safe to let it run?

use std::path::Path;

use super::summary::counted;
use super::{Done, Failure, Outcome, output, plans, run};
use crate::clock::Clock;
use crate::engine::{Plans, check, retention};
use crate::model::Refusal;

/// Refused records that are named one by one.
const NAMED: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Prints the settings as they take effect, secrets hidden
    #[arg(long)]
    show: bool,
    /// Only the configuration, without the records
    #[arg(long)]
    no_records: bool,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let plans = plans(config)?;
    if args.show {
        output::raw(&plans.settings.shown())?;
        return Ok(Done::Well);
    }
    output::say(sound(&plans, config))?;
    if let Some(words) = retention::longer_than_asked(&plans) {
        output::say(words)?;
    }
    if args.no_records {
        run::check_live_sending(&plans)?;
        return Ok(Done::Well);
    }
    if plans.settings.sources.is_empty() {
        output::note(output::NO_SOURCE);
    }
    let live = run::check_live_sending(&plans);
    let checked = Box::pin(check::check(plans, Clock::System)).await?;
    for remark in &checked.remarks {
        output::say(remark)?;
    }
    let customers = counted(checked.customers, "customer");
    let letters = counted(checked.letters, "letter");
    output::say(format!("{customers}: {letters} could be written for them"))?;
    for problem in &checked.problems {
        output::note(format!("  × {problem}"));
    }
    live?;
    if !checked.problems.is_empty() {
        let count = checked.problems.len();
        let words = format!("{count} to mend before the first letter goes out");
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    }
    tell_refused(&checked.refused);
    Ok(if checked.refused.is_empty() {
        Done::Well
    } else {
        Done::NeedsAPerson
    })
}

/// Names the first of the records that can't be used.
fn tell_refused(refused: &[Refusal]) {
    if refused.is_empty() {
        return;
    }
    let count = refused.len();
    output::note(if count == 1 {
        "1 record can't be used and stays out until it is mended:".to_owned()
    } else {
        format!("{count} records can't be used and stay out until they are mended:")
    });
    for refusal in refused.iter().take(NAMED) {
        let Refusal {
            file,
            line,
            column,
            value,
            reason,
            ..
        } = refusal;
        output::note(format!("  {file}:{line}: {column} `{value}`: {reason}"));
    }
    if count > NAMED {
        output::note(format!(
            "  … and {} more; after `fondly sync`, `fondly quarantine` lists all",
            count - NAMED
        ));
    }
}

/// What is there, once none of it is wrong by itself.
fn sound(plans: &Plans, config: &Path) -> String {
    let off = match plans.rules.iter().filter(|rule| !rule.enabled).count() {
        0 => String::new(),
        off => format!(" ({off} switched off)"),
    };
    let letters = plans
        .letters
        .names()
        .map(|name| plans.letters.languages(name).len() as u64)
        .sum();
    format!(
        "{}: {}{off} and {}, each fine by itself",
        config.display(),
        counted(plans.rules.len() as u64, "rule"),
        counted(letters, "letter"),
    )
}
