//! What letters and conditions may see: `customer`, `event`, `occasion`, `business`.
//!
//! May not know templates, rules or the store.
