//! `fondly sync`: reads the sources once.

use std::io;
use std::path::Path;

use super::output::Format;
use super::{Done, Failure, Outcome, house, output, quality};
use crate::engine;
use crate::engine::sync::{self, Synced};
use crate::settings::Place;
use crate::store::Applied;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this source
    source: Option<String>,
    /// Take whoever isn't in the source's database any more for gone, however many they are
    #[arg(long, requires = "source")]
    accept_gone: bool,
    /// Say afterwards how good the records are: what is missing, and what looks wrong
    #[arg(long)]
    report: bool,
    /// How to print the report
    #[arg(long, value_enum, default_value_t, requires = "report")]
    format: Format,
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
    let looked_through = |name: &String| {
        let sources = &house.plans.settings.sources;
        let source = sources.iter().find(|source| &source.name == name);
        source.is_some_and(|source| match &source.place {
            Place::Sql(sql) => sql.full_every.is_some(),
            Place::Csv { .. } | Place::Xlsx { .. } | Place::Vcard { .. } => false,
        })
    };
    if args.accept_gone && !args.source.as_ref().is_some_and(looked_through) {
        return Err(Failure::Usage(
            "nobody is ever taken for gone from this source; that takes a database, and \
             `full_every` in its settings"
                .to_owned(),
        ));
    }
    if names.is_empty() {
        output::note(output::NO_SOURCE);
    }
    let now = house.clock.now();
    let synced = match &args.source {
        Some(source) if args.accept_gone => sync::accept_gone(&house, source, now).await?,
        source => sync::sync(&house, source.as_deref(), now).await?,
    };
    let needs_a_person = |source: &Synced| !source.trouble.is_empty() || source.doubt.is_some();
    let failing = synced.iter().any(needs_a_person);
    for source in synced {
        tell(source, args.format)?;
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
    if args.report {
        let quality = match &args.source {
            Some(source) => engine::quality::judge(&house, source).await?,
            None => engine::quality::of(&house, None).await?,
        };
        quality::print(args.format, &quality)?;
    }
    house.store.close().await?;
    Ok(if failing || quarantined > 0 {
        Done::NeedsAPerson
    } else {
        Done::Well
    })
}

/// Says what became of one source.
fn tell(source: Synced, format: Format) -> io::Result<()> {
    let name = &source.source;
    // A machine that reads the report gets nothing else.
    let say = |line: String| -> io::Result<()> {
        if format == Format::Table {
            return output::say(line);
        }
        output::note(line);
        Ok(())
    };
    for (file, applied) in source.files {
        say(told(name, &file, applied))?;
    }
    for remark in &source.remarks {
        output::note(format!("{name}: {remark}"));
    }
    if source.unchanged_files > 0 {
        let n = source.unchanged_files;
        let files = if n == 1 {
            "file hasn't"
        } else {
            "files haven't"
        };
        say(format!("{name}: {n} {files} changed since the last time"))?;
    }
    for file in source.unfinished {
        say(format!(
            "{name}: {file} may still be written to; it is read once it has been left alone"
        ))?;
    }
    if source.unchanged_query {
        say(format!("{name}: nothing has changed since the last time"))?;
    }
    if source.gone > 0 {
        let n = source.gone;
        let customers = if n == 1 {
            "customer isn't"
        } else {
            "customers aren't"
        };
        say(format!(
            "{name}: {n} {customers} there any more, and no letter goes to them until they come again"
        ))?;
    }
    if let Some(doubt) = source.doubt {
        output::note(format!("{name}: {doubt}"));
    }
    for trouble in source.trouble {
        output::note(format!("{name}: {trouble}"));
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
