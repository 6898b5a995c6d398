//! The layers of fondly.toml and the environment -> [`Settings`].
//!
//! The only reader of environment variables. May use `model` only; no store, no network.
//!
//! `environment` reads the variables; `layers` lays defaults, `fondly.toml`, `local.toml` and the environment over each other and
//! remembers where each value stands; `sections`, `mail`, `sending` and `sources` make typed values of them.
//! `least` reads what can be read while something else is broken.
//! A new setting is read in one of these, and shown in `shown`.

mod api;
mod console;
mod dropped;
mod environment;
mod layers;
mod least;
mod limits;
mod login;
mod mail;
mod place;
mod process;
mod retention;
mod secret;
mod sections;
mod sending;
mod shown;
mod sources;
mod veil;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lettre::Address;
use lettre::message::Mailbox;

use crate::model::Policy;
use crate::model::policy::Class;

pub use api::Api;
pub use console::Console;
pub use dropped::{After, Dropped};
pub use environment::Variables;
pub use layers::{load, load_with};
pub use least::{Least, load_least, load_least_with};
pub use limits::DomainLimit;
pub use login::{Key, Login, without_line_end};
pub use mail::{Mail, Security, Smtp, Transport, WhenUnknown};
pub use place::{Place, Sql};
pub use process::{Faults, LogWishes, faults, log_wishes, own_state, service_state, usual_place};
pub use retention::Retention;
pub use secret::Secret;
pub use sources::{AttrType, Feeds, Source};

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds `fondly.toml`, absolute.
    pub folder: PathBuf,
    /// Who writes.
    pub business: Business,
    /// Where the ledger is kept.
    pub store: Store,
    /// How mail leaves.
    pub mail: Mail,
    /// When the work is woken up.
    pub schedule: Schedule,
    /// What holds for every rule.
    pub policy: Policy,
    /// How long what isn't needed any more is kept.
    pub retention: Retention,
    /// Where the records come from.
    pub sources: Vec<Source>,
    /// What customers reach by web, if anything.
    pub public: Option<Public>,
    /// Where the owner's console is to be served, if anywhere.
    pub console: Option<Console>,
    /// Where other programs hand in records by HTTP, if anywhere.
    pub api: Option<Api>,
}

/// `[business]`; its zone stands in the policy.
#[derive(Debug, Clone)]
pub struct Business {
    /// What customers call it.
    pub name: String,
    /// The sender.
    pub from: Mailbox,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<Mailbox>,
    /// Who gets alerts and the digest; may be empty.
    pub owner: Vec<Mailbox>,
    /// The postal address, which stands below marketing and relationship mail.
    pub postal_address: Option<String>,
    /// The language of customers whose own isn't known: a BCP 47 tag.
    pub language: String,
    /// An address that takes unsubscriptions by mail.
    pub unsubscribe_mailto: Option<Address>,
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The SQLite file, absolute.
    pub path: PathBuf,
}

/// `[schedule]`: six-field cron expressions, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When the sources are read.
    pub sync: String,
    /// When due messages are looked for.
    pub tick: String,
    /// When the owners get their letter; `None` for never.
    pub digest: Option<String>,
}

/// `[public]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// Where the pages are served.
    pub bind: SocketAddr,
    /// How customers reach them: an https URL without a slash at its end.
    pub base_url: String,
}

impl Settings {
    /// The folder of rule files.
    pub fn rules_dir(&self) -> PathBuf {
        self.folder.join("rules")
    }

    /// The folder of the business's own words for what fondly writes.
    pub fn words_dir(&self) -> PathBuf {
        self.folder.join("words")
    }

    /// The folder of templates.
    pub fn templates_dir(&self) -> PathBuf {
        self.folder.join("templates")
    }

    /// The folder of the business's own dates.
    pub fn holidays_dir(&self) -> PathBuf {
        self.folder.join("holidays")
    }
}

/// Why real mail of these classes must not be sent, if there is a reason: one sentence each.
///
/// Files may always be written; service mail needs neither a postal address nor a way out.
pub fn live_sending_problems(settings: &Settings, in_use: &[Class]) -> Vec<String> {
    let needs_way_out = |class: &Class| matches!(class, Class::Marketing | Class::Relationship);
    if matches!(settings.mail.transport, Transport::File { .. })
        || !in_use.iter().any(needs_way_out)
    {
        return Vec::new();
    }
    let mut problems = Vec::new();
    if settings.business.postal_address.is_none() {
        problems.push(
            "marketing and relationship mail must bear a postal address; add `postal_address` \
             under `[business]`"
                .to_owned(),
        );
    }
    if settings.public.is_none() && settings.business.unsubscribe_mailto.is_none() {
        problems.push(
            "marketing and relationship mail needs a way to unsubscribe; add \
             `unsubscribe_mailto = \"unsubscribe@…\"` under `[business]`, or `[public]` with \
             `bind` and `base_url`"
                .to_owned(),
        );
    }
    problems
}

/// A path of the settings, made absolute: it starts at the folder that holds `fondly.toml`.
fn resolved(folder: &Path, path: &str) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            // The folder has no links left in it, so that `..` may be taken at its word.
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}
