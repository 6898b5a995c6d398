//! The console: what the owner sees and decides.
//!
//! Pages are made here on the server, work without a script, and load nothing from anywhere else. GET
//! changes nothing; what a person decides comes by POST, from our own pages only, is kept in the store by
//! the engine, and is noted with who said so. May not decide anything by itself, nor show a word of a
//! record that a browser would take for more than words.
//!
//! [`access`] says who may come in, [`mod@routes`] what there is, [`show`] makes pages; every page has a
//! file. Answers that take long (the forecast, who has gone quiet) are worked out once for everybody
//! and kept for a while in [`slow`].

mod access;
mod ahead;
mod attempts;
mod between;
mod chart;
mod customer;
mod entry;
mod file;
mod health;
mod held;
mod ledger;
mod login;
mod missing;
mod opinions;
mod people;
mod routes;
mod rules;
mod show;
mod slow;
mod source;
mod sources;
mod today;
mod trouble;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use minijinja::context;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::door::ReviewError;
use super::pulse::Pulse;
use crate::engine::House;
use crate::engine::forecast::Forecast;
use crate::engine::quiet::Quiet;
use crate::engine::results::RuleResult;
use crate::settings;
use crate::store::DayCount;
use access::Visit;
use attempts::Attempts;
use show::Pages;
use slow::Slow;
use trouble::Trouble;

pub(super) use routes::{routes, ways};

/// Passwords that are looked at at once: each takes 19 MiB and much of a core.
const PASSWORDS: usize = 2;

/// A page, or why there is none.
type Answer = Result<Response<Body>, Trouble>;

/// What answers need.
#[derive(Debug)]
pub(super) struct Console {
    house: Mutex<Arc<House>>,
    pulse: Arc<Pulse>,
    settings: settings::Console,
    pages: Pages,
    attempts: Attempts,
    passwords: Semaphore,
    ahead: Slow<Forecast>,
    missing: Slow<Vec<Quiet>>,
    results: Slow<Vec<RuleResult>>,
    days: Slow<Vec<DayCount>>,
    quality: Slow<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Console {
    /// As the settings have it.
    ///
    /// # Errors
    /// Nobody could sign in where everybody has to, or the store's trouble.
    pub(super) async fn open(
        house: &Arc<House>,
        pulse: &Arc<Pulse>,
        settings: &settings::Console,
    ) -> Result<Arc<Self>, ReviewError> {
        if settings.needs_login() {
            let users = house.store.users().await;
            if users.map_err(crate::engine::EngineError::from)?.is_empty() {
                return Err(ReviewError::NoUser);
            }
        }
        Ok(Arc::new(Self {
            house: Mutex::new(Arc::clone(house)),
            pulse: Arc::clone(pulse),
            settings: settings.clone(),
            pages: Pages::new()?,
            attempts: Attempts::default(),
            passwords: Semaphore::new(PASSWORDS),
            ahead: Slow::default(),
            missing: Slow::default(),
            results: Slow::default(),
            days: Slow::default(),
            quality: Slow::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// The business as it is at work now.
    fn house(&self) -> Arc<House> {
        Arc::clone(&self.house.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A page with its frame.
    fn page(&self, visit: &Visit, name: &str, page: &serde_json::Value) -> Answer {
        let house = self.house();
        let section = name.trim_end_matches(".html");
        let section = match section {
            "day" => "ahead",
            "entry" | "customer" => "ledger",
            "rule" => "rules",
            "batch" => "held",
            "source" => "sources",
            other => other,
        };
        let frame = context! {
            style => show::STYLE_PATH.as_str(),
            business => &house.plans.settings.business.name,
            zone => &house.policy().zone_name,
            section => section,
            who => visit.token.as_ref().map(|_| &visit.who),
            decides => visit.may_decide(),
            now => words::moment(house.clock.now(), &house.policy().zone),
        };
        let page = minijinja::Value::from(minijinja::value::Serde(page));
        let page = self.pages.render(name, context! { frame, page })?;
        Ok(show::html(StatusCode::OK, page))
    }

    fn now(&self) -> Timestamp {
        self.house().clock.now()
    }

    /// From now on shows these plans.
    pub(super) fn in_force(&self, house: &Arc<House>) {
        let mut known = self.house.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known, house) {
            *known = Arc::clone(house);
            self.ahead.forget();
            self.missing.forget();
            self.results.forget();
        }
    }

    /// Ends what is still being worked out: nobody waits for it any more.
    pub(super) fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
    }
}
