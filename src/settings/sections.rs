//! The merged tree -> typed settings, section by section, or everything that is wrong with them.
//!
//! May not know layers, nor the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use lettre::Address;
use lettre::message::Mailbox;

use super::api::{self, Beside};
use super::mail::{self, Folders};
use super::{
    Business, Public, Schedule, Settings, Store, console, resolved, retention, sending, sources,
    veil,
};
use crate::model::Finding;
use crate::model::address::spoken;
use crate::model::tables::{Homes, Item, Notes, Table, Value, nearest};

/// Keys that people put into a wrong section.
const HOMES: Homes = &[
    ("owner", "under `[business]`"),
    ("postal_address", "under `[business]`"),
    ("timezone", "under `[business]`"),
    ("reply_to", "under `[business]`"),
    ("transport", "under `[mail]`"),
    ("host", "under `[mail.smtp]`"),
    ("port", "under `[mail.smtp]`"),
    ("security", "under `[mail.smtp]`"),
    ("username", "under `[mail.smtp]`"),
    (
        "password",
        "into a file of its own, which `password_file` under `[mail.smtp]` names",
    ),
    ("password_file", "under `[mail.smtp]`"),
    ("token_file", "under `[mail.smtp]`"),
    ("per_second", "under `[mail.smtp]`"),
    ("per_domain", "under `[mail.smtp]`"),
    ("quiet_hours", "under `[sending]`"),
    ("caps", "under `[sending]`"),
    ("live_from", "under `[sending]`"),
    ("max_per_rule_per_day", "under `[guard]`"),
    ("max_share", "under `[guard]`"),
    ("ledger_text", "under `[retention]`"),
    ("copies", "under `[retention]`"),
    ("sources", "in the singular: `[[source]]`"),
    ("smtp", "under `[mail]`: `[mail.smtp]`"),
    ("relay", "under `[mail]`: `[[mail.relay]]`"),
    ("base_url", "under `[public]`"),
    ("behind_tls", "under `[api]`"),
    ("per_minute", "under `[api]`"),
];

/// Reads all sections.
pub(super) fn settings(
    merged: &Item,
    folder: &Path,
    credentials: Option<&Path>,
) -> Result<Settings, Vec<Finding>> {
    let notes = Notes::new(HOMES);
    let settings = read(merged, folder, credentials, &notes);
    let findings = notes.into_findings();
    match settings {
        Some(settings) if findings.is_empty() => Ok(settings),
        _ => Err(findings),
    }
}

fn read(
    merged: &Item,
    folder: &Path,
    credentials: Option<&Path>,
    notes: &Notes,
) -> Option<Settings> {
    let mut top = Table::root(merged, notes);
    let folders = Folders {
        settings: folder,
        credentials,
    };
    let (business, zone) = business(top.table_or_empty("business"));
    let store = store(top.table_or_empty("store"), folder);
    let mail = mail::mail(top.table_or_empty("mail"), folders, notes);
    let schedule = schedule(top.table_or_empty("schedule"));
    let guard = sending::guard(top.table_or_empty("guard"));
    let policy = sending::policy(top.table_or_empty("sending"), guard, zone);
    let retention = retention::retention(top.table_or_empty("retention"));
    let sources = top.get("source").map(|v| sources::sources(&v, folder));
    let public = top.table("public").map(public);
    let customers = public.as_ref().and_then(Option::as_ref);
    let customers = customers.map(|public| public.bind);
    let console = top.table("console");
    let console = console.map(|table| console::console(table, customers));
    let api = top.table("api").map(|table| {
        let beside = Beside {
            public: public.as_ref().and_then(Option::as_ref),
            console: console.as_ref().and_then(Option::as_ref),
            sources: sources.as_deref().unwrap_or_default(),
        };
        api::api(table, beside)
    });
    top.finish(&[]);
    let business = business?;
    let mut policy = policy?;
    policy.owner = business.owner.first().map(|owner| owner.email.to_string());
    Some(Settings {
        folder: folder.to_owned(),
        business,
        store: store?,
        mail: mail?,
        schedule: schedule?,
        policy,
        retention,
        sources: sources.unwrap_or_default(),
        public: match public {
            Some(public) => Some(public?),
            None => None,
        },
        console: match console {
            Some(console) => Some(console?),
            None => None,
        },
        api: match api {
            Some(api) => Some(api?),
            None => None,
        },
    })
}

/// `[business]` and its zone, by name and as a zone.
fn business(mut table: Table<'_>) -> (Option<Business>, Option<(String, TimeZone)>) {
    let name = table.require("name", "\"Thorn & Rose\"");
    let name = name.and_then(|v| v.read(one_line));
    let from = table.require("from", "\"Thorn & Rose <hello@thorn.example>\"");
    let from = from.and_then(|v| v.read(mailbox));
    let reply_to = table.get("reply_to").and_then(|v| v.read(mailbox));
    let owner = table.get("owner").map(|v| mailboxes(&v));
    let postal_address = table.get("postal_address").and_then(|v| v.text());
    let zone = table.require("timezone", "\"Europe/London\"");
    let zone = zone.and_then(|v| v.read(time_zone));
    let language = table.get("language").and_then(|v| v.read(language));
    let mailto = table.get("unsubscribe_mailto");
    let unsubscribe_mailto = mailto.and_then(|v| v.read(address));
    table.finish(&[]);
    let business = name
        .zip(from)
        .zip(language)
        .map(|((name, from), language)| Business {
            name,
            from,
            reply_to,
            owner: owner.unwrap_or_default(),
            postal_address: postal_address.map(|text| text.trim().to_owned()),
            language,
            unsubscribe_mailto,
        });
    (business, zone)
}

fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("this must be a single line; take out the line break".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wanted = "write `hello@thorn.example` or `Thorn & Rose <hello@thorn.example>`, \
                  with the name in inner quotes where it holds a comma or a dot";
    let mailbox = text.parse::<Mailbox>().ok();
    let mut mailbox = mailbox
        .filter(|_| !text.chars().any(char::is_control))
        .ok_or_else(|| format!("`{text}` is no mail address; {wanted}"))?;
    mailbox.email = everywhere(mailbox.email)?;
    Ok(mailbox)
}

/// The business's own addresses have to work with every mail server.
fn everywhere(address: Address) -> Result<Address, String> {
    let address = spoken(address);
    if address.user().is_ascii() {
        return Ok(address);
    }
    Err(format!(
        "`{address}` has letters before the `@` that many mail servers don't take; \
         use an address without accents there"
    ))
}

fn address(text: &str) -> Result<Address, String> {
    let address = text.parse().map_err(|_| {
        format!("`{text}` is no bare mail address; write one such as `unsubscribe@thorn.example`")
    })?;
    everywhere(address)
}

fn mailboxes(value: &Value<'_>) -> Vec<Mailbox> {
    let items = value.list("[\"anna@thorn.example\"]").unwrap_or_default();
    items.iter().filter_map(|item| item.read(mailbox)).collect()
}

pub(super) fn time_zone(text: &str) -> Result<(String, TimeZone), String> {
    if let Ok(zone) = TimeZone::get(text) {
        let name = zone.iana_name().unwrap_or(text).to_owned();
        return Ok((name, zone));
    }
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let help = match nearest(text, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a region and a city such as `Europe/London`".to_owned(),
    };
    Err(format!("there is no time zone `{text}`; {help}"))
}

/// The shape of a BCP 47 tag; which languages there are is for the templates to show.
fn language(text: &str) -> Result<String, String> {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or("");
    let fits = (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is no language; write its short tag such as `en` or `de-AT`"
    ))
}

fn store(mut table: Table<'_>, folder: &Path) -> Option<Store> {
    let path = table.get("url").and_then(|v| v.read(sqlite_path));
    table.finish(&[]);
    Some(Store {
        path: resolved(folder, path?.to_str()?),
    })
}

/// The file of `sqlite:../var/fondly.db`.
fn sqlite_path(url: &str) -> Result<PathBuf, String> {
    let wanted = "write one such as `sqlite:../var/fondly.db`";
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        // The URL may hold a password and isn't repeated.
        return Err(format!("PostgreSQL isn't supported yet; {wanted}"));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Err(format!("this is no address of a store; {wanted}"));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.contains(":memory:") || path.is_empty() || path.ends_with('/') {
        return Err(format!("a store must be a file that lasts; {wanted}"));
    }
    if path.contains(['?', '#']) {
        return Err(format!("options after `?` aren't taken; {wanted}"));
    }
    Ok(PathBuf::from(path))
}

fn schedule(mut table: Table<'_>) -> Option<Schedule> {
    let mut cron = |key| table.get(key).and_then(|v| v.read(cron));
    let (sync, tick) = (cron("sync"), cron("tick"));
    let digest = table.get("digest");
    let digest = digest.map(|v| v.read(|text| cron_or(NEVER, text)));
    table.finish(&[]);
    Some(Schedule {
        sync: sync?,
        tick: tick?,
        digest: digest.unwrap_or(Some(None))?,
    })
}

/// What turns a schedule off that may be.
const NEVER: &str = "none";

/// A schedule, or the word that turns it off.
fn cron_or(never: &str, text: &str) -> Result<Option<String>, String> {
    if text == never {
        return Ok(None);
    }
    match cron(text) {
        Ok(schedule) => Ok(Some(schedule)),
        Err(why) => Err(format!("{why}, or \"{never}\"")),
    }
}

fn cron(text: &str) -> Result<String, String> {
    let wanted = "write second, minute, hour, day, month and weekday such as `0 */5 * * * *`";
    let fields = text.split_whitespace().count();
    if fields != 6 {
        return Err(format!(
            "this has {fields} fields where a schedule has six; {wanted}"
        ));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .build();
    match parser.parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let why = error.to_string().replace("; ", ", ");
            Err(format!(
                "this is no schedule: {}; {wanted}",
                why.trim_end_matches('.')
            ))
        }
    }
}

fn public(mut table: Table<'_>) -> Option<Public> {
    let bind = table.require("bind", "\"127.0.0.1:8426\"");
    let bind = bind.and_then(|v| v.read(socket));
    let base_url = table.require("base_url", "\"https://care.thorn.example\"");
    let base_url = base_url.and_then(|v| v.read(https_url));
    table.finish(&[]);
    Some(Public {
        bind: bind?,
        base_url: base_url?,
    })
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is no address to listen on; write one with its port such as `127.0.0.1:8426`"
        )
    })
}

/// Whether only one of the two can be listened on. (With port 0 each gets one of its own.)
pub(super) fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

pub(super) fn https_url(text: &str) -> Result<String, String> {
    let wanted = "write one such as `https://care.thorn.example`";
    let Some(rest) = text.strip_prefix("https://") else {
        let shown = veil::address(text);
        return Err(format!("`{shown}` doesn't start with https://; {wanted}"));
    };
    let host = rest.split(['/', ':']).next().unwrap_or("");
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/:%[]".contains(c);
    if host.is_empty() || !rest.chars().all(fits) {
        let shown = veil::address(text);
        return Err(format!(
            "`{shown}` is no plain web address; {wanted}, without `?`, `#` or `@`"
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}
