//! What the gates say of an occasion, and the figures behind it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{counted, date, moment};
use crate::decide::calendar::deadline;
use crate::decide::caps::{Counts, Limit, blocked_until, limits};
use crate::decide::complaint::closed_another;
use crate::decide::gate::{Answer, Case, open_complaint};
use crate::decide::lapse::contact_days;
use crate::model::customer::Consent;
use crate::model::policy::{Audience, MarketingBasis};
use crate::model::{Period, Reason};
use crate::rules::{Trigger, WhenCapped};

/// A letter that goes before the one that is told of, though it hasn't gone yet: one of the last in
/// the view's `sent`.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Its place among all that go before.
    pub place: usize,
    /// Its rule.
    pub rule: &'a str,
    /// When it goes.
    pub at: Timestamp,
    /// Its priority, and that of the letter that is told of.
    pub priorities: (u8, u8),
}

/// What the gates say, as a sentence.
pub fn verdict(case: &Case<'_>, answer: Answer, before: &[Before<'_>]) -> String {
    match answer {
        Answer::Pass => "Nothing stands in its way, as things are.".to_owned(),
        Answer::Skip(_) => format!(
            "It won't be sent, as things are: {}",
            why(case, answer, before)
        ),
        Answer::Defer(until, _) => {
            let until = moment(until, case.zone);
            let why = why(case, answer, before);
            format!("It will wait until {until}, as things are: {why}")
        }
        Answer::Hold(until, _) => {
            let until = moment(until, case.zone);
            let why = why(case, answer, before);
            format!("It will wait for you, at most until {until}, as things are: {why}")
        }
    }
}

/// What the gates say of a letter that has waited, when it is looked at again.
pub fn next_verdict(case: &Case<'_>, answer: Answer, before: &[Before<'_>]) -> String {
    match answer {
        Answer::Pass => "Then it goes out.".to_owned(),
        Answer::Skip(_) => format!("Then it won't be sent: {}", why(case, answer, before)),
        Answer::Defer(until, _) => {
            let until = moment(until, case.zone);
            format!(
                "Then it will wait until {until}: {}",
                why(case, answer, before)
            )
        }
        Answer::Hold(until, _) => {
            let until = moment(until, case.zone);
            let why = why(case, answer, before);
            format!("Then it will wait for you, at most until {until}: {why}")
        }
    }
}

fn why(case: &Case<'_>, answer: Answer, before: &[Before<'_>]) -> String {
    match answer {
        Answer::Pass => String::new(),
        Answer::Skip(reason) => because(case, reason, before) + &no_time(case, reason),
        Answer::Defer(_, reason) | Answer::Hold(_, reason) => because(case, reason, before),
    }
}

/// Why it doesn't wait for what would only take time.
fn no_time(case: &Case<'_>, reason: Reason) -> String {
    let waits = [
        Reason::Capped,
        Reason::QuietHours,
        Reason::NotThisDay,
        Reason::DailyLimit,
    ];
    match case.rule {
        Some(rule) if reason == Reason::Capped && rule.send.when_capped == WhenCapped::Skip => {
            " The rule doesn't wait for that (`when_capped = \"skip\"`).".to_owned()
        }
        Some(rule) if waits.contains(&reason) => {
            let late = rule.send.late;
            if late.is_zero() {
                " The rule's `late = \"0 days\"` allows it on its day only.".to_owned()
            } else {
                format!(" The rule's `late` of {late} doesn't allow it to wait so long.")
            }
        }
        Some(_) | None => String::new(),
    }
}

/// The reason with its figures, from here to the end of the sentence.
fn because(case: &Case<'_>, reason: Reason, before: &[Before<'_>]) -> String {
    let figures = match reason {
        Reason::NoAddress => match case.audience {
            Audience::Customer => None,
            Audience::Staff => Some("their contact has no e-mail address on record.".to_owned()),
            Audience::Owner => Some("no owner with an address is named in fondly.toml.".to_owned()),
        },
        Reason::Suppressed => Some(suppressed(case)),
        Reason::CustomerPaused => case
            .view
            .wishes
            .pause_until
            .map(|until| format!("they asked for a pause until {}.", date(until))),
        Reason::UnwantedKind => case.rule.map(|rule| {
            let kind = rule.topic.as_str();
            format!("they chose to get no letters of the kind `{kind}`.")
        }),
        Reason::NoConsent => Some(consent(case)),
        Reason::TooLate => too_late(case),
        Reason::ContactedSince => contacted(case),
        Reason::ComplaintOpen => open_complaint(case).map(|since| complaint(case, since)),
        Reason::ConditionFalse => condition(case, "doesn't hold for them"),
        Reason::ConditionFailed => condition(case, "couldn't be worked out for them"),
        Reason::Holdout => case.rule.map(|rule| {
            let percent = share(rule.holdout);
            format!("they are in the {percent} comparison group of this rule, for ever.")
        }),
        Reason::Capped => capped(case, before),
        Reason::QuietHours => case.policy.quiet.map(|quiet| {
            let (from, until) = (quiet.from.strftime("%H:%M"), quiet.until.strftime("%H:%M"));
            let whose = match case.audience {
                Audience::Customer => format!("in {}, where they live", case.view.zone_name),
                Audience::Staff | Audience::Owner => "of the business".to_owned(),
            };
            format!("{from} to {until} are the quiet hours {whose}.")
        }),
        Reason::NotThisDay => other_day(case),
        Reason::DailyLimit => case.rule.and_then(|rule| rule.max_per_day).map(|most| {
            let most = counted(most, "letter");
            format!("the rule's `max_per_day` lets {most} go a day, and as many go before it.")
        }),
        Reason::AwaitsApproval => case.rule.and_then(|rule| rule.approve_first).map(|first| {
            let first = counted(first, "letter");
            format!("the rule's first {first} wait until you approve them.")
        }),
        Reason::TemplateFailed => Some("the letter can't be written.".to_owned()),
        Reason::Erased
        | Reason::Gone
        | Reason::RuleRemoved
        | Reason::RuleDisabled
        | Reason::RecordChanged
        | Reason::RelayTrouble
        | Reason::DomainLimit
        | Reason::TemporaryRefusal
        | Reason::BadAddress
        | Reason::Refused
        | Reason::RelayRefusesUs
        | Reason::Accepted
        | Reason::ReplyLost
        | Reason::StoppedWhileSending
        | Reason::RestoredCopy
        | Reason::BatchTooLarge
        | Reason::Declined
        | Reason::SettledByHand => None,
    };
    figures.unwrap_or_else(|| lower_first(reason.sentence()))
}

fn complaint(case: &Case<'_>, since: Timestamp) -> String {
    let day = case.view.zone.to_datetime(since).date();
    if !closed_another(case.view, day) {
        return format!("a complaint of theirs is open since {}.", date(day));
    }
    let since = moment(since, &case.view.zone);
    format!(
        "a complaint of theirs is open since {since}; the `complaint-closed` of that day bears no \
         time, so it counts for the one before."
    )
}

/// A sentence as the end of another.
pub(super) fn lower_first(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next()
        .map(|first| first.to_lowercase().collect::<String>() + rest.as_str())
        .unwrap_or_default()
}

fn suppressed(case: &Case<'_>) -> String {
    let class = case.class.as_str();
    if case.view.customer.unsubscribed {
        format!("your records say that they unsubscribed, which ends all {class} letters.")
    } else {
        format!(
            "they unsubscribed by a letter's link, or their address is suppressed, which ends \
             all {class} letters."
        )
    }
}

fn consent(case: &Case<'_>) -> String {
    let has = match case.view.customer.consent {
        Consent::Yes => "they agreed to marketing",
        Consent::No => "they refused marketing",
        Consent::Unknown => "it isn't on record whether they agree to marketing",
    };
    let needs = match case.policy.basis {
        MarketingBasis::OptIn => "it needs a yes (`marketing_basis = \"opt-in\"`)",
        MarketingBasis::ExistingCustomers => "a no is a no",
    };
    format!("{has}, and {needs}.")
}

fn too_late(case: &Case<'_>) -> Option<String> {
    let late = case.rule?.send.late;
    let end = moment(deadline(late, case.occasion, case.zone), case.zone);
    Some(if late.is_zero() {
        format!("the rule's `late = \"0 days\"` allows it on its day only, until {end}.")
    } else {
        format!("the rule's `late` of {late} allows it until {end}.")
    })
}

fn contacted(case: &Case<'_>) -> Option<String> {
    let Trigger::Lapsed(silence) = &case.rule?.trigger else {
        return None;
    };
    let days = contact_days(case.view, &silence.contact);
    let seen = days.iter().filter(|one| one.seen_at <= case.now);
    let last = seen.map(|one| one.day).max()?;
    Some(format!(
        "they were in touch on {}, so nobody needs to miss them.",
        date(last)
    ))
}

fn condition(case: &Case<'_>, what: &str) -> Option<String> {
    let text = case.rule?.condition.as_ref()?.text();
    Some(format!("the rule's condition {what}: {text}"))
}

/// Parts of 2^32 as a percentage with at most one decimal: `10 %`, `2.5 %`.
fn share(parts: u32) -> String {
    let per_mille = (u64::from(parts) * 1000 + (1 << 31)) >> 32;
    match (per_mille / 10, per_mille % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

/// "they had 1 marketing letter in 14 days (on 2 May 2027), and 1 may go; the next is allowed from 16
/// May 2027 on." Of letters that go before, it is told which they are.
fn capped(case: &Case<'_>, before: &[Before<'_>]) -> Option<String> {
    let (limit, until) = limits(case)
        .filter_map(|limit| Some((limit, blocked_until(case, limit, (case.now, None))?)))
        .max_by_key(|(_, until)| *until)?;
    let (days, ahead) = counted_letters(case, limit, before);
    let what = match limit.counts {
        Counts::All => "letter".to_owned(),
        Counts::Only(class) => format!("{} letter", class.as_str()),
        Counts::AllButService => "letter that they hadn't asked for".to_owned(),
    };
    let had: Vec<String> = days.iter().copied().map(date).collect();
    let mut on = Vec::new();
    if !had.is_empty() {
        on.push(format!("on {}", had.join(", ")));
    }
    on.extend(ahead.iter().map(|one| {
        let day = case.view.zone.to_datetime(one.at).date();
        format!("`{}` on {}", one.rule, date(day))
    }));
    let had = if ahead.is_empty() {
        "had"
    } else {
        "will have had"
    };
    let fewer = if case.view.wishes.fewer {
        " They asked for fewer letters."
    } else {
        ""
    };
    let first = ahead.iter().find(|one| one.at == case.now);
    Some(format!(
        "they {had} {} in {} ({}), and {} may go; the next is allowed from {} on.{fewer}{}",
        many(days.len() + ahead.len(), &what),
        counted(limit.days, "day"),
        on.join(", "),
        limit.count,
        date(case.view.zone.to_datetime(until).date()),
        first.map_or(String::new(), |other| goes_first(other)),
    ))
}

/// Why another one of the same moment goes first.
fn goes_first(other: &Before<'_>) -> String {
    let (rule, (its, ours)) = (other.rule, other.priorities);
    if its > ours {
        format!(" `{rule}` goes first: its priority is {its}, and this letter's {ours}.")
    } else {
        format!(" `{rule}` goes first: of the same priority, it comes earlier in line.")
    }
}

/// "1 letter that they hadn't asked for", "2 letters that they hadn't asked for"
fn many(count: usize, what: &str) -> String {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match what.split_once(" that ") {
        Some((thing, rest)) => format!("{} that {rest}", counted(count, thing)),
        None => counted(count, what),
    }
}

/// The days on which they got what this limit counts now, and what of it goes before.
fn counted_letters<'a, 'b>(
    case: &Case<'_>,
    limit: Limit,
    before: &'a [Before<'b>],
) -> (Vec<Date>, Vec<&'a Before<'b>>) {
    let day = |at: Timestamp| case.view.zone.to_datetime(at).date();
    let first = Period::Days(1 - limit.days).from_date(day(case.now));
    let known = case.view.sent.len().saturating_sub(before.len());
    let (mut days, mut ahead) = (Vec::new(), Vec::new());
    for (place, sent) in case.view.sent.iter().enumerate() {
        let counts = sent.audience == Audience::Customer && limit.counts.has(sent.class);
        let on = day(sent.at);
        if !counts || first.is_some_and(|first| on < first) {
            continue;
        }
        match place.checked_sub(known).and_then(|place| before.get(place)) {
            Some(one) => ahead.push(one),
            None => days.push(on),
        }
    }
    (days, ahead)
}

/// Those that go before and stand in the way of this answer.
pub fn in_the_way<'a, 'b>(
    case: &Case<'_>,
    answer: Answer,
    before: &'a [Before<'b>],
) -> Vec<&'a Before<'b>> {
    let (Answer::Skip(reason) | Answer::Defer(_, reason)) = answer else {
        return Vec::new();
    };
    if reason != Reason::Capped {
        return Vec::new();
    }
    let full = limits(case).filter(|limit| blocked_until(case, *limit, (case.now, None)).is_some());
    full.max_by_key(|limit| blocked_until(case, *limit, (case.now, None)))
        .map(|limit| counted_letters(case, limit, before).1)
        .unwrap_or_default()
}

fn other_day(case: &Case<'_>) -> Option<String> {
    let days = &case.rule?.send.days;
    let monday_first = jiff::civil::Weekday::Monday.cycle_forward().take(7);
    let names: Vec<String> = monday_first
        .filter(|day| days.contains(day))
        .map(|day| format!("{day:?}"))
        .collect();
    let today = case.zone.to_datetime(case.now).date();
    let (is, all) = (today.strftime("%A"), names.join(", "));
    Some(format!(
        "{} is a {is}, and the rule sends on {all}.",
        date(today)
    ))
}
