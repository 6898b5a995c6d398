//! Why a week had no letters.
//!
//! May not put it into words.

use crate::engine::{EngineError, House};
use crate::model::Outcome;
use crate::render::digest::{Facts, Idle, Need};

/// Why nothing went out. `now`: what is at hand is told, too.
pub(super) async fn why(house: &House, facts: &Facts, now: bool) -> Result<Idle, EngineError> {
    if now && house.store.paused().await?.all.is_some() {
        return Ok(Idle::Paused);
    }
    if !facts.not_sent.is_empty() {
        return Ok(Idle::AllKept);
    }
    if now && !house.plans.rules.iter().any(|rule| rule.enabled) {
        return Ok(Idle::NoRules);
    }
    if now && house.store.count_customers().await?.0 == 0 {
        return Ok(Idle::NoCustomers);
    }
    let held = |need: &Need| matches!(need, Need::Held { .. });
    if facts.needs.iter().any(held) {
        return Ok(Idle::Held);
    }
    if now && to_come(house).await? {
        return Ok(Idle::Coming);
    }
    Ok(Idle::NothingDue)
}

/// Whether something that is due today may still go out.
async fn to_come(house: &House) -> Result<bool, EngineError> {
    let today = house.today(house.clock.now());
    let counts = house.store.counts_of_days(today, today).await?;
    let open = [Outcome::Planned, Outcome::Deferred, Outcome::Sending];
    Ok(counts.iter().any(|one| open.contains(&one.outcome)))
}
