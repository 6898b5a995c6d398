//! A rule as the rest of the house sees it: checked, typed, without spans.
//!
//! May not know how rule files are written; `parse` does.

use std::sync::Arc;

use jiff::civil::{Time, Weekday};

use super::condition::Condition;
use super::trigger::Trigger;
use super::written::Written;
use crate::model::policy::{Audience, Class};
use crate::model::{Period, Topic};

/// When to write to whom.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The file's stem.
    pub id: String,
    /// Changes with every edit that matters to a reader of the ledger: a hash of the file's text.
    pub version: String,
    /// What it was read from.
    pub written: Arc<Written>,
    /// What people call it.
    pub title: String,
    /// The template's name, without language.
    pub template: String,
    /// What the message is about.
    pub class: Class,
    /// In which of the kinds that customers choose from its letters are.
    pub topic: Topic,
    /// Whom it goes to.
    pub audience: Audience,
    /// In whose name it is written.
    pub sender: Sender,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What makes it due.
    pub trigger: Trigger,
    /// `[only].where`.
    pub condition: Option<Condition>,
    /// When on the day, and how late.
    pub send: Send,
    /// Share of customers who never get it, in parts of 2^32 (0 = nobody).
    pub holdout: u32,
    /// How far before its first day the rule looks back.
    pub backfill: Period,
    /// So many of its first letters wait for a person.
    pub approve_first: Option<u32>,
    /// Letters it sends on one civil day of the business's, at most.
    pub max_per_day: Option<u32>,
}

/// In whose name a letter to a customer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sender {
    /// The business's.
    #[default]
    Business,
    /// The customer's own contact's, or the business's where there is none.
    Staff,
}

/// `[send]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Wall clock in the send zone.
    pub at: Time,
    /// Whose wall clock.
    pub zone: SendZone,
    /// Allowed days; never empty.
    pub days: Vec<Weekday>,
    /// How much later than due is still fine; never negative.
    pub late: Period,
    /// The template used from the next civil day on.
    pub late_template: Option<String>,
    /// Minutes over which a day's messages are spread.
    pub spread_minutes: u32,
    /// What a frequency cap does.
    pub when_capped: WhenCapped,
}

/// Whose wall clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendZone {
    /// The customer's, or the business's where theirs isn't known.
    #[default]
    Customer,
    /// The business's.
    Business,
}

/// What a frequency cap does to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenCapped {
    /// It waits.
    #[default]
    Defer,
    /// It ends as skipped.
    Skip,
}
