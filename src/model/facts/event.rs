//! `event`: what happened, as letters and conditions see it.
//!
//! May not know whom it happened to.

use std::sync::Arc;

use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr, Value};

use super::{Attrs, attr, date_text, names, number, text};
use crate::model::dates::When;
use crate::model::event::Event;

/// `event`.
#[derive(Debug)]
pub(super) struct EventFacts {
    pub(super) record: Event,
    pub(super) zone: TimeZone,
}

impl EventFacts {
    fn field(&self, key: &str) -> Option<Value> {
        let e = &self.record;
        match key {
            "id" => Some(Value::from(e.id.as_str())),
            "customer_id" => Some(Value::from(e.customer_id.as_str())),
            "kind" => Some(Value::from(e.kind.as_str())),
            "at" => Some(Value::from(match e.at {
                When::Day(day) => day.to_string(),
                When::Instant(at) => at.to_string(),
            })),
            "date" => Some(date_text(e.at.civil_day(&self.zone))),
            // A number, so that `event.amount >= 100` compares as people mean it; letters print
            // it as money.
            "amount" => e.amount.map(|amount| Value::from(amount.to_f64())),
            "currency" => text(e.currency.as_deref()),
            "quantity" => e.quantity.map(|quantity| number(quantity.to_f64())),
            "attr" => Some(Value::from_object(Attrs(
                e.attrs
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), attr(value)?)))
                    .collect(),
            ))),
            _ => None,
        }
    }
}

impl Object for EventFacts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.field(key).or_else(|| names::unknown("event", key))
    }
}
