//! Sources: those that can't be read, and those of which most records can't be used all at once.
//!
//! May not read them, nor set records aside.

use jiff::{SignedDuration, Timestamp};

use super::super::tick::UNREADABLE;
use super::super::{EngineError, House, Report};
use super::{Look, Patience, Subject, seen};
use crate::decide::explain;
use crate::render::quoted;
use crate::store::{LastTaken, Sign};

/// What sort of trouble a source is that can't be read.
pub(super) const FAILING: &str = "source";
/// What sort of trouble a source is whose records can't be used.
pub(super) const UNUSABLE: &str = "quarantine";

/// How the owner reads of the one …
pub(super) const FAILING_SUBJECT: Subject = Subject("the source `", "` can't be read");
/// … and of the other.
pub(super) const UNUSABLE_SUBJECT: Subject =
    Subject("most of what the source `", "` gave can't be used");

/// A file that is just being replaced, or a database that is started anew, is nothing yet.
const PATIENCE: Patience = Patience {
    times: 3,
    lasts: SignedDuration::from_mins(60),
    calm: SignedDuration::from_mins(30),
};
/// What was taken in stays so until something else comes.
const AT_ONCE: Patience = Patience {
    calm: SignedDuration::from_mins(30),
    ..Patience::NONE
};

/// With fewer records than this that can't be used, one slip is most of a small file.
const FEW: u64 = 3;

/// Notes how the sources do.
pub(super) async fn look(house: &House, report: &Report) -> Result<(), EngineError> {
    let signs = house.store.signs().await?;
    let names = |kind: &str, subject: Subject| -> Vec<String> {
        let signs = signs.iter().filter(|sign| sign.trouble.kind == kind);
        signs
            .filter_map(|sign| subject.name_in(&sign.trouble.subject))
            .collect()
    };
    let there = &house.plans.settings.sources;
    let is_there = |name: &str| there.iter().any(|source| source.name == name);

    let unread = house.store.unread_sources().await?;
    let known = names(FAILING, FAILING_SUBJECT);
    for name in both(known, unread.clone()) {
        let subject = FAILING_SUBJECT.of(&name);
        let look = if unread.contains(&name) && is_there(&name) {
            let known = signs
                .iter()
                .find(|sign| sign.trouble.kind == FAILING && sign.trouble.subject == subject);
            failing(&name, report, known)
        } else {
            Look::Well
        };
        seen(house, (FAILING, &subject), look, PATIENCE).await?;
    }

    let known = names(UNUSABLE, UNUSABLE_SUBJECT);
    // Where nothing can't be used, nothing has to be looked up.
    if report.quarantined == 0 && known.is_empty() {
        return Ok(());
    }
    let taken = house.store.last_taken().await?;
    let bad: Vec<String> = taken
        .iter()
        .filter(|one| is_mostly_unusable(one) && is_there(&one.source))
        .map(|one| one.source.clone())
        .collect();
    for name in both(known, bad.clone()) {
        let subject = UNUSABLE_SUBJECT.of(&name);
        let one = taken.iter().find(|one| one.source == name);
        let look = match one.filter(|_| bad.contains(&name)) {
            Some(one) => unusable(house, one),
            None => Look::Well,
        };
        seen(house, (UNUSABLE, &subject), look, AT_ONCE).await?;
    }
    Ok(())
}

/// The names in either list, each once.
fn both(one: Vec<String>, other: Vec<String>) -> Vec<String> {
    let mut all = one;
    all.extend(other);
    all.sort_unstable();
    all.dedup();
    all
}

/// A source that couldn't be read the last time that somebody tried; what it said stands in the
/// report of a pass that was the one who tried.
fn failing(name: &str, report: &Report, known: Option<&Sign>) -> Look {
    let said = |words: &String| -> Option<String> {
        let rest = words.strip_prefix(UNREADABLE)?.strip_prefix(name)?;
        rest.strip_prefix(": ").map(str::to_owned)
    };
    let told = report.failing_sources.iter().filter_map(said);
    let told: Vec<String> = told.collect();
    let again = !told.is_empty();
    let words = match (known, told.first()) {
        (Some(known), None) => known.trouble.words.clone(),
        (_, said) => {
            let said = said.map_or_else(
                || format!("`fondly sync {name}` says what is wrong."),
                |said| format!("It said:\n\n{}", quoted(said)),
            );
            format!(
                "{said}\n\nWhat was read before stays in force, so letters go by the \
                 records as they were then, and nobody new is seen. Mend what the words name; \
                 `fondly sync {name}` tries at once, and otherwise it is tried again and again."
            )
        }
    };
    Look::Bad {
        words,
        since: None,
        again,
    }
}

/// Whether a slip in a whole file or its settings is likelier than one in a few records.
const fn is_mostly_unusable(taken: &LastTaken) -> bool {
    taken.refused >= FEW && taken.refused * 2 > taken.records
}

fn unusable(house: &House, taken: &LastTaken) -> Look {
    let LastTaken {
        source,
        at,
        records,
        refused,
    } = taken;
    let words = format!(
        "{refused} of the {records} records that came on {} can't be used. So many at once mostly \
         means that the file has another shape than before: another column name, another way to \
         write dates.\n\n- `fondly quarantine` says which they are and why.\n- `columns` and `dates` \
         of the source `{source}` in fondly.toml say how it is read.\n\nThe other records are in. \
         Those that can't be used stay as they were before.",
        moment(house, *at)
    );
    Look::Bad {
        words,
        since: Some(*at),
        again: false,
    }
}

fn moment(house: &House, at: Timestamp) -> String {
    explain::moment(at, &house.policy().zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bad_records_are_no_alarm_and_a_file_of_them_is() {
        let taken = |records, refused| LastTaken {
            source: "till".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            records,
            refused,
        };
        for (records, refused, wanted) in [
            (1, 1, false),
            (2, 2, false),
            (3, 3, true),
            (6, 3, false),
            (5, 3, true),
            (1_000, 400, false),
            (1_000, 501, true),
        ] {
            assert_eq!(
                is_mostly_unusable(&taken(records, refused)),
                wanted,
                "{refused}"
            );
        }
    }
}
