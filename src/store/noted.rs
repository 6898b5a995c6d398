//! What the ledger has noted of customers by one rule, sent or not.
//!
//! May not judge it.

use jiff::civil::Date;

use super::columns::{Columns, json};
use super::dialect::texts;
use super::{Store, StoreError};

/// An entry of the ledger, in the little that tells occasions apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The entry's id.
    pub id: String,
    /// Whose.
    pub customer: String,
    /// The occasion key.
    pub occasion: String,
    /// The civil date that the occasion starts from.
    pub anchor: Date,
}

impl Store {
    /// Every entry of this rule for these customers but those that the records took back, in the
    /// order of customers and occasions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn noted_of(
        &self,
        rule: &str,
        customers: &[String],
    ) -> Result<Vec<Noted>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT id, customer, occasion, anchor FROM ledger \
                 WHERE rule = $1 \
                   AND NOT (outcome = 'skipped' AND COALESCE(reason, '') = 'record-changed') \
                   AND customer IN ",
                texts!("$2"),
                " ORDER BY customer, occasion"
            ))
            .bind(rule)
            .bind(json(customers)?)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Noted {
                    id: columns.text()?,
                    customer: columns.text()?,
                    occasion: columns.text()?,
                    anchor: columns.parsed(|text| text.parse().ok())?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
