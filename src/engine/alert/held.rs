//! Batches that wait for a person.
//!
//! May not hold or let go anything.

use super::super::{EngineError, House, Report};
use crate::model::{Matter, Reason, Wait};

/// Notes them. A batch about which somebody has spoken, or whose time is over, is no trouble any
/// more; who spoke needn't be told.
pub(super) async fn look(house: &House, report: &Report) -> Result<(), EngineError> {
    let mut held: Vec<String> = Vec::new();
    for batch in &report.held {
        let (rule, day) = (&batch.rule, batch.day);
        let matter = Matter::Held {
            rule: rule.clone(),
            day,
            why: batch.reason.and_then(wait),
        };
        let name = matter.name();
        // Some of a batch may wait for another reason than the rest.
        if held.contains(&name) {
            continue;
        }
        held.push(name);
        if house
            .store
            .trouble_begins(&matter, house.clock.now())
            .await?
        {
            let (entries, sentence) = (batch.entries, batch.reason.map_or("", Reason::sentence));
            tracing::warn!(
                rule,
                %day,
                entries,
                "held: {sentence} `fondly approve {rule} --on {day}` lets them go, \
                 `fondly decline {rule} --on {day}` ends them"
            );
        }
    }
    for trouble in house.store.troubles().await? {
        let (kind, name) = (trouble.matter.kind(), trouble.matter.name());
        if kind == Matter::HELD && !held.contains(&name) {
            house.store.trouble_ends((kind, &name)).await?;
        }
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing waits for another reason"
)]
const fn wait(reason: Reason) -> Option<Wait> {
    match reason {
        Reason::BatchTooLarge => Some(Wait::TooMany),
        Reason::AwaitsApproval => Some(Wait::First),
        _ => None,
    }
}
