//! Editing while running: a changed configuration folder comes into force with the next pass.
//!
//! A broken edit changes nothing: the last good set keeps running, and the owner is told. Where
//! the ledger is kept, when the work is woken up, and where the console and the public pages are and
//! records come in by HTTP need a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::print::Print;
use super::{EngineError, House, Plans, alert};
use crate::model::{Finding, Matter};
use crate::settings::{Settings, live_sending_problems};

/// An edit is looked at when its files have been left alone for so long: an editor may write one
/// file in several steps, and a person save several in a row.
const SETTLED: Duration = Duration::from_secs(2);

/// The trouble's name.
const TROUBLE: alert::Key<'static> = (Matter::EDIT, "");

/// Looks at the configuration folder between passes.
#[derive(Debug)]
pub struct Watch {
    /// The folder as it was read last.
    seen: Print,
}

impl Watch {
    /// From the moment on at which the house's plans were read: opening it may take long, and somebody
    /// may save an edit meanwhile. What it was opened with is in force, and so an earlier trouble is
    /// over.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn new(house: &House) -> Result<Self, EngineError> {
        alert::ends(house, TROUBLE).await?;
        Ok(Self {
            seen: house.plans.print,
        })
    }

    /// The house to work with: the same, or a new one where the folder has changed and can be
    /// used.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn refreshed(&mut self, house: &Arc<House>) -> Result<Arc<House>, EngineError> {
        let config = house.plans.config().to_owned();
        let (print, changed_at) = Print::now(&config, &house.plans.settings);
        let age = changed_at.and_then(|at| house.clock.since(at));
        if print == self.seen || age.is_some_and(|age| age < SETTLED) {
            return Ok(Arc::clone(house));
        }
        let read = read(&config, house).and_then(|(fresh, needs_restart)| {
            let house = house.with_plans(fresh).map_err(|error| error.to_string())?;
            Ok((house, needs_restart))
        });
        let (fresh, needs_restart) = match read {
            Ok(fresh) => fresh,
            Err(words) => {
                tracing::error!(words, "an edit can't be used; what was in force stays");
                alert::begins(house, &Matter::Edit { findings: words }).await?;
                self.seen = print;
                return Ok(Arc::clone(house));
            }
        };
        for what in needs_restart {
            tracing::warn!("{what} has changed, which comes into force with a restart");
        }
        let house = Arc::new(fresh);
        self.seen = house.plans.print;
        let rules = house.plans.rules.iter().filter(|rule| rule.enabled).count();
        tracing::info!(rules, "the edited configuration is in force");
        alert::ends(&house, TROUBLE).await?;
        Ok(house)
    }
}

/// The new plans and what in them needs a restart, or what is wrong with them.
fn read(config: &Path, house: &House) -> Result<(Plans, Vec<&'static str>), String> {
    let mut plans = Plans::read(config).map_err(|findings| in_words(&findings))?;
    let classes: Vec<_> = plans
        .rules
        .iter()
        .filter(|rule| rule.enabled)
        .map(|rule| rule.class)
        .collect();
    // It has to do for the next start …
    let problems = live_sending_problems(&plans.settings, &classes);
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let needs_restart = keep(&mut plans.settings, &house.plans.settings);
    // … and until then: what waits for it gives letters no way out yet.
    let mut problems = live_sending_problems(&plans.settings, &classes);
    if problems.is_empty() {
        return Ok((plans, needs_restart));
    }
    problems.push(
        "[public] is there, and comes into force with a restart: restart fondly, or let the other \
         way to unsubscribe stand until then"
            .to_owned(),
    );
    Err(problems.join("\n"))
}

/// Puts back what only a restart changes, and names it.
fn keep(new: &mut Settings, old: &Settings) -> Vec<&'static str> {
    let mut needs_restart = Vec::new();
    if new.store != old.store {
        new.store = old.store.clone();
        needs_restart.push("[store]");
    }
    if new.schedule != old.schedule {
        new.schedule = old.schedule.clone();
        needs_restart.push("[schedule]");
    }
    if new.public != old.public {
        new.public.clone_from(&old.public);
        needs_restart.push("[public]");
    }
    if new.console != old.console {
        new.console.clone_from(&old.console);
        needs_restart.push("[console]");
    }
    if new.api != old.api {
        new.api.clone_from(&old.api);
        needs_restart.push("[api]");
    }
    needs_restart
}

fn in_words(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let (line, column) = finding.position();
        let file = &finding.source.name;
        let help = finding.help.as_ref().map(|help| format!("\n    {help}"));
        let help = help.unwrap_or_default();
        format!("{file}:{line}:{column}: {}{help}", finding.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}
