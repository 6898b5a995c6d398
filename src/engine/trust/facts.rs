//! What the machine, the clock and the outbox say of themselves, before anybody judges it.

use std::os::unix::ffi::OsStrExt as _;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::engine::{EngineError, House};
use crate::model::presence::{Machine, Presence};
use crate::settings::{self, Transport};
use crate::store::Around;

/// Where Linux tells its starts apart.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Where Linux tells machines apart.
const MACHINE: &str = "/etc/machine-id";
/// Letters in the outbox are looked at whose day is no longer ago than this before the last pass:
/// some wait for weeks until they go.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Letters asked about together.
const TOGETHER: usize = 512;
/// Characters of an entry's id.
const ID: usize = 16;

/// When the program was built.
pub(super) fn built() -> Timestamp {
    let seconds = env!("FONDLY_BUILT").parse();
    let built = seconds
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    built.unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Where a second witness stands. Root, who looks after a service by hand, looks where that keeps it.
pub(super) fn around(house: &House, presence: Option<&Presence>) -> Around {
    let known = presence.and_then(|presence| presence.elsewhere.clone());
    let elsewhere = settings::service_state()
        .or_else(|| known.filter(|folder| folder.is_dir()))
        .or_else(settings::own_state);
    Around {
        elsewhere,
        home: home(house),
        place: settings::faults().place,
    }
}

/// The store's place, by which a new one knows that another was there. Letters that are only written
/// to a folder are begun anew at will.
fn home(house: &House) -> Option<String> {
    if let Transport::File { .. } = house.plans.settings.mail.transport {
        return None;
    }
    let place = house.store.path().canonicalize().ok()?;
    let mut hash = Sha256::new();
    hash.update("fondly home\0");
    hash.update(place.as_os_str().as_bytes());
    Some(short(&hash.finalize()))
}

/// What the machine says of itself.
pub(super) fn machine(house: &House) -> Machine {
    if matches!(house.clock, Clock::Manual(_)) {
        return Machine::default();
    }
    let faults = settings::faults();
    let read = |path: &str| {
        let text = std::fs::read_to_string(path).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let more = std::time::Duration::from_secs(faults.up);
    let uptime = house
        .clock
        .uptime()
        .and_then(|uptime| uptime.checked_add(more));
    Machine {
        boot: faults.boot.or_else(|| read(BOOT)),
        uptime: uptime.and_then(|uptime| SignedDuration::try_from(uptime).ok()),
        id: faults
            .machine
            .or_else(|| read(MACHINE))
            .map(|id| print(house, &id)),
    }
}

/// A machine's own id is a secret of its own, says systemd: kept is only what can't be traced back.
fn print(house: &House, id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update("fondly machine\0");
    hash.update(house.store.id());
    hash.update(id);
    short(&hash.finalize())
}

fn short(digest: &[u8]) -> String {
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().chars().take(ID).collect()
}

/// How many letters lie in the outbox of which the store doesn't know that they were sent, and
/// nobody else does.
pub(super) async fn strangers(
    house: &House,
    presence: Option<&Presence>,
) -> Result<u64, EngineError> {
    let Transport::File { dir } = &house.plans.settings.mail.transport else {
        return Ok(0);
    };
    let io = |error| EngineError::File {
        what: format!("the outbox {}", dir.display()),
        error,
    };
    let from = presence.and_then(|presence| presence.at.checked_sub(LOOK_BACK).ok());
    let from = from.map(|from| house.today(from));
    let list = match std::fs::read_dir(dir) {
        Ok(list) => list,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => {
            // Letters that can't be written either wait there, with the system's words.
            tracing::warn!(dir = %dir.display(), %error, "what lies in the outbox can't be looked at");
            return Ok(0);
        }
    };
    let mut letters = Vec::new();
    for file in list {
        let file = file.map_err(io)?;
        if let Some((day, id)) = letter(&file.file_name().to_string_lossy())
            && from.is_none_or(|from| day >= from)
        {
            letters.push((id, file));
        }
    }
    let known_at = presence.and_then(|presence| presence.outbox_known_at);
    let mut strangers = 0;
    for some in letters.chunks(TOGETHER) {
        let ids: Vec<String> = some.iter().map(|(id, _)| id.clone()).collect();
        for stranger in house.store.strangers(&ids).await? {
            let file = some.iter().find(|(id, _)| *id == stranger);
            let made = file.and_then(|(_, file)| file.metadata().ok()?.modified().ok());
            let made = made.and_then(|made| Timestamp::try_from(made).ok());
            let is_known = made
                .zip(known_at)
                .is_some_and(|(made, known)| made <= known);
            strangers += u64::from(!is_known);
        }
    }
    Ok(strangers)
}

/// The due day and the id of the entry whose letter bears this name, if it is one.
fn letter(name: &str) -> Option<(Date, String)> {
    let name = name.strip_suffix(".eml")?;
    let (day, rest) = name.split_once('_')?;
    let (_, id) = rest.rsplit_once('_')?;
    let is_id = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((day.parse().ok()?, id.to_owned())).filter(|_| is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_told_from_other_files() {
        let name = "2026-11-24_birthday_1001_d10ff6603953a39e.eml";
        let (day, id) = letter(name).unwrap();
        assert_eq!(day.to_string(), "2026-11-24");
        assert_eq!(id, "d10ff6603953a39e");
        for other in [
            "alert_standstill_d10ff6603953a39e.eml",
            ".2026-11-24_birthday_1001_d10ff6603953a39e.part",
            "2026-11-24_birthday_1001_note.eml",
            "notes.txt",
        ] {
            assert_eq!(letter(other), None, "{other}");
        }
    }
}
