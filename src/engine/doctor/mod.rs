//! Whether everything is as fondly needs it, and what to do where it isn't: a line each for settings,
//! store, clock, disk, mail, the DNS of the sender's domain, the public pages, the last pass, and what
//! waits for a person.
//!
//! Each look has a file of its own. Those that ask the world do so at the same time, each with a limit.
//! Nothing is changed: the store is only looked at, nobody is written to. May not print.

mod clock;
mod disk;
mod dkim;
mod dmarc;
mod dns;
mod mail;
mod pass;
mod plans;
mod public;
mod replies;
mod spf;
mod store;
mod waiting;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{House, Plans};
use crate::clock::Clock;
use crate::model::Finding;

/// Characters of what was found; others' words may be long.
const MOST_CHARS: usize = 700;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// A person should look at it; fondly works meanwhile.
    Look,
    /// It doesn't work, or soon won't.
    Wrong,
}

impl State {
    /// As listings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Wrong => "wrong",
        }
    }
}

/// One line: what was looked at, what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: one word, the same in every release.
    pub name: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, in a sentence or two.
    pub found: String,
    /// What to do; empty where there is nothing.
    pub advice: String,
    /// fondly can't work as long as it is so.
    pub fatal: bool,
}

impl Check {
    fn new(name: &'static str, state: State, found: &str, advice: &str) -> Self {
        Self {
            name,
            state,
            found: tame(found),
            advice: tame(advice),
            fatal: false,
        }
    }

    fn ok(name: &'static str, found: &str) -> Self {
        Self::new(name, State::Ok, found, "")
    }

    fn look(name: &'static str, found: &str, advice: &str) -> Self {
        Self::new(name, State::Look, found, advice)
    }

    fn wrong(name: &'static str, found: &str, advice: &str) -> Self {
        Self::new(name, State::Wrong, found, advice)
    }

    fn fatal(self) -> Self {
        Self {
            fatal: true,
            ..self
        }
    }
}

/// Words on one line, which command no terminal: much of it was said by others.
fn tame(words: &str) -> String {
    let mut tame: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    tame.retain(|c| !c.is_control());
    if tame.chars().count() > MOST_CHARS {
        tame = tame.chars().take(MOST_CHARS).chain(['…']).collect();
    }
    tame
}

/// `1 letter`, `3 letters`
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is asked of the doctor.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The name server to ask instead of the system's.
    pub dns: Option<SocketAddr>,
    /// Selectors of DKIM keys to look at.
    pub dkim: Vec<String>,
    /// How long each question to the world may take.
    pub wait: Duration,
}

/// Everything that was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// The lines, in their order.
    pub checks: Vec<Check>,
    /// What is wrong with the settings, where nothing else could be looked at for it.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// What keeps fondly from working.
    pub fn fatal(&self) -> Vec<&'static str> {
        let fatal = self.checks.iter().filter(|check| check.fatal);
        fatal.map(|check| check.name).collect()
    }

    /// Whether something should be looked at.
    pub fn needs_a_person(&self) -> bool {
        self.checks.iter().any(|check| check.state != State::Ok)
    }
}

/// Looks at everything. `ended` is told the name of each part that is through; [`PARTS`] has them all.
pub async fn examine(
    config: &Path,
    clock: Clock,
    wishes: &Wishes,
    ended: &(dyn Fn(&str) + Sync),
) -> Diagnosis {
    let (plans, settings) = match plans::look(config) {
        Ok(found) => found,
        Err((check, findings)) => {
            return Diagnosis {
                checks: vec![check],
                findings,
            };
        }
    };
    let part = async |name: &'static str, checks: Vec<Check>| {
        ended(name);
        checks
    };
    let books = async { part(STORE, Box::pin(books(&plans, &clock)).await).await };
    let disk = async { part(DISK, disk::look(&plans.settings).await).await };
    let mail = async {
        part(
            MAIL,
            Box::pin(mail::look(&plans.settings, wishes.wait)).await,
        )
        .await
    };
    let names = async { part(DNS, Box::pin(dns::look(&plans.settings, wishes)).await).await };
    let (mut books, disk, mail, names) = tokio::join!(books, disk, mail, names);
    // The store and the clock come before the disk, the passes and what waits at the end.
    let last = books.split_off(books.len().min(FIRST_OF_STORE));
    let checks = [vec![settings], books, disk, mail, names, last];
    Diagnosis {
        checks: checks.into_iter().flatten().collect(),
        findings: Vec::new(),
    }
}

/// Lines that come of the store before the disk's.
const FIRST_OF_STORE: usize = 2;
const STORE: &str = "the store";
const DISK: &str = "the disk";
const MAIL: &str = "the mail server";
const DNS: &str = "the DNS";

/// What is looked at at the same time, as it is called meanwhile.
pub const PARTS: &[&str] = &[STORE, DISK, MAIL, DNS];

/// The store itself, the clock, and what only the store knows.
async fn books(plans: &Plans, clock: &Clock) -> Vec<Check> {
    let house = match House::to_look(plans.clone(), clock.clone()).await {
        Ok(house) => house,
        Err(error) => return vec![store::cant_open(&error), clock::alone(clock)],
    };
    let mut checks = store::look(&house).await;
    match pass::look(&house).await {
        Ok(check) => checks.push(check),
        Err(error) => checks.push(pass::unseen(&error)),
    }
    match waiting::look(&house).await {
        Ok(check) => checks.push(check),
        Err(error) => checks.push(waiting::unseen(&error)),
    }
    house.store.leave_as_it_was().await;
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check stands so and says all of this; what isn't well comes with what to do.
    #[track_caller]
    pub(super) fn says(check: &Check, state: State, words: &[&str]) {
        assert_eq!(check.state, state, "{check:?}");
        let text = format!("{} {}", check.found, check.advice);
        for word in words {
            assert!(text.contains(word), "`{word}` isn't said: {text}");
        }
        assert!(state == State::Ok || !check.advice.is_empty(), "{check:?}");
    }

    #[test]
    fn words_of_others_stay_on_their_line_and_are_cut() {
        let check = Check::look("dns", "a\r\nb\u{1b}[31m\tc\u{7f}", &"x".repeat(5_000));
        assert_eq!(check.found, "a b[31m c");
        assert_eq!(check.advice.chars().count(), MOST_CHARS + 1);
    }
}
