//! Rows of values, wherever they come from -> customers, events, or what is wrong with them.
//!
//! Every kind of source goes through here, so that the same checks hold for all. May not know files.

use super::columns::Columns;
use super::error::Wrong;
use super::forms::{Forms, Values};
use super::rows::{self, Fault, Plan};
use super::seen::Seen;
use super::{Meaning, Row};
use crate::model::refusal::Claims;

/// Reads the rows of one source, one after the other.
#[derive(Debug)]
pub(super) struct Intake {
    plan: Plan,
    forms: Forms,
    /// The ids of the rows that went in, and where they stand.
    seen: Seen,
}

impl Intake {
    /// `columns` are the header's, as [`super::columns::resolve`] found them.
    pub(super) fn new(meaning: &Meaning, columns: &Columns) -> Result<Self, Wrong> {
        Ok(Self {
            plan: Plan::new(meaning, columns),
            forms: Forms::new(meaning)?,
            seen: Seen::default(),
        })
    }

    /// Reads a row that stands at this line, or what else numbers the rows.
    pub(super) fn row(&mut self, values: &dyn Values, line: u64) -> Result<Row, Fault> {
        match &self.plan {
            Plan::Customers(plan) => {
                let (customer, told) = rows::customer(plan, values, &self.forms)?;
                self.is_new(&customer.id, line)?;
                Ok(Row::Customer(customer, told))
            }
            Plan::Events(plan) => {
                let event = rows::event(plan, values, &self.forms)?;
                self.is_new(&event.id, line)?;
                Ok(Row::Event(event))
            }
        }
    }

    /// Whose record a row is that can't be used, as far as it can be read.
    pub(super) fn claims(&self, values: &dyn Values) -> Claims {
        self.plan.claims(values)
    }

    /// Of rows with the same id the first goes in; the rest would silently overwrite it.
    fn is_new(&mut self, id: &str, line: u64) -> Result<(), Fault> {
        match self.seen.first_line(id, line) {
            None => Ok(()),
            Some(first) => Err(Fault {
                column: self.plan.id_column(),
                reason: format!(
                    "line {first} has the same id, which must be unique; the first row went in"
                ),
            }),
        }
    }
}
