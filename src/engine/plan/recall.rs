//! What waits although its occasion is over, or on another day by now: letters that are held or
//! deferred to customers who came back, say, or about a visit that was put off.
//!
//! May not end anything: whoever sends looks at each again, in this very pass, and finds that out.

use super::{Pass, Planned};
use crate::decide;
use crate::engine::{EngineError, House};
use crate::model::View;
use crate::rules::Rule;
use crate::store::{Entry, Moved};

/// Customers of whom it is asked at once whether anything waits: mostly nothing does.
const ASKED_TOGETHER: usize = 10_000;
/// Entries that are looked at together, each with all of its customer.
const CHUNK: usize = 256;

impl Pass<'_> {
    /// What these customers' changes bring, take away and move. A rule without a cursor has just looked
    /// at everybody, so to it they bring nothing new.
    pub(super) async fn changes(
        &self,
        touched: &[String],
        has_cursor: bool,
    ) -> Result<Planned, EngineError> {
        let changed = if has_cursor {
            self.changed_customers(touched).await?
        } else {
            Planned::default()
        };
        self.recall(touched).await?;
        Ok(changed)
    }

    /// Has those looked at now whose occasion these customers' changes have withdrawn, and puts those
    /// back to planned whose occasion they have moved: its key stays, so the letter would be lost if
    /// it ended.
    async fn recall(&self, touched: &[String]) -> Result<(), EngineError> {
        let store = &self.house.store;
        for customers in touched.chunks(ASKED_TOGETHER) {
            let waiting = store.waiting_of(&self.rule.id, customers, self.now).await?;
            for some in waiting.chunks(CHUNK) {
                let (over, moved) = self.changed_of(some).await?;
                store.look_now(&over, self.now).await?;
                store.put_back(&moved, self.now).await?;
            }
        }
        Ok(())
    }

    /// Those of these entries, which stand in the order of customers, whose occasion is over, and
    /// those whose occasion is due at another moment.
    async fn changed_of(
        &self,
        waiting: &[Entry],
    ) -> Result<(Vec<String>, Vec<Moved>), EngineError> {
        let mut ids: Vec<String> = waiting.iter().map(|one| one.customer.clone()).collect();
        ids.dedup();
        let views = self.house.views(&ids).await?;
        let (mut over, mut gone_on) = (Vec::new(), Vec::new());
        for entry in waiting {
            let mut theirs = views.iter();
            let Some(view) = theirs.find(|view| view.customer.id == entry.customer) else {
                continue;
            };
            let zone = self.house.zone(&entry.occasion.zone);
            let (rule, now) = (self.rule, self.now);
            let withdrawn = decide::withdrawn(rule, view, &entry.occasion, &zone, now).is_some();
            match moved(self.house, rule, (entry, view), withdrawn) {
                Some(one) => gone_on.push(one),
                None if withdrawn => over.push(entry.id.clone()),
                None => {}
            }
        }
        Ok((over, gone_on))
    }
}

/// The entry's occasion at its new moment, where the records moved it. What an edit of the rule moves
/// isn't news of the customer's.
pub(in crate::engine) fn moved(
    house: &House,
    rule: &Rule,
    (entry, view): (&Entry, &View),
    withdrawn: bool,
) -> Option<Moved> {
    // It may have arrived already, so it isn't another's letter now.
    if entry.only_via.is_some() {
        return None;
    }
    let occasion = decide::as_it_is(rule, view, house.policy(), &entry.occasion)?;
    let by_records = withdrawn || entry.rule_version == rule.version;
    (by_records && occasion.due_at != entry.occasion.due_at).then(|| Moved {
        id: entry.id.clone(),
        rule_version: rule.version.clone(),
        occasion,
    })
}
