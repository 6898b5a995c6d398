//! `[sending]` and `[guard]` -> the policy that holds for every rule.
//!
//! Text in, values out: no files.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::Policy;
use crate::model::dates::civil_date;
use crate::model::period::Period;
use crate::model::policy::{Cap, Class, Guard, MarketingBasis, QuietHours};
use crate::model::tables::{Node, Table, Value, clock_time, percent};

/// What a cap can count.
const COUNTED: &[(&str, Option<Class>)] = &[
    ("any", None),
    ("service", Some(Class::Service)),
    ("relationship", Some(Class::Relationship)),
    ("marketing", Some(Class::Marketing)),
];

/// What holds where `caps` isn't given; `{}` means none.
const DEFAULT_CAPS: [Cap; 2] = [
    Cap {
        class: None,
        count: 1,
        days: 2,
    },
    Cap {
        class: Some(Class::Marketing),
        count: 1,
        days: 14,
    },
];

/// What holds where `[guard]` doesn't say otherwise: 200 letters, 5 % of the customers.
const DEFAULT_GUARD: Guard = Guard {
    most: 200,
    share: 500,
};

/// More letters than anybody has customers.
const MOST_LETTERS: u32 = 1_000_000_000;

/// More messages, and more days, than a cap can sensibly count.
const MOST_MESSAGES: u32 = 1_000;
const MOST_DAYS: i32 = 3_660;

/// Reads `[sending]`; the zone comes from `[business]`, and so does the owner.
pub(super) fn policy(
    mut table: Table<'_>,
    guard: Guard,
    zone: Option<(String, TimeZone)>,
) -> Option<Policy> {
    let quiet = table.get("quiet_hours").and_then(|v| v.read(quiet_hours));
    let caps = table.get("caps").map(|value| caps(&value));
    let basis = table.get("marketing_basis").and_then(|v| {
        v.one_of(&[
            ("opt-in", MarketingBasis::OptIn),
            ("existing-customers", MarketingBasis::ExistingCustomers),
        ])
    });
    let live_from = table
        .get("live_from")
        .and_then(|v| v.read_moment(civil_date));
    table.finish(&[]);
    let (zone_name, zone) = zone?;
    Some(Policy {
        basis: basis?,
        quiet: quiet?,
        caps: caps.unwrap_or_else(|| DEFAULT_CAPS.to_vec()),
        guard,
        live_from,
        ..Policy::new(zone, zone_name)
    })
}

/// Reads `[guard]`.
pub(super) fn guard(mut table: Table<'_>) -> Guard {
    let most = table.get("max_per_rule_per_day");
    let most = most.and_then(|v| v.whole(1..=MOST_LETTERS));
    let share = table.get("max_share").and_then(|v| v.read(share));
    table.finish(&[]);
    Guard {
        most: most.unwrap_or(DEFAULT_GUARD.most),
        share: share.unwrap_or(DEFAULT_GUARD.share),
    }
}

fn share(text: &str) -> Result<u32, String> {
    percent(text)
        .filter(|share| *share <= Guard::WHOLE)
        .ok_or_else(|| {
            format!("`{text}` is no share; write a percentage from 0% to 100% such as `5%`")
        })
}

fn quiet_hours(text: &str) -> Result<Option<QuietHours>, String> {
    if text == "none" {
        return Ok(None);
    }
    let wanted =
        || format!("`{text}` aren't quiet hours; write them such as `20:00-08:00`, or `none`");
    let (from, until) = text.split_once('-').ok_or_else(wanted)?;
    let time =
        |part: &str| -> Result<Time, String> { clock_time(part.trim()).map_err(|_| wanted()) };
    let (from, until) = (time(from)?, time(until)?);
    if from == until {
        return Err(format!(
            "`{text}` would be quiet all day, and nothing would ever be sent; leave some hours free"
        ));
    }
    Ok(Some(QuietHours { from, until }))
}

fn caps(value: &Value<'_>) -> Vec<Cap> {
    if let Node::Text(text) | Node::Loose(text) = &value.item().node
        && text == "none"
    {
        return Vec::new();
    }
    let Some(table) = value.table() else {
        return Vec::new();
    };
    let mut caps = Vec::new();
    for (key, value) in table.all() {
        match COUNTED.iter().find(|(word, _)| *word == key) {
            Some((_, class)) => caps.extend(value.read(|text| cap(*class, text))),
            None => value.unknown_key(key, COUNTED.iter().map(|(word, _)| *word)),
        }
    }
    caps
}

/// `1 per 14 days`
fn cap(class: Option<Class>, text: &str) -> Result<Cap, String> {
    let wanted = || format!("`{text}` is no cap; write a number and days such as `1 per 14 days`");
    let (count, period) = text.split_once(" per ").ok_or_else(wanted)?;
    let count: u32 = count.trim().parse().map_err(|_| wanted())?;
    let Ok(Period::Days(days)) = Period::parse(period) else {
        return Err(wanted());
    };
    if !(1..=MOST_MESSAGES).contains(&count) || !(1..=MOST_DAYS).contains(&days) {
        return Err(wanted());
    }
    Ok(Cap { class, count, days })
}
