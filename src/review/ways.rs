//! A way in, told once: each side's router is made of a list of these, and so is the table of who gets
//! which answer (`tests/snapshots/ways-*.snap`).
//!
//! May not answer anything by itself.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};

/// Who comes in there; each side has a listener of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Customers, by the links of their letters.
    Public,
    /// Programs that send records.
    Api,
    /// The owner, and whoever else may sign in.
    Console,
}

/// What is answered to somebody who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page.
    Page,
    /// A list, as a CSV file to keep.
    File,
    /// A letter, for the frame that it is shown in.
    Letter,
    /// What anybody may have, without a session, token or link of ours.
    Open,
    /// Nothing: it only takes something.
    Nothing,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Its address, with names in braces for what differs: `/ledger/{entry}`.
    pub path: &'static str,
    /// What GET answers.
    pub kind: Kind,
    /// The method of what it takes, if it takes anything.
    pub takes: Option<&'static str>,
}

/// A way, and who answers.
pub(super) struct Route<S> {
    pub(super) way: Way,
    answers: MethodRouter<S>,
}

/// A way to look at something.
pub(super) fn get<H, T, S>(kind: Kind, path: &'static str, shows: H) -> Route<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Route {
        way: Way {
            path,
            kind,
            takes: None,
        },
        answers: routing::get(shows),
    }
}

/// A way that only takes something.
pub(super) fn post<H, T, S>(path: &'static str, takes: H) -> Route<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    only_takes("POST", path, routing::post(takes))
}

/// Likewise, by PUT.
pub(super) fn put<H, T, S>(path: &'static str, takes: H) -> Route<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    only_takes("PUT", path, routing::put(takes))
}

fn only_takes<S>(method: &'static str, path: &'static str, answers: MethodRouter<S>) -> Route<S> {
    Route {
        way: Way {
            path,
            kind: Kind::Nothing,
            takes: Some(method),
        },
        answers,
    }
}

impl<S> Route<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// It takes something, too.
    pub(super) fn and_post<H, T>(mut self, takes: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.way.takes = Some("POST");
        self.answers = self.answers.post(takes);
        self
    }

    /// With something around this one's answers.
    pub(super) fn within(mut self, wrap: impl FnOnce(MethodRouter<S>) -> MethodRouter<S>) -> Self {
        self.answers = wrap(self.answers);
        self
    }
}

/// These ways, each below each of the prefixes.
pub(super) fn router<S>(start: Router<S>, routes: Vec<Route<S>>, prefixes: &[&str]) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes.into_iter().fold(start, |router, route| {
        prefixes.iter().fold(router, |router, prefix| {
            let path = format!("{prefix}{}", route.way.path);
            router.route(&path, route.answers.clone())
        })
    })
}

/// The ways of a list.
pub(super) fn ways<S>(routes: Vec<Route<S>>) -> Vec<Way> {
    routes.into_iter().map(|route| route.way).collect()
}
