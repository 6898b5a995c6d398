//! One reading: what is asked of which database, and how long it may take.
//!
//! Reads the files of secrets. May not connect.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::timeout;

use super::address::{Address, Engine};
use super::query::Query;
use super::{SqlSource, Url};
use crate::records::error::{SourceError, Trouble, Wrong};

/// The longest that connecting may take.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);
/// The server has to say first that a statement took too long: it then stops working on it.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// One reading.
pub(super) struct Job<'a> {
    pub(super) source: &'a SqlSource,
    pub(super) address: Address,
    pub(super) shown: String,
    pub(super) query: Query,
}

impl<'a> Job<'a> {
    pub(super) fn new(source: &'a SqlSource) -> Result<Self, SourceError> {
        let name = match &source.access.url {
            Url::Text(text) => Address::parse(text)
                .map_or_else(|_| "the database".to_owned(), |address| address.shown()),
            Url::File(file) => file.display().to_string(),
        };
        let settings = |what: String| {
            let (problem, mend) = what.split_once("; ").unwrap_or((&what, "mend it"));
            Wrong::new(Trouble::Settings, problem, mend).at(&name, None)
        };
        let text = match &source.access.url {
            Url::Text(text) => text.clone(),
            Url::File(file) => secret(file).map_err(settings)?,
        };
        let mut address = Address::parse(&text).map_err(settings)?;
        if let Some(file) = &source.access.password_file {
            address.password = Some(secret(file).map_err(settings)?);
        }
        let query = Query::parse(&source.query, address.engine())
            .map_err(|what| settings(format!("`query`: {what}")))?;
        if query.has_since() && address.engine() == Engine::Sqlite && source.since.is_none() {
            return Err(settings(
                "`:since` needs a column in SQLite, whose columns have no types; select the one \
                 that it is compared with, and name it with `since = \"…\"`"
                    .to_owned(),
            ));
        }
        if source.since.is_some() && !query.has_since() {
            return Err(settings(
                "there is a column for `since`, but no `:since` in the query; write one, such as \
                 `where updated_at > :since`, or take `since` out"
                    .to_owned(),
            ));
        }
        Ok(Self {
            source,
            shown: address.shown(),
            address,
            query,
        })
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.source.meaning.zone
    }

    /// What the future gives, unless connecting takes too long.
    pub(super) async fn connecting<T>(
        &self,
        connecting: impl Future<Output = T>,
    ) -> Result<T, SourceError> {
        timeout(CONNECTING, connecting).await.map_err(|_| {
            let seconds = CONNECTING.as_secs();
            self.wrong(Wrong::new(
                Trouble::Away,
                format!("the database doesn't answer within {seconds} seconds"),
                "see that it runs, and that nothing on the way keeps us out; it is tried again \
                 with the next reading",
            ))
        })
    }

    /// What the future gives, unless it takes too long.
    pub(super) async fn within<T>(
        &self,
        working: impl Future<Output = T>,
    ) -> Result<T, SourceError> {
        let working = timeout(self.source.timeout + GRACE, working).await;
        working.map_err(|_| self.too_slow())
    }
}

/// A file's one line.
fn secret(file: &Path) -> Result<String, String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("the file {shown} can't be read ({error}); let the user that runs fondly read it")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.contains(['\n', '\r', '\0']) {
        return Err(format!(
            "the file {shown} isn't a single line; write the secret into it, and nothing else"
        ));
    }
    Ok(text.to_owned())
}
