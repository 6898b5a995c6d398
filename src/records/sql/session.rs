//! A transaction in one of the databases, what its columns are taken for, and where the next
//! reading goes on.
//!
//! May not know how any of them is spoken to.

use super::address::Engine;
use super::cell::Kind;
use super::job::Job;
use super::mark::{Clock, Mark};
use super::sink::{Sink, Watched};
use super::{Stop, mysql, postgres, sqlite};
use crate::records::columns;
use crate::records::error::{SourceError, Trouble, Wrong};
use crate::records::forms::Forms;
use crate::records::rows::Plan;

/// A column of the result.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What the columns of a result are taken for.
pub(super) struct Reading {
    pub(super) header: Vec<String>,
    pub(super) ignored: Vec<String>,
    pub(super) fields: Vec<(String, String)>,
    pub(super) plan: Plan,
    pub(super) forms: Forms,
    pub(super) since: Option<Watched>,
}

impl Reading {
    pub(super) fn new(job: &Job<'_>, session: &Session) -> Result<Self, SourceError> {
        let meaning = &job.source.meaning;
        let columns = session.columns().iter();
        let header: Vec<String> = columns.map(|column| column.name.clone()).collect();
        let found = columns::resolve(meaning, &header, None).map_err(|wrong| job.wrong(wrong))?;
        let forms = Forms::new(meaning).map_err(|wrong| job.wrong(wrong))?;
        let since = match &job.source.since {
            None => None,
            Some(name) => Some(since(&header, name).map_err(|wrong| job.wrong(wrong))?),
        };
        let fields = found.picks.iter().map(|(field, index)| {
            let column = header.get(*index).cloned().unwrap_or_default();
            (field.clone(), column)
        });
        let watched = since.and_then(|index| header.get(index));
        let since = since.map(|index| Watched {
            index,
            moments: matches!(
                session.columns().get(index).map(|column| column.kind),
                Some(Kind::Moment | Kind::Utc)
            ),
        });
        Ok(Self {
            fields: fields.collect(),
            plan: Plan::new(meaning, &found),
            ignored: found
                .ignored
                .into_iter()
                .filter(|name| Some(name) != watched)
                .collect(),
            header,
            forms,
            since,
        })
    }
}

/// The column of ids: the only one, or the one that the settings name, or `id`.
fn id_column(header: &[String], job: &Job<'_>) -> Result<usize, SourceError> {
    let mapped = job.source.meaning.columns.get("id");
    let name = mapped.map_or("id", String::as_str);
    let is = |column: &String| column.eq_ignore_ascii_case(name);
    let found = if header.len() == 1 {
        Some(0)
    } else {
        header.iter().position(is)
    };
    found.ok_or_else(|| {
        job.wrong(Wrong::new(
            Trouble::Header,
            format!("it gives no column `{name}`"),
            "let it give the ids, and nothing else",
        ))
    })
}

/// The column that moves the mark.
fn since(header: &[String], name: &str) -> Result<usize, Wrong> {
    let exact = header.iter().position(|column| column == name);
    let found = exact.or_else(|| {
        let mut columns = header.iter();
        columns.position(|column| column.eq_ignore_ascii_case(name))
    });
    found.ok_or_else(|| {
        Wrong::new(
            Trouble::Header,
            format!("the query gives no column `{name}`, which `since` names"),
            "select it as well, or take `since` out",
        )
    })
}

impl Reading {
    /// The same of a query that gives nothing but ids.
    pub(super) fn of_ids(job: &Job<'_>, session: &Session) -> Result<Self, SourceError> {
        let meaning = &job.source.meaning;
        let columns = session.columns().iter();
        let header: Vec<String> = columns.map(|column| column.name.clone()).collect();
        let index = id_column(&header, job)?;
        let found = columns::Columns {
            picks: vec![("id".to_owned(), index)],
            ignored: Vec::new(),
        };
        Ok(Self {
            plan: Plan::new(meaning, &found),
            forms: Forms::new(meaning).map_err(|wrong| job.wrong(wrong))?,
            ignored: found.ignored,
            fields: Vec::new(),
            since: None,
            header,
        })
    }
}

/// A transaction in one of the databases.
pub(super) enum Session {
    Postgres(postgres::Session),
    MySql(mysql::Session),
    Sqlite(sqlite::Session),
}

impl Session {
    pub(super) async fn open(job: &Job<'_>) -> Result<Self, SourceError> {
        Ok(match job.address.engine() {
            Engine::Postgres => Self::Postgres(postgres::Session::open(job).await?),
            Engine::MySql => Self::MySql(mysql::Session::open(job).await?),
            Engine::Sqlite => Self::Sqlite(sqlite::Session::open(job).await?),
        })
    }

    pub(super) fn columns(&self) -> &[Column] {
        match self {
            Self::Postgres(session) => &session.columns,
            Self::MySql(session) => &session.columns,
            Self::Sqlite(session) => &session.columns,
        }
    }

    pub(super) async fn run(
        &mut self,
        job: &Job<'_>,
        mark: Option<Mark>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        match self {
            Self::Postgres(session) => session.run(job, mark, sink).await,
            Self::MySql(session) => session.run(job, mark, sink).await,
            Self::Sqlite(session) => session.run(job, mark, sink).await,
        }
    }

    /// Where the next reading goes on. It never goes back.
    pub(super) fn next_mark(
        &self,
        job: &Job<'_>,
        sink: &Sink<'_>,
        before: Option<Mark>,
    ) -> Result<Option<Mark>, SourceError> {
        let now = match self {
            Self::Postgres(session) => session.now,
            Self::MySql(session) => session.now,
            Self::Sqlite(session) => session.now,
        };
        let stated = job.source.zone_is_stated;
        let mut clock = Clock {
            now,
            zone: stated.then(|| job.zone().clone()),
        };
        let reached = match (&job.source.since, self) {
            (Some(name), _) => sink.highest().map_err(|odd| {
                job.wrong(Wrong::new(
                    Trouble::Header,
                    format!("column `{name}`, which `since` names, holds `{odd}`"),
                    "name a column whose values are all times such as 2026-11-29 10:30:00, or all \
                     whole numbers",
                ))
            })?,
            (None, Self::Postgres(session)) => Some(session.clock_mark(job)?),
            (None, Self::MySql(_)) => {
                clock.zone = None;
                Some(mysql::Session::CLOCK_MARK)
            }
            (None, Self::Sqlite(_)) => None,
        };
        let Some(reached) = reached else {
            return Ok(before);
        };
        let reached = reached
            .held_back(&clock, job.source.overlap)
            .map_err(|what| {
                let (problem, mend) = what.split_once("; ").unwrap_or((&what, "mend it"));
                job.wrong(Wrong::new(Trouble::Settings, problem, mend))
            })?;
        Ok(Some(match before {
            Some(before) => before.later(reached).unwrap_or(reached),
            None => reached,
        }))
    }

    pub(super) async fn close(self) {
        match self {
            Self::Postgres(session) => session.close().await,
            Self::MySql(session) => session.close().await,
            Self::Sqlite(session) => session.close().await,
        }
    }
}
