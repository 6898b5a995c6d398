//! Answers that take long: worked out once for everybody who asks, and kept for a while.
//!
//! Whoever asks waits for a moment; after that they are told that it is being worked out. What can't be
//! worked out is told as that, and tried anew by whoever asks next. May not know what is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tracing::Instrument as _;

use super::Console;
use super::trouble::Trouble;

/// How long one answer is good.
const LASTS: SignedDuration = SignedDuration::from_mins(5);
/// An older one is better than none, while the next is worked out; but not for longer than this.
const LINGERS: SignedDuration = SignedDuration::from_hours(1);
/// How long somebody waits for it before they get an older one, or are told to come again.
const PATIENCE: Duration = Duration::from_secs(3);

/// One question's answer.
#[derive(Debug)]
pub(super) struct Slow<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    known: Option<Known<T>>,
    /// Why the last try came to nothing; that is no answer to keep, and whoever asks next tries anew.
    failed: Option<Arc<str>>,
    /// Rises when what was known isn't good any more.
    round: u64,
    /// In which round somebody works on it.
    working: Option<u64>,
}

#[derive(Debug)]
struct Known<T> {
    at: Timestamp,
    answer: Arc<T>,
}

/// What somebody who asks gets.
#[derive(Debug)]
pub(super) enum Told<T> {
    /// The answer, and when it was worked out.
    Well(Arc<T>, Timestamp),
    /// It can't be worked out, for this reason.
    Not(Arc<str>),
    /// It is being worked out.
    Soon,
}

impl<T> Told<T> {
    /// The answer if there is one.
    pub(super) fn well(&self) -> Option<(&T, Timestamp)> {
        match self {
            Self::Well(answer, at) => Some((answer, *at)),
            Self::Not(_) | Self::Soon => None,
        }
    }

    /// The answer, or the page that says why there is none.
    ///
    /// # Errors
    /// It can't be worked out, or not so soon.
    pub(super) fn answer(self) -> Result<Arc<T>, Trouble> {
        match self {
            Self::Well(answer, _) => Ok(answer),
            Self::Not(why) => Err(Trouble::Failed(why.to_string())),
            Self::Soon => Err(Trouble::Soon),
        }
    }

    /// Why there is none, in words; nothing where there is one.
    pub(super) fn why_not(&self) -> Option<String> {
        match self {
            Self::Well(..) => None,
            Self::Not(why) => Some(format!("This can't be worked out just now: {why}.")),
            Self::Soon => {
                Some("This is still being worked out; look again in a moment.".to_owned())
            }
        }
    }
}

impl<T> Default for Slow<T> {
    fn default() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                known: None,
                failed: None,
                round: 0,
                working: None,
            }),
            changed: Notify::new(),
        }))
    }
}

impl<T: Send + Sync + 'static> Slow<T> {
    /// The answer, worked out by this unless it is known.
    pub(super) async fn ask(
        &self,
        console: &Console,
        work: impl Future<Output = Result<T, String>> + Send + 'static,
    ) -> Told<T> {
        let now = console.now();
        let changed = self.0.changed.notified();
        if let Some(told) = self.0.known(now, LASTS) {
            return told;
        }
        if let Some(round) = self.0.begin() {
            let turn = Turn {
                shared: Arc::clone(&self.0),
                round,
            };
            let stop = console.stop.clone();
            let work = async move {
                tokio::select! {
                    answer = work => turn.ends(answer, now),
                    () = stop.cancelled() => {}
                }
            };
            console.tasks.spawn(work.in_current_span());
        }
        // The second look covers what ended before we listened.
        if self.0.known(now, LASTS).is_none() && !self.0.has_failed() {
            _ = tokio::time::timeout(PATIENCE, changed).await;
        }
        self.known(now)
    }

    /// What is known without working anything out.
    pub(super) fn known(&self, now: Timestamp) -> Told<T> {
        if let Some(why) = &self.0.lock().failed {
            return Told::Not(Arc::clone(why));
        }
        self.0.known(now, LINGERS).unwrap_or(Told::Soon)
    }

    /// What is known isn't good any more, unless somebody works on something newer already.
    pub(super) fn outdated(&self) {
        let mut state = self.0.lock();
        if state.working.is_none() {
            state.known = None;
            state.failed = None;
        }
    }

    /// What is known isn't good any more.
    pub(super) fn forget(&self) {
        let mut state = self.0.lock();
        state.known = None;
        state.failed = None;
        state.round += 1;
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, if it isn't older than this.
    fn known(&self, now: Timestamp, at_most: SignedDuration) -> Option<Told<T>> {
        let state = self.lock();
        let known = state.known.as_ref()?;
        if now.duration_since(known.at).abs() > at_most {
            return None;
        }
        Some(Told::Well(Arc::clone(&known.answer), known.at))
    }

    /// Whether the last try has ended without an answer.
    fn has_failed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// The round to work in; `None` where somebody works already.
    fn begin(&self) -> Option<u64> {
        let mut state = self.lock();
        if state.working.is_some() {
            return None;
        }
        state.working = Some(state.round);
        state.failed = None;
        Some(state.round)
    }
}

/// Somebody's turn to work; it ends however the work does.
struct Turn<T> {
    shared: Arc<Shared<T>>,
    round: u64,
}

impl<T> Turn<T> {
    fn ends(self, answer: Result<T, String>, now: Timestamp) {
        let mut state = self.shared.lock();
        if state.round != self.round {
            return;
        }
        match answer {
            Ok(answer) => {
                state.known = Some(Known {
                    at: now,
                    answer: Arc::new(answer),
                });
            }
            Err(why) => state.failed = Some(why.trim_end_matches('.').into()),
        }
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        self.shared.lock().working = None;
        self.shared.changed.notify_waiters();
    }
}
