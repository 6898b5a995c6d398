//! `[console]`: where the owner looks and decides, and whether by signing in.
//!
//! Text in, values out. Who may sign in doesn't stand in settings: `fondly console-user` keeps them
//! in the store.

use std::net::SocketAddr;

use super::sections::{clash, https_url, socket};
use crate::model::tables::Table;

/// `[console]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// Where it is served.
    pub bind: SocketAddr,
    /// How it is reached where a web server with TLS stands in front: an https URL without a path.
    pub base_url: Option<String>,
    /// Signing in is asked for on this machine, too.
    pub login: bool,
}

impl Console {
    /// Whether nobody gets in without signing in: always where other machines can reach it.
    pub fn needs_login(&self) -> bool {
        self.login || self.base_url.is_some() || !self.bind.ip().is_loopback()
    }

    /// The host in `base_url`, with its port where it has one.
    pub fn host(&self) -> Option<&str> {
        let url = self.base_url.as_deref()?;
        Some(url.strip_prefix("https://").unwrap_or(url))
    }
}

/// Reads `[console]`; `customers` is where `[public]` is served.
pub(super) fn console(mut table: Table<'_>, customers: Option<SocketAddr>) -> Option<Console> {
    let bind = table.require("bind", "\"127.0.0.1:8425\"");
    let address = bind.as_ref().and_then(|v| v.read(socket));
    let base_url = table.get("base_url");
    let base_url = base_url.map(|v| v.read(bare_url));
    let login = table.get("login").map(|v| v.yes_no());
    if let Some((bind, address)) = bind.as_ref().zip(address)
        && base_url.is_none()
        && !address.ip().is_loopback()
    {
        let message = format!(
            "`{address}` is reached from other machines, and passwords would travel readable"
        );
        let help = "keep to 127.0.0.1; or put a web server with TLS in front, and say how it is \
                    reached: `base_url = \"https://console.thorn.example\"`";
        bind.complain(message, Some(help.to_owned()));
    }
    if let Some((bind, address)) = bind.as_ref().zip(address)
        && customers.is_some_and(|theirs| clash(theirs, address))
    {
        let help = "give each a port of its own";
        bind.complain("[public] has this address", Some(help.to_owned()));
    }
    table.finish(&[]);
    Some(Console {
        bind: address?,
        base_url: match base_url {
            Some(url) => Some(url?),
            None => None,
        },
        login: login.unwrap_or(Some(false))?,
    })
}

/// The console's pages lie at the top.
fn bare_url(text: &str) -> Result<String, String> {
    let url = https_url(text)?;
    if url.trim_start_matches("https://").contains('/') {
        return Err(format!(
            "`{text}` has a path; give the console a host name of its own, such as \
             `https://console.thorn.example`"
        ));
    }
    Ok(url.to_ascii_lowercase())
}
