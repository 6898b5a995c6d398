//! The contract's decision order as one visible list of gates.
//!
//! Asked when an occasion comes due and again at the moment of sending; the first gate that
//! doesn't let it pass gives the outcome and its reason. May not know how occasions arise.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::calendar::deadline;
use super::complaint::complaint_since;
use super::{as_it_is, caps, moment, withdrawn};
use crate::model::customer::Consent;
use crate::model::occasion::stable_share;
use crate::model::policy::{Audience, Class, MarketingBasis};
use crate::model::{Occasion, Policy, Reason, View};
use crate::rules::{Rule, WhenCapped};

/// What must be known of a letter's batch, which is its rule's letters of one due day, and of what
/// its rule has sent: more than a look at one customer tells. By default, nothing is in the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// What a person said of it: approved (`true`) or declined.
    pub approved: Option<bool>,
    /// More of it would go than the guard lets go unasked.
    pub too_large: bool,
    /// It holds some of the rule's first letters, which a person wants to see.
    pub first_letters: bool,
    /// Without this one, as many letters of the rule as it sends a day go out today.
    pub day_is_full: bool,
}

/// Everything that the gates may look at.
pub struct Case<'a> {
    /// The rule as it stands now; `None` when its file is gone.
    pub rule: Option<&'a Rule>,
    /// The rule's class now, under which the letter would go; where the rule is gone, the one under
    /// which the occasion was planned.
    pub class: Class,
    /// Whom it goes to, likewise.
    pub audience: Audience,
    /// The occasion, as planned.
    pub occasion: &'a Occasion,
    /// The zone it was planned in.
    pub zone: &'a TimeZone,
    /// The customer.
    pub view: &'a View,
    /// The business's policy.
    pub policy: &'a Policy,
    /// How its batch stands.
    pub batch: Batch,
    /// The moment of the decision.
    pub now: Timestamp,
    /// What `[only].where` sees; asked for only when there is a condition.
    pub facts: &'a dyn Fn() -> minijinja::Value,
}

/// What the gates say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Send it now.
    Pass,
    /// Never.
    Skip(Reason),
    /// Look again at this moment.
    Defer(Timestamp, Reason),
    /// A person has to say so; at this moment it is too late for that.
    Hold(Timestamp, Reason),
}

/// What moved to a moment that is over waits so long for the planner.
const UNTIL_PLANNED: SignedDuration = SignedDuration::from_mins(1);

/// One gate: `None` lets it pass.
type Gate = fn(&Case<'_>) -> Option<Answer>;

/// The decision order, as users are told it.
const GATES: &[Gate] = &[
    erased,
    gone,
    no_address,
    suppressed,
    paused_by_customer,
    unwanted_kind,
    no_consent,
    rule_gone_or_off,
    too_late,
    no_longer_so,
    complaint_open,
    condition,
    holdout,
    capped,
    declined,
    // From here on it only waits: for a moment, then for a person.
    not_at_this_moment,
    daily_limit,
    batch_too_large,
    awaits_approval,
];

/// Asks every gate in order.
pub fn judge(case: &Case<'_>) -> Answer {
    GATES
        .iter()
        .find_map(|gate| gate(case))
        .unwrap_or(Answer::Pass)
}

fn skip_if(no: bool, reason: Reason) -> Option<Answer> {
    no.then_some(Answer::Skip(reason))
}

fn erased(case: &Case<'_>) -> Option<Answer> {
    skip_if(case.view.erased, Reason::Erased)
}

/// Whoever was deleted isn't written to, whatever the letter.
fn gone(case: &Case<'_>) -> Option<Answer> {
    skip_if(case.view.gone, Reason::Gone)
}

fn no_address(case: &Case<'_>) -> Option<Answer> {
    let address = match case.audience {
        Audience::Customer => &case.view.customer.email,
        Audience::Staff => &case.view.customer.staff_email,
        Audience::Owner => &case.policy.owner,
    };
    skip_if(address.is_none(), Reason::NoAddress)
}

/// What the customer wishes counts for notes about them, too: nobody is to be called who doesn't
/// want to hear from us. A service message, which the customer asked for, goes to everybody with an address.
fn suppressed(case: &Case<'_>) -> Option<Answer> {
    let stopped = case.view.suppressed || case.view.customer.unsubscribed;
    skip_if(stopped && case.class != Class::Service, Reason::Suppressed)
}

/// Whoever asked for a pause gets nothing of what comes due in it, not even later: it would all come
/// when it is over, from a machine that was off until then too.
fn paused_by_customer(case: &Case<'_>) -> Option<Answer> {
    let (wishes, zone) = (&case.view.wishes, &case.view.zone);
    let in_it = |at| wishes.paused(at, zone).is_some();
    let paused = in_it(case.now) || in_it(case.occasion.due_at);
    skip_if(
        paused && case.class != Class::Service,
        Reason::CustomerPaused,
    )
}

fn unwanted_kind(case: &Case<'_>) -> Option<Answer> {
    let unwanted = case.view.wishes.without.contains(&case.rule?.topic);
    skip_if(
        unwanted && case.class != Class::Service,
        Reason::UnwantedKind,
    )
}

fn no_consent(case: &Case<'_>) -> Option<Answer> {
    let consent = case.view.customer.consent;
    let allowed = match case.policy.basis {
        MarketingBasis::OptIn => consent == Consent::Yes,
        MarketingBasis::ExistingCustomers => consent != Consent::No,
    };
    skip_if(
        case.class == Class::Marketing && !allowed,
        Reason::NoConsent,
    )
}

fn rule_gone_or_off(case: &Case<'_>) -> Option<Answer> {
    match case.rule {
        None => Some(Answer::Skip(Reason::RuleRemoved)),
        Some(rule) => skip_if(!rule.enabled, Reason::RuleDisabled),
    }
}

fn too_late(case: &Case<'_>) -> Option<Answer> {
    let rule = case.rule?;
    let end = deadline(rule.send.late, case.occasion, case.zone);
    skip_if(case.now > end, Reason::TooLate)
}

/// What was planned isn't so any more. Where it only moved, it waits for its new moment, which the
/// planner notes before the next letters go.
fn no_longer_so(case: &Case<'_>) -> Option<Answer> {
    let (rule, occasion) = (case.rule?, case.occasion);
    let reason = withdrawn(rule, case.view, occasion, case.zone, case.now)?;
    Some(match as_it_is(rule, case.view, case.policy, occasion) {
        // Another day of the same month's end, say, and the same letter at the same hour.
        Some(same) if same.due_at == occasion.due_at => return None,
        Some(moved) => {
            let soon = case.now.checked_add(UNTIL_PLANNED).unwrap_or(case.now);
            Answer::Defer(moved.due_at.max(soon), reason)
        }
        None => Answer::Skip(reason),
    })
}

/// Marketing and relationship messages keep quiet while a complaint is open.
fn complaint_open(case: &Case<'_>) -> Option<Answer> {
    if case.class == Class::Service {
        return None;
    }
    skip_if(open_complaint(case).is_some(), Reason::ComplaintOpen)
}

/// Since when a complaint of theirs is open, if one is.
pub(super) fn open_complaint(case: &Case<'_>) -> Option<Timestamp> {
    complaint_since(case.view, case.now)
}

fn condition(case: &Case<'_>) -> Option<Answer> {
    let condition = case.rule?.condition.as_ref()?;
    match condition.holds(&(case.facts)()) {
        Ok(holds) => skip_if(!holds, Reason::ConditionFalse),
        Err(_) => Some(Answer::Skip(Reason::ConditionFailed)),
    }
}

/// The comparison group: the same customers for ever, another group for each rule.
fn holdout(case: &Case<'_>) -> Option<Answer> {
    let rule = case.rule?;
    let share = stable_share(&["holdout", &rule.id, &case.view.customer.id]);
    skip_if(share < rule.holdout, Reason::Holdout)
}

fn capped(case: &Case<'_>) -> Option<Answer> {
    let rule = case.rule?;
    let skip = rule.send.when_capped == WhenCapped::Skip;
    skip_if(
        skip && caps::free_again(case, case.now, None).is_some(),
        Reason::Capped,
    )
}

/// A person said no to its batch, and nobody needs to wait for the right moment to hear it.
fn declined(case: &Case<'_>) -> Option<Answer> {
    skip_if(case.batch.approved == Some(false), Reason::Declined)
}

/// Quiet hours, days and caps: waits for the first moment that all of them allow. Where none is
/// left inside `late`, it ends here, with the reason that kept it.
fn not_at_this_moment(case: &Case<'_>) -> Option<Answer> {
    let rule = case.rule?;
    let end = deadline(rule.send.late, case.occasion, case.zone);
    let (until, reason) = moment::next_allowed(case, rule, end)?;
    Some(wait(until, end, reason))
}

/// The rest of the day's letters wait for the rule's hour on the next day.
fn daily_limit(case: &Case<'_>) -> Option<Answer> {
    let rule = case.rule?;
    let end = deadline(rule.send.late, case.occasion, case.zone);
    case.batch.day_is_full.then(|| {
        let until = moment::on_another_day(case, rule, end);
        wait(until, end, Reason::DailyLimit)
    })
}

fn wait(until: Timestamp, end: Timestamp, reason: Reason) -> Answer {
    if until > end {
        Answer::Skip(reason)
    } else {
        Answer::Defer(until, reason)
    }
}

/// So many at once may be a slip in a rule or a file; a person looks first.
fn batch_too_large(case: &Case<'_>) -> Option<Answer> {
    hold_if(case, case.batch.too_large, Reason::BatchTooLarge)
}

/// A new rule's first letters wait until a person has seen them.
fn awaits_approval(case: &Case<'_>) -> Option<Answer> {
    hold_if(case, case.batch.first_letters, Reason::AwaitsApproval)
}

fn hold_if(case: &Case<'_>, hold: bool, reason: Reason) -> Option<Answer> {
    let rule = case.rule?;
    let asks = hold && case.batch.approved.is_none();
    asks.then(|| {
        let end = deadline(rule.send.late, case.occasion, case.zone);
        // The first moment at which it is too late, so that it then ends by itself.
        let over = end.checked_add(jiff::SignedDuration::from_millis(1));
        Answer::Hold(over.unwrap_or(Timestamp::MAX), reason)
    })
}

#[cfg(test)]
mod tests;
