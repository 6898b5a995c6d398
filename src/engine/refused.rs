//! What `fondly run` would refuse at its start, said by `fondly check` before.
//!
//! May not listen where anybody could come in.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{EngineError, House};
use crate::settings::Console;

/// Everything that can be known of it beforehand, each with what to do.
pub(super) async fn at_start(house: &House) -> Result<Vec<String>, EngineError> {
    let settings = &house.plans.settings;
    let doors = [
        (
            "[public]",
            settings.public.as_ref().map(|public| public.bind),
        ),
        ("[api]", settings.api.as_ref().map(|api| api.bind)),
        ("[console]", settings.console.as_ref().map(|door| door.bind)),
    ];
    let mut refused: Vec<String> = doors
        .into_iter()
        .filter_map(|(section, bind)| Some((section, bind?)))
        .filter(|(_, bind)| is_elsewhere(*bind))
        .map(|(section, bind)| {
            format!(
                "{section} bind = \"{bind}\": this machine has no address {}, so `fondly run` won't \
                 start; 127.0.0.1 is always there",
                bind.ip()
            )
        })
        .collect();
    let needs_login = settings.console.as_ref().is_some_and(Console::needs_login);
    if needs_login && house.store.users().await?.is_empty() {
        refused.push(
            "[console] asks everybody to sign in, and nobody can yet, so `fondly run` won't start: \
             `fondly console-user add NAME --role owner` makes the first user"
                .to_owned(),
        );
    }
    Ok(refused)
}

/// Whether the address isn't this machine's. Nobody is heard by asking so, and whoever listens there
/// goes on.
fn is_elsewhere(bind: SocketAddr) -> bool {
    let asked = UdpSocket::bind(SocketAddr::new(bind.ip(), 0));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}
