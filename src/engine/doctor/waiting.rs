//! What waits for a person: only how much, and the command that tells more. Nobody is named.

use super::{Check, counted};
use crate::engine::{EngineError, House};
use crate::model::Matter;
use crate::store::Trouble;

const NAME: &str = "waiting";

/// How much of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    batches: u64,
    held: u64,
    unknown: u64,
    quarantined: u64,
    unread: u64,
    others: u64,
}

/// # Errors
/// The store's trouble.
pub(super) async fn look(house: &House) -> Result<Check, EngineError> {
    let held = house.store.held_batches().await?;
    let sources = &house.plans.settings.sources;
    let unread = house.store.unread_sources().await?;
    // A source that was taken out of the settings is nobody's trouble any more.
    let unread = unread
        .iter()
        .filter(|name| sources.iter().any(|one| one.name == **name));
    let troubles = house.store.troubles().await?;
    Ok(judge(Counts {
        batches: held.len() as u64,
        held: held.iter().map(|batch| batch.entries).sum(),
        unknown: house.store.count_unknown().await?,
        quarantined: house.store.count_quarantined().await?,
        unread: unread.count() as u64,
        others: troubles.iter().filter(|one| is_another(one)).count() as u64,
    }))
}

/// A trouble that no other count or line tells of.
fn is_another(trouble: &Trouble) -> bool {
    !matches!(
        trouble.matter,
        Matter::Held { .. }
            | Matter::Unknown { .. }
            | Matter::Standstill { .. }
            | Matter::Source { .. }
    )
}

/// Nobody can say.
pub(super) fn unseen(error: &EngineError) -> Check {
    Check::wrong(
        NAME,
        &format!("It can't be seen: {error}"),
        "Mend the store first.",
    )
}

fn judge(counts: Counts) -> Check {
    let Counts {
        batches,
        held,
        unknown,
        quarantined,
        unread,
        others,
    } = counts;
    let many = |count: u64, one: &str, several: &str| {
        format!("{count} {}", if count == 1 { one } else { several })
    };
    let all = [
        (
            held,
            format!(
                "{} held ({})",
                counted(held, "letter"),
                many(batches, "batch", "batches")
            ),
            "`fondly approve RULE` or `fondly decline RULE` decides of what is held",
        ),
        (
            unknown,
            format!(
                "{} of which nobody knows whether {} arrived",
                counted(unknown, "letter"),
                if unknown == 1 { "it" } else { "they" }
            ),
            "`fondly log --outcome unknown` lists them, `fondly resolve` settles one",
        ),
        (
            quarantined,
            format!("{} in quarantine", counted(quarantined, "record")),
            "`fondly quarantine` says which can't be used, and why",
        ),
        (
            unread,
            format!("{} that couldn't be read", counted(unread, "source")),
            "`fondly sync` says why",
        ),
        (
            others,
            format!("{} that the owner is told of", counted(others, "trouble")),
            "`fondly digest` says which",
        ),
    ];
    let (found, advice): (Vec<String>, Vec<&str>) = all
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(_, found, advice)| (found, advice))
        .unzip();
    if found.is_empty() {
        return Check::ok(NAME, "Nothing waits for a person");
    }
    Check::look(NAME, &found.join("; "), &format!("{}.", advice.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn only_what_there_is_is_told_with_its_command() {
        assert_eq!(judge(Counts::default()).state, State::Ok);
        let some = Counts {
            batches: 1,
            held: 12,
            quarantined: 1,
            ..Counts::default()
        };
        let check = judge(some);
        assert_eq!(check.state, State::Look);
        assert_eq!(
            check.found,
            "12 letters held (1 batch); 1 record in quarantine"
        );
        assert!(check.advice.contains("fondly approve"), "{}", check.advice);
        assert!(
            check.advice.contains("fondly quarantine"),
            "{}",
            check.advice
        );
        assert!(!check.advice.contains("fondly sync"), "{}", check.advice);
    }
}
