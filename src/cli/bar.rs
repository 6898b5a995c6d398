//! The bar that shows how far a virtual clock has come, and the line that shows what is still awaited.
//!
//! On a terminal only, on standard error, and only for work over two seconds.

use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

/// Work under two seconds needs no bar.
const BAR_AFTER: Duration = Duration::from_secs(2);

/// Shows how far the virtual clock has come, on a terminal, once it takes a while.
pub(super) struct Bar {
    drawn: ProgressBar,
    from: Timestamp,
    until: Timestamp,
    started: std::time::Instant,
}

impl Bar {
    /// For the time from the first moment until before the second.
    pub(super) fn new(from: Timestamp, until: Timestamp) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(u64::try_from((until - from).as_secs().max(1)).unwrap_or(1))
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent} %") {
            bar.set_style(style);
        }
        Self {
            drawn: bar,
            from,
            until,
            started: std::time::Instant::now(),
        }
    }

    /// The virtual clock shows this.
    pub(super) fn at(&self, now: Timestamp) {
        if self.started.elapsed() < BAR_AFTER {
            return;
        }
        let passed = (now.min(self.until) - self.from).as_secs();
        self.drawn.set_message(now.strftime("%Y-%m-%d").to_string());
        self.drawn.set_position(u64::try_from(passed).unwrap_or(0));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.drawn.finish_and_clear();
    }
}

/// How often the line shows that something goes on.
const TURN: Duration = Duration::from_millis(200);

/// Shows what is still awaited, of several things at once, on a terminal, once it takes a while.
pub(super) struct Pending {
    drawn: ProgressBar,
    what: &'static str,
    left: Mutex<Vec<&'static str>>,
}

impl Pending {
    /// For all of these; `what` is said before their names.
    pub(super) fn new(what: &'static str, parts: &[&'static str]) -> Self {
        let drawn = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            drawn.set_style(style);
        }
        let left = Mutex::new(parts.to_vec());
        let pending = Self { drawn, what, left };
        pending.ended("");
        pending
    }

    /// One of them is through.
    pub(super) fn ended(&self, part: &str) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|one| *one != part);
        let words = format!("{} {} …", self.what, left.join(", "));
        self.drawn.set_message(words);
    }

    /// Shows it once it takes a while, until nobody waits for this any more.
    pub(super) async fn shown(&self) -> Infallible {
        tokio::time::sleep(BAR_AFTER).await;
        if std::io::stderr().is_terminal() {
            self.drawn.set_draw_target(ProgressDrawTarget::stderr());
            self.drawn.enable_steady_tick(TURN);
        }
        std::future::pending().await
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.drawn.finish_and_clear();
    }
}
