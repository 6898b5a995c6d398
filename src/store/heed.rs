//! What records that can't be used ask to stop: whoever wants no more letters gets none, whatever else is
//! wrong with their record.
//!
//! May not judge a record, nor take anything back: only a record that can be used does.

use super::columns::json;
use super::dialect::rows;
use super::people::Load;
use crate::model::Refusal;
use crate::model::refusal::Stops;

/// What the source `$2` says of these customers to stop: ids, each with whether they unsubscribed and
/// whether they refused.
const HEEDED: &str = concat!(
    "UPDATE customer SET \
         unsubscribed = CASE CAST(value->>1 AS BIGINT) WHEN 1 THEN 1 ELSE unsubscribed END, \
         consent = CASE CAST(value->>2 AS BIGINT) WHEN 1 THEN 'no' ELSE consent END, \
         row_hash = CASE WHEN source = $2 THEN X'00' ELSE row_hash END FROM ",
    rows!("$1"),
    " WHERE customer.id = value->>0 AND ((CAST(value->>1 AS BIGINT) = 1 AND unsubscribed = 0) \
         OR (CAST(value->>2 AS BIGINT) = 1 AND consent <> 'no')) RETURNING customer.id"
);
/// The same where another source told of them first; before it, since it goes by what was so.
const HEEDED_ALSO: &str = concat!(
    "UPDATE also_told SET row_hash = X'00' FROM ",
    rows!("$1"),
    " JOIN customer c ON c.id = value->>0 \
     WHERE also_told.customer = c.number AND also_told.source = $2 \
       AND ((CAST(value->>1 AS BIGINT) = 1 AND c.unsubscribed = 0) \
         OR (CAST(value->>2 AS BIGINT) = 1 AND c.consent <> 'no'))"
);

impl Load<'_, '_> {
    /// Heeds what records that can't be used ask to stop. What the source said before doesn't count
    /// any more, so that its next word is taken, whatever that is.
    pub(super) async fn heed(&mut self, refused: &[Refusal]) -> sqlx::Result<()> {
        let stops = refused.iter().filter(|one| one.of.stops.any());
        let said: Vec<_> = stops
            .map(|one| {
                let Stops {
                    unsubscribed,
                    refuses,
                } = one.of.stops;
                (&one.of.id, u8::from(unsubscribed), u8::from(refuses))
            })
            .collect();
        if said.is_empty() {
            return Ok(());
        }
        self.end_flood().await?;
        let said = json(&said)?;
        sqlx::query(HEEDED_ALSO)
            .bind(&said)
            .bind(self.meta.source)
            .execute(&mut *self.tx)
            .await?;
        let stopped: Vec<String> = sqlx::query_scalar(HEEDED)
            .bind(&said)
            .bind(self.meta.source)
            .fetch_all(&mut *self.tx)
            .await?;
        self.raised.extend(stopped);
        Ok(())
    }
}
