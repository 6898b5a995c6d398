//! Noting what customers say by the public pages, whether somebody waits for the answer or not. Who wants
//! no more letters never waits for a turn.
//!
//! May not tell anybody whether the link was a real one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::turns::{Kind, Said, Turns, Whose};
use crate::engine::opinion::{self, Opinion};
use crate::engine::{EngineError, House};
use crate::model::PartialDate;
use crate::store::Choice;

/// What waits for the store at once: a flood ends here, before memory does. As many that unsubscribe
/// wait besides, so that nobody keeps them out.
const MOST_WAITING: usize = 4096;
/// What one link says again and again is kept no more often, the latest word each time. A keystroke
/// slower than people are, and nothing beside the hundreds of letters that leave meanwhile.
const TURN: Duration = Duration::from_secs(1);
/// Somebody who waits for the answer is told by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// Tries to note it, with the store's own patience each; another program may be writing.
const TRIES: u32 = 10;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);
/// When fondly stops, what is still being written has this long.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// What a customer says, by the link of a letter.
#[derive(Debug, Clone)]
pub(super) enum Word {
    /// No more letters.
    Stop,
    /// Letters again.
    Again,
    /// Which letters.
    Choose(Choice),
    /// Their birthday.
    Birthday(PartialDate),
    /// What they think of us.
    Opinion(Opinion),
}

impl Word {
    /// In place of what was said just before, and wasn't kept yet.
    pub(super) fn after(self, before: Self) -> Self {
        match (self, before) {
            (Self::Choose(choice), Self::Choose(before)) => Self::Choose(choice.after(before)),
            (word, _) => word,
        }
    }

    /// What is told in the log; nothing of what they said.
    const fn told(&self) -> &'static str {
        match self {
            Self::Stop => "a customer unsubscribed",
            Self::Again => "a customer asked for letters again",
            Self::Choose(_) => "a customer chose which letters they want",
            Self::Birthday(_) => "a customer told their birthday",
            Self::Opinion(_) => "a customer's opinion was taken",
        }
    }

    /// Keeps it. `false`: it was so before, or the entry is gone.
    async fn keep(&self, house: &House, entry: &str) -> Result<bool, EngineError> {
        let (store, now) = (&house.store, house.clock.now());
        Ok(match self {
            Self::Stop => store.unsubscribe(entry, now).await?,
            Self::Again => store.come_back(entry, now).await?,
            Self::Choose(choice) => store.choose(entry, choice, now).await?,
            Self::Birthday(day) => store.tell_birthday(entry, *day, now).await?,
            Self::Opinion(opinion) => {
                opinion::keep(house, entry, opinion).await?;
                true
            }
        })
    }
}

/// Where words are noted.
#[derive(Debug)]
pub(super) struct Notes {
    /// What was begun is finished, whether the asker stays or not.
    tasks: TaskTracker,
    turns: Arc<Turns>,
    room: Arc<Semaphore>,
    room_to_leave: Arc<Semaphore>,
    /// No turn is waited for any more.
    closing: CancellationToken,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            turns: Arc::default(),
            room: Arc::new(Semaphore::new(MOST_WAITING)),
            room_to_leave: Arc::new(Semaphore::new(MOST_WAITING)),
            closing: CancellationToken::new(),
        }
    }
}

impl Notes {
    /// Notes what whoever got this entry's letter says. `false`: it isn't noted yet, so that it is
    /// worth to ask again; a second time does no harm.
    pub(super) async fn note(&self, house: Arc<House>, entry: String, word: Word) -> bool {
        let told = matches!(&word, Word::Opinion(opinion) if opinion.is_bad());
        let (tells, hears) = oneshot::channel();
        let said = Said { word, tells };
        let taken = match Kind::of(&said.word) {
            Some(kind) => self.in_turn(&house, (entry, kind), said),
            None => self.at_once(&house, entry, said),
        };
        if !taken {
            tracing::error!(
                "too much waits for the store; what customers said has to be said again"
            );
            return false;
        }
        let noted = matches!(tokio::time::timeout(PATIENCE, hears).await, Ok(Ok(true)));
        if noted && told {
            // At once, but nobody waits for the owner's mail; what doesn't leave does with the next
            // pass.
            let telling = async move {
                if let Err(error) = opinion::tell(&house).await {
                    tracing::error!(%error, "the owner couldn't be told of a complaint");
                }
            };
            self.tasks.spawn(telling.in_current_span());
        }
        noted
    }

    /// `false`: there is no room.
    fn at_once(&self, house: &Arc<House>, entry: String, said: Said) -> bool {
        let room = if matches!(said.word, Word::Stop) {
            // Their last word counts, which this is.
            self.turns.overtake(&(entry.clone(), Kind::Again));
            &self.room_to_leave
        } else {
            &self.room
        };
        let Ok(place) = Arc::clone(room).try_acquire_owned() else {
            return false;
        };
        let house = Arc::clone(house);
        let noting = async move {
            let _place = place;
            // They may have gone.
            _ = said.tells.send(note(&house, &entry, &said.word).await);
        };
        self.tasks.spawn(noting.in_current_span());
        true
    }

    /// `false`: there is no room.
    fn in_turn(&self, house: &Arc<House>, whose: Whose, said: Said) -> bool {
        let Some(mut said) = self.turns.take(&whose, said) else {
            return true;
        };
        let Ok(mut place) = Arc::clone(&self.room).try_acquire_owned() else {
            // Who came in between is told by its end that nothing was noted.
            while self.turns.next(&whose).is_some() {}
            return false;
        };
        let (house, room) = (Arc::clone(house), Arc::clone(&self.room));
        let (turns, closing) = (Arc::clone(&self.turns), self.closing.clone());
        let noting = async move {
            loop {
                _ = said.tells.send(note(&house, &whose.0, &said.word).await);
                drop(place);
                tokio::select! {
                    () = tokio::time::sleep(TURN) => {}
                    () = closing.cancelled() => {}
                }
                let Some(next) = turns.next(&whose) else {
                    break;
                };
                said = next;
                match Arc::clone(&room).acquire_owned().await {
                    Ok(next) => place = next,
                    Err(_) => break,
                }
            }
        };
        self.tasks.spawn(noting.in_current_span());
        true
    }

    /// Waits for what is being written, and for what waits for its turn, which is now.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(LAST_GRACE, self.tasks.wait())
            .await
            .is_err()
        {
            let open = self.tasks.len();
            tracing::error!(
                open,
                "what customers said couldn't all be noted before the stop"
            );
        }
    }
}

async fn note(house: &House, entry: &str, word: &Word) -> bool {
    for attempt in 1..=TRIES {
        match word.keep(house, entry).await {
            Ok(true) => {
                tracing::info!(entry, "{}", word.told());
                return true;
            }
            // It was noted before, or the entry is gone.
            Ok(false) => return true,
            Err(error) => {
                tracing::error!(%error, entry, attempt, "what a customer said couldn't be noted");
            }
        }
        if attempt < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    false
}
