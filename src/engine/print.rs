//! The print of a configuration folder: tells whether anything in it was changed since it was read.
//!
//! It goes by what the readers of the folder themselves would list, so that what they leave alone is
//! no edit. May not know what stands in the files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::render::{Catalogue, Phrases};
use crate::rules;
use crate::settings::{Key, Settings, Transport, without_line_end};

/// A hash over everything that counts. What can't be read counts as empty here; reading it properly
/// says why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Print {
    folder: [u8; 32],
    /// A new password is an edit, too; a token is read for each login anyway.
    passwords: [u8; 32],
}

impl Print {
    /// Of the folder before it is read. What changes while it is being read makes another print, and
    /// so it is read once more.
    pub(super) fn before_reading(config: &Path) -> Self {
        Self {
            folder: of_folder(config).0,
            passwords: [0; 32],
        }
    }

    /// The same, with the passwords that were read.
    pub(super) fn and_read(self, settings: &Settings) -> Self {
        let read = passwords(settings).map(|(_, password)| password.to_owned());
        let passwords = hash(read.map(String::into_bytes));
        Self { passwords, ..self }
    }

    /// As it is now, and when any of it was changed last; these settings say where passwords are.
    pub(super) fn now(config: &Path, settings: &Settings) -> (Self, Option<SystemTime>) {
        let (folder, mut latest) = of_folder(config);
        let there = passwords(settings).map(|(file, _)| {
            latest = latest.max(changed_at(file));
            let text = std::fs::read_to_string(file).unwrap_or_default();
            without_line_end(&text).as_bytes().to_vec()
        });
        let passwords = hash(there);
        (Self { folder, passwords }, latest)
    }
}

fn of_folder(config: &Path) -> ([u8; 32], Option<SystemTime>) {
    let folder = config.parent().unwrap_or(Path::new(""));
    let mut files = vec![config.to_owned(), folder.join("local.toml")];
    let mut latest = None;
    let parts = [
        ("rules", rules::files as fn(&Path) -> _),
        ("templates", Catalogue::files),
        ("holidays", rules::files),
        ("words", Phrases::files),
    ];
    for (name, listed) in parts {
        let dir = folder.join(name);
        latest = latest.max(changed_at(&dir));
        files.extend(listed(&dir).unwrap_or_default());
    }
    let parts = files.into_iter().flat_map(|file: PathBuf| {
        latest = latest.max(changed_at(&file));
        let bytes = std::fs::read(&file).unwrap_or_default();
        [file.into_os_string().into_encoded_bytes(), bytes]
    });
    (hash(parts), latest)
}

/// The passwords that were read, and their files.
fn passwords(settings: &Settings) -> impl Iterator<Item = (&Path, &str)> {
    let relays = match &settings.mail.transport {
        Transport::Smtp(relays) => relays.as_slice(),
        Transport::File { .. } => &[],
    };
    let logins = relays.iter().filter_map(|relay| relay.login.as_ref());
    logins.filter_map(|login| match &login.key {
        Key::Password { file, password } => Some((file.as_path(), password.reveal())),
        Key::TokenFile(_) => None,
    })
}

fn hash(parts: impl Iterator<Item = Vec<u8>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|about| about.modified())
        .ok()
}
