//! NAMED MOMENTS at which a test may end the process, between any two things that must not be taken
//! for one: before a commit and after it, before the dot and after its reply.
//!
//! Whoever passes one says so with [`reach`]. Nothing happens unless a test has named it
//! (`FONDLY_FAULT=end-at:NAME:N`); then the process ends on the spot, as with a kill: nothing is
//! written down, closed or said any more. A simulation, which plays many businesses in one process,
//! is told of them instead ([`watch`]). May use nothing of the house.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// All of them, in the order in which a letter meets them.
pub const ALL: &[&str] = &[
    "sync-begin",
    "sync-commit",
    "sync-durable",
    "plan-begin",
    "plan-commit",
    "plan-durable",
    "smtp-connected",
    "smtp-greeted",
    "smtp-hello",
    "smtp-ready",
    "smtp-announce",
    "smtp-said",
    "smtp-accepted",
    "smtp-body",
    "phase-begin",
    "phase-looked",
    "phase-commit",
    "phase-durable",
    "phase-told",
    "smtp-committed",
    "smtp-dot",
    "smtp-answered",
];

/// Where the process is to end.
#[derive(Debug)]
struct End {
    name: String,
    /// Times that it is still to be passed, this one included.
    left: AtomicU64,
}

static END: OnceLock<End> = OnceLock::new();

/// How much longer than it is the disk seems, for each commit.
static SLOW: OnceLock<Duration> = OnceLock::new();

/// From now on each commit around the dot seems to take so much longer. Once set, it stays.
pub fn slow_commits(by: Duration) {
    _ = SLOW.set(by);
}

/// A commit is through; waits as long as a slower disk would have taken more.
#[expect(
    clippy::disallowed_methods,
    reason = "only where a test asks for a slower disk; nobody's thread waits for it"
)]
pub(crate) async fn committed() {
    if let Some(by) = SLOW.get() {
        // A disk is more exact than the runtime's clock, which goes in whole milliseconds.
        let slowly = tokio::task::spawn_blocking(|| std::thread::sleep(*by));
        // It can't be cancelled, and doesn't panic.
        _ = slowly.await;
    }
}

/// Who is told of the moments that this thread reaches.
type Watcher = Rc<dyn Fn(&'static str)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// What a watcher unwinds with where the process it plays dies: nobody may hold that up.
#[derive(Debug, Clone, Copy)]
pub struct Death;

/// From now on, every moment that this thread reaches is told to `watcher`; `None` ends it. Where the
/// watcher unwinds, whatever had reached the moment ends there.
pub fn watch(watcher: Option<Watcher>) {
    WATCHER.set(watcher);
}

/// The process ends when the moment of this name is reached for the n-th time. Once set, it stays.
pub fn end_at(name: impl Into<String>, nth: u64) {
    let (name, left) = (name.into(), AtomicU64::new(nth));
    _ = END.set(End { name, left });
}

static STUMBLE: OnceLock<String> = OnceLock::new();

/// Whatever is done for this customer panics at this step (`write`, `send`), to show that nobody
/// else has to wait for it. Once set, it stays.
pub fn stumble_at(step_and_customer: impl Into<String>) {
    _ = STUMBLE.set(step_and_customer.into());
}

/// This step is reached for this customer.
///
/// # Panics
/// Where a test asked for it.
pub fn step(step: &'static str, customer: &str) {
    let stumbles = STUMBLE.get().and_then(|wish| wish.split_once(':'));
    assert!(
        stumbles != Some((step, customer)),
        "the fault that a test asked for"
    );
}

/// This moment is reached.
pub fn reach(name: &'static str) {
    debug_assert!(ALL.contains(&name), "{name} isn't listed");
    if let Some(end) = END.get()
        && end.name == name
        && end.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
    // A thread that is ending has nobody left to tell.
    if let Ok(Some(watcher)) = WATCHER.try_with(|watcher| watcher.borrow().clone()) {
        watcher(name);
    }
}
