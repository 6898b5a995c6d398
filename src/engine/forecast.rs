//! What lies ahead: the engine itself on a copy of the store, from now on, with letters that are
//! written but go nowhere.
//!
//! It starts from the books as they are: the ledger, how far each rule has come, what waits, what
//! was sent, paused rules, approvals. Nothing real changes. May not decide anything of its own.

pub mod calendar;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::outbox::Outbox;
use super::scratch::Scratch;
use super::walk::{Stretch, walk};
use super::worker::WAITED_FOR_APPROVAL;
use super::{EngineError, House, Plans, sync};
use crate::clock::Clock;
use crate::model::signs::{MOST_OF_A_NAME, brief};
use crate::model::{Outcome, Reason};
use crate::settings::Transport;
use crate::store::{Entry, Filter, Paused};

/// One after the other: a process has one copy, which bears its number.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Customers whose names are read together.
const CHUNK: usize = 512;

/// What comes due, and what becomes of it.
#[derive(Debug)]
pub struct Forecast {
    /// Ledger entries as they will be at the end of the stretch, in the order in which they are
    /// due: what is settled within it, and what still waits then. `sent` means that it goes out,
    /// `held` that it waits for a person, though what nobody decides is too late in the end.
    pub entries: Vec<Entry>,
    /// What is paused, and so waits.
    pub paused: Paused,
    /// Sources that couldn't be read.
    pub trouble: Vec<String>,
    /// Names of the customers asked for in [`Forecast::named`].
    names: HashMap<String, String>,
}

impl Forecast {
    /// The customer's name with their id, where a name is known; else the id.
    pub fn named(&self, customer: &str) -> String {
        match self.names.get(customer) {
            Some(name) => format!("{name} ({customer})"),
            None => customer.to_owned(),
        }
    }
}

/// What to forecast.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only this rule.
    pub rule: Option<String>,
    /// Only this customer.
    pub customer: Option<String>,
}

/// Forecasts.
///
/// # Errors
/// The store's trouble, or a rule or customer that nobody knows.
pub async fn forecast(
    plans: Plans,
    stretch: &Stretch,
    question: &Question,
    progress: impl Fn(Timestamp),
) -> Result<Forecast, EngineError> {
    if let Some(rule) = &question.rule {
        check_rule(&plans, rule)?;
    }
    let _turn = TURN.lock().await;
    let (scratch, house) = nowhere(plans, stretch.from).await?;
    let house = Arc::new(house);
    let answer = on_copy(&house, stretch, question, &progress).await;
    house.store.clone().close().await?;
    scratch.remove()?;
    answer
}

/// The rule has to be one of those that are there.
pub(super) fn check_rule(plans: &Plans, rule: &str) -> Result<(), EngineError> {
    if plans.rules.iter().any(|known| known.id == rule) {
        return Ok(());
    }
    let known: Vec<&str> = plans.rules.iter().map(|rule| rule.id.as_str()).collect();
    let known = known.join(", ");
    let words = format!("there is no rule `{rule}`; there are: {known}");
    Err(EngineError::Other(words))
}

/// A house on a copy of the store whose letters go nowhere.
async fn nowhere(mut plans: Plans, now: Timestamp) -> Result<(Scratch, House), EngineError> {
    let mut name = plans.settings.store.path.clone().into_os_string();
    name.push(format!(".forecast-{}", std::process::id()));
    // No relay is set up, nor asked to keep its pace.
    plans.settings.mail.transport = Transport::File {
        dir: PathBuf::new(),
    };
    let (scratch, mut house) = Scratch::open(plans, name.into(), Clock::manual(now)).await?;
    house.outbox = Outbox::nowhere();
    Ok((scratch, house))
}

async fn on_copy(
    house: &Arc<House>,
    stretch: &Stretch,
    question: &Question,
    progress: &impl Fn(Timestamp),
) -> Result<Forecast, EngineError> {
    let trouble = sync::troubles(sync::sync(house, None, stretch.from).await?);
    if let Some(customer) = &question.customer
        && house
            .views(std::slice::from_ref(customer))
            .await?
            .is_empty()
    {
        return Err(unknown_customer(customer));
    }
    walk(house, stretch, progress).await?;
    let within = Filter {
        until: Some(stretch.until),
        rule: question.rule.clone(),
        customer: question.customer.clone(),
        unsettled_before: Some(stretch.from),
        ..Filter::default()
    };
    let mut entries = house.store.log(&within).await?;
    as_held(house, &mut entries).await?;
    Ok(Forecast {
        names: names(house, &entries).await?,
        entries,
        paused: house.store.paused().await?,
        trouble,
    })
}

/// Nobody decides in a forecast, so what waits for a person is too late in the end; told is that it
/// waits, why, and until when (`next_attempt_at`).
async fn as_held(house: &House, entries: &mut [Entry]) -> Result<(), EngineError> {
    let undecided = |entry: &Entry| {
        entry.reason == Some(Reason::TooLate) && entry.reply.as_deref() == Some(WAITED_FOR_APPROVAL)
    };
    let waiting: Vec<&mut Entry> = entries.iter_mut().filter(|one| undecided(one)).collect();
    let ids: Vec<&str> = waiting.iter().map(|entry| entry.id.as_str()).collect();
    let held = house.store.last_held(&ids).await?;
    for entry in waiting {
        if let Some((at, reason)) = held.get(&entry.id) {
            entry.outcome = Outcome::Held;
            entry.reason = *reason;
            entry.reply = None;
            entry.next_attempt_at = entry.decided_at.replace(*at);
        }
    }
    Ok(())
}

/// Nobody has this id.
pub(super) fn unknown_customer(customer: &str) -> EngineError {
    EngineError::Other(format!(
        "there is no customer `{customer}`; look at the id in your records, and run `fondly sync` \
         if they are newer than the last pass"
    ))
}

/// The names of everybody in these entries who has one.
async fn names(house: &House, entries: &[Entry]) -> Result<HashMap<String, String>, EngineError> {
    let mut ids: Vec<String> = entries.iter().map(|entry| entry.customer.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut names = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        for view in house.views(chunk).await? {
            if let Some(name) = view.customer.full_name() {
                names.insert(view.customer.id, brief(&name, MOST_OF_A_NAME));
            }
        }
    }
    Ok(names)
}
