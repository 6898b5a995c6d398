//! `fondly sync`: reads the sources once.

use std::io;
use std::path::Path;

use super::{Done, Failure, Outcome, house, output};
use crate::engine::sync::{self, Synced};
use crate::store::Applied;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this source
    source: Option<String>,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let names: Vec<&str> = house
        .plans
        .settings
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    if let Some(name) = &args.source
        && !names.contains(&name.as_str())
    {
        let known = names.join(", ");
        return Err(Failure::Usage(format!(
            "there is no source `{name}`; there are: {known}"
        )));
    }
    if names.is_empty() {
        output::note(output::NO_SOURCE);
    }
    let synced = sync::sync(&house, args.source.as_deref(), house.clock.now()).await?;
    let mut failing = false;
    for source in synced {
        failing |= !source.trouble.is_empty();
        tell(source)?;
    }
    let quarantined = house.store.count_quarantined().await?;
    if quarantined > 0 {
        let records = if quarantined == 1 {
            "record is"
        } else {
            "records are"
        };
        output::note(format!(
            "{quarantined} {records} in quarantine: `fondly quarantine` says which and why"
        ));
    }
    house.store.close().await?;
    Ok(if failing || quarantined > 0 {
        Done::NeedsAPerson
    } else {
        Done::Well
    })
}

/// What became of one source.
fn tell(source: Synced) -> io::Result<()> {
    for (file, applied) in source.files {
        output::say(told(&source.source, &file, applied))?;
    }
    for remark in &source.remarks {
        output::note(format!("{}: {remark}", source.source));
    }
    if source.unchanged_files > 0 {
        let n = source.unchanged_files;
        let files = if n == 1 {
            "file hasn't"
        } else {
            "files haven't"
        };
        output::say(format!(
            "{}: {n} {files} changed since the last time",
            source.source
        ))?;
    }
    if source.unchanged_query {
        let name = &source.source;
        output::say(format!("{name}: nothing has changed since the last time"))?;
    }
    for trouble in source.trouble {
        output::note(format!("{}: {trouble}", source.source));
    }
    Ok(())
}

/// What was in a file, in a line.
fn told(source: &str, file: &str, applied: Applied) -> String {
    let Applied {
        new,
        changed,
        unchanged,
        refused,
        forgotten,
    } = applied;
    let forgotten = match forgotten {
        0 => String::new(),
        n => format!(", {n} passed over of people who asked to be forgotten"),
    };
    format!(
        "{source}: {file}: {new} new, {changed} changed, {unchanged} unchanged, {refused} \
         refused{forgotten}"
    )
}
