//! The commands: each parses its arguments, asks the engine or the store, and prints.
//!
//! May hold no rule logic and no SQL.

mod approve;
mod backtest;
mod backup;
mod bar;
mod check;
mod complaint;
mod console_user;
mod demo;
mod diff;
mod digest;
mod doctor;
mod explain;
mod export;
mod fields;
mod forecast;
mod forget;
mod init;
mod links;
mod log;
mod numbers;
pub mod output;
mod pause;
mod preview;
mod quality;
mod quarantine;
mod quiet;
mod rehearse;
mod resolve;
mod results;
mod resume;
mod run;
mod show;
mod summary;
mod suppress;
mod sync;
mod tick;
mod token;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::engine::{Broken, House, Plans, trust};
use crate::model::Finding;
use crate::settings;

/// Shows a business's customers that somebody cares.
///
/// fondly reads customer records, decides by rules who is due a birthday greeting, a thank-you or a
/// "we miss you", sends each letter once, and keeps a ledger of every yes and every no.
#[derive(Debug, Parser)]
#[command(name = "fondly", version, max_term_width = 100)]
struct Cli {
    /// The settings; rules/, templates/ and holidays/ lie beside it [default: config/fondly.toml, or
    /// /etc/fondly/fondly.toml where the first isn't there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows everything working on a made-up business
    Demo(demo::Args),
    /// Writes a commented configuration to start from
    Init(init::Args),
    /// The daemon: reads, decides and sends until it is told to stop
    Run(run::Args),
    /// One pass: reads the sources, decides, sends what is due, and ends
    Tick(tick::Args),
    /// Reads the sources once
    Sync(sync::Args),
    /// Checks settings, rules and letters against the real records
    Check(check::Args),
    /// The ledger: who got what and when, and who didn't and why
    Log(log::Args),
    /// One entry of the ledger: its history, reason, letter, and every server reply
    Show(show::Args),
    /// Who gets what and when from now on, and who doesn't and why; changes nothing
    Forecast(forecast::Args),
    /// What edited rules would change against those in force: who gets more, who gets less
    Diff(diff::Args),
    /// Why a customer did, didn't, will or won't get something, with the arithmetic
    Explain(explain::Args),
    /// Who has gone quiet, the most valuable first, and how sure it is
    Quiet(quiet::Args),
    /// A rule for silences on the business's own past, and what others would have come to
    Backtest(backtest::Args),
    /// Did it help? Who came back after a rule's letter, against those who were held out
    Results(results::Args),
    /// The owner's weekly letter, as it would be sent now
    Digest(digest::Args),
    /// A letter as a customer would get it
    Preview(preview::Args),
    /// A stretch of time on a copy of the store, by a virtual clock; touches nothing real
    Rehearse(rehearse::Args),
    /// Lets a held batch go, or one of a day ahead before it is held
    Approve(approve::Args),
    /// Ends a held batch, or one of a day ahead, unsent
    Decline(approve::Args),
    /// Settles a letter of which nobody knows whether it arrived
    Resolve(resolve::Args),
    /// Stops sending, one rule or everything, until `resume`
    Pause(pause::Args),
    /// Sends again what was paused, or goes on where the clock or the store was in doubt
    Resume(resume::Args),
    /// Addresses that get nothing any more
    Suppress(suppress::Args),
    /// Everything about a customer, as one JSON document
    Export(export::Args),
    /// Erases everything about a customer, and keeps them from coming back
    Forget(forget::Args),
    /// Complaints that are open, and closing one
    Complaint(complaint::Args),
    /// Whether everything is as it should be, a line each, and what to do; changes nothing
    Doctor(doctor::Args),
    /// A consistent copy of the store, while everything goes on
    Backup(backup::Args),
    /// Records that couldn't be used, and why
    Quarantine(quarantine::Args),
    /// Tokens of programs that hand in records by HTTP
    Token(token::Args),
    /// The keys that sign the links in letters
    Links(links::Args),
    /// Who may sign in to the console
    ConsoleUser(console_user::Args),
}

/// What a command ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nothing is left to do.
    Well,
    /// Done, but something needs a person.
    NeedsAPerson,
}

/// How a command fails.
#[derive(Debug)]
enum Failure {
    /// Findings in the user's own files.
    Findings(Vec<Finding>),
    /// Wrong usage that only shows while it runs.
    Usage(String),
    /// Anything else, with what and where.
    Trouble(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

type Outcome = Result<Done, Failure>;

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            _ = error.print();
            return ExitCode::from(code);
        }
    };
    let logs = settings::log_wishes();
    crate::observe::start(logs.format, logs.filter.as_deref());
    let faults = settings::faults();
    if let Some((name, nth)) = faults.end_at {
        crate::points::end_at(name, nth);
    }
    if let Some(wish) = faults.panic_for {
        crate::points::stumble_at(wish);
    }
    if let Some(by) = faults.slow_commit {
        crate::points::slow_commits(by);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::Trouble(error.into())),
    };
    let outcome = runtime.block_on(Box::pin(cli.run()));
    match outcome {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::NeedsAPerson) => ExitCode::from(3),
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Findings(findings) => {
            output::findings(findings);
            let count = findings.len();
            output::note(format!(
                "{count} finding{}",
                if count == 1 { "" } else { "s" }
            ));
            ExitCode::from(1)
        }
        Failure::Usage(words) => {
            output::note(format!("fondly: {words}"));
            ExitCode::from(2)
        }
        Failure::Trouble(error) => {
            output::note(format!("fondly: {error:#}"));
            ExitCode::from(1)
        }
    }
}

impl Cli {
    async fn run(self) -> Outcome {
        let config = self.config.unwrap_or_else(settings::usual_place);
        match self.command {
            Command::Demo(args) => Box::pin(demo::run(args)).await,
            Command::Init(args) => init::run(&args),
            Command::Run(args) => Box::pin(run::run(args, &config)).await,
            Command::Tick(args) => Box::pin(tick::run(args, &config)).await,
            Command::Sync(args) => Box::pin(sync::run(args, &config)).await,
            Command::Check(args) => Box::pin(check::run(args, &config)).await,
            Command::Log(args) => log::run(args, &config).await,
            Command::Show(args) => show::run(args, &config).await,
            Command::Forecast(args) => Box::pin(forecast::run(args, &config)).await,
            Command::Diff(args) => Box::pin(diff::run(args, &config)).await,
            Command::Explain(args) => Box::pin(explain::run(args, &config)).await,
            Command::Quiet(args) => quiet::run(args, &config).await,
            Command::Backtest(args) => Box::pin(backtest::run(args, &config)).await,
            Command::Results(args) => results::run(args, &config).await,
            Command::Digest(args) => Box::pin(digest::run(args, &config)).await,
            Command::Preview(args) => Box::pin(preview::run(args, &config)).await,
            Command::Rehearse(args) => Box::pin(rehearse::run(args, &config)).await,
            Command::Approve(args) => approve::run(args, &config, true).await,
            Command::Decline(args) => approve::run(args, &config, false).await,
            Command::Resolve(args) => resolve::run(args, &config).await,
            Command::Pause(args) => pause::pause(args, &config).await,
            Command::Resume(args) => resume::run(args, &config).await,
            Command::Suppress(args) => suppress::run(args, &config).await,
            Command::Export(args) => export::run(args, &config).await,
            Command::Forget(args) => Box::pin(forget::run(args, &config)).await,
            Command::Complaint(args) => complaint::run(args, &config).await,
            Command::Doctor(args) => Box::pin(doctor::run(args, &config)).await,
            Command::Backup(args) => backup::run(args, &config).await,
            Command::Quarantine(args) => quarantine::run(args, &config).await,
            Command::Token(args) => token::run(args, &config).await,
            Command::Links(args) => links::run(args, &config).await,
            Command::ConsoleUser(args) => console_user::run(args, &config).await,
        }
    }
}

/// Reads the configuration, all findings at once.
fn plans(config: &Path) -> Result<Plans, Failure> {
    Plans::read(config).map_err(Failure::Findings)
}

/// The same for whoever only looks at what was done.
async fn house_for_review(config: &Path) -> Result<House, Failure> {
    let (plans, _) = Plans::read_for_review(config).map_err(Failure::Findings)?;
    tell_broken(&plans.broken);
    moved_in(plans).await
}

/// The same for what has to work also while something else is amiss: the emergency brake before all.
async fn house_at_hand(config: &Path) -> Result<House, Failure> {
    let plans = Plans::at_hand(config).map_err(Failure::Findings)?;
    tell_broken(&plans.broken);
    moved_in(plans).await
}

/// What can't be read just now, in a line.
fn tell_broken(broken: &Broken) {
    let mut all = broken.all();
    let Some(first) = all.next() else {
        return;
    };
    let more = match all.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let what = match (broken.settings.is_empty(), broken.rules.is_empty()) {
        (false, true) => "The settings",
        (true, _) => "The rules and letters",
        (false, false) => "The settings, rules and letters",
    };
    output::note(format!(
        "{what} can't all be read just now: {}{more}; `fondly check` says more. This goes on without \
         them.",
        output::in_a_line(first)
    ));
    if broken.zone {
        output::note("The business's time zone isn't known either: days and times are in UTC.");
    }
}

/// Reads the configuration and opens the store.
async fn house(config: &Path) -> Result<House, Failure> {
    moved_in(plans(config)?).await
}

/// A house that goes by the machine's clock, as far as that can be right.
async fn moved_in(plans: Plans) -> Result<House, Failure> {
    let clock = Clock::steady(settings::faults().clock_off);
    let house = House::open(plans, clock).await?;
    trust::mind_the_clock(&house).await?;
    Ok(house)
}
