//! What the environment says besides settings: where they are, how to log, and which faults to
//! make in tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::observe::LogFormat;

/// Looked at first.
const HERE: &str = "config/fondly.toml";
/// Where an installed service keeps it.
const INSTALLED: &str = "/etc/fondly/fondly.toml";

/// Where `fondly.toml` is when nobody says.
pub fn usual_place() -> PathBuf {
    let found = [HERE, INSTALLED]
        .into_iter()
        .find(|place| Path::new(place).exists());
    PathBuf::from(found.unwrap_or(HERE))
}

/// A folder of the service's for what has to be kept apart from the store: the last that systemd
/// names.
pub fn service_state() -> Option<PathBuf> {
    let folders = variable("STATE_DIRECTORY")?;
    folders.rsplit(':').next().map(PathBuf::from)
}

/// The same of whoever runs the program by hand.
pub fn own_state() -> Option<PathBuf> {
    let own = variable("XDG_STATE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".local/state"));
    own.or_else(home).map(|folder| folder.join("fondly"))
}

/// How the user wants to be told what happens.
#[derive(Debug, Clone, Default)]
pub struct LogWishes {
    /// `FONDLY_LOG_FORMAT`: `text` or `json`.
    pub format: LogFormat,
    /// `FONDLY_LOG`: such as `debug` or `fondly=trace`.
    pub filter: Option<String>,
}

/// Reads `FONDLY_LOG` and `FONDLY_LOG_FORMAT`.
pub fn log_wishes() -> LogWishes {
    let json = variable("FONDLY_LOG_FORMAT").is_some_and(|format| format == "json");
    LogWishes {
        format: if json {
            LogFormat::Json
        } else {
            LogFormat::Text
        },
        filter: variable("FONDLY_LOG"),
    }
}

/// Faults that tests ask for, so that it can be shown what becomes of them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// `FONDLY_FAULT=panic-in-pass:N`: the N-th pass of `run` panics.
    panic_in_pass: Option<u64>,
    /// `FONDLY_FAULT=clock-off:FILE`: the clock is off by as many seconds as the file says.
    pub clock_off: Option<PathBuf>,
    /// `FONDLY_FAULT=machine:NAME`: it is another machine.
    pub machine: Option<String>,
    /// `FONDLY_FAULT=place:NAME`: files that were laid out anew are the same ones.
    pub place: Option<String>,
    /// `FONDLY_FAULT=boot:NAME`: it was started again …
    pub boot: Option<String>,
    /// `FONDLY_FAULT=up:SECONDS`: … and has been up for so much longer than it says.
    pub up: u64,
    /// `FONDLY_FAULT=end-at:NAME:N`: the process ends when the moment of that name is reached for
    /// the N-th time.
    pub end_at: Option<(String, u64)>,
    /// `FONDLY_FAULT=panic-for:STEP:CUSTOMER`: what is done for this customer panics at this step.
    pub panic_for: Option<String>,
    /// `FONDLY_FAULT=slow-commit:Nms`: the disk takes so much longer for each commit around the dot.
    pub slow_commit: Option<Duration>,
}

/// Reads `FONDLY_FAULT`: one, or several with `;` between them.
pub fn faults() -> Faults {
    let wish = variable("FONDLY_FAULT").unwrap_or_default();
    let after = |kind: &str| wish.split(';').find_map(|text| text.strip_prefix(kind));
    let text = |kind: &str| after(kind).map(str::to_owned);
    let end_at = after("end-at:").and_then(|text| text.rsplit_once(':'));
    Faults {
        clock_off: after("clock-off:").map(PathBuf::from),
        machine: text("machine:"),
        place: text("place:"),
        boot: text("boot:"),
        up: after("up:")
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(0),
        panic_in_pass: after("panic-in-pass:").and_then(|number| number.parse().ok()),
        panic_for: after("panic-for:").map(str::to_owned),
        end_at: end_at.and_then(|(name, nth)| Some((name.to_owned(), nth.parse().ok()?))),
        slow_commit: after("slow-commit:")
            .and_then(|text| text.strip_suffix("ms")?.parse().ok())
            .map(Duration::from_millis),
    }
}

impl Faults {
    /// Panics in the pass that the test named.
    pub fn maybe_panic(&self, pass: u64) {
        assert!(
            self.panic_in_pass != Some(pass),
            "the fault that a test asked for"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "settings is the one reader of the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
