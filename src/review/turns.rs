//! Turns: of what one link changes again and again, only the latest word is kept for the next turn, so
//! that no link of a letter takes the store from those who send.
//!
//! May not know the time, nor what keeping a word means.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::notes::Word;

/// What may be said in turns, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// That letters are wanted again.
    Again,
    /// Which letters.
    Choice,
    /// The birthday.
    Birthday,
}

impl Kind {
    /// Of this word; `None` for one that waits for no turn: a way out, or an opinion, of which each link
    /// has few.
    pub(super) const fn of(word: &Word) -> Option<Self> {
        match word {
            Word::Stop | Word::Opinion(_) => None,
            Word::Again => Some(Self::Again),
            Word::Choose(_) => Some(Self::Choice),
            Word::Birthday(_) => Some(Self::Birthday),
        }
    }
}

/// An entry whose link is used, and what for.
pub(super) type Whose = (String, Kind);

/// A word, and whom to tell whether it was noted.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) word: Word,
    pub(super) tells: oneshot::Sender<bool>,
}

/// Whose turn it is now, with the word that waits for the next one.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Whose, Option<Said>>>);

impl Turns {
    /// Gives the word back where it is its turn; from then on it is, until [`Turns::next`] gives nothing.
    /// Otherwise it waits for the next turn in place of the one that waited, which it overtakes: whoever
    /// said that is told that it is noted, for it was of no more use.
    pub(super) fn take(&self, whose: &Whose, mut said: Said) -> Option<Said> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = turns.get_mut(whose) else {
            turns.insert(whose.clone(), None);
            return Some(said);
        };
        if let Some(before) = waiting.take() {
            said.word = said.word.after(before.word);
            // They may have gone.
            _ = before.tells.send(true);
        }
        *waiting = Some(said);
        None
    }

    /// The turn is over; the word whose turn it is then.
    pub(super) fn next(&self, whose: &Whose) -> Option<Said> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = turns.get_mut(whose)?.take();
        if next.is_none() {
            turns.remove(whose);
        }
        next
    }

    /// The word that waits, if any, is of no more use.
    pub(super) fn overtake(&self, whose: &Whose) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = turns.get_mut(whose).and_then(Option::take) {
            _ = said.tells.send(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PartialDate;

    fn said(day: i8) -> (Said, oneshot::Receiver<bool>) {
        let (tells, hears) = oneshot::channel();
        let word = Word::Birthday(PartialDate::new(None, 5, day).unwrap());
        (Said { word, tells }, hears)
    }

    fn day(said: &Said) -> i8 {
        match said.word {
            Word::Birthday(day) => day.day(),
            _ => 0,
        }
    }

    #[test]
    fn the_latest_word_waits_for_the_next_turn_and_no_other() {
        let turns = Turns::default();
        let whose = ("e1".to_owned(), Kind::Birthday);
        let (first, _) = said(1);
        assert_eq!(turns.take(&whose, first).as_ref().map(day), Some(1));
        let (second, mut second_hears) = said(2);
        assert!(turns.take(&whose, second).is_none());
        assert!(second_hears.try_recv().is_err(), "it may still be noted");
        let (third, mut third_hears) = said(3);
        assert!(turns.take(&whose, third).is_none());
        assert_eq!(second_hears.try_recv(), Ok(true));
        // Another link, or another page of the same one, has a turn of its own.
        for other in [
            ("e2".to_owned(), Kind::Birthday),
            ("e1".to_owned(), Kind::Again),
        ] {
            assert!(turns.take(&other, said(4).0).is_some());
        }
        assert_eq!(turns.next(&whose).as_ref().map(day), Some(3));
        assert!(third_hears.try_recv().is_err(), "whoever keeps it says so");
        assert!(turns.next(&whose).is_none());
        assert!(turns.take(&whose, said(5).0).is_some());
    }

    #[test]
    fn whoever_leaves_isn_t_brought_back_by_what_they_said_before() {
        let turns = Turns::default();
        let whose = ("e1".to_owned(), Kind::Again);
        let word = || {
            let (tells, hears) = oneshot::channel();
            let word = Word::Again;
            (Said { word, tells }, hears)
        };
        assert!(turns.take(&whose, word().0).is_some());
        let (waits, mut hears) = word();
        assert!(turns.take(&whose, waits).is_none());
        turns.overtake(&whose);
        assert_eq!(hears.try_recv(), Ok(true));
        assert!(turns.next(&whose).is_none());
    }
}
