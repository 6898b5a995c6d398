//! People who may look at the console, and their sessions.
//!
//! Of a session only the SHA-256 of its token is kept, of a password what Argon2id makes of it. May
//! not know passwords, cookies or HTTP.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::columns::Columns;
use super::{Store, StoreError};

/// Characters of a user's name.
pub const LONGEST_USER_NAME: usize = 64;
/// Random bytes of a session's token.
const RANDOM: usize = 32;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Look, and decide.
    Owner,
    /// Look.
    Viewer,
}

impl Role {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Viewer];

    /// As commands and the store write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// Reads back what [`Role::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Somebody who may look at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub made_at: Timestamp,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user: String,
    /// What they may do now.
    pub role: Role,
    /// When they signed in.
    pub began_at: Timestamp,
    /// When they last asked for something, about.
    pub seen_at: Timestamp,
}

impl Store {
    /// Adds a user with what Argon2id made of their password. `false`: the name is taken.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_user(
        &self,
        (name, role): (&str, Role),
        password: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO console_user (name, role, password, made_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(role.as_str())
        .bind(password)
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        let done = done.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes a user out, and ends their sessions. `false`: there is none of this name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM console_session WHERE name = $1")
                .bind(name)
                .execute(&mut *tx)
                .await?;
            let done = sqlx::query("DELETE FROM console_user WHERE name = $1")
                .bind(name)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let read = async {
            sqlx::query("SELECT name, role, made_at FROM console_user ORDER BY name")
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(User {
                        name: columns.text()?,
                        role: columns.parsed(Role::parse)?,
                        made_at: columns.moment()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// What Argon2id made of this user's password, if there is such a user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn password_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar("SELECT password FROM console_user WHERE name = $1")
            .bind(name)
            .fetch_optional(self.reader())
            .await;
        found.map_err(|error| self.trouble(error))
    }

    /// Begins a session, and returns the only copy of its token. Sessions that began before
    /// `oldest` are taken out. `None`: the user was taken out meanwhile.
    ///
    /// # Errors
    /// When the store fails, or the system gives no random numbers.
    pub async fn begin_session(
        &self,
        user: &str,
        oldest: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random)
            .map_err(|why| StoreError::without_chance(&self.inner.path, why))?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(random);
        let write = async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM console_session WHERE began_at < $1")
                .bind(oldest.as_millisecond())
                .execute(&mut *tx)
                .await?;
            let done = sqlx::query(
                "INSERT INTO console_session (hash, name, began_at, seen_at) \
                 SELECT $1, name, $3, $3 FROM console_user WHERE name = $2",
            )
            .bind(hash(&token))
            .bind(user)
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(done.rows_affected() > 0)
        };
        let begun = write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))?;
        Ok(begun.then_some(token))
    }

    /// The session with this token, however old.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT s.name, u.role, s.began_at, s.seen_at FROM console_session s \
                 JOIN console_user u ON u.name = s.name WHERE s.hash = $1",
            )
            .bind(hash(token))
            .fetch_optional(self.reader())
            .await?
            .map(|row| {
                let columns = &mut Columns::of(&row);
                Ok(Session {
                    user: columns.text()?,
                    role: columns.parsed(Role::parse)?,
                    began_at: columns.moment()?,
                    seen_at: columns.moment()?,
                })
            })
            .transpose()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Notes that somebody used their session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session_seen(&self, token: &str, now: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE console_session SET seen_at = $2 WHERE hash = $1")
            .bind(hash(token))
            .bind(now.as_millisecond())
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(&self, token: &str) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM console_session WHERE hash = $1")
            .bind(hash(token))
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
