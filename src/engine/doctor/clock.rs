//! The clock, as far as anything can be held against it, and where the time zones come from.
//!
//! Whether the system keeps it by a time server isn't asked: no interface that is safe to use tells it
//! everywhere.

use std::path::Path;

use super::Check;
use crate::clock::Clock;
use crate::decide::explain;
use crate::engine::House;
use crate::engine::trust::{self, Look};

const NAME: &str = "clock";

/// Held against what the store has seen.
pub(super) fn told(house: &House, look: &Look) -> Check {
    if let Some(halt) = &look.clock {
        let found = format!("{} Nothing is sent.", halt.because);
        return Check::wrong(NAME, &found, halt.advice());
    }
    let zone = &house.policy().zone;
    let now = explain::moment(look.says, zone);
    Check::ok(
        NAME,
        &format!("It says {now}, which can be right; {}", zones()),
    )
}

/// Without a store to hold it against.
pub(super) fn alone(clock: &Clock) -> Check {
    let zone = jiff::tz::TimeZone::UTC;
    if let Some(halt) = trust::clock_alone(clock, &zone) {
        return Check::wrong(NAME, &halt.because, halt.advice());
    }
    let now = explain::moment(clock.says(), &zone);
    Check::ok(
        NAME,
        &format!("It says {now}, which may be right; {}", zones()),
    )
}

/// Where the rules of time zones come from.
fn zones() -> String {
    let known = format!("{:?}", jiff::tz::db());
    let Some(folder) = folder(&known) else {
        return "time zones are those that fondly brings along".to_owned();
    };
    let text = std::fs::read_to_string(Path::new(folder).join("tzdata.zi")).unwrap_or_default();
    let release = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# version "));
    match release {
        Some(release) => format!("time zones are the system's, of release {release}"),
        None => format!("time zones are the system's, in {folder}"),
    }
}

/// The library tells where it found them only in this form.
fn folder(known: &str) -> Option<&str> {
    known
        .split_once("ZoneInfo(")?
        .1
        .split_once(')')
        .map(|(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_zones_are_is_read_from_what_the_library_says() {
        let told = format!("{:?}", jiff::tz::TimeZoneDatabase::bundled());
        assert_eq!(folder(&told), None, "{told}");
        if Path::new("/usr/share/zoneinfo/Europe/London").exists() {
            let system = jiff::tz::TimeZoneDatabase::from_dir("/usr/share/zoneinfo").unwrap();
            assert_eq!(folder(&format!("{system:?}")), Some("/usr/share/zoneinfo"));
        }
    }
}
