//! What waits although its occasion is over: letters that are held or deferred to customers who came
//! back, say.
//!
//! May not end anything: whoever sends looks at each again, in this very pass, and finds that out.

use super::Pass;
use crate::decide;
use crate::engine::EngineError;
use crate::store::Entry;

/// Customers of whom it is asked at once whether anything waits: mostly nothing does.
const ASKED_TOGETHER: usize = 10_000;
/// Entries that are looked at together, each with all of its customer.
const CHUNK: usize = 256;

impl Pass<'_> {
    /// Has those looked at now whose occasion these customers' changes have withdrawn.
    pub(super) async fn recall(&self, touched: &[String]) -> Result<(), EngineError> {
        let store = &self.house.store;
        let mut over = Vec::new();
        for customers in touched.chunks(ASKED_TOGETHER) {
            let waiting = store.waiting_of(&self.rule.id, customers).await?;
            for some in waiting.chunks(CHUNK) {
                over.extend(self.withdrawn_of(some).await?);
            }
        }
        if !over.is_empty() {
            store.look_now(&over, self.now).await?;
        }
        Ok(())
    }

    /// Those of these entries, which stand in the order of customers, whose occasion is over.
    async fn withdrawn_of(&self, waiting: &[Entry]) -> Result<Vec<String>, EngineError> {
        let mut ids: Vec<String> = waiting.iter().map(|one| one.customer.clone()).collect();
        ids.dedup();
        let views = self.house.views(&ids).await?;
        let over = waiting.iter().filter(|entry| {
            let view = views.iter().find(|view| view.customer.id == entry.customer);
            view.is_some_and(|view| {
                decide::withdrawn(self.rule, view, &entry.occasion, self.now).is_some()
            })
        });
        Ok(over.map(|entry| entry.id.clone()).collect())
    }
}
