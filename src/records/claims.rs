//! Whose record it is that can't be used, and what it asks to stop.
//!
//! May not judge the rest of it.

use super::forms::{Forms, Value, Values};
use super::rows::{CustomerField, EventField, Plan};
use super::values;
use crate::model::Consent;
use crate::model::refusal::{Claims, Stops};

impl Plan {
    /// The index of the column that says which customer a record is about.
    fn customer_column(&self) -> Option<usize> {
        match self {
            Self::Customers(_) => self.id_column(),
            Self::Events(plan) => {
                let mut plan = plan.columns.iter();
                let theirs = plan.find(|column| column.field == EventField::CustomerId);
                theirs.map(|column| column.index)
            }
        }
    }

    /// Whose record this is and what it asks to stop, as far as that can be read, whatever is wrong
    /// with it.
    pub(super) fn claims(&self, record: &dyn Values) -> Claims {
        let read = |column: Option<usize>| {
            let id = clean(record, column?, Forms::id);
            id.ok().filter(|id| !id.is_empty())
        };
        Claims {
            id: read(self.id_column()),
            customer: read(self.customer_column()),
            stops: self.stops(record),
        }
    }

    fn stops(&self, record: &dyn Values) -> Stops {
        let mut stops = Stops::default();
        let Self::Customers(plan) = self else {
            return stops;
        };
        for column in &plan.columns {
            if column.field == CustomerField::Unsubscribed {
                stops.unsubscribed = clean(record, column.index, Forms::unsubscribed) == Ok(true);
            } else if column.field == CustomerField::Consent {
                stops.refuses = clean(record, column.index, Forms::consent) == Ok(Consent::No);
            }
        }
        stops
    }
}

/// One value, cleaned and read.
fn clean<T>(
    record: &dyn Values,
    column: usize,
    read: impl FnOnce(&Value<'_>) -> Result<T, String>,
) -> Result<T, String> {
    match record.value(column) {
        Value::Text(text) => read(&Value::Text(&values::clean(text))),
        other => read(&other),
    }
}
