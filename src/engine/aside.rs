//! Takes records out of quarantine that can't go by themselves: the file that held them is no longer
//! there, or no file ever did.
//!
//! What is still read from somewhere stays, since it would be missed silently. May not read a record.

use std::collections::BTreeSet;

use super::wiring::{self, Input};
use super::{EngineError, House};
use crate::records::{self, Trouble};

/// What became of a source's records in quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// So many were taken out.
    pub gone: u64,
    /// Files that are still read: what they hold goes once it is mended there.
    pub still_read: Vec<String>,
}

/// Takes out what this source has in quarantine, of all its files or of one, as far as nothing is read
/// from there any more.
///
/// # Errors
/// The store's trouble, or in words why it can't be told which files are there.
pub async fn clear(
    house: &House,
    source: &str,
    file: Option<&str>,
) -> Result<Cleared, EngineError> {
    let here = still_read(house, source)?;
    let held = house.store.places_in_quarantine(source).await?;
    let named = |place: &str, file: &str| {
        // As the listing has it, or only the file's own name.
        let folder = place.strip_suffix(file);
        folder.is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
    };
    let wanted = held
        .into_iter()
        .filter(|(path, shown)| file.is_none_or(|file| named(path, file) || named(shown, file)));
    let (stays, goes): (Vec<_>, Vec<_>) = wanted.partition(|(path, _)| here.contains(path));
    let still_read: BTreeSet<String> = stays.into_iter().map(|(_, shown)| shown).collect();
    Ok(Cleared {
        gone: house.store.clear_quarantine(source, &goes).await?,
        still_read: still_read.into_iter().collect(),
    })
}

/// The files from which this source is still read, as the store calls them; of a database the query.
fn still_read(house: &House, source: &str) -> Result<BTreeSet<String>, EngineError> {
    let mut sources = wiring::sources(&house.plans.settings).into_iter();
    match sources.find(|one| one.name() == source) {
        Some(Input::Files(source, _)) => match records::files(&source) {
            Ok(files) => {
                let shown = files.iter().map(|file| records::shown(&source, file));
                Ok(shown.collect())
            }
            Err(error) if error.trouble == Trouble::Missing => Ok(BTreeSet::new()),
            Err(error) => Err(EngineError::Other(error.to_string())),
        },
        // Of what isn't new nothing is read again: whoever left the database never comes again.
        Some(Input::Query(source, _)) if source.reads_only_news() => Ok(BTreeSet::new()),
        Some(Input::Query(..)) => Ok(BTreeSet::from([crate::store::QUERY.to_owned()])),
        None => Ok(BTreeSet::new()),
    }
}
