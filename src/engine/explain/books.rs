//! What the books hold of one customer, read once for all that is asked about them.
//!
//! May not judge or write.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::decide::gate::Batch;
use crate::engine::{EngineError, House};
use crate::model::View;
use crate::store::{Approval, Entry, Filter, Paused, RuleState};

/// The customer, and everything that was said or noted of their letters.
#[derive(Debug)]
pub(super) struct Books<'a> {
    pub(super) house: &'a House,
    pub(super) view: View,
    /// Whether their records changed since the last pass.
    pub(super) has_news: bool,
    /// Their entries of whatever rule.
    pub(super) entries: Vec<Entry>,
    pub(super) states: Vec<RuleState>,
    pub(super) paused: Paused,
    pub(super) approvals: Vec<Approval>,
    /// A way out made trouble when last heard of.
    pub(super) trouble: bool,
    pub(super) now: Timestamp,
}

impl<'a> Books<'a> {
    pub(super) async fn open(house: &'a House, view: View) -> Result<Self, EngineError> {
        let store = &house.store;
        let customer = &view.customer.id;
        Ok(Self {
            house,
            has_news: store.has_news(customer).await?,
            entries: entries_of(house, customer).await?,
            view,
            states: store.rule_states().await?,
            paused: store.paused().await?,
            approvals: store.approvals(Date::MIN).await?,
            trouble: !store.relays().await?.is_empty(),
            now: house.clock.now(),
        })
    }

    /// The same of another customer, at the same moment.
    pub(super) async fn of_another(&self, view: View) -> Result<Self, EngineError> {
        let (house, customer) = (self.house, &view.customer.id);
        Ok(Self {
            house,
            has_news: house.store.has_news(customer).await?,
            entries: entries_of(house, customer).await?,
            view,
            states: self.states.clone(),
            paused: self.paused.clone(),
            approvals: self.approvals.clone(),
            trouble: self.trouble,
            now: self.now,
        })
    }

    /// Today at the business.
    pub(super) fn today(&self) -> Date {
        self.house.today(self.now)
    }

    /// How far a rule has come, if it was ever seen.
    pub(super) fn state(&self, rule: &str) -> Option<&RuleState> {
        self.states.iter().find(|state| state.rule == rule)
    }

    /// A batch of which no more is known than what a person said of it.
    pub(super) fn said_of(&self, rule: &str, day: Date) -> Batch {
        let mut said = self.approvals.iter();
        let said = said.find(|one| one.rule == rule && one.day == day);
        Batch {
            approved: said.map(|one| one.approved),
            ..Batch::default()
        }
    }

    /// Since when the rule, or everything, is paused.
    pub(super) fn paused_since(&self, rule: &str) -> Option<Timestamp> {
        let mut rules = self.paused.rules.iter();
        let of_rule = rules.find(|(paused, _)| paused == rule);
        self.paused.all.or(of_rule.map(|(_, since)| *since))
    }
}

async fn entries_of(house: &House, customer: &str) -> Result<Vec<Entry>, EngineError> {
    let theirs = Filter {
        customer: Some(customer.to_owned()),
        ..Filter::default()
    };
    Ok(house.store.log(&theirs).await?)
}
