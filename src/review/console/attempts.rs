//! How often somebody may try to sign in: so often an account, so often from one place.
//!
//! Only failures count. In memory: a restart forgives, and forgets who signed in from where. May not
//! know the time or any password.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures that an account may have from one place within [`WITHIN`].
const OF_BOTH: u32 = 5;
/// Failures from one place, whatever the account.
const OF_PLACE: u32 = 20;
/// Failures of an account from everywhere. From then on a place from which nobody has signed in to it
/// has one failure instead of [`OF_BOTH`]: guessing gets slow, and its owner gets in from anywhere …
const OF_ACCOUNT: u32 = 50;
/// … up to so many, which no one person's network makes. Then only those places are let in from which
/// somebody has signed in to it before; how often strangers fail never keeps these out.
const OF_ACCOUNT_AT_MOST: u32 = 500;
/// For so long a failure counts.
const WITHIN: Duration = Duration::from_mins(15);
/// More accounts, more places, and more pairs of them than this aren't remembered; the oldest go. Each
/// takes some hundred bytes, since names are no longer than a user's.
const MOST: usize = 20_000;
/// Places that are remembered of an account's owner; the one that was used longest ago goes.
const MOST_KNOWN: usize = 8;
/// Of an address of IPv6, the part that is a customer's of a provider; the rest is theirs to choose.
const NETWORK: u128 = !(u64::MAX as u128);

/// From where somebody comes: an address, or with IPv6 the /64 that it is of, whose addresses its
/// holder may change at will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(IpAddr);

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Who failed how often.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    both: Failures<(String, Place)>,
    place: Failures<Place>,
    account: Failures<String>,
    /// Whence somebody signed in, the latest last. Only who has a password gets in here, so there are
    /// no more accounts than users.
    known: HashMap<String, VecDeque<Place>>,
}

impl Attempts {
    /// Counts a try as failed until [`Attempts::forgive`] says otherwise, so that many at once can't
    /// get past. `Err`: too many have; wait so long.
    pub(super) fn begin(&self, account: &str, place: Place, now: Instant) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts {
            both,
            place: places,
            account: accounts,
            known,
        } = &mut *all;
        both.forget(now);
        places.forget(now);
        accounts.forget(now);
        let is_known = known.get(account).is_some_and(|all| all.contains(&place));
        let pair = (account.to_owned(), place);
        let of_both = if !is_known && accounts.count(account) >= OF_ACCOUNT {
            1
        } else {
            OF_BOTH
        };
        let waits = [
            both.wait(&pair, of_both, now),
            places.wait(&place, OF_PLACE, now),
            accounts
                .wait(account, OF_ACCOUNT_AT_MOST, now)
                .filter(|_| !is_known),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        both.add(pair, now);
        places.add(place, now);
        accounts.add(account.to_owned(), now);
        Ok(())
    }

    /// The try was none: it was the right password. Its place is one of this account's owner.
    pub(super) fn forgive(&self, account: &str, place: Place) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.both.take_back(&(account.to_owned(), place));
        all.place.take_back(&place);
        all.account.take_back(account);
        let known = all.known.entry(account.to_owned()).or_default();
        known.retain(|one| *one != place);
        known.push_back(place);
        if known.len() > MOST_KNOWN {
            known.pop_front();
        }
    }
}

/// Failures of each of one kind, since its first.
#[derive(Debug)]
struct Failures<K> {
    counts: HashMap<K, (u32, Instant)>,
    /// All of them, the oldest first: each is counted from its first failure on, so that this is the
    /// order in which they are forgotten, too.
    by_age: VecDeque<K>,
}

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self {
            counts: HashMap::new(),
            by_age: VecDeque::new(),
        }
    }
}

impl<K: Hash + Eq + Clone> Failures<K> {
    /// Forgets those that have counted for long enough.
    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.by_age.front()
            && self
                .counts
                .get(oldest)
                .is_none_or(|(_, since)| now.duration_since(*since) >= WITHIN)
        {
            self.counts.remove(oldest);
            self.by_age.pop_front();
        }
    }

    fn count<Q: Hash + Eq + ?Sized>(&self, of: &Q) -> u32
    where
        K: std::borrow::Borrow<Q>,
    {
        self.counts.get(of).map_or(0, |(count, _)| *count)
    }

    /// How long to wait, where there are so many.
    fn wait<Q: Hash + Eq + ?Sized>(&self, of: &Q, most: u32, now: Instant) -> Option<Duration>
    where
        K: std::borrow::Borrow<Q>,
    {
        let (count, since) = self.counts.get(of)?;
        (*count >= most).then(|| WITHIN.saturating_sub(now.duration_since(*since)))
    }

    fn add(&mut self, of: K, now: Instant) {
        if let Some((count, _)) = self.counts.get_mut(&of) {
            *count += 1;
            return;
        }
        while self.counts.len() >= MOST
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.by_age.push_back(of.clone());
        self.counts.insert(of, (1, now));
    }

    fn take_back<Q: Hash + Eq + ?Sized>(&mut self, of: &Q)
    where
        K: std::borrow::Borrow<Q>,
    {
        if let Some((count, _)) = self.counts.get_mut(of) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn nth(n: u32) -> Place {
        IpAddr::from(n.to_be_bytes()).into()
    }

    #[test]
    fn an_account_has_so_many_tries_from_a_place_and_gets_them_back_with_time() {
        let attempts = Attempts::default();
        let start = Instant::now();
        let (here, there) = (nth(1), nth(2));
        for _ in 0..OF_BOTH {
            assert_eq!(attempts.begin("anna", here, start), Ok(()));
        }
        let later = start + Duration::from_mins(5);
        let wait = attempts.begin("anna", here, later);
        assert_eq!(wait, Err(Duration::from_mins(10)));
        // Neither somebody else from there, nor she from elsewhere.
        assert_eq!(attempts.begin("ben", here, later), Ok(()));
        assert_eq!(attempts.begin("anna", there, later), Ok(()));
        assert_eq!(attempts.begin("anna", here, start + WITHIN), Ok(()));
    }

    #[test]
    fn a_place_tries_no_endless_row_of_accounts_and_the_right_password_counts_for_nothing() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for n in 0..OF_PLACE {
            let account = format!("user{n}");
            assert_eq!(attempts.begin(&account, nth(1), now), Ok(()));
            attempts.forgive(&account, nth(1));
        }
        let passed = (0..100).filter(|n| attempts.begin(&format!("{n}"), nth(1), now).is_ok());
        assert_eq!(passed.count(), OF_PLACE as usize);
    }

    #[test]
    fn whoever_holds_a_network_of_ipv6_is_one_place() {
        assert_eq!(place("2001:db8:0:1::1"), place("2001:db8:0:1:ffff::9"));
        assert_ne!(place("2001:db8:0:1::1"), place("2001:db8:0:2::1"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
    }

    #[test]
    fn strangers_slow_each_other_down_and_keep_no_owner_out() {
        let attempts = &Attempts::default();
        let now = Instant::now();
        let home = nth(1);
        assert_eq!(attempts.begin("anna", home, now), Ok(()));
        attempts.forgive("anna", home);
        let tries =
            |from: u32| (0..10).filter(move |_| attempts.begin("anna", nth(from), now).is_ok());
        // Ten places guess as they may; from then on each further one has one try.
        let first: Vec<usize> = (2..12).map(|n| tries(n).count()).collect();
        assert_eq!(first, [OF_BOTH as usize; 10]);
        assert_eq!(tries(12).count(), 1);
        // She is on the way, and has one as well; it is right.
        let way = nth(13);
        assert_eq!(attempts.begin("anna", way, now), Ok(()));
        attempts.forgive("anna", way);
        // A thousand more: together they have no more than an account has at most …
        let all: usize = (14..1014).map(|n| tries(n).count()).sum();
        assert_eq!(all, (OF_ACCOUNT_AT_MOST - OF_ACCOUNT - 1) as usize);
        // … and from where she has signed in she may mistype as often as ever.
        for known in [home, way] {
            let mistyped = (0..10).filter(|_| attempts.begin("anna", known, now).is_ok());
            assert_eq!(mistyped.count(), OF_BOTH as usize);
        }
        assert_eq!(attempts.begin("ben", nth(1014), now), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_flood_of_places_frees_no_account() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for n in 0..OF_ACCOUNT / OF_BOTH {
            for _ in 0..OF_BOTH {
                assert_eq!(attempts.begin("anna", nth(n), now), Ok(()));
            }
        }
        let many = u32::try_from(MOST).unwrap() + 1_000;
        for n in 0..many {
            _ = attempts.begin("ben", nth(1_000 + n), now);
            _ = attempts.begin(&format!("made-up-{}", n % 1_000), nth(1_000 + n), now);
        }
        {
            let all = attempts.0.lock().unwrap();
            let sizes = [all.both.counts.len(), all.place.counts.len()];
            assert_eq!(sizes, [MOST, MOST]);
            assert_eq!(all.both.by_age.len(), MOST);
            assert_eq!(all.place.by_age.len(), MOST);
            assert_eq!(all.account.counts.len(), 1_002);
        }
        assert_eq!(attempts.begin("anna", nth(7_000_000), now), Ok(()));
        assert!(attempts.begin("anna", nth(7_000_000), now).is_err());
        // And with time all of it goes.
        assert_eq!(attempts.begin("anna", nth(1), now + WITHIN), Ok(()));
        assert_eq!(attempts.0.lock().unwrap().both.counts.len(), 1);
    }
}
