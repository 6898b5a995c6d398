//! `[mail]` and `[mail.smtp]`: how mail leaves.
//!
//! May not know mailboxes or the network; [`super::login`] reads the password.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::limits::{self, DomainLimit};
use super::login::{Login, login};
use super::{resolved, veil};
use crate::model::tables::{Notes, Table, Value};

/// `[mail]`.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Where it goes.
    pub transport: Transport,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum Transport {
    /// As `.eml` files.
    File {
        /// The folder, absolute.
        dir: PathBuf,
    },
    /// To one relay, or to the first of several that works.
    Smtp(Vec<Smtp>),
}

/// `[mail.smtp]`, or one of the `[[mail.relay]]`.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// The relay's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// With which account, if any.
    pub login: Option<Login>,
    /// Connections at once.
    pub connections: u32,
    /// Messages a second, at most.
    pub per_second: u32,
    /// Letters to one mail domain within a time, at most; by domain, in ASCII.
    pub per_domain: BTreeMap<String, DomainLimit>,
    /// What becomes of a message of which nobody knows whether it went out.
    pub when_unknown: WhenUnknown,
    /// A file of certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Smtp {
    /// Host and port: which relay it is.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// How the connection to the relay is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, or nothing is sent.
    StartTls,
    /// Not at all; only to this machine.
    None,
}

impl Security {
    /// As settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// What becomes of a message of which nobody knows whether it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnknown {
    /// A person decides.
    Hold,
    /// It is sent again; only for a relay that drops repeated Message-IDs.
    Resend,
}

impl WhenUnknown {
    /// As settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Resend => "resend",
        }
    }
}

/// Enough for any relay that we would be welcome at.
const DEFAULT_CONNECTIONS: u32 = 4;
const MOST_CONNECTIONS: u32 = 100;
const DEFAULT_PER_SECOND: u32 = 10;
const MOST_PER_SECOND: u32 = 10_000;

/// Where files are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folders<'a> {
    /// The folder that holds `fondly.toml`.
    pub(super) settings: &'a Path,
    /// systemd's credentials, when it runs us.
    pub(super) credentials: Option<&'a Path>,
}

/// What a relay's section can't tell of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) folders: Folders<'a>,
    /// Letters go there.
    pub(super) used: bool,
    /// From 1.
    pub(super) number: usize,
}

/// Reads `[mail]`.
pub(super) fn mail(mut table: Table<'_>, folders: Folders<'_>, notes: &Notes) -> Option<Mail> {
    let smtp_used = table
        .get("transport")
        .and_then(|v| v.one_of(&[("file", false), ("smtp", true)]));
    let dir = table.get("dir").and_then(|v| v.text());
    let about = |number| About {
        folders,
        used: smtp_used == Some(true),
        number,
    };
    let smtp = match (table.table("smtp"), table.get("relay"), smtp_used) {
        (Some(section), None, _) => smtp(section, about(1)).map(|one| vec![one]),
        (Some(_), Some(several), _) => {
            let message = "there is `[mail.smtp]` as well as `[[mail.relay]]`";
            let help =
                "head each of them with `[[mail.relay]]`, in the order in which they are tried";
            several.complain_of_key(message, help);
            None
        }
        (None, Some(several), _) => relays(&several, about),
        (None, None, Some(true)) => {
            let message = "`mail.transport` is `smtp`, but there is no `[mail.smtp]`";
            let help = "add `[mail.smtp]` with `host = \"smtp.example.net\"`";
            notes.add(table.place(), message, Some(help.to_owned()));
            None
        }
        (None, None, _) => None,
    };
    table.finish(&[]);
    let transport = if smtp_used? {
        Transport::Smtp(smtp?)
    } else {
        let dir = resolved(folders.settings, dir?);
        Transport::File { dir }
    };
    Some(Mail { transport })
}

/// Reads all `[[mail.relay]]`.
fn relays<'a>(several: &Value<'_>, about: impl Fn(usize) -> About<'a>) -> Option<Vec<Smtp>> {
    let sections = several.tables("[[mail.relay]]")?;
    if sections.is_empty() {
        let help = "name one, or take `relay` out".to_owned();
        several.complain("this list names no mail server", Some(help));
        return None;
    }
    let mut relays: Vec<Smtp> = Vec::new();
    let mut all = true;
    for (at, mut section) in sections.into_iter().enumerate() {
        let host = section.get("host");
        let Some(relay) = smtp(section, about(at + 1)) else {
            all = false;
            continue;
        };
        let name = relay.name();
        if let Some(host) = host
            && relays.iter().any(|known| known.name() == name)
        {
            let help = "name each server once; one more login at the same is no other server";
            let message = format!("there is another `[[mail.relay]]` at {name}");
            host.complain(message, Some(help.to_owned()));
        }
        relays.push(relay);
    }
    all.then_some(relays)
}

/// A section that isn't used is checked all the same, but its files are left alone.
fn smtp(mut table: Table<'_>, about: About<'_>) -> Option<Smtp> {
    let About { folders, used, .. } = about;
    let host_value = table.require("host", "\"smtp.example.net\"");
    let host = host_value.as_ref().and_then(|v| v.read(host_name));
    let port = table.get("port").and_then(|v| v.whole(1..=65_535));
    let security_value = table.get("security");
    let security = security_value.as_ref().map_or(Some(Security::Tls), |v| {
        v.one_of(&[
            ("tls", Security::Tls),
            ("starttls", Security::StartTls),
            ("none", Security::None),
        ])
    });
    if let (Some(value), Some(Security::None), Some(host)) = (&security_value, security, &host)
        && !is_loopback(host)
    {
        let help = "write `tls` or `starttls`; `none` is only for a relay on this machine";
        let message = format!("mail to `{host}` would travel in the clear");
        value.complain(message, Some(help.to_owned()));
    }
    let login = login(&mut table, about);
    let connections = table.get("connections");
    let connections = connections.and_then(|v| v.whole(1..=MOST_CONNECTIONS));
    let per_second = table.get("per_second");
    let per_second = per_second.and_then(|v| v.whole(1..=MOST_PER_SECOND));
    let per_domain = table.get("per_domain");
    let per_domain = per_domain.map(|value| limits::per_domain(&value));
    let when_unknown = table
        .get("when_unknown")
        .and_then(|v| v.one_of(&[("hold", WhenUnknown::Hold), ("resend", WhenUnknown::Resend)]));
    let ca_file = table.get("ca_file").and_then(|value| {
        let path = resolved(folders.settings, value.text()?);
        if used && !path.is_file() {
            let message = format!("there is no file {}", path.display());
            value.complain(message, Some("name a file of PEM certificates".to_owned()));
        }
        Some(path)
    });
    table.finish(&[]);
    let security = security?;
    Some(Smtp {
        host: host?,
        port: port.map_or(Some(security.usual_port()), |n| u16::try_from(n).ok())?,
        security,
        login,
        connections: connections.unwrap_or(DEFAULT_CONNECTIONS),
        per_second: per_second.unwrap_or(DEFAULT_PER_SECOND),
        per_domain: per_domain.unwrap_or_default(),
        when_unknown: when_unknown.unwrap_or(WhenUnknown::Hold),
        ca_file,
    })
}

fn host_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || "-.:".contains(c);
    if text.chars().all(fits) && !text.contains("://") {
        return Ok(text.to_owned());
    }
    let shown = veil::address(text);
    Err(format!(
        "`{shown}` is no host; write a name such as `smtp.example.net`, without a scheme or path"
    ))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
