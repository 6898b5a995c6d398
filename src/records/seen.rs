//! The ids of a file, with the lines on which they stood: twelve bytes for each.
//!
//! An id is kept as a hash of eight bytes. With a million ids, the chance that any two of them are
//! mistaken for each other is one in thirty million. May not know what the ids are of.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Ids that are kept unsorted, until they are merged into the others.
const RECENT: usize = 1 << 15;

/// Ids with their lines.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Hashes in order, …
    hashes: Vec<u64>,
    /// … and the line of each.
    lines: Vec<u32>,
    recent: HashMap<u64, u32>,
}

impl Seen {
    /// The line on which this id was first seen; `None` if it is new, and now seen on this line.
    pub(super) fn first_line(&mut self, id: &str, line: u64) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let hash = hasher.finish();
        let old = self.find(hash);
        if let Some(first) = old.or_else(|| self.recent.get(&hash).copied()) {
            return Some(first.into());
        }
        self.recent
            .insert(hash, u32::try_from(line).unwrap_or(u32::MAX));
        if self.recent.len() >= RECENT {
            self.merge();
        }
        None
    }

    /// Hashes are spread evenly: where one stands can be told from its value, and what is left is
    /// a few steps.
    fn find(&self, hash: u64) -> Option<u32> {
        let (mut low, mut high) = (0, self.hashes.len());
        let (mut least, mut most) = (0, u64::MAX);
        while low < high {
            let share = u128::from(hash - least) * (high - low) as u128;
            let step = share / (u128::from(most - least) + 1);
            let at = low + usize::try_from(step).unwrap_or(0).min(high - low - 1);
            let here = *self.hashes.get(at)?;
            match here.cmp(&hash) {
                std::cmp::Ordering::Equal => return self.lines.get(at).copied(),
                std::cmp::Ordering::Less => (low, least) = (at + 1, here),
                std::cmp::Ordering::Greater => (high, most) = (at, here),
            }
        }
        None
    }

    /// Merges from the back, in place.
    fn merge(&mut self) {
        let mut new: Vec<(u64, u32)> = self.recent.drain().collect();
        new.sort_unstable();
        let mut old = self.hashes.len();
        let mut to = old + new.len();
        // Exactly: doubling would hold twice as much as is needed.
        self.hashes.reserve_exact(new.len());
        self.lines.reserve_exact(new.len());
        self.hashes.resize(to, 0);
        self.lines.resize(to, 0);
        while let Some(&(hash, line)) = new.last() {
            to -= 1;
            let behind = old.checked_sub(1).and_then(|at| {
                let (old_hash, old_line) = (self.hashes.get(at)?, self.lines.get(at)?);
                (*old_hash > hash).then_some((*old_hash, *old_line))
            });
            let (hash, line) = if let Some(moved) = behind {
                old -= 1;
                moved
            } else {
                new.pop();
                (hash, line)
            };
            if let (Some(hash_place), Some(line_place)) =
                (self.hashes.get_mut(to), self.lines.get_mut(to))
            {
                (*hash_place, *line_place) = (hash, line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_known_again_by_its_first_line() {
        let mut seen = Seen::default();
        let many = 3 * RECENT as u64 + 5;
        for line in 2..many {
            assert_eq!(seen.first_line(&format!("c{line}"), line), None, "{line}");
        }
        for line in 2..many {
            let again = seen.first_line(&format!("c{line}"), line + many);
            assert_eq!(again, Some(line));
        }
        assert_eq!(seen.first_line("d", 1), None);
        assert!(seen.hashes.is_sorted());
        assert_eq!(seen.hashes.capacity(), seen.hashes.len());
    }
}
