//! Rules whose letters can never go: their hour lies within the quiet hours, and their `late` is over
//! before those are.
//!
//! Goes by the clock on the wall, as if reader and rule were in one zone; may not know anybody.

use jiff::civil::Time;

use crate::model::Period;
use crate::model::policy::{Audience, QuietHours};
use crate::rules::{Delay, Rule, SendZone, Trigger};

const MINUTES_A_DAY: i64 = 24 * 60;

/// What is wrong with such a rule.
pub(super) fn never_go(rule: &Rule, quiet: Option<QuietHours>) -> Option<String> {
    let quiet = quiet.filter(|quiet| goes_by_the_hour(rule) && is_over_first(rule, *quiet))?;
    let send = &rule.send;
    let whose = match (send.zone, rule.audience) {
        (SendZone::Customer, Audience::Customer)
        | (SendZone::Business, Audience::Staff | Audience::Owner) => "",
        (SendZone::Business, Audience::Customer)
        | (SendZone::Customer, Audience::Staff | Audience::Owner) => {
            " about customers in the business's own time zone"
        }
    };
    let clock = |time: Time| time.strftime("%H:%M").to_string();
    Some(format!(
        "rules/{}.toml: no letter of it{whose} can go: {} is within the quiet hours, which last until \
         {}, and its `late` of {} is over by then; set `at` to another hour, or a longer `late`",
        rule.id,
        clock(send.at),
        clock(quiet.until),
        send.late,
    ))
}

/// Whether its letters are due at `at`.
fn goes_by_the_hour(rule: &Rule) -> bool {
    match &rule.trigger {
        Trigger::Event(event) => {
            let (Delay::After(least) | Delay::Between(least, _)) = event.delay;
            least.exact().is_none()
        }
        Trigger::Anniversary(_)
        | Trigger::Date(_)
        | Trigger::Lapsed(_)
        | Trigger::Usage(_)
        | Trigger::Holiday(_)
        | Trigger::Fixed(_) => true,
    }
}

/// Whether a letter is too late before the quiet hours end, whatever its place in the spread.
fn is_over_first(rule: &Rule, quiet: QuietHours) -> bool {
    let minute = |time: Time| i64::from(time.hour()) * 60 + i64::from(time.minute());
    let at = minute(rule.send.at);
    let since = (at - minute(quiet.from)).rem_euclid(MINUTES_A_DAY);
    let length = (minute(quiet.until) - minute(quiet.from)).rem_euclid(MINUTES_A_DAY);
    let spread = i64::from(rule.send.spread_minutes);
    // From the last moment of the spread on.
    let wait = length - since - spread;
    if wait <= 0 {
        return false;
    }
    match rule.send.late {
        Period::Minutes(late) => late < wait,
        late if late.is_zero() => {
            at + spread < MINUTES_A_DAY && at + spread + wait >= MINUTES_A_DAY
        }
        Period::Days(_) | Period::Months(_) => false,
    }
}
