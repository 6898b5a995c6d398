//! The last pass: when it ended, whether the next one is late, whether anybody is at work, and what is
//! paused.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Check, counted};
use crate::decide::explain;
use crate::engine::digest::calendar::Calendar;
use crate::engine::{EngineError, House};
use crate::model::Matter;
use crate::store::{Paused, Store};

const NAME: &str = "tick";

/// So much later than it should be, it is worth to look: as long as the health page waits.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// What the store and the system say of passes.
#[derive(Debug, Clone, Default)]
struct Facts {
    now: Timestamp,
    /// When the last one ended.
    last: Option<Timestamp>,
    /// When the next one after it was due.
    due: Option<Timestamp>,
    /// Who has the store, in words.
    holder: Option<String>,
    paused: Paused,
    /// The clock or the store is in doubt.
    halted: bool,
}

/// # Errors
/// The store's trouble.
pub(super) async fn look(house: &House) -> Result<Check, EngineError> {
    let last = house.store.heartbeat().await?;
    let calendar = Calendar::new(&house.plans.settings.schedule.tick);
    let troubles = house.store.troubles().await?;
    let facts = Facts {
        now: house.clock.now(),
        last,
        due: last.and_then(|last| calendar?.next_after(last)),
        holder: Store::held_by(house.store.path()),
        paused: house.store.paused().await?,
        halted: troubles
            .iter()
            .any(|trouble| matches!(trouble.matter, Matter::Standstill { .. })),
    };
    Ok(judge(&facts, &house.policy().zone))
}

/// Nobody can say.
pub(super) fn unseen(error: &EngineError) -> Check {
    Check::wrong(
        NAME,
        &format!("The last pass can't be seen: {error}"),
        "Mend the store first.",
    )
}

fn judge(facts: &Facts, zone: &TimeZone) -> Check {
    let work = match &facts.holder {
        Some(words) => format!("fondly is at work ({words})"),
        None => "no fondly is seen at work".to_owned(),
    };
    let Some(last) = facts.last else {
        let found = format!("No pass has ended yet; {work}");
        let advice = match facts.holder {
            Some(_) => "Wait for the first one to end, and look again.",
            None => "`fondly tick` does one pass, `fondly run` goes on doing so.",
        };
        return Check::look(NAME, &found, advice);
    };
    let ago = ago(facts.now.duration_since(last));
    let found = format!(
        "The last pass ended {ago} ({}); {work}",
        explain::moment(last, zone)
    );
    if facts.halted {
        let found =
            format!("{found}. Nothing is planned or sent: the clock or the store is in doubt");
        return Check::wrong(
            NAME,
            &found,
            "`fondly resume` says what is in doubt, and how to go on.",
        );
    }
    if let Some(check) = late(facts, &found, zone) {
        return check;
    }
    if let Some(since) = facts.paused.all {
        let found = format!(
            "{found}. Everything is paused since {}",
            explain::moment(since, zone)
        );
        return Check::look(NAME, &found, "`fondly resume` ends that.");
    }
    let rules: Vec<&str> = facts
        .paused
        .rules
        .iter()
        .map(|(rule, _)| rule.as_str())
        .collect();
    if !rules.is_empty() {
        let found = format!("{found}. Paused: {}", rules.join(", "));
        return Check::look(NAME, &found, "`fondly resume RULE` ends that.");
    }
    Check::ok(NAME, &found)
}

/// The next pass should have been long ago.
fn late(facts: &Facts, found: &str, zone: &TimeZone) -> Option<Check> {
    let due = facts.due?;
    if facts.now.duration_since(due) <= LATE {
        return None;
    }
    let found = format!(
        "{found}. By `[schedule] tick`, the next one was due on {}",
        explain::moment(due, zone)
    );
    Some(if facts.holder.is_some() {
        let advice = "A large batch takes its time. If the last line of the log is old, start fondly \
                      again: nothing is sent twice for that.";
        Check::look(NAME, &found, advice)
    } else {
        let advice = "Nothing is sent meanwhile. Start fondly (`systemctl start fondly`, or `fondly \
                      run`), and see in its log why it ended. If you run `fondly tick` yourself, say \
                      in `[schedule] tick` when.";
        Check::wrong(NAME, &found, advice)
    })
}

/// How long ago, roughly; a clock that was set back says `just now`.
fn ago(span: SignedDuration) -> String {
    let minutes = u64::try_from(span.as_mins()).unwrap_or(0);
    let (count, what) = match minutes {
        0 => return "just now".to_owned(),
        1..120 => (minutes, "minute"),
        120..2_880 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    format!("{} ago", counted(count, what))
}

#[cfg(test)]
mod tests {
    use super::super::{State, tests};
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        let start: Timestamp = "2027-05-02T09:00:00Z".parse().unwrap();
        start + SignedDuration::from_mins(minutes)
    }

    fn facts() -> Facts {
        Facts {
            now: at(0),
            last: Some(at(-1)),
            due: Some(at(0)),
            ..Facts::default()
        }
    }

    #[track_caller]
    fn says(facts: &Facts, state: State, words: &[&str]) {
        tests::says(&judge(facts, &TimeZone::UTC), state, words);
    }

    #[test]
    fn a_pass_in_time_is_fine_and_a_late_one_is_told() {
        says(
            &facts(),
            State::Ok,
            &["1 minute ago", "2 May 2027 at 08:59", "no fondly is seen"],
        );
        let on_time = Facts {
            now: at(5),
            ..facts()
        };
        says(&on_time, State::Ok, &["6 minutes ago"]);
        let late = Facts {
            now: at(200),
            ..facts()
        };
        says(
            &late,
            State::Wrong,
            &["3 hours ago", "due on 2 May 2027 at 09:00", "systemctl"],
        );
        let busy = Facts {
            holder: Some("held by pid 7".to_owned()),
            ..late
        };
        says(&busy, State::Look, &["held by pid 7", "takes its time"]);
        // A schedule of once a week isn't late after three days.
        let weekly = Facts {
            now: at(4_320),
            due: Some(at(10_080)),
            ..facts()
        };
        says(&weekly, State::Ok, &["3 days ago"]);
    }

    #[test]
    fn a_first_pass_is_waited_for() {
        let none = Facts {
            last: None,
            due: None,
            ..facts()
        };
        says(
            &none,
            State::Look,
            &["No pass has ended yet", "`fondly tick`"],
        );
        let first = Facts {
            holder: Some("held by pid 7".to_owned()),
            ..none
        };
        says(&first, State::Look, &["pid 7", "Wait"]);
    }

    #[test]
    fn what_stands_still_or_is_paused_is_told() {
        let halted = Facts {
            halted: true,
            ..facts()
        };
        says(&halted, State::Wrong, &["in doubt", "`fondly resume`"]);
        let all = Paused {
            all: Some(at(-30)),
            ..Paused::default()
        };
        says(
            &Facts {
                paused: all,
                ..facts()
            },
            State::Look,
            &["Everything is paused since 2 May"],
        );
        let rules = vec![
            ("birthday".to_owned(), at(-30)),
            ("thanks".to_owned(), at(-30)),
        ];
        let some = Paused {
            rules,
            ..Paused::default()
        };
        says(
            &Facts {
                paused: some,
                ..facts()
            },
            State::Look,
            &["Paused: birthday, thanks"],
        );
    }
}
