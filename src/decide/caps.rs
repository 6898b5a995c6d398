//! Frequency caps: how many messages a customer gets in so many civil days, over all rules; fewer for
//! whoever asked for fewer.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::calendar::instant;
use super::gate::Case;
use crate::model::Period;
use crate::model::policy::{Audience, Cap, Class};

/// For whoever asked for fewer letters, every cap counts so many times as long …
const FEWER_TIMES: i32 = 2;
/// … and, whatever the caps are, so many civil days lie between two letters that nobody asked for.
const FEWER_DAYS: i32 = 28;

/// At most so many of these in so many civil days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) counts: Counts,
    pub(super) count: u32,
    pub(super) days: i32,
}

/// Which messages a limit counts, and holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// Every message.
    All,
    /// Those of this class.
    Only(Class),
    /// Every message but what the customer asked for.
    AllButService,
}

impl Counts {
    pub(super) fn has(self, class: Class) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == class,
            Self::AllButService => class != Class::Service,
        }
    }
}

/// The limits that hold back a message of this class to this customer. A service message waits for
/// nobody's wish for fewer.
pub(super) fn limits<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Limit> + 'a {
    let fewer = case.view.wishes.fewer && case.class != Class::Service;
    let cap = move |cap: &Cap| Limit {
        counts: cap.class.map_or(Counts::All, Counts::Only),
        count: cap.count,
        days: cap.days.saturating_mul(if fewer { FEWER_TIMES } else { 1 }),
    };
    let own = fewer.then_some(Limit {
        counts: Counts::AllButService,
        count: 1,
        days: FEWER_DAYS,
    });
    let all = case.policy.caps.iter().map(cap).chain(own);
    all.filter(|limit| limit.counts.has(case.class))
}

/// When the caps let the next message through, if they don't at `at`: at this hour (or the first
/// moment) of the first day on which they do.
pub(super) fn free_again(case: &Case<'_>, at: Timestamp, hour: Option<Time>) -> Option<Timestamp> {
    // Caps are for the customer's sake.
    if case.audience != Audience::Customer {
        return None;
    }
    limits(case)
        .filter_map(|limit| blocked_until(case, limit, (at, hour)))
        .max()
}

/// Civil days in the customer's zone, so that a change of the clock or a second's difference
/// doesn't cost a day.
pub(super) fn blocked_until(
    case: &Case<'_>,
    limit: Limit,
    (at, hour): (Timestamp, Option<Time>),
) -> Option<Timestamp> {
    let zone = &case.view.zone;
    let today = zone.to_datetime(at).date();
    let first_counted = Period::Days(1 - limit.days).from_date(today)?;
    let mut days: Vec<Date> = case
        .view
        .letters()
        .filter(|sent| limit.counts.has(sent.class))
        .filter(|sent| !is_this(case, &sent.rule, &sent.occasion))
        .map(|sent| zone.to_datetime(sent.at).date())
        .filter(|day| *day >= first_counted)
        .collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    // With the cap's number of messages within its days, the oldest of those has to age first.
    let place = usize::try_from(limit.count)
        .unwrap_or(usize::MAX)
        .checked_sub(1)?;
    let free = Period::Days(limit.days).from_date(*days.get(place)?)?;
    hour.and_then(|hour| instant(free, hour, case.zone))
        .filter(|free| *free > at)
        .or_else(|| {
            // The send zone is ahead of the customer's: their day has to come first.
            instant(free, Time::midnight(), zone)
        })
}

/// Whether a letter of this class would count against this one now, if it went as late as that.
pub(super) fn could_count(case: &Case<'_>, class: Class, latest: Timestamp) -> bool {
    let day = |at: Timestamp| case.view.zone.to_datetime(at).date();
    let first_counted = |limit: Limit| Period::Days(1 - limit.days).from_date(day(case.now));
    case.audience == Audience::Customer
        && limits(case).any(|limit| {
            limit.counts.has(class)
                && first_counted(limit).is_some_and(|first| first <= day(latest))
        })
}

fn is_this(case: &Case<'_>, rule: &str, occasion: &str) -> bool {
    case.rule.is_some_and(|this| this.id == rule) && case.occasion.key == occasion
}
