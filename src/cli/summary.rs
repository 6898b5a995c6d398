//! What a pass did, in lines that a person understands.

use crate::engine::{House, Report};
use crate::model::{Outcome, Reason};

/// One line a rule and outcome, then what needs a person.
pub(super) fn lines(house: &House, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    match (report.decided.is_empty(), report.planned) {
        (true, 0) => lines.push("Nothing was due.".to_owned()),
        (true, 1) => lines.push("Nothing is due yet; 1 letter is planned.".to_owned()),
        (true, n) => lines.push(format!("Nothing is due yet; {n} letters are planned.")),
        (false, _) => {}
    }
    for ((rule, outcome, reason), count) in &report.decided {
        let title = house
            .rule(rule)
            .map_or(rule.as_str(), |rule| rule.title.as_str());
        lines.push(format!("{title}: {count} {}", what(*outcome, *reason)));
    }
    if report.quarantined > 0 {
        let n = report.quarantined;
        lines.push(format!(
            "{n} {} can't be used: `fondly quarantine` says which and why",
            if n == 1 { "record" } else { "records" }
        ));
    }
    for trouble in &report.failing_sources {
        lines.push(format!("A source can't be read: {trouble}"));
    }
    if let Some(words) = &report.relay_trouble {
        lines.push(format!("Letters can't leave at the moment: {words}"));
    }
    if report.total(Outcome::Unknown) > 0 {
        lines.push(
            "Unknown means: the letter may have arrived. `fondly log --outcome unknown` lists them"
                .to_owned(),
        );
    }
    lines
}

fn what(outcome: Outcome, reason: Reason) -> String {
    match outcome {
        Outcome::Sent => "sent".to_owned(),
        Outcome::Planned
        | Outcome::Held
        | Outcome::Deferred
        | Outcome::Sending
        | Outcome::Skipped
        | Outcome::Rejected
        | Outcome::Expired
        | Outcome::Unknown => format!("{outcome} ({reason}): {}", reason.sentence()),
    }
}
