//! What waits although its occasion is over: letters that are held or deferred to customers who came
//! back, say.
//!
//! May not end anything: whoever sends looks at each again, in this very pass, and finds that out.

use super::Pass;
use crate::decide;
use crate::engine::EngineError;

/// Customers looked at together.
const CHUNK: usize = 256;

impl Pass<'_> {
    /// Has those looked at now whose occasion these customers' changes have withdrawn.
    pub(super) async fn recall(&self, touched: &[String]) -> Result<(), EngineError> {
        let store = &self.house.store;
        let mut over = Vec::new();
        for customers in touched.chunks(CHUNK) {
            let waiting = store.waiting_of(&self.rule.id, customers).await?;
            if waiting.is_empty() {
                continue;
            }
            let mut ids: Vec<String> = waiting.iter().map(|one| one.customer.clone()).collect();
            ids.dedup();
            let views = self.house.views(&ids).await?;
            let gone = waiting.iter().filter(|entry| {
                let view = views.iter().find(|view| view.customer.id == entry.customer);
                view.is_some_and(|view| {
                    decide::withdrawn(self.rule, view, &entry.occasion, self.now).is_some()
                })
            });
            over.extend(gone.map(|entry| entry.id.clone()));
        }
        if !over.is_empty() {
            store.look_now(&over, self.now).await?;
        }
        Ok(())
    }
}
