//! The file courier: a message becomes `<dir>/<name>.eml`, durably. Knows nothing of SMTP.
//!
//! Written beside its place, synced, and renamed into it, so that an `.eml` file is always whole.
//! The rename is the point of no return; after a crash, [`FileCourier::is_in_place`] tells on
//! which side of it we were.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::reply::relay_trouble;
use super::{Parcel, Verdict};
use crate::durable::make_folder;
use crate::model::Reason;

/// The longest name taken, in bytes: file systems allow 255, and we add something.
const MAX_NAME: usize = 200;

/// Delivers into a folder.
#[derive(Debug, Clone)]
pub struct FileCourier {
    dir: PathBuf,
    durable: bool,
}

impl FileCourier {
    /// Delivers into `dir`, which is made when it is missing. Without `durable`, nothing is
    /// synced to the disk: for rehearsals, whose output can be made again.
    pub const fn new(dir: PathBuf, durable: bool) -> Self {
        Self { dir, durable }
    }

    /// Whether the message of this name is in its place.
    ///
    /// # Errors
    /// The folder can't be read, or the name can't be a file's.
    pub fn is_in_place(&self, name: &str) -> io::Result<bool> {
        check_name(name).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        self.place(name).try_exists()
    }

    /// Takes the message of this name out again, durably, with whatever is left of a try to write it.
    /// `false`: there was none.
    ///
    /// # Errors
    /// The folder can't be written, or the name can't be a file's.
    pub async fn erase(&self, name: &str) -> io::Result<bool> {
        check_name(name).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let (dir, place) = (self.dir.clone(), self.place(name));
        let draft = self.draft(name);
        off_the_runtime(move || {
            let mut there = false;
            for path in [place, draft] {
                match fs::remove_file(path) {
                    Ok(()) => there = true,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            if there {
                File::open(dir)?.sync_all()?;
            }
            Ok(there)
        })
        .await
    }

    /// Delivers one message; see [`super::Courier::deliver`].
    ///
    /// # Errors
    /// Only the error of `commit`, handed through; nothing is in place then.
    pub async fn deliver<E, C>(&self, parcel: Parcel<'_>, commit: C) -> Result<Verdict, E>
    where
        C: Future<Output = Result<bool, E>>,
    {
        if let Err(why) = check_name(parcel.name) {
            return Ok(Verdict::Rejected {
                reason: Reason::Refused,
                reply: why,
                suppress: false,
            });
        }
        let place = self.place(parcel.name);
        let draft = Draft {
            path: self.draft(parcel.name),
        };
        let (message, durable) = (parcel.message.to_vec(), self.durable);
        // The draft travels into the blocking task and back, so that it is cleaned away even when
        // this call is cancelled while the task runs.
        let written = off_the_runtime(move || {
            draft.write(&message, durable)?;
            Ok(draft)
        })
        .await;
        let draft = match written {
            Ok(draft) => draft,
            Err(error) => return Ok(self.trouble(&error)),
        };
        if !commit.await? {
            return Ok(Verdict::Withdrawn);
        }
        let target = place.clone();
        let renamed = off_the_runtime(move || fs::rename(&draft.path, &target)).await;
        if let Err(error) = renamed {
            return Ok(self.trouble(&error));
        }
        let dir = self.dir.clone();
        let synced = if durable {
            off_the_runtime(move || File::open(dir)?.sync_all()).await
        } else {
            Ok(())
        };
        Ok(match synced {
            Ok(()) => Verdict::Accepted {
                // Not the folder: the same letter gives the same words wherever it is rehearsed.
                reply: format!("written as {}.eml", parcel.name),
            },
            Err(error) => Verdict::Unknown {
                reply: format!(
                    "{} is there, but the disk wouldn't confirm it: {error}",
                    place.display()
                ),
            },
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.eml"))
    }

    fn draft(&self, name: &str) -> PathBuf {
        self.dir.join(format!(".{name}.part"))
    }

    /// A folder that can't be written is like a relay that can't be reached: no message's fault.
    fn trouble(&self, error: &io::Error) -> Verdict {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "the disk is full; make room, and it goes on by itself"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "fondly may not write there; check the folder's owner and permissions"
            }
            _ => "the message can't be written",
        };
        relay_trouble(format!("{}: {advice} ({error})", self.dir.display()))
    }
}

/// A message beside its place. Dropping it removes the file; after the rename there is none.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(&self, message: &[u8], durable: bool) -> io::Result<()> {
        let mut file = match create_private(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_dir_of(&self.path, durable)?;
                create_private(&self.path)?
            }
            other => other?,
        };
        file.write_all(message)?;
        if durable { file.sync_all() } else { Ok(()) }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename it isn't there any more, and what a crash leaves behind is replaced by
        // the next attempt; neither is worth an error.
        drop(fs::remove_file(&self.path));
    }
}

/// Letters are for their reader only.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_dir_of(path: &Path, durable: bool) -> io::Result<()> {
    let Some(dir) = path.parent() else {
        return Ok(());
    };
    if durable {
        make_folder(dir, false)
    } else {
        fs::create_dir_all(dir)
    }
}

/// Runs file work where it may block.
async fn off_the_runtime<T, F>(work: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A name that can't lead out of the folder or hide in it.
fn check_name(name: &str) -> Result<(), String> {
    let plain = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with('.')
        && !name
            .chars()
            .any(|letter| matches!(letter, '/' | '\\') || letter.is_control());
    if plain {
        Ok(())
    } else {
        Err(format!("{name:?} can't be the name of a file"))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::super::Envelope;
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            from: "care@shop.example".parse().unwrap(),
            to: "ada@customer.example".parse().unwrap(),
        }
    }

    fn names_in(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    async fn deliver(courier: &FileCourier, name: &str, commit: bool) -> Verdict {
        let envelope = envelope();
        let parcel = Parcel {
            name,
            envelope: &envelope,
            message: b"Subject: hi\r\n\r\nhello\r\n",
        };
        let verdict = courier
            .deliver(parcel, async { Ok::<_, Infallible>(commit) })
            .await;
        match verdict {
            Ok(verdict) => verdict,
        }
    }

    #[tokio::test]
    async fn a_message_is_in_its_place_whole_and_private() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("var/outbox");
        for durable in [true, false] {
            let courier = FileCourier::new(dir.clone(), durable);
            let name = format!("birthday-{durable}");
            assert!(!courier.is_in_place(&name).unwrap());
            let verdict = deliver(&courier, &name, true).await;
            assert_eq!(verdict.reason(), Some(Reason::Accepted));
            assert!(courier.is_in_place(&name).unwrap());
        }
        assert_eq!(names_in(&dir), ["birthday-false.eml", "birthday-true.eml"]);
        let path = dir.join("birthday-true.eml");
        assert_eq!(fs::read(&path).unwrap(), b"Subject: hi\r\n\r\nhello\r\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn the_commit_is_asked_while_nothing_is_in_place() {
        let home = tempfile::tempdir().unwrap();
        let courier = FileCourier::new(home.path().to_owned(), true);
        let envelope = envelope();
        let parcel = Parcel {
            name: "a",
            envelope: &envelope,
            message: b"x",
        };
        let verdict = courier
            .deliver(parcel, async {
                assert_eq!(names_in(home.path()), [".a.part"]);
                courier.is_in_place("a").map(|there| !there)
            })
            .await
            .unwrap();
        assert!(matches!(verdict, Verdict::Accepted { .. }));
        assert_eq!(names_in(home.path()), ["a.eml"]);
    }

    #[tokio::test]
    async fn a_no_an_error_and_a_cancellation_leave_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let courier = FileCourier::new(home.path().to_owned(), true);
        assert_eq!(deliver(&courier, "a", false).await, Verdict::Withdrawn);
        let envelope = envelope();
        let parcel = Parcel {
            name: "a",
            envelope: &envelope,
            message: b"x",
        };
        let failed = courier
            .deliver(parcel, async { Err::<bool, _>("the store is gone") })
            .await;
        assert_eq!(failed, Err("the store is gone"));
        tokio::select! {
            biased;
            _ = courier.deliver(parcel, std::future::pending::<Result<bool, Infallible>>()) => {
                panic!("it can't end before its commit")
            }
            () = async { while names_in(home.path()).is_empty() { tokio::task::yield_now().await } } => {}
        }
        while !names_in(home.path()).is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_second_attempt_replaces_the_first() {
        let home = tempfile::tempdir().unwrap();
        let courier = FileCourier::new(home.path().to_owned(), false);
        fs::write(
            home.path().join("a.eml"),
            "older and longer than the new one",
        )
        .unwrap();
        fs::write(
            home.path().join(".a.part"),
            "left behind by a crash, and also longer",
        )
        .unwrap();
        deliver(&courier, "a", true).await;
        let text = fs::read(home.path().join("a.eml")).unwrap();
        assert_eq!(text, b"Subject: hi\r\n\r\nhello\r\n");
        assert_eq!(names_in(home.path()), ["a.eml"]);
    }

    #[tokio::test]
    async fn a_folder_that_can_t_be_written_is_no_message_s_fault() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("occupied");
        fs::write(&file, "a file where the folder should be").unwrap();
        let courier = FileCourier::new(file.join("outbox"), true);
        let verdict = deliver(&courier, "a", true).await;
        let Verdict::Deferred { reply, relay, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert!(relay);
        assert!(reply.contains("occupied"), "{reply}");
    }

    #[tokio::test]
    async fn a_full_disk_is_named() {
        let courier = FileCourier::new(PathBuf::from("/var/outbox"), true);
        let full = courier.trouble(&io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.reason(), Some(Reason::RelayTrouble));
        assert!(full.reply().contains("the disk is full"), "{full:?}");
    }

    #[tokio::test]
    async fn a_name_can_t_lead_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let courier = FileCourier::new(home.path().join("outbox"), true);
        let long = "x".repeat(MAX_NAME + 1);
        for name in ["", "../a", "a/b", "a\\b", ".hidden", "a\0b", "a\nb", &long] {
            let verdict = deliver(&courier, name, true).await;
            assert_eq!(verdict.reason(), Some(Reason::Refused), "{name:?}");
            assert!(courier.is_in_place(name).is_err());
        }
        assert_eq!(names_in(home.path()), Vec::<String>::new());
    }
}
