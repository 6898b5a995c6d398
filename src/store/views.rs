//! Views: everything that a decision about a customer may look at, in batches.
//!
//! May not decide anything. A view is read from one snapshot, its revision with it.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use sqlx::Row as _;

use super::columns::{Columns, address_key, json, lists};
use super::dialect::{Transaction, came_in, lists_of, texts};
use super::marks::forgotten_key;
use super::rows::{customer_columns, event_columns, read_customer, read_event};
use super::wishes::{read_wishes, wish_columns};
use super::{Store, StoreError};
use crate::model::policy::{Audience, Class};
use crate::model::view::{Past, Sent, moment};
use crate::model::{Event, View};

impl Store {
    /// The views of these customers, in the order of `ids`; ids that nobody has are left out.
    ///
    /// `sent` holds every message that went out, may have gone out or is going out, however old:
    /// caps count back from a moment that the store doesn't know.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn views(
        &self,
        ids: &[String],
        default_zone: &TimeZone,
        default_zone_name: &str,
    ) -> Result<Vec<View>, StoreError> {
        let zones = Zones {
            known: HashMap::new(),
            default: (default_zone.clone(), default_zone_name.to_owned()),
        };
        self.read_views(ids, zones)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn read_views(&self, ids: &[String], mut zones: Zones) -> sqlx::Result<Vec<View>> {
        let list = json(ids)?;
        let mut tx = self.reader().begin().await?;
        let mut views = HashMap::with_capacity(ids.len());
        let customers: String = sqlx::query_scalar(concat!(
            "SELECT ",
            lists_of!(concat!(
                customer_columns!(),
                ", c.revision, c.stopped_at IS NOT NULL, c.gone_at IS NOT NULL, ",
                "(SELECT json_group_array(json_array(p.kind, p.number, p.amounts, p.quantities)) FROM past_events p \
                  WHERE p.customer_id = c.id GROUP BY p.customer_id), ",
                "(SELECT json_array(json_array(",
                wish_columns!(),
                ")) FROM preference w WHERE w.customer_id = c.id)"
            )),
            " FROM customer c WHERE c.id IN ",
            texts!("$1")
        ))
        .bind(&list)
        .fetch_one(&mut *tx)
        .await?;
        for customer in lists(&customers)? {
            let columns = &mut Columns::of_list(customer);
            let customer = read_customer(columns)?;
            let (zone, zone_name) = zones.find(customer.timezone.as_deref());
            let mut view = View {
                revision: columns.number()?,
                suppressed: columns.flag()?,
                gone: columns.flag()?,
                past: past_of(columns)?,
                ..View::new(customer, zone, zone_name)
            };
            if let Some(row) = columns.rows()?.pop() {
                view.hears(read_wishes(row)?);
            }
            views.insert(view.customer.id.clone(), view);
        }
        self.mark_suppressed(&mut tx, &mut views).await?;
        add_events(&mut tx, &list, &mut views).await?;
        add_sent(&mut tx, &list, &mut views).await?;
        tx.commit().await?;
        for view in views.values_mut() {
            let zone = &view.zone;
            view.events
                .sort_by_cached_key(|event| (moment(event, zone), event.id.clone()));
        }
        Ok(ids.iter().filter_map(|id| views.remove(id)).collect())
    }

    /// Marks those whose address is suppressed, or is that of somebody who was forgotten.
    async fn mark_suppressed(
        &self,
        tx: &mut Transaction,
        views: &mut HashMap<String, View>,
    ) -> sqlx::Result<()> {
        let keys = |view: &View| {
            let email = view.customer.email.as_deref()?;
            Some([address_key(email), forgotten_key(self.hash_key(), email)])
        };
        let asked: Vec<String> = views.values().filter_map(keys).flatten().collect();
        let found: HashSet<String> = sqlx::query(concat!(
            "SELECT address FROM suppression WHERE address IN ",
            texts!("$1")
        ))
        .bind(json(&asked)?)
        .fetch_all(&mut **tx)
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<sqlx::Result<_>>()?;
        if !found.is_empty() {
            for view in views.values_mut() {
                let Some([address, forgotten]) = keys(view) else {
                    continue;
                };
                view.suppressed |= found.contains(&address);
                // Whoever comes back in the records is still who asked to be forgotten.
                view.erased |= found.contains(&forgotten);
            }
        }
        Ok(())
    }
}

/// What is left of events that were taken out.
fn past_of(columns: &mut Columns<'_>) -> sqlx::Result<Vec<Past>> {
    let past = columns.rows::<(String, u32, u32, u32)>()?.into_iter();
    let past = past.map(|(kind, number, amounts, quantities)| Past {
        kind,
        number,
        amounts,
        quantities,
    });
    Ok(past.collect())
}

/// Everything that happened to them.
async fn add_events(
    tx: &mut Transaction,
    list: &str,
    views: &mut HashMap<String, View>,
) -> sqlx::Result<()> {
    let events: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!(event_columns!()),
        " FROM event WHERE customer_id IN ",
        texts!("$1")
    ))
    .bind(list)
    .fetch_one(&mut **tx)
    .await?;
    for event in lists(&events)? {
        let event = read_event(&mut Columns::of_list(event))?;
        if let Some(view) = views.get_mut(&event.customer_id) {
            view.events.push(event);
        }
    }
    let doubled: Vec<&str> = views
        .iter()
        .filter(|(_, view)| has_doubles(&view.events))
        .map(|(customer, _)| customer.as_str())
        .collect();
    if doubled.is_empty() {
        return Ok(());
    }
    let events = told_apart(tx, &json(&doubled)?).await?;
    for view in views.values_mut() {
        if let Some(events) = events.get(&view.customer.id) {
            view.events.clone_from(events);
        }
    }
    Ok(())
}

/// Whether two events have one id: an id is unique in its source only.
fn has_doubles(events: &[Event]) -> bool {
    let mut ids = HashSet::with_capacity(events.len());
    !events.iter().all(|event| ids.insert(event.id.as_str()))
}

/// Everything that happened to these customers. Where two sources gave one id, the event that came in
/// first has it, and each later one is `id@source`: an occasion each.
async fn told_apart(tx: &mut Transaction, list: &str) -> sqlx::Result<HashMap<String, Vec<Event>>> {
    let rows = sqlx::query(concat!(
        "SELECT source, ",
        event_columns!(),
        " FROM event WHERE customer_id IN ",
        texts!("$1"),
        " ORDER BY ",
        came_in!()
    ))
    .bind(list)
    .fetch_all(&mut **tx)
    .await?;
    let mut events: HashMap<String, Vec<Event>> = HashMap::new();
    let mut ids: HashSet<(String, String)> = HashSet::new();
    for row in &rows {
        let columns = &mut Columns::of(row);
        let source = columns.text()?;
        let mut event = read_event(columns)?;
        if !ids.insert((event.customer_id.clone(), event.id.clone())) {
            event.id = format!("{}@{source}", event.id);
        }
        let customer = event.customer_id.clone();
        events.entry(customer).or_default().push(event);
    }
    Ok(events)
}

/// Everything that went out to them, may have, or is going out.
async fn add_sent(
    tx: &mut Transaction,
    list: &str,
    views: &mut HashMap<String, View>,
) -> sqlx::Result<()> {
    for row in sqlx::query(concat!(
        "SELECT customer, rule, occasion, class, audience, \
         COALESCE(sent_at, decided_at, due_at) AS at \
         FROM ledger WHERE outcome IN ('sending', 'sent', 'unknown') AND customer IN ",
        texts!("$1"),
        " ORDER BY at, id"
    ))
    .bind(list)
    .fetch_all(&mut **tx)
    .await?
    {
        let columns = &mut Columns::of(&row);
        if let Some(view) = views.get_mut(&columns.text()?) {
            view.sent.push(Sent {
                rule: columns.text()?,
                occasion: columns.text()?,
                class: columns.parsed(Class::parse)?,
                audience: columns.parsed(Audience::parse)?,
                at: columns.moment()?,
            });
        }
    }
    Ok(())
}

/// Zones by name: a batch has many customers and few zones.
struct Zones {
    known: HashMap<String, Option<TimeZone>>,
    default: (TimeZone, String),
}

impl Zones {
    /// The customer's zone, or the default where it is missing or unknown.
    fn find(&mut self, name: Option<&str>) -> (TimeZone, String) {
        let Some(name) = name else {
            return self.default.clone();
        };
        if !self.known.contains_key(name) {
            self.known.insert(name.to_owned(), TimeZone::get(name).ok());
        }
        match self.known.get(name) {
            Some(Some(zone)) => (zone.clone(), name.to_owned()),
            _ => self.default.clone(),
        }
    }
}
