//! Sources: those that can't be read, those of which most records can't be used all at once, and those
//! that many customers seem to have left.
//!
//! May not read them, nor set records aside.

use jiff::SignedDuration;

use super::super::tick::UNREADABLE;
use super::super::{EngineError, House, Report};
use super::{Look, Patience, seen};
use crate::model::Matter;
use crate::settings::Place;
use crate::store::{LastTaken, Sign, TooMany};

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
    unread(house, report, &signs).await?;
    unusable(house, report, &signs).await?;
    many_gone(house, &signs).await
}

/// The names of the sources of which there is such a sign.
fn known(signs: &[Sign], kind: &str) -> Vec<String> {
    let matters = signs.iter().map(|sign| &sign.trouble.matter);
    let matters = matters.filter(|matter| matter.kind() == kind);
    matters.map(Matter::name).collect()
}

fn is_there(house: &House, name: &str) -> bool {
    let mut there = house.plans.settings.sources.iter();
    there.any(|source| source.name == name)
}

async fn unread(house: &House, report: &Report, signs: &[Sign]) -> Result<(), EngineError> {
    let unread = house.store.unread_sources().await?;
    for name in both(known(signs, Matter::SOURCE), unread.clone()) {
        let key = (Matter::SOURCE, name.as_str());
        let look = if unread.contains(&name) && is_there(house, &name) {
            let mut signs = signs.iter().map(|sign| &sign.trouble.matter);
            failing(&name, report, signs.find(|matter| matter.is(key)))
        } else {
            Look::Well
        };
        seen(house, key, look, PATIENCE).await?;
    }
    Ok(())
}

async fn unusable(house: &House, report: &Report, signs: &[Sign]) -> Result<(), EngineError> {
    let known = known(signs, Matter::UNUSABLE);
    // Where nothing can't be used, nothing has to be looked up.
    if report.quarantined == 0 && known.is_empty() {
        return Ok(());
    }
    let taken = house.store.last_taken().await?;
    let bad = |one: &&LastTaken| is_mostly_unusable(one) && is_there(house, &one.source);
    let names = taken.iter().filter(bad).map(|one| one.source.clone());
    for name in both(known, names.collect()) {
        let one = taken.iter().filter(bad).find(|one| one.source == name);
        let look = one.map_or(Look::Well, |one| Look::Bad {
            matter: Matter::Unusable {
                name: name.clone(),
                at: one.at,
                records: one.records,
                refused: one.refused,
            },
            since: Some(one.at),
            again: false,
        });
        seen(house, (Matter::UNUSABLE, &name), look, AT_ONCE).await?;
    }
    Ok(())
}

/// Of whom so many seem to be gone that a person has to say whether it is right so.
async fn many_gone(house: &House, signs: &[Sign]) -> Result<(), EngineError> {
    let sources = house.plans.settings.sources.iter();
    let looking = sources
        .filter(|source| matches!(&source.place, Place::Sql(sql) if sql.full_every.is_some()));
    let looking = looking.map(|source| source.name.clone());
    let looking: Vec<String> = looking.collect();
    for name in both(known(signs, Matter::MANY_GONE), looking.clone()) {
        let last = if looking.contains(&name) {
            house.store.looked_through(&name).await?
        } else {
            None
        };
        let look = match last.and_then(|last| Some((last.at, last.too_many?))) {
            Some((at, TooMany { gone, of })) => Look::Bad {
                matter: Matter::ManyGone {
                    name: name.clone(),
                    gone,
                    of,
                },
                since: Some(at),
                again: false,
            },
            None => Look::Well,
        };
        seen(house, (Matter::MANY_GONE, &name), look, Patience::NONE).await?;
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
fn failing(name: &str, report: &Report, known: Option<&Matter>) -> Look {
    let said = |words: &String| -> Option<String> {
        let rest = words.strip_prefix(UNREADABLE)?.strip_prefix(name)?;
        rest.strip_prefix(": ").map(str::to_owned)
    };
    let said = report.failing_sources.iter().find_map(said);
    let again = said.is_some();
    let matter = match known {
        Some(known) if !again => known.clone(),
        _ => Matter::Source {
            name: name.to_owned(),
            said,
        },
    };
    Look::Bad {
        matter,
        since: None,
        again,
    }
}

/// Whether a slip in a whole file or its settings is likelier than one in a few records.
const fn is_mostly_unusable(taken: &LastTaken) -> bool {
    taken.refused >= FEW && taken.refused * 2 > taken.records
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

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
