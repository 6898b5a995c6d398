//! Whether a file that another program drops into a folder is complete: it was left alone for a
//! while.
//!
//! The file's own times are enough where they make sense. The clock that wrote them may be another
//! machine's, so that where they lie ahead, or are older than a look at which the file was different,
//! only what was seen by our own clock counts. May not read a clock.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

/// What a look at a file shows without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which file it is, whatever its name.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, moved or renamed, by the clock of whoever keeps the file; in
    /// milliseconds since 1970.
    pub changed: i64,
}

impl Look {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it isn't there, or can't be looked at.
    pub fn at(path: &Path) -> io::Result<Self> {
        let data = fs::metadata(path)?;
        // A copy may bear the times of what it was copied from; when it was made nobody can set.
        let seconds = |seconds: i64, nanos: i64| seconds.saturating_mul(1000) + nanos / 1_000_000;
        let changed = seconds(data.mtime(), data.mtime_nsec());
        let renamed = seconds(data.ctime(), data.ctime_nsec());
        Ok(Self {
            inode: data.ino(),
            size: data.len(),
            changed: changed.max(renamed),
        })
    }
}

/// An earlier look, and since when every look has shown the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// What it showed.
    pub look: Look,
    /// Since when, by our own clock.
    pub since: Timestamp,
}

/// Since when the file has been left alone, as far as our own looks tell.
pub fn left_alone_since(look: Look, earlier: Option<Earlier>, now: Timestamp) -> Timestamp {
    match earlier {
        // Our clock may have been set back meanwhile.
        Some(earlier) if earlier.look == look => earlier.since.min(now),
        _ => now,
    }
}

/// Whether a file has been left alone for long enough.
pub fn is_complete(
    look: Look,
    earlier: Option<Earlier>,
    now: Timestamp,
    wait: SignedDuration,
) -> bool {
    if now.duration_since(left_alone_since(look, earlier, now)) >= wait {
        return true;
    }
    let Ok(changed) = Timestamp::from_millisecond(look.changed) else {
        return false;
    };
    let their_clock_is_behind =
        earlier.is_some_and(|earlier| earlier.look != look && changed < earlier.since);
    !their_clock_is_behind && now.duration_since(changed) >= wait
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: SignedDuration = SignedDuration::from_secs(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn look(size: u64, changed: i64) -> Look {
        Look {
            inode: 1,
            size,
            changed: at(changed).as_millisecond(),
        }
    }

    #[test]
    fn a_file_that_was_left_alone_is_complete_at_the_first_look() {
        assert!(is_complete(look(5, 0), None, at(10), WAIT));
        assert!(!is_complete(look(5, 1), None, at(10), WAIT));
        assert!(is_complete(look(5, 10), None, at(10), SignedDuration::ZERO));
    }

    #[test]
    fn a_time_that_lies_ahead_is_not_waited_for() {
        let ahead = look(5, 3600);
        assert!(!is_complete(ahead, None, at(0), WAIT));
        let earlier = |look| Some(Earlier { look, since: at(0) });
        assert!(!is_complete(ahead, earlier(ahead), at(9), WAIT));
        assert!(is_complete(ahead, earlier(ahead), at(10), WAIT));
        assert!(!is_complete(look(6, 3600), earlier(ahead), at(10), WAIT));
    }

    #[test]
    fn a_clock_that_is_behind_is_not_believed() {
        // By its own times nobody has written for an hour, but it has grown since the last look.
        let (before, now) = (look(5, -3610), look(6, -3600));
        let earlier = Some(Earlier {
            look: before,
            since: at(0),
        });
        assert!(!is_complete(now, earlier, at(60), WAIT));
        let earlier = Some(Earlier {
            look: now,
            since: at(60),
        });
        assert!(is_complete(now, earlier, at(70), WAIT));
    }

    #[test]
    fn our_own_clock_may_be_set_back() {
        let ahead = look(5, 3600);
        let earlier = Some(Earlier {
            look: ahead,
            since: at(100),
        });
        assert_eq!(left_alone_since(ahead, earlier, at(0)), at(0));
        assert!(!is_complete(ahead, earlier, at(0), WAIT));
    }

    #[test]
    fn a_copy_with_old_times_is_new_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let file = fs::File::create(&path).unwrap();
        let fresh = Look::at(&path).unwrap().changed;
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert!(Look::at(&path).unwrap().changed >= fresh);
        assert!(Look::at(&folder.path().join("b.csv")).is_err());
    }
}
