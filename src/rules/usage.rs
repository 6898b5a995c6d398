//! `[trigger.usage]`: checked, typed, without spans.
//!
//! May not know how rule files are written; `parse_trigger` does.

use crate::model::Amount;

/// `[trigger.usage]`: somebody uses a good deal less, or more, than is usual for them.
///
/// On a customer's civil day T, the window is the `window_days` civil days before T, and the base
/// the `versus_days` civil days before the window, both in the customer's zone. What is usual is
/// the base, scaled to the window's length. `decide::usage` says when a change is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What is added up.
    pub measure: Measure,
    /// The kinds of event that count; never empty.
    pub kinds: Vec<String>,
    /// Civil days of the window, at least 1.
    pub window_days: i32,
    /// Civil days of the base, at least 1.
    pub versus_days: i32,
    /// The change that is told, in hundredths of a percent of what is usual: from -10,000 (nothing
    /// any more) to -1, or from 1 up; never 0.
    pub change: i32,
    /// The least that must be usual, in the measure's own unit; never negative.
    pub min_base: Amount,
}

/// What is added up of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// One for each event.
    Count,
    /// Their `amount`, in one currency.
    Amount,
    /// Their `quantity`.
    Quantity,
}
