//! The clock: the only reader of the wall clock.
//!
//! Everything else is handed a clock, or better the time itself.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// The timer can't wait for less: waiting for a nearer moment takes longer than there is.
const COARSENESS: Duration = Duration::from_millis(1);

/// A steady clock doesn't follow when the machine's leaps by more than this.
const LEAP: SignedDuration = SignedDuration::from_hours(24);

/// Where a manual clock's spans are measured from: instants have no beginning of their own.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The machine's clock, held against what has gone by since it was last found right: should it
    /// leap in the middle of something, that goes on by the time that it began with.
    Steady(Arc<Steady>),
    /// A clock that stands until it is set: for rehearsals and tests.
    Manual(Arc<Mutex<Timestamp>>),
}

/// See [`Clock::Steady`].
#[derive(Debug, Default)]
pub struct Steady {
    /// Off by as many seconds as this file says: for tests.
    off: Option<PathBuf>,
    /// What the time was, and by which of the machine's own counts; nothing before it is known.
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    at: Timestamp,
    instant: Instant,
    uptime: Option<Duration>,
}

impl Clock {
    /// A steady clock; in tests, off by as many seconds as this file says.
    pub fn steady(off: Option<PathBuf>) -> Self {
        let known = Mutex::default();
        Self::Steady(Arc::new(Steady { off, known }))
    }

    /// What the machine's clock says, right or not, in whole milliseconds.
    pub fn says(&self) -> Timestamp {
        let now = match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one reader of the clock"
            )]
            Self::System => Timestamp::now(),
            Self::Steady(steady) => {
                let off = steady.off.as_ref().and_then(|file| {
                    let seconds = std::fs::read_to_string(file).ok()?;
                    Some(SignedDuration::from_secs(seconds.trim().parse().ok()?))
                });
                let now = Self::System.says();
                off.and_then(|off| now.checked_add(off).ok()).unwrap_or(now)
            }
            Self::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// From now on, a steady clock goes by this: the time is known.
    pub fn know(&self, at: Timestamp) {
        if let Self::Steady(steady) = self {
            let (instant, uptime) = (Instant::now(), self.uptime());
            let known = Known {
                at,
                instant,
                uptime,
            };
            *steady.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        }
    }

    /// How long the machine has been up by its own count, sleep included, where it says so.
    pub fn uptime(&self) -> Option<Duration> {
        if matches!(self, Self::Manual(_)) {
            return None;
        }
        let text = std::fs::read_to_string("/proc/uptime").ok()?;
        let seconds = text.split(' ').next()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// A clock that stands at `now`.
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(Mutex::new(now)))
    }

    /// The time, in whole milliseconds, as the store keeps it.
    pub fn now(&self) -> Timestamp {
        let says = self.says();
        let Self::Steady(steady) = self else {
            return says;
        };
        let known = *steady.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known else { return says };
        let after = |gone: Duration| {
            let gone = SignedDuration::try_from(gone).unwrap_or(SignedDuration::ZERO);
            known.at.checked_add(gone).unwrap_or(known.at)
        };
        let is_near = |time: Timestamp| says.duration_since(time).abs() <= LEAP;
        let counted = after(known.instant.elapsed());
        if is_near(counted) {
            return says;
        }
        // It may have slept, which not every count knows of.
        let slept = known.uptime.zip(self.uptime());
        let slept = slept
            .and_then(|(then, now)| now.checked_sub(then))
            .map(after);
        match slept {
            Some(slept) if is_near(slept) => says,
            Some(slept) => slept.max(counted),
            None => counted,
        }
    }

    /// For measuring spans: the machine's isn't moved when somebody sets its clock.
    pub fn instant(&self) -> Instant {
        match self {
            Self::System | Self::Steady(_) => Instant::now(),
            Self::Manual(_) => {
                let since = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
                *BEGINNING + Duration::from_millis(since)
            }
        }
    }

    /// Waits for this moment. A manual clock doesn't wait: it is set to it.
    pub async fn wait_until(&self, moment: Instant) {
        let left = moment.saturating_duration_since(self.instant());
        if left < COARSENESS {
            return;
        }
        match self {
            Self::System | Self::Steady(_) => tokio::time::sleep(left).await,
            Self::Manual(time) => {
                let mut time = time.lock().unwrap_or_else(PoisonError::into_inner);
                *time = time.checked_add(left).unwrap_or(*time);
            }
        }
    }

    /// How long ago a file's time was; nothing for one that lies ahead. Files bear the machine's
    /// time, so a clock that stands still says that it was long ago.
    pub fn since(&self, time: SystemTime) -> Option<Duration> {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one reader of the clock"
            )]
            Self::System | Self::Steady(_) => SystemTime::now().duration_since(time).ok(),
            Self::Manual(_) => Some(Duration::MAX),
        }
    }

    /// Sets a manual clock; the machine's own can't be set.
    pub fn set(&self, now: Timestamp) {
        if let Self::Manual(time) = self {
            *time.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_clock_goes_on_where_the_machine_s_leaps() {
        let dir = tempfile::tempdir().unwrap();
        let off = dir.path().join("off");
        let clock = Clock::steady(Some(off.clone()));
        let begun = clock.now();
        clock.know(begun);
        let near = |now: Timestamp| now.duration_since(begun) < SignedDuration::from_hours(1);
        for (seconds, follows) in [(3 * 3600, true), (-3_153_600_000_i64, false)] {
            std::fs::write(&off, seconds.to_string()).unwrap();
            let wanted = begun + SignedDuration::from_secs(seconds);
            assert!(clock.says().duration_since(wanted).abs() < SignedDuration::from_hours(1));
            assert_eq!(near(clock.now()), !follows, "{seconds}");
        }
        std::fs::remove_file(off).unwrap();
        assert!(near(clock.now()));
    }

    #[tokio::test]
    async fn a_manual_clock_is_set_instead_of_waiting() {
        let clock = Clock::manual("2027-01-01T00:00:00Z".parse().unwrap());
        let start = clock.instant();
        clock.wait_until(start + Duration::from_hours(72)).await;
        assert_eq!(clock.now().to_string(), "2027-01-04T00:00:00Z");
        assert_eq!(clock.instant() - start, Duration::from_hours(72));
        // What is over isn't waited for, and the clock isn't set back.
        clock.wait_until(start).await;
        assert_eq!(clock.now().to_string(), "2027-01-04T00:00:00Z");
    }
}
