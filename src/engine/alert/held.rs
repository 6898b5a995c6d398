//! Batches that wait for a person.
//!
//! May not hold or let go anything.

use super::super::{EngineError, House, Report};
use super::HELD;
use crate::model::Reason;

/// Notes them. A batch about which somebody has spoken, or whose time is over, is no trouble any
/// more; who spoke needn't be told.
pub(super) async fn look(house: &House, report: &Report) -> Result<(), EngineError> {
    let (mut held, mut subjects) = (Vec::new(), Vec::new());
    for batch in &report.held {
        let (rule, day) = (&batch.rule, batch.day);
        // Some of a batch may wait for another reason than the rest.
        if held.iter().any(|(known, of)| *known == rule && *of == day) {
            continue;
        }
        held.push((rule, day));
        let title = house.rule(rule).map_or(rule.as_str(), |rule| &rule.title);
        let subject = format!("{title} ({rule}) of {day} is held");
        let sentence = batch.reason.map_or("", Reason::sentence);
        let words = format!(
            "{sentence} Look at who would get it with `fondly log --rule {rule} --outcome held`, \
             and at the letter with `fondly preview {rule} CUSTOMER`.\n\n\
             - `fondly approve {rule} --on {day}` lets them go.\n\
             - `fondly decline {rule} --on {day}` ends them.\n\n\
             Until then they wait, as long as the rule's `late` allows."
        );
        let now = house.clock.now();
        let of = (HELD, subject.as_str());
        if house.store.trouble_begins(of, &words, now).await? {
            let entries = batch.entries;
            tracing::warn!(
                rule,
                %day,
                entries,
                "held: {sentence} `fondly approve {rule} --on {day}` lets them go, \
                 `fondly decline {rule} --on {day}` ends them"
            );
        }
        subjects.push(subject);
    }
    for trouble in house.store.troubles().await? {
        if trouble.kind == HELD && !subjects.contains(&trouble.subject) {
            house.store.trouble_ends((HELD, &trouble.subject)).await?;
        }
    }
    Ok(())
}
