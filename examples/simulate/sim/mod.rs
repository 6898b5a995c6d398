//! The simulation: many small worlds, each of which follows from one seed. Prints nothing
//! unless it is asked to say aloud what happens.

mod books;
mod business;
mod calendar;
#[expect(dead_code, reason = "the killer needs more of it")]
#[path = "../../killer/luck.rs"]
mod luck;
mod model;
mod relay;
mod rules;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Something wrong on purpose, to see whether it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Plant {
    /// Nothing.
    Nothing,
    /// The relay says that it takes letters, and drops some.
    Liar,
    /// Everybody unsubscribed, and the program wasn't told.
    Deaf,
    /// A row of the ledger is gone in the end.
    LostRow,
}

/// Which world is to be played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) seed: u64,
    pub(crate) days: i64,
    pub(crate) plant: Plant,
    /// Says aloud what happens.
    pub(crate) aloud: bool,
}

/// What came of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) seed: u64,
    pub(crate) days: u64,
    /// A hash over everything that happened, and how many lines that is.
    pub(crate) print: String,
    /// Faults and other events, by kind.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Letters that arrived.
    pub(crate) letters: u64,
    /// Entries by outcome and reason.
    pub(crate) outcomes: BTreeMap<String, u64>,
    pub(crate) violations: Vec<String>,
    /// The last that happened.
    pub(crate) tail: Vec<String>,
}

/// Memory that looks like a disk, where there is some.
fn roots() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

/// Plays one world.
///
/// # Errors
/// Where it can't be played at all: the disk is full, or the program gives up.
pub(crate) fn play(wanted: &Wanted) -> anyhow::Result<Played> {
    let folder = tempfile::Builder::new()
        .prefix("fondly-simulate-")
        .tempdir_in(roots())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    // While something blocks, tokio's clock doesn't run ahead by itself when everybody waits for
    // the database.
    let (over, until_over) = std::sync::mpsc::channel::<()>();
    let holds_time = runtime.spawn_blocking(move || until_over.recv().is_ok());
    let played = runtime.block_on(world::play(wanted, folder.path()));
    drop(over);
    drop(holds_time);
    drop(runtime);
    played
}

/// A line for whoever watches.
fn aloud(line: &str) {
    use std::io::Write as _;
    // Whoever doesn't listen any more misses nothing.
    _ = writeln!(std::io::stdout(), "{line}");
}
