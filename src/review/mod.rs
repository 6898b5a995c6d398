//! REVIEW: what people and programs reach by web. So far the public side (the page behind a letter's
//! unsubscribe link, and a sign of life), and the way in for records that other programs send.
//!
//! May use the store and the engine, never a relay; decides nothing about letters. Shows nothing of
//! any customer, and answers a forged link as it answers a real one. Each side has a listener of its
//! own, so that a web server that shows one to the world doesn't show the other. A web server with
//! TLS stands in front.
//!
//! [`open`] listens where the settings say; [`door`] bounds who may come in and for how long,
//! [`routes`] answers customers and [`api`] programs, [`Pulse`] is what the daemon tells of itself,
//! [`unsubscribe`] notes what a customer asked for.

mod api;
mod door;
mod pages;
mod pulse;
mod routes;
mod unsubscribe;
mod words;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::House;
use api::Counter;
use door::Door;
use routes::Desk;

pub use door::ReviewError;
pub use pulse::Pulse;

/// Customers who look at the public pages at once; more wait outside.
const MOST_CUSTOMERS: usize = 128;
/// Programs that send at once; each may have a whole request in memory.
const MOST_PROGRAMS: usize = 32;

/// All doors that are open; they close by themselves when the stop is raised.
#[derive(Debug, Default)]
pub struct OpenDoors {
    public: Option<(Door, Arc<Desk>)>,
    api: Option<(Door, Arc<Counter>)>,
}

impl OpenDoors {
    /// Closes them, and waits until everybody has their answer, and every click and record is kept,
    /// or their time is over.
    pub async fn close(self) {
        if let Some((door, counter)) = self.api {
            door.close().await;
            counter.close().await;
        }
        if let Some((door, desk)) = self.public {
            door.close().await;
            desk.clicks.close().await;
        }
    }
}

/// Listens where `[public]` and `[api]` say, as far as the settings have them.
///
/// # Errors
/// An address that can't be listened on.
pub async fn open(
    house: &Arc<House>,
    pulse: &Arc<Pulse>,
    stop: &CancellationToken,
) -> Result<OpenDoors, ReviewError> {
    let mut doors = OpenDoors::default();
    if let Some(public) = &house.plans.settings.public {
        let desk = Arc::new(Desk::new(house, pulse));
        let routes = routes::routes(&desk, &public.base_url);
        let at = ("[public]", public.bind);
        let door = Door::open(at, routes, MOST_CUSTOMERS, stop).await?;
        let address = door.address;
        tracing::info!(%address, base_url = public.base_url, "customers can unsubscribe");
        doors.public = Some((door, desk));
    }
    if let Some(api) = &house.plans.settings.api {
        let counter = Arc::new(Counter::new(house, api)?);
        let routes = api::routes(&counter);
        let door = Door::open(("[api]", api.bind), routes, MOST_PROGRAMS, stop).await?;
        let address = door.address;
        tracing::info!(%address, "other programs can send records");
        doors.api = Some((door, counter));
    }
    Ok(doors)
}
