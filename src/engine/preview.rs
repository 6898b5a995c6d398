//! A letter as one customer would get it, without a trace in the ledger.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::explain::{self, AHEAD};
use super::{EngineError, House, letter};
use crate::decide;
use crate::decide::calendar;
use crate::model::{Occasion, Period, View};
use crate::rules::{Rule, SendZone, Trigger};
use crate::store::Entry;

/// A rendered letter and the occasion it is for.
#[derive(Debug)]
pub struct Preview {
    /// The occasion.
    pub occasion: Occasion,
    /// When it goes, as things are; when it is due, where it doesn't or is over.
    pub at: Timestamp,
    /// Whether the records give that occasion, or it was made up to have something to show.
    pub real: bool,
    /// The subject.
    pub subject: String,
    /// The text part, with the footer.
    pub text: String,
    /// The HTML part, likewise. A link to unsubscribe leads nowhere in both.
    pub html: String,
    /// The language it is written in.
    pub language: String,
}

impl Preview {
    /// The civil day on which it goes where it is sent, if that isn't the one on which it is due.
    pub fn goes_on_another_day(&self) -> Option<Date> {
        let zone = TimeZone::get(&self.occasion.zone).unwrap_or(TimeZone::UTC);
        let day = zone.to_datetime(self.at).date();
        (self.real && day != self.occasion.day).then_some(day)
    }
}

/// Renders the letter of the occasion on this day, or of the next one from that day on; where the
/// records give none (an event that hasn't happened), one is made up for the day.
///
/// # Errors
/// An unknown rule or customer, or a letter that can't be written.
pub async fn preview(
    house: &House,
    rule: &str,
    customer: &str,
    on: Option<Date>,
) -> Result<Preview, EngineError> {
    let known = || {
        house
            .plans
            .rules
            .iter()
            .map(|rule| rule.id.as_str())
            .collect::<Vec<_>>()
    };
    let rule = house.rule(rule).ok_or_else(|| {
        EngineError::Other(format!(
            "there is no rule `{rule}`; there are: {}",
            known().join(", ")
        ))
    })?;
    let view = house
        .views(&[customer.to_owned()])
        .await?
        .pop()
        .ok_or_else(|| {
            EngineError::Other(format!(
                "there is no customer `{customer}`; `fondly sync` reads the sources"
            ))
        })?;
    let now = house.clock.now();
    let from = on.unwrap_or_else(|| house.today(now));
    let (occasion, real) = next_occasion(house, rule, &view, from)?;
    written(house, rule, &view, (occasion, real)).await
}

/// The letter of an entry that didn't go out (yet), as it would be written now.
///
/// # Errors
/// The rule is gone, the customer is, or the letter can't be written.
pub async fn of_entry(house: &House, entry: &Entry) -> Result<Preview, EngineError> {
    let gone = |what: &str| EngineError::Other(format!("{what}, so there is no letter to show"));
    let rule = house
        .rule(&entry.rule)
        .ok_or_else(|| gone("the rule is gone"))?;
    let view = house.views(std::slice::from_ref(&entry.customer)).await?;
    let view = view.first().ok_or_else(|| gone("the customer is gone"))?;
    written(house, rule, view, (entry.occasion.clone(), true)).await
}

/// The letter as it would be written when it goes: what waits for another day may have another
/// template by then.
async fn written(
    house: &House,
    rule: &Rule,
    view: &View,
    (occasion, real): (Occasion, bool),
) -> Result<Preview, EngineError> {
    let at = if real {
        explain::goes_at(house, view, rule, &occasion).await?
    } else {
        None
    };
    let at = at.unwrap_or(occasion.due_at);
    let letter = letter::example(house, rule, view, (&occasion, at))
        .map_err(|error| EngineError::Other(error.to_string()))?;
    Ok(Preview {
        occasion,
        at,
        real,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        language: letter.language,
    })
}

fn next_occasion(
    house: &House,
    rule: &Rule,
    view: &View,
    from: Date,
) -> Result<(Occasion, bool), EngineError> {
    let policy = house.policy();
    let until = Period::Days(AHEAD).from_date(from).unwrap_or(from);
    let mut ahead = decide::occasions(rule, view, policy, from, until);
    if !ahead.is_empty() {
        return Ok((ahead.swap_remove(0), true));
    }
    let since = Period::Days(-AHEAD).from_date(from).unwrap_or(from);
    if let Some(last) = decide::occasions(rule, view, policy, since, from).pop() {
        return Ok((last, true));
    }
    let (zone, zone_name) = match rule.send.zone {
        SendZone::Customer => (&view.zone, &view.zone_name),
        SendZone::Business => (&policy.zone, &policy.zone_name),
    };
    let due_at = calendar::instant(from, rule.send.at, zone)
        .ok_or_else(|| EngineError::Other(format!("{from} lies outside the calendar")))?;
    let event = view.events.last().map(|event| event.id.clone());
    let key = event.clone().unwrap_or_else(|| from.to_string());
    let zone = zone_name.clone();
    let made_up = Occasion {
        key,
        day: from,
        due_at,
        zone,
        anchor: match &rule.trigger {
            Trigger::Usage(usage) => Period::Days(-usage.window_days)
                .from_date(from)
                .unwrap_or(from),
            _ => from,
        },
        years: None,
        event,
    };
    Ok((made_up, false))
}
