//! Of what a customer's change brings, what the ledger doesn't hold yet.
//!
//! Spares the store what it would refuse; may not decide what is due.

use std::collections::{HashMap, HashSet};

use super::Pass;
use crate::engine::EngineError;
use crate::store::{NewEntry, PlannedKey};

impl Pass<'_> {
    /// Those of these occasions that aren't in the ledger: a regular's whole past arises anew with
    /// every visit, and would be offered to the store each time. What is being withdrawn comes again.
    pub(super) async fn not_entered(
        &self,
        mut entries: Vec<NewEntry>,
        leaving: &[PlannedKey],
    ) -> Result<Vec<NewEntry>, EngineError> {
        if entries.is_empty() {
            return Ok(entries);
        }
        let mut customers: Vec<String> = entries.iter().map(|one| one.customer.clone()).collect();
        customers.dedup();
        let store = &self.house.store;
        let mut entered: HashMap<String, HashSet<String>> = HashMap::new();
        for (customer, key) in store.entered(&self.rule.id, &customers).await? {
            entered.entry(customer).or_default().insert(key);
        }
        for row in leaving {
            if let Some(theirs) = entered.get_mut(&row.customer) {
                theirs.remove(&row.occasion);
            }
        }
        entries.retain(|one| {
            let theirs = entered.get(&one.customer);
            !theirs.is_some_and(|keys| keys.contains(&one.occasion.key))
        });
        Ok(entries)
    }
}
