//! What a database or its driver says -> what is wrong and what would mend it, in plain words.
//!
//! May not repeat a password: drivers and servers don't tell any.

use std::time::Duration;

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use sqlx::sqlite::SqliteError;

use super::super::error::{SourceError, Trouble, Wrong};
use super::Job;

/// Characters kept of what a server says.
const KEPT: usize = 400;

/// A text that was sent: the query with something before it, and something in place of `:since`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) before: &'a str,
    pub(super) mark: &'a str,
}

impl Job<'_> {
    /// An error of this source.
    pub(super) fn wrong(&self, wrong: Wrong) -> SourceError {
        wrong.at(&self.shown, None)
    }

    /// An error of a statement of ours.
    pub(super) fn told(&self, error: &Error) -> SourceError {
        self.told_of(error, None)
    }

    /// An error, perhaps of the user's query.
    pub(super) fn told_of(&self, error: &Error, sent: Option<Sent<'_>>) -> SourceError {
        self.wrong(self.explained(error, sent))
    }

    /// The statement took too long.
    pub(super) fn too_slow(&self) -> SourceError {
        self.wrong(slow(self.source.timeout))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the driver's other errors are told in its own words"
    )]
    fn explained(&self, error: &Error, sent: Option<Sent<'_>>) -> Wrong {
        match error {
            Error::Database(said) => {
                if let Some(said) = said.try_downcast_ref::<PgDatabaseError>() {
                    self.postgres(said, sent)
                } else if let Some(said) = said.try_downcast_ref::<MySqlDatabaseError>() {
                    self.mysql(said)
                } else if let Some(said) = said.try_downcast_ref::<SqliteError>() {
                    self.sqlite(said)
                } else {
                    query(said.message())
                }
            }
            Error::Io(why) if is_of_tls(why) => unprotected(&why.to_string()),
            Error::Tls(why) => unprotected(&why.to_string()),
            Error::Io(why) => Wrong::new(
                Trouble::Away,
                format!("the database can't be reached ({why})"),
                "see that it runs, and that host and port are right; it is tried again with the \
                 next reading",
            ),
            Error::Configuration(why) if why.to_string().contains("RSA") => Wrong::new(
                Trouble::Away,
                "the server wants the password over a protected connection only",
                "let it offer TLS, and put `sslmode=verify-full` (or `require`) into the address",
            ),
            Error::Protocol(why) => Wrong::new(
                Trouble::Away,
                format!("the server isn't understood ({})", plain(why)),
                "see that the address names the right kind of database, and the right port",
            ),
            other => Wrong::new(
                Trouble::Away,
                format!("the database can't be read ({})", plain(&other.to_string())),
                "it is tried again with the next reading",
            ),
        }
    }

    fn postgres(&self, said: &PgDatabaseError, sent: Option<Sent<'_>>) -> Wrong {
        let words = plain(said.message());
        let code = said.code();
        match code {
            "28P01" | "28000" => login(&words),
            "3D000" => away(&words, "mend the database's name in the address"),
            "42501" => denied(&words),
            "57014" => slow(self.source.timeout),
            "25006" => writes(&words),
            _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
                away(&words, "it is tried again with the next reading")
            }
            "42P18" => query_with(
                &words,
                "say what `:since` is, such as `:since::timestamptz`".to_owned(),
            ),
            _ => {
                let at = match (said.position(), sent) {
                    (Some(PgErrorPosition::Original(at)), Some(sent)) => {
                        let at = at.saturating_sub(sent.before.chars().count());
                        let (line, column) = self.query.place(sent.mark, at);
                        format!(" at line {line}, column {column} of it")
                    }
                    _ => String::new(),
                };
                let hint = said.hint().map(plain);
                let mend = hint.map_or_else(
                    || MEND_QUERY.to_owned(),
                    |hint| hint.trim_end_matches('.').to_owned(),
                );
                query_with(&format!("{words}{at}"), mend)
            }
        }
    }

    fn mysql(&self, said: &MySqlDatabaseError) -> Wrong {
        let words = plain(said.message());
        match said.number() {
            1045 | 1698 | 1862 => login(&words),
            1049 => away(&words, "mend the database's name in the address"),
            1044 | 1142 | 1143 | 1227 | 1370 => denied(&words),
            1969 | 3024 => slow(self.source.timeout),
            1792 => writes(&words),
            1040 | 1053 | 1129 | 1130 | 1203 | 1205 | 1213 => {
                away(&words, "it is tried again with the next reading")
            }
            _ => query(&words),
        }
    }

    fn sqlite(&self, said: &SqliteError) -> Wrong {
        use sqlx::error::DatabaseError as _;
        let words = plain(said.message());
        let code = said.code().and_then(|code| code.parse::<u32>().ok());
        // The primary code is in the lowest byte.
        match code.map(|code| code & 0xff) {
            Some(14) => away(
                &words,
                "see that fondly may read the file and enter its folder; a database in WAL mode \
                 that nobody has open can only be read by whoever may write in its folder",
            ),
            Some(5 | 6) => away(&words, "another program holds it; it is tried again"),
            Some(9) => slow(self.source.timeout),
            Some(8) => writes(&words),
            Some(10 | 11 | 26) => away(&words, "see that the file is a sound database of SQLite's"),
            _ => query(&words),
        }
    }
}

const MEND_QUERY: &str = "mend `query`; it is sent as it stands";

fn is_of_tls(error: &std::io::Error) -> bool {
    let why = error.get_ref();
    let why: Option<&rustls::Error> = why.and_then(|why| why.downcast_ref());
    why.is_some()
}

fn unprotected(words: &str) -> Wrong {
    Wrong::new(
        Trouble::Away,
        format!("no protected connection comes about ({})", plain(words)),
        "for a certificate of your own authority, name the authority's with `ca_file`; \
         `sslmode=require` in the address encrypts without looking whose server it is",
    )
}

fn login(words: &str) -> Wrong {
    Wrong::new(
        Trouble::Away,
        format!("the database doesn't let us in: {words}"),
        "mend the user in the address, or the password in its file",
    )
}

fn denied(words: &str) -> Wrong {
    Wrong::new(
        Trouble::Settings,
        format!("the user may not read that: {words}"),
        "let the database's owner grant this user `select` on it, and nothing more",
    )
}

fn writes(words: &str) -> Wrong {
    Wrong::new(
        Trouble::Settings,
        format!("the query would change something: {words}"),
        "a source is only ever read; leave a query that reads",
    )
}

fn away(words: &str, mend: &str) -> Wrong {
    Wrong::new(
        Trouble::Away,
        format!("the database can't be read: {words}"),
        mend,
    )
}

fn slow(timeout: Duration) -> Wrong {
    let seconds = timeout.as_secs();
    Wrong::new(
        Trouble::Away,
        format!("the database took longer than {seconds} seconds"),
        "look for an index that the query can use, or give it more time with `timeout`",
    )
}

fn query(words: &str) -> Wrong {
    query_with(words, MEND_QUERY.to_owned())
}

fn query_with(words: &str, mend: String) -> Wrong {
    let problem = format!("the database refuses the query: {words}");
    Wrong::new(Trouble::Settings, problem, mend)
}

/// One line of no great length.
fn plain(text: &str) -> String {
    let line = text.chars().take(KEPT);
    line.map(|c| if c.is_control() { ' ' } else { c }).collect()
}
