//! How many letters the people behind each mail domain may get within a time. Pure: what went out
//! and the moment in, whether there is room out.
//!
//! Counted over the time that ends now, not from mark to mark: at no moment have more gone out
//! within it. Letters that find no room get places one after the other, so that each has to ask
//! only once more. May not touch clocks or the store.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::address::folded;

/// Other workers' clocks may be ahead by so much; a moment further ahead was noted by a clock that
/// has been set back since, and counts for nothing.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// At most so many within so long.
pub type Limit = (u32, SignedDuration);

/// The limits of one way out, and what is used up of them.
#[derive(Debug, Default)]
pub struct Budgets {
    limits: BTreeMap<String, Limit>,
    /// For each domain without a limit of its own.
    others: Option<Limit>,
    used: BTreeMap<String, Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// When letters went out, in order.
    gone: VecDeque<Timestamp>,
    /// When those may go that found no room, in order.
    promised: VecDeque<Timestamp>,
}

impl Budgets {
    /// With these limits, by folded domain.
    pub const fn new(limits: BTreeMap<String, Limit>, others: Option<Limit>) -> Self {
        Self {
            limits,
            others,
            used: BTreeMap::new(),
        }
    }

    /// The longest time over which letters are counted; none where nothing is limited.
    pub fn longest(&self) -> Option<SignedDuration> {
        let all = self.limits.values().chain(&self.others);
        all.map(|(_, within)| *within).max()
    }

    /// Takes a place for a letter to this domain, or says when there will be one.
    ///
    /// # Errors
    /// The moment at which to ask again.
    pub fn take(&mut self, domain: &str, now: Timestamp) -> Result<(), Timestamp> {
        let domain = folded(domain).into_owned();
        let Some((count, within)) = self.limit(&domain) else {
            return Ok(());
        };
        let used = self.used.entry(domain).or_default();
        used.forget(within, now);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if used.gone.len() < count {
            used.gone.push_back(now);
            return Ok(());
        }
        // The place of the one that then went as many letters before.
        let all = used.gone.len() + used.promised.len();
        let before = used.gone.iter().chain(&used.promised);
        let before = before.copied().nth(all - count);
        let at = before.and_then(|at| at.checked_add(within).ok());
        let at = at.unwrap_or(Timestamp::MAX);
        used.promised.push_back(at);
        Err(at)
    }

    /// The letter that took a place at this moment didn't go.
    pub fn give_back(&mut self, domain: &str, at: Timestamp) {
        if let Some(used) = self.used.get_mut(folded(domain).as_ref())
            && let Some(place) = used.gone.iter().rposition(|gone| *gone == at)
        {
            used.gone.remove(place);
        }
    }

    /// A letter to this domain went out, as the ledger has it.
    pub fn note(&mut self, domain: &str, at: Timestamp) {
        let domain = folded(domain).into_owned();
        if self.limit(&domain).is_some() {
            let gone = &mut self.used.entry(domain).or_default().gone;
            let place = gone.partition_point(|known| *known <= at);
            gone.insert(place, at);
        }
    }

    /// The next moment at which a letter may go that found no room.
    pub fn next_place(&self, now: Timestamp) -> Option<Timestamp> {
        let all = self.used.values().flat_map(|used| &used.promised);
        all.filter(|at| **at > now).min().copied()
    }

    fn limit(&self, domain: &str) -> Option<Limit> {
        self.limits.get(domain).copied().or(self.others)
    }
}

impl Used {
    /// Forgets what doesn't count any more.
    fn forget(&mut self, within: SignedDuration, now: Timestamp) {
        let latest = now.checked_add(AHEAD).unwrap_or(now);
        self.gone
            .retain(|at| *at <= latest && now.duration_since(*at) < within);
        self.promised.retain(|at| *at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn budgets(count: u32, minutes: i64) -> Budgets {
        let limit = (count, SignedDuration::from_mins(minutes));
        Budgets::new(BTreeMap::from([("gmail.com".to_owned(), limit)]), None)
    }

    #[test]
    fn at_no_moment_have_more_gone_out_within_the_time() {
        let mut budgets = budgets(3, 1);
        let gone: Vec<i64> = (0..600)
            .filter(|second| budgets.take("GMail.com", at(*second)).is_ok())
            .collect();
        assert!(gone.windows(4).all(|some| some[3] - some[0] >= 60));
        assert_eq!(gone.len(), 30);
        assert!(budgets.take("mail.example", at(600)).is_ok());
    }

    #[test]
    fn who_finds_no_room_has_to_ask_only_once_more() {
        let mut budgets = budgets(3, 1);
        let mut ask = |second| budgets.take("gmail.com", at(second)).err();
        let first: Vec<_> = (0..8).map(|_| ask(0)).collect();
        let (one, two) = (Some(at(60)), Some(at(120)));
        assert_eq!(first, [None, None, None, one, one, one, two, two]);
        assert_eq!([ask(60), ask(60), ask(60)], [None; 3]);
        assert_eq!([ask(120), ask(120)], [None; 2]);
    }

    #[test]
    fn what_the_ledger_knows_counts_and_what_didn_t_go_doesn_t() {
        let mut budgets = budgets(2, 60);
        budgets.note("gmail.com", at(-60));
        budgets.note("gmail.com", at(-3_601));
        // Noted by a clock that was wrong.
        budgets.note("gmail.com", at(86_400));
        assert!(budgets.take("gmail.com", at(0)).is_ok());
        assert_eq!(budgets.take("gmail.com", at(1)), Err(at(3_540)));
        assert_eq!(budgets.next_place(at(1)), Some(at(3_540)));
        budgets.give_back("gmail.com", at(0));
        assert!(budgets.take("gmail.com", at(2)).is_ok());
    }

    #[test]
    fn one_domain_is_one_however_it_is_written() {
        let limit = (1, SignedDuration::from_mins(1));
        let mut budgets = Budgets::new(BTreeMap::new(), Some(limit));
        assert!(budgets.take("Bücher.example", at(0)).is_ok());
        assert!(budgets.take("xn--bcher-kva.EXAMPLE", at(0)).is_err());
        assert!(budgets.take("other.example", at(0)).is_ok());
    }
}
