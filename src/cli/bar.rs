//! The bar that shows how far a virtual clock has come.
//!
//! On a terminal only, on standard error, and only for work over two seconds.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
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
