//! Rows of values, wherever they come from -> customers, events, or what is wrong with them.
//!
//! Every kind of source goes through here, so that the same checks hold for all. May not know files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::columns::Columns;
use super::error::Wrong;
use super::forms::{Forms, Values};
use super::rows::{self, Fault, Plan};
use super::{Meaning, Row};

/// Reads the rows of one source, one after the other.
#[derive(Debug)]
pub(super) struct Intake {
    plan: Plan,
    forms: Forms,
    /// The ids of the rows that went in, as hashes, and where they stand.
    seen: HashMap<u64, u64>,
}

impl Intake {
    /// `columns` are the header's, as [`super::columns::resolve`] found them.
    pub(super) fn new(meaning: &Meaning, columns: &Columns) -> Result<Self, Wrong> {
        Ok(Self {
            plan: Plan::new(meaning, columns),
            forms: Forms::new(meaning)?,
            seen: HashMap::new(),
        })
    }

    /// Reads a row that stands at this line, or what else numbers the rows.
    pub(super) fn row(&mut self, values: &dyn Values, line: u64) -> Result<Row, Fault> {
        match &self.plan {
            Plan::Customers(plan) => {
                let customer = rows::customer(plan, values, &self.forms)?;
                self.is_new(&customer.id, line)?;
                Ok(Row::Customer(customer))
            }
            Plan::Events(plan) => {
                let event = rows::event(plan, values, &self.forms)?;
                self.is_new(&event.id, line)?;
                Ok(Row::Event(event))
            }
        }
    }

    /// Of rows with the same id the first goes in; the rest would silently overwrite it.
    fn is_new(&mut self, id: &str, line: u64) -> Result<(), Fault> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        match self.seen.entry(hasher.finish()) {
            Entry::Vacant(free) => {
                free.insert(line);
                Ok(())
            }
            Entry::Occupied(first) => Err(Fault {
                column: self.plan.id_column(),
                reason: format!(
                    "line {} has the same id, which must be unique; the first row went in",
                    first.get()
                ),
            }),
        }
    }
}
