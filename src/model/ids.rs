//! Many ids in little memory: eight bytes for each.
//!
//! An id is kept as a hash. Among a million, the chance that somebody's is taken for another's is one
//! in ten billions. May not know what the ids are of.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Ids that are being gathered.
#[derive(Debug, Default)]
pub struct Ids {
    hashes: Vec<u64>,
}

/// Ids that can be asked for.
#[derive(Debug, Default)]
pub struct KnownIds {
    /// In order, none twice.
    hashes: Vec<u64>,
}

impl Ids {
    /// Adds one; one that is there already changes nothing.
    pub fn add(&mut self, id: &str) {
        self.hashes.push(hash(id));
    }

    /// All of them, ready to be asked for.
    pub fn known(mut self) -> KnownIds {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        KnownIds {
            hashes: self.hashes,
        }
    }
}

impl KnownIds {
    /// Whether this id is among them.
    pub fn contains(&self, id: &str) -> bool {
        self.hashes.binary_search(&hash(id)).is_ok()
    }

    /// How many different ones there are.
    pub const fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_those_that_were_added_are_known() {
        let mut ids = Ids::default();
        for id in ["7", "ann", "7", ""] {
            ids.add(id);
        }
        let known = ids.known();
        assert_eq!(known.len(), 3);
        assert!(["", "7", "ann"].iter().all(|id| known.contains(id)));
        assert!(!["07", "Ann", " "].iter().any(|id| known.contains(id)));
        assert!(Ids::default().known().is_empty());
    }
}
