//! Tokens of programs that hand in records by HTTP: whose they are and what they are good for.
//!
//! Only a token's SHA-256 is kept. It is 256 random bits, so that nobody finds one by its hash, and a
//! look-up by hash tells nothing by the time it takes. May not know HTTP.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::columns::{Columns, day_number, json};
use super::dialect::Connection;
use super::{Store, StoreError};

/// What every token begins with, so that people (and scanners of leaked secrets) know it again.
const MARK: &str = "fondly_";
/// Random bytes of a token.
const RANDOM: usize = 32;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Handing in events.
    Events,
    /// Handing in customers.
    Customers,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Events, Self::Customers];

    /// As commands and answers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Customers => "customers",
        }
    }

    /// Reads back what [`Scope::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A token, without what would let anybody use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
    /// The source that its records belong to, where it isn't the one of the settings.
    pub source: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The last civil day at the business on which something came in by it.
    pub last_day: Option<Date>,
    /// Its SHA-256.
    hash: Vec<u8>,
}

impl Store {
    /// Makes a token, and returns the only copy of it. `None`: another one has this name.
    ///
    /// # Errors
    /// When the store fails, or the system gives no random numbers.
    pub async fn add_token(
        &self,
        name: &str,
        (scopes, source): (&[Scope], Option<&str>),
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random)
            .map_err(|why| StoreError::without_chance(&self.inner.path, why))?;
        let token = format!("{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let write = async {
            sqlx::query(
                "INSERT INTO api_token (name, hash, scopes, source, made_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(hash(&token))
            .bind(json(&scopes)?)
            .bind(source)
            .bind(now.as_millisecond())
            .execute(&self.inner.writer)
            .await
        };
        let done = write.await.map_err(|error| self.trouble(error))?;
        Ok((done.rows_affected() > 0).then_some(token))
    }

    /// Every token, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT name, scopes, source, made_at, last_day, hash FROM api_token ORDER BY name",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(token_of)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// The token with these words, where there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn token(&self, words: &str) -> Result<Option<Token>, StoreError> {
        if !words.starts_with(MARK) {
            return Ok(None);
        }
        let read = async {
            sqlx::query(
                "SELECT name, scopes, source, made_at, last_day, hash FROM api_token \
                 WHERE hash = $1",
            )
            .bind(hash(words))
            .fetch_optional(self.reader())
            .await?
            .as_ref()
            .map(token_of)
            .transpose()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// From now on nothing comes in by this token. `false`: none has this name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM api_token WHERE name = $1")
            .bind(name)
            .execute(&self.inner.writer)
            .await;
        let done = done.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected() > 0)
    }
}

/// Notes that something comes in by this token today. `false`: it was revoked meanwhile.
pub(super) async fn use_token(
    tx: &mut Connection,
    token: &Token,
    today: Date,
) -> sqlx::Result<bool> {
    let there: Option<i64> = sqlx::query_scalar("SELECT 1 FROM api_token WHERE hash = $1")
        .bind(&token.hash)
        .fetch_optional(&mut *tx)
        .await?;
    if there.is_none() {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE api_token SET last_day = $2 WHERE hash = $1 AND last_day IS DISTINCT FROM $2",
    )
    .bind(&token.hash)
    .bind(day_number(today))
    .execute(tx)
    .await?;
    Ok(true)
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

fn token_of(row: &super::dialect::Row) -> sqlx::Result<Token> {
    use sqlx::Row as _;

    let columns = &mut Columns::of(row);
    let name = columns.text()?;
    let scopes: Vec<String> = columns.json()?;
    Ok(Token {
        name,
        scopes: scopes
            .iter()
            .filter_map(|text| Scope::parse(text))
            .collect(),
        source: columns.maybe_text()?,
        made_at: columns.moment()?,
        last_day: columns
            .maybe_number()?
            .map(super::columns::day_of)
            .transpose()?,
        hash: row.try_get("hash")?,
    })
}
