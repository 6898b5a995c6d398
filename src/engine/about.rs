//! All that is known of one customer, for whoever looks after them: the record, what they said
//! themselves, what happened last, whether they are unhappy.
//!
//! May not change anything, nor judge what follows for a letter; that is [`super::explain`]'s.

use jiff::Timestamp;

use super::opinion::{self, Complaint};
use super::{EngineError, House};
use crate::model::view::moment;
use crate::model::{Event, Wishes};
use crate::store::OnRecord;

/// One customer.
#[derive(Debug, Clone)]
pub struct About {
    /// The record, as the source has it.
    pub record: OnRecord,
    /// What they said by the pages behind a letter's links.
    pub wishes: Wishes,
    /// Their address is on the suppression list, or they unsubscribed by a letter's link.
    pub suppressed: bool,
    /// A complaint of theirs that isn't closed.
    pub complaint: Option<Complaint>,
    /// What happened last by now, the latest first, with the moment from which it counts.
    pub events: Vec<(Event, Timestamp)>,
    /// How much happened in all, as far as it is kept.
    pub happened: usize,
    /// Their zone's name, or the business's where theirs is missing or unknown.
    pub zone_name: String,
}

/// One customer, with at most so many events. `None`: nobody has this id (any more).
///
/// # Errors
/// The store's trouble.
pub async fn about(
    house: &House,
    customer: &str,
    most_events: usize,
) -> Result<Option<About>, EngineError> {
    let Some(record) = house.store.on_record(customer).await? else {
        return Ok(None);
    };
    let Some(view) = house.views(&[customer.to_owned()]).await?.pop() else {
        return Ok(None);
    };
    let now = house.clock.now();
    let past = view
        .events
        .iter()
        .map(|event| (event, moment(event, &view.zone)));
    let past: Vec<(&Event, Timestamp)> = past.filter(|(_, at)| *at <= now).collect();
    let last = past.iter().rev().take(most_events);
    let events = last.map(|(event, at)| ((*event).clone(), *at)).collect();
    let happened = past.len();
    Ok(Some(About {
        record,
        events,
        happened,
        complaint: opinion::complaint(&view, now),
        suppressed: view.suppressed,
        wishes: view.wishes,
        zone_name: view.zone_name,
    }))
}
