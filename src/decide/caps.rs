//! Frequency caps: how many messages a customer gets in so many civil days, over all rules.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::calendar::instant;
use super::gate::Case;
use crate::model::Period;
use crate::model::policy::{Audience, Cap};

/// When the caps let the next message through, if they don't at `at`: at this hour (or the first
/// moment) of the first day on which they do.
pub(super) fn free_again(case: &Case<'_>, at: Timestamp, hour: Option<Time>) -> Option<Timestamp> {
    // Caps are for the customer's sake.
    if case.audience != Audience::Customer {
        return None;
    }
    let caps = case.policy.caps.iter();
    caps.filter(|cap| cap.class.is_none_or(|class| class == case.class))
        .filter_map(|cap| blocked_until(case, *cap, (at, hour)))
        .max()
}

/// Civil days in the customer's zone, so that a change of the clock or a second's difference
/// doesn't cost a day.
pub(super) fn blocked_until(
    case: &Case<'_>,
    cap: Cap,
    (at, hour): (Timestamp, Option<Time>),
) -> Option<Timestamp> {
    let zone = &case.view.zone;
    let today = zone.to_datetime(at).date();
    let first_counted = Period::Days(1 - cap.days).from_date(today)?;
    let mut days: Vec<Date> = case
        .view
        .sent
        .iter()
        .filter(|sent| cap.class.is_none_or(|class| class == sent.class))
        .filter(|sent| !is_this(case, &sent.rule, &sent.occasion))
        .map(|sent| zone.to_datetime(sent.at).date())
        .filter(|day| *day >= first_counted)
        .collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    // With the cap's number of messages within its days, the oldest of those has to age first.
    let place = usize::try_from(cap.count)
        .unwrap_or(usize::MAX)
        .checked_sub(1)?;
    let free = Period::Days(cap.days).from_date(*days.get(place)?)?;
    hour.and_then(|hour| instant(free, hour, case.zone))
        .filter(|free| *free > at)
        .or_else(|| {
            // The send zone is ahead of the customer's: their day has to come first.
            instant(free, Time::midnight(), zone)
        })
}

fn is_this(case: &Case<'_>, rule: &str, occasion: &str) -> bool {
    case.rule.is_some_and(|this| this.id == rule) && case.occasion.key == occasion
}
