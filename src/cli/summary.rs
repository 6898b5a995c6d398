//! What a pass did, in lines that a person understands.

use jiff::tz::TimeZone;

use super::fields;
use crate::engine::retention::Removed;
use crate::engine::{House, Report};
use crate::model::{Outcome, Reason};
use crate::store::Paused;

/// One line a rule and outcome, then what needs a person.
pub(super) fn lines(house: &House, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(halt) = &report.standstill {
        lines.push(format!("Nothing is planned or sent. {}", halt.because));
        lines.push(halt.advice().to_owned());
        return lines;
    }
    match (report.decided.is_empty(), report.planned) {
        (true, 0) => lines.push("Nothing was due.".to_owned()),
        (true, 1) => lines.push("Nothing is due yet; 1 letter is planned.".to_owned()),
        (true, n) => lines.push(format!("Nothing is due yet; {n} letters are planned.")),
        (false, _) => {}
    }
    for ((rule, outcome, reason), count) in &report.decided {
        let title = house.title(rule);
        lines.push(format!("{title}: {count} {}", what(*outcome, *reason)));
    }
    for batch in &report.held {
        let (title, day) = (house.title(&batch.rule), batch.day);
        let (rule, letters) = (&batch.rule, counted(batch.entries, "letter"));
        lines.push(format!(
            "{title}: {letters} of {day} {} until you say so: `fondly approve {rule} --on {day}` \
             lets them go, `fondly decline {rule} --on {day}` ends them",
            if batch.entries == 1 { "waits" } else { "wait" },
        ));
    }
    if report.quarantined > 0 {
        let n = report.quarantined;
        lines.push(format!(
            "{n} {} can't be used: `fondly quarantine` says which and why",
            if n == 1 { "record" } else { "records" }
        ));
    }
    lines.extend(report.failing_sources.iter().cloned());
    if let Some(words) = &report.relay_trouble {
        lines.push(format!("Letters can't leave at the moment: {words}"));
    }
    lines.extend(removed(report.removed));
    if report.unknown > 0 {
        let letters = counted(report.unknown, "letter");
        lines.push(format!(
            "Of {letters} nobody knows whether they arrived: `fondly log --outcome unknown` lists \
             them, `fondly resolve ENTRY --sent`, `--not-sent` or `--resend` settles one"
        ));
    }
    lines
}

/// What `[retention]` took out.
fn removed(removed: Removed) -> Option<String> {
    let Removed {
        customers,
        events,
        staying,
        texts,
        copies,
    } = removed;
    let (events, whose) = (counted(events, "event"), counted(customers, "customer"));
    let mut said = Vec::new();
    if customers > 0 {
        said.push(format!("{events} of {whose}"));
    }
    if texts > 0 {
        said.push(format!("the text of {}", counted(texts, "letter")));
    }
    if copies > 0 {
        let what = if copies == 1 { "letter" } else { "letters" };
        said.push(format!("{copies} {what} in the outbox folder"));
    }
    if said.is_empty() {
        return None;
    }
    let staying = match staying {
        0 => String::new(),
        n => format!(
            "; the events of {} stay, since a rule still goes by them",
            counted(n, "customer")
        ),
    };
    Some(format!(
        "Taken out, as [retention] says: {}{staying}",
        said.join(", ")
    ))
}

/// `1 letter`, `3 letters`
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is paused, in lines.
pub(super) fn paused(paused: &Paused, zone: &TimeZone) -> Vec<String> {
    let all = paused.all.map(|since| {
        format!(
            "Everything is paused since {}: `fondly resume` ends that",
            fields::local(since, zone)
        )
    });
    let rules = paused.rules.iter().map(|(rule, since)| {
        format!(
            "{rule} is paused since {}: `fondly resume {rule}` ends that",
            fields::local(*since, zone)
        )
    });
    all.into_iter().chain(rules).collect()
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
