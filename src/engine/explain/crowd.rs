//! What of a letter to come hangs on other customers: how large its batch will be, whether the
//! rule's first letters have gone by then, and whether its day may be full.
//!
//! Their records are looked at as they are now. What their own other letters do to them, only a forecast
//! plays through; where that may matter, it is said that nobody knows. May not decide or write.

use std::collections::{HashMap, HashSet};

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::books::Books;
use super::others;
use crate::decide::explain::Crowded;
use crate::decide::gate::Batch;
use crate::engine::guard::Size;
use crate::engine::{EngineError, batches, guard, plan};
use crate::model::{Outcome, Period};
use crate::rules::Rule;
use crate::store::Filter;

/// Customers looked at together.
const CHUNK: usize = 512;

/// How batches will stand, by rule and day.
pub(super) type Crowds = HashMap<(String, Date), Crowd>;

/// How a batch of a day to come will stand, as things are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crowd {
    pub(super) batch: Batch,
    /// On what of other customers it hangs, where that isn't certain.
    pub(super) hangs_on: Option<Crowded>,
}

impl Crowd {
    /// Asks the store about a rule's batch of this day.
    pub(super) async fn of(books: &Books<'_>, rule: &Rule, day: Date) -> Result<Self, EngineError> {
        let mut crowd = Self {
            batch: books.said_of(&rule.id, day),
            hangs_on: None,
        };
        if crowd.batch.approved == Some(false) {
            return Ok(crowd);
        }
        if let Some(most) = rule.max_per_day {
            let due = by_then(books, rule, most, day).await?;
            crowd.hangs_on = due.map(|may_be_due| Crowded::Day { most, may_be_due });
        }
        if crowd.batch.approved.is_none() {
            match first_letters(books, rule, day).await? {
                Sure::Yes => crowd.batch.first_letters = true,
                Sure::No => {}
                Sure::Perhaps(first) => crowd.hangs_on = Some(Crowded::First(first)),
            }
            match too_large(books, rule, day).await? {
                Sure::Yes => {
                    crowd.batch.too_large = true;
                    crowd.hangs_on = None;
                }
                Sure::No => {}
                Sure::Perhaps(letters) => crowd.hangs_on = Some(Crowded::Guard(letters)),
            }
        }
        Ok(crowd)
    }
}

/// An answer that may hang on more than is looked at.
enum Sure<T> {
    Yes,
    No,
    Perhaps(T),
}

/// Whether the guard will hold the batch.
async fn too_large(books: &Books<'_>, rule: &Rule, day: Date) -> Result<Sure<u64>, EngineError> {
    let (house, now) = (books.house, books.now);
    let customers = plan::whom(house, rule, books.state(&rule.id), now, (day, day)).await?;
    let letters = match guard::size_of(house, rule, (day, &customers), now).await? {
        Size::Fine => return Ok(Sure::No),
        Size::Held(until) => {
            // By then it is another day wherever the last of them live.
            let over = day.saturating_add(2.days());
            let lasts = jiff::tz::TimeZone::UTC.to_datetime(until).date() >= over;
            let letters = house.store.batch(&rule.id, day).await?.len() as u64;
            return Ok(if lasts {
                Sure::Yes
            } else {
                Sure::Perhaps(letters)
            });
        }
        Size::Large(letters) => letters,
    };
    // Of few, each is asked whether anything may come between; of many, some may drop out.
    let solid = match others::solid(books, rule, (day, &customers)).await? {
        Some(solid) => solid,
        None => letters / 2,
    };
    Ok(if guard::exceeds(house, solid).await? {
        Sure::Yes
    } else {
        Sure::Perhaps(letters)
    })
}

/// Whether the rule's first letters won't all have gone: what waits on days that a person has
/// approved goes before.
async fn first_letters(
    books: &Books<'_>,
    rule: &Rule,
    day: Date,
) -> Result<Sure<u32>, EngineError> {
    let (house, now) = (books.house, books.now);
    let Some(first) = rule.approve_first else {
        return Ok(Sure::No);
    };
    if !guard::first_letters(house, rule).await? {
        return Ok(Sure::No);
    }
    let mut gone = u64::from(house.store.gone_of(&rule.id, first).await?);
    let approved = books.approvals.iter().filter(|said| {
        said.rule == rule.id && said.approved && books.today() <= said.day && said.day < day
    });
    for said in approved {
        let on = (said.day, said.day);
        let ids = plan::whom(house, rule, books.state(&rule.id), now, on).await?;
        gone += going(books, rule, &ids, on).await?.len() as u64;
    }
    Ok(if gone < u64::from(first) {
        Sure::Yes
    } else {
        Sure::Perhaps(first)
    })
}

/// How many letters of the rule may be due by this day and go on it, where that is more than it sends
/// on one day.
async fn by_then(
    books: &Books<'_>,
    rule: &Rule,
    most: u32,
    day: Date,
) -> Result<Option<u64>, EngineError> {
    let (house, now) = (books.house, books.now);
    // No letter is put off for longer than it may be late.
    let late = rule.send.late.days_at_most() + 1;
    let from = Period::Days(-late).from_date(day).unwrap_or(day);
    let today = books.today();
    let mut all = HashSet::new();
    for outcome in [Outcome::Planned, Outcome::Deferred] {
        let waiting = Filter {
            rule: Some(rule.id.clone()),
            outcome: Some(outcome),
            ..Filter::default()
        };
        let waiting = house.store.log(&waiting).await?.into_iter();
        let by_then =
            waiting.filter(|entry| from <= entry.occasion.day && entry.occasion.day <= day);
        all.extend(by_then.map(|entry| (entry.customer, entry.occasion.key)));
    }
    let days = (from.max(today), day);
    let ids = plan::whom(house, rule, books.state(&rule.id), now, days).await?;
    all.extend(going(books, rule, &ids, days).await?);
    let before = if from <= today {
        u64::from(batches::sent_today(house, rule, now).await?)
    } else {
        0
    };
    let all = all.len() as u64 + before;
    Ok(Some(all).filter(|all| *all > u64::from(most)))
}

/// The letters that these customers' records give them on these days and that would go.
async fn going(
    books: &Books<'_>,
    rule: &Rule,
    ids: &[String],
    days: (Date, Date),
) -> Result<HashSet<(String, String)>, EngineError> {
    let mut found = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        for view in books.house.views(chunk).await? {
            found.extend(guard::would_go_on(
                books.house,
                rule,
                &view,
                days,
                books.now,
            ));
        }
    }
    Ok(found)
}
