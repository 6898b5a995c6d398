//! REVIEW: what people and programs reach by web: the owner's console, the public side (the pages behind
//! a letter's links, and a sign of life), and the way in for records that other programs send.
//!
//! May use the store and the engine, never a relay; decides nothing about letters. The public side
//! shows nothing of any customer, and answers a forged link as it answers a real one. Each side has a
//! listener of its own, so that a web server that shows one to the world doesn't show the other. A web
//! server with TLS stands in front of what the world reaches.
//!
//! [`open`] listens where the settings say; [`door`] bounds who may come in and for how long,
//! [`trail`] gives each request an id that its lines in the log bear, [`routes`] and [`care`] answer
//! customers, [`api`] programs and [`console`] the owner, [`Pulse`] is what the daemon tells of itself,
//! [`notes`] keeps what a customer said, in [`turns`].

mod api;
mod care;
mod console;
mod door;
mod notes;
mod pages;
mod pulse;
mod routes;
mod trail;
mod turns;
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::House;
use api::Counter;
use console::Console;
use door::{Door, Porter};
use routes::Desk;

pub use door::ReviewError;
pub use pulse::Pulse;
pub use ways::{Kind, Side, Way};

/// Customers who look at the public pages at once; more wait outside.
const MOST_CUSTOMERS: usize = 128;
/// Programs that send at once; each may have a whole request in memory.
const MOST_PROGRAMS: usize = 32;
/// Requests of the console at once; a browser makes several.
const MOST_OWNERS: usize = 32;

/// Every way in on this side.
pub fn ways(side: Side) -> Vec<Way> {
    match side {
        Side::Public => routes::ways(),
        Side::Api => api::ways(),
        Side::Console => console::ways(),
    }
}

/// All doors that are open; they close by themselves when the stop is raised.
#[derive(Debug, Default)]
pub struct OpenDoors {
    public: Option<(Door, Arc<Desk>)>,
    api: Option<(Door, Arc<Counter>)>,
    console: Option<(Door, Arc<Console>)>,
    /// Dropped when everybody is gone.
    porter: Option<Porter>,
}

impl OpenDoors {
    /// Where the console is, if anywhere.
    pub fn console(&self) -> Option<SocketAddr> {
        self.console.as_ref().map(|(door, _)| door.address)
    }

    /// From now on the public pages and the console show these plans, and records are taken in by
    /// them: an edit came into force.
    pub fn in_force(&self, house: &Arc<House>) {
        if let Some((_, desk)) = &self.public {
            desk.in_force(house);
        }
        if let Some((_, counter)) = &self.api {
            counter.in_force(house);
        }
        if let Some((_, console)) = &self.console {
            console.in_force(house);
        }
    }

    /// Closes them, and waits until everybody has their answer, and every click and record is kept,
    /// or their time is over.
    pub async fn close(self) {
        if let Some((door, console)) = self.console {
            door.close().await;
            console.close();
        }
        if let Some((door, counter)) = self.api {
            door.close().await;
            counter.close().await;
        }
        if let Some((door, desk)) = self.public {
            door.close().await;
            desk.notes.close().await;
        }
    }
}

/// Listens where `[public]`, `[api]` and `[console]` say, as far as the settings have them.
///
/// # Errors
/// An address that can't be listened on, or a console that nobody could sign in to.
pub async fn open(
    house: &Arc<House>,
    pulse: &Arc<Pulse>,
    stop: &CancellationToken,
) -> Result<OpenDoors, ReviewError> {
    let mut doors = OpenDoors::default();
    let settings = &house.plans.settings;
    if settings.public.is_none() && settings.api.is_none() && settings.console.is_none() {
        return Ok(doors);
    }
    let porter = doors
        .porter
        .insert(Porter::new().map_err(ReviewError::Threads)?);
    let Some(threads) = porter.handle().cloned() else {
        return Ok(doors);
    };
    if let Some(public) = &house.plans.settings.public {
        let desk = Arc::new(Desk::new(house, pulse)?);
        let routes = routes::routes(&desk, &public.base_url);
        let at = ("[public]", public.bind);
        let door = Door::open(at, routes, MOST_CUSTOMERS, (stop, &threads))?;
        let address = door.address;
        tracing::info!(%address, base_url = public.base_url, "customers can unsubscribe");
        doors.public = Some((door, desk));
    }
    if let Some(api) = &house.plans.settings.api {
        let counter = Arc::new(Counter::new(house, api)?);
        let routes = api::routes(&counter);
        let door = Door::open(("[api]", api.bind), routes, MOST_PROGRAMS, (stop, &threads))?;
        let address = door.address;
        tracing::info!(%address, "other programs can send records");
        doors.api = Some((door, counter));
    }
    if let Some(settings) = &house.plans.settings.console {
        let console = Console::open(house, pulse, settings).await?;
        let at = ("[console]", settings.bind);
        let door = Door::open(at, console::routes(&console), MOST_OWNERS, (stop, &threads))?;
        let (address, login) = (door.address, settings.needs_login());
        tracing::info!(%address, login, "the console is open");
        doors.console = Some((door, console));
    }
    Ok(doors)
}
