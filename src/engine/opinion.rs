//! Opinions that customers give by a letter's link, and the complaints that bad ones open.
//!
//! An opinion is kept as a `feedback` event, one a letter: the last one counts. A bad one opens a
//! complaint, which keeps marketing and relationship letters from the customer until it is closed, and
//! the owner is told at once. May not decide what a complaint means for a letter; that is a gate's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{EngineError, House, alert};
use crate::decide::complaint::complaint_since;
use crate::model::event::{COMPLAINT_CLOSED, COMPLAINT_OPENED};
use crate::model::{AttrValue, Event, Matter, View, When};
use crate::store::{FEEDBACK, HERE};

/// Faces to choose from.
pub const FACES: u8 = 5;
/// Up to this face, an opinion is a complaint.
pub const BAD: u8 = 2;
/// Characters that a customer may write.
pub const MOST_CHARS: usize = 4000;
/// Answers that one letter takes: whoever plays with it doesn't fill the owner's mailbox.
const MOST_ANSWERS: f64 = 10.0;
/// Customers looked at together.
const CHUNK: usize = 512;

/// How the id of an opinion begins that was told by a letter's link; the entry's follows.
const SAID: &str = "opinion-";

/// What a customer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// From 1, very bad, to [`FACES`].
    pub face: u8,
    /// Their own words, if any.
    pub words: String,
}

impl Opinion {
    /// Whether it opens a complaint.
    pub const fn is_bad(&self) -> bool {
        self.face <= BAD
    }
}

/// A complaint that isn't closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Whose.
    pub customer: String,
    /// Their name, where it is known.
    pub name: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// What they last said of us by a letter's link.
    pub opinion: Option<Opinion>,
}

/// An opinion as it was told, by the page behind a letter's link or by a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Whose.
    pub customer: String,
    /// When.
    pub at: When,
    /// The face, where one can be told from it.
    pub opinion: Option<Opinion>,
    /// Their own words, if any.
    pub words: Option<String>,
    /// The rule whose letter they answered.
    pub rule: Option<String>,
    /// The letter's entry.
    pub entry: Option<String>,
}

/// What an event with its source tells of an opinion.
#[must_use]
pub fn told((event, source): &(Event, String)) -> Told {
    let text = |name: &str| match event.attrs.get(name) {
        Some(AttrValue::Text(words)) => Some(words.clone()),
        _ => None,
    };
    let entry = event.id.strip_prefix(SAID).filter(|_| source == HERE);
    Told {
        customer: event.customer_id.clone(),
        at: event.at,
        opinion: read(event),
        words: text("text"),
        rule: text("rule"),
        entry: entry.map(str::to_owned),
    }
}

/// Keeps what whoever got this entry's letter thinks of us. What they said before by the same letter is
/// replaced, and an entry that isn't there any more changes nothing.
///
/// # Errors
/// The store's trouble; then nothing is kept.
pub async fn keep(house: &House, entry: &str, opinion: &Opinion) -> Result<(), EngineError> {
    let Some(reached) = house.store.reached(entry).await? else {
        return Ok(());
    };
    let customer = reached.customer;
    let Some(view) = house.views(std::slice::from_ref(&customer)).await?.pop() else {
        return Ok(());
    };
    let now = house.clock.now();
    let (said, opened) = (format!("{SAID}{entry}"), format!("complaint-{entry}"));
    let of_id = |id: &str| view.events.iter().find(|event| event.id == id);
    let before = of_id(&said);
    let answers = before.map_or(0.0, |event| number(event, "answers"));
    if before.and_then(read).as_ref() == Some(opinion) || answers >= MOST_ANSWERS {
        return Ok(());
    }
    let mut attrs = BTreeMap::from([
        ("rating", AttrValue::Number(f64::from(opinion.face))),
        ("answers", AttrValue::Number(answers + 1.0)),
        ("rule", AttrValue::Text(reached.rule.clone())),
    ]);
    if !opinion.words.is_empty() {
        attrs.insert("text", AttrValue::Text(opinion.words.clone()));
    }
    let attrs = attrs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let mut events = vec![Event {
        attrs: attrs.collect(),
        ..event((said, FEEDBACK), &customer, now)
    }];
    // Whoever thinks better of it is told to the owner as well; the complaint is the owner's to close.
    let still_open = of_id(&opened).is_some() && complaint_since(&view, now).is_some();
    if opinion.is_bad() {
        events.push(event((opened, COMPLAINT_OPENED), &customer, now));
    }
    let tells = opinion.is_bad() || still_open;
    let complaint = tells.then(|| Matter::Complaint {
        customer: customer.clone(),
        who: view.customer.full_name(),
        face: opinion.face,
        faces: FACES,
        at: now,
        rule: reached.rule,
        text: opinion.words.clone(),
    });
    house
        .store
        .happened(&events, complaint.as_ref(), now)
        .await?;
    if tells {
        tracing::warn!(entry, face = opinion.face, "a customer is unhappy with us");
    } else {
        tracing::info!(entry, face = opinion.face, "a customer told their opinion");
    }
    Ok(())
}

/// Tells the owner of what they don't know yet.
///
/// # Errors
/// The store's trouble; an alert that couldn't leave isn't one, and leaves with the next pass.
pub async fn tell(house: &House) -> Result<(), EngineError> {
    alert::tell(house).await
}

/// Complaints that were closed meanwhile, by whomever, need nobody any more. Who closed one needn't be
/// told.
///
/// # Errors
/// The store's trouble.
pub(super) async fn settle(house: &House) -> Result<(), EngineError> {
    let now = house.clock.now();
    for trouble in house.store.troubles().await? {
        let Matter::Complaint { customer, .. } = trouble.matter else {
            continue;
        };
        let views = house.views(std::slice::from_ref(&customer)).await?;
        if !views
            .iter()
            .any(|view| complaint_since(view, now).is_some())
        {
            let key = (Matter::COMPLAINT, customer.as_str());
            house.store.trouble_ends(key).await?;
        }
    }
    Ok(())
}

/// Closes a customer's complaint. `false`: none is open.
///
/// # Errors
/// The store's trouble, or a customer whom nobody knows.
pub async fn close(house: &House, customer: &str) -> Result<bool, EngineError> {
    let view = house.views(&[customer.to_owned()]).await?.pop();
    let view = view.ok_or_else(|| super::forecast::unknown_customer(customer))?;
    let now = house.clock.now();
    if complaint_since(&view, now).is_none() {
        return Ok(false);
    }
    let id = format!("closed-{customer}-{}", now.as_millisecond());
    let closed = event((id, COMPLAINT_CLOSED), customer, now);
    house.store.happened(&[closed], None, now).await?;
    let key = (Matter::COMPLAINT, customer);
    house.store.trouble_ends(key).await?;
    Ok(true)
}

/// Every complaint that is open, the oldest first.
///
/// # Errors
/// The store's trouble.
pub async fn open(house: &House) -> Result<Vec<Complaint>, EngineError> {
    let now = house.clock.now();
    let kinds = [COMPLAINT_OPENED.to_owned()];
    let ever = (Date::MIN, Date::MAX);
    let ids = house.store.with_event(&kinds, ever, false).await?;
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        for view in house.views(chunk).await? {
            found.extend(complaint(&view, now));
        }
    }
    found.sort_by(|one, other| (one.since, &one.customer).cmp(&(other.since, &other.customer)));
    Ok(found)
}

/// The complaint of one customer, if one is open.
pub(super) fn complaint(view: &View, now: Timestamp) -> Option<Complaint> {
    let since = complaint_since(view, now)?;
    let said = view.events.iter().filter(|event| event.kind == FEEDBACK);
    Some(Complaint {
        customer: view.customer.id.clone(),
        name: view.customer.full_name(),
        since,
        opinion: said.filter_map(read).next_back(),
    })
}

fn event((id, kind): (String, &str), customer: &str, now: Timestamp) -> Event {
    Event {
        id,
        customer_id: customer.to_owned(),
        kind: kind.to_owned(),
        at: When::Instant(now),
        amount: None,
        currency: None,
        quantity: None,
        attrs: BTreeMap::new(),
    }
}

fn number(event: &Event, attr: &str) -> f64 {
    match event.attrs.get(attr) {
        Some(AttrValue::Number(number)) => *number,
        _ => 0.0,
    }
}

/// Reads back what [`keep`] has kept.
fn read(event: &Event) -> Option<Opinion> {
    let rating = number(event, "rating");
    let face = (1..=FACES).find(|face| (f64::from(*face) - rating).abs() < 0.5)?;
    let words = match event.attrs.get("text") {
        Some(AttrValue::Text(words)) => words.clone(),
        _ => String::new(),
    };
    Some(Opinion { face, words })
}
