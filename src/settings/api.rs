//! `[api]`: where other programs hand in records by HTTP, and how much of it.
//!
//! Text in, values out. Tokens don't stand in settings: `fondly token` keeps them in the store.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::sections::{clash, socket};
use super::sources::{AttrType, types};
use super::{Console, Public, Source};
use crate::model::tables::{Table, Value, plain_name};

/// The source's name unless it is given another.
const SOURCE: &str = "api";
/// Requests a minute that one token may make unless the settings say otherwise.
const PER_MINUTE: u32 = 600;
/// More than anybody needs, with up to a thousand records in each.
const MOST_PER_MINUTE: u32 = 60_000;

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Where it listens.
    pub bind: SocketAddr,
    /// A web server with TLS stands in front, so that it may listen beyond this machine.
    pub behind_tls: bool,
    /// The name of what comes in by tokens without a source of their own.
    pub source: String,
    /// The types of the business's own attributes, by name without `attr.`; of the rest the type is
    /// that of the JSON value.
    pub types: BTreeMap<String, AttrType>,
    /// Requests a minute that one token may make.
    pub per_minute: u32,
}

/// What the other sections say that matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) public: Option<&'a Public>,
    pub(super) console: Option<&'a Console>,
    pub(super) sources: &'a [Source],
}

/// Reads `[api]`.
pub(super) fn api(mut table: Table<'_>, beside: Beside<'_>) -> Option<Api> {
    let bind = table.require("bind", "\"127.0.0.1:8427\"");
    let address = bind.as_ref().and_then(|v| v.read(socket));
    let behind_tls = table.get("behind_tls").map(|v| v.yes_no());
    let behind_tls = behind_tls.unwrap_or(Some(false));
    let source = table.get("source");
    let name = source.as_ref().map(|v| v.read(plain_name));
    let name = name.unwrap_or_else(|| Some(SOURCE.to_owned()));
    let types = table.get("types").map(|v| types(&v));
    let pace = table.get("per_minute");
    let pace = pace.map(|v| v.whole(1..=MOST_PER_MINUTE));
    if let Some((bind, address)) = bind.as_ref().zip(address) {
        its_own_address(bind, address, beside);
        if behind_tls == Some(false) && !address.ip().is_loopback() {
            not_in_the_clear(bind, address);
        }
    }
    if let Some(name) = &name
        && beside.sources.iter().any(|known| known.name == *name)
    {
        let message = format!("there is a [[source]] `{name}` already");
        let help = "give what comes in by HTTP a `source` name of its own";
        match &source {
            Some(value) => value.complain(message, Some(help.to_owned())),
            None => table.complain(&message, help),
        }
    }
    table.finish(&[]);
    Some(Api {
        bind: address?,
        behind_tls: behind_tls?,
        source: name?,
        types: types.unwrap_or_default(),
        per_minute: pace.unwrap_or(Some(PER_MINUTE))?,
    })
}

/// What customers reach must never lead here.
fn its_own_address(bind: &Value<'_>, address: SocketAddr, beside: Beside<'_>) {
    let taken = [
        ("[public]", beside.public.map(|public| public.bind)),
        ("[console]", beside.console.map(|console| console.bind)),
    ];
    for (section, theirs) in taken {
        if theirs.is_some_and(|theirs| clash(theirs, address)) {
            let help = "give each a port of its own";
            bind.complain(format!("{section} has this address"), Some(help.to_owned()));
        }
    }
}

fn not_in_the_clear(bind: &Value<'_>, address: SocketAddr) {
    let message = format!(
        "`{address}` is reached from other machines, and tokens and records would travel readable"
    );
    let help = "keep to 127.0.0.1; or put a web server with TLS in front and add \
                `behind_tls = true`";
    bind.complain(message, Some(help.to_owned()));
}
