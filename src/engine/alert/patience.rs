//! What may pass by itself is given time before anybody is told, and has to stay away for a while
//! before it counts as over: what comes and goes is one trouble, not ten.
//!
//! Pure: a sign, a look and the time -> what becomes of the sign.

use jiff::{SignedDuration, Timestamp};

use crate::model::Matter;
use crate::store::{Sign, Trouble};

/// How long something may last before people are told, and be away before it is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Seen so often in a row, it is a trouble, …
    pub(super) times: u32,
    /// … or when it has lasted for so long.
    pub(super) lasts: SignedDuration,
    /// Not seen for so long, it is over.
    pub(super) calm: SignedDuration,
}

/// What is seen just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// It is there.
    Bad {
        /// What a person should know.
        matter: Matter,
        /// Since when, where that is known better than by the first look.
        since: Option<Timestamp>,
        /// It happened once more, rather than going on.
        again: bool,
    },
    /// It isn't there.
    Well,
    /// Nobody can tell.
    Unseen,
}

/// What becomes of the sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is as it was, or there is none.
    AsItIs,
    /// It is kept like this.
    Keep(Sign),
    /// It passed before it was a trouble.
    Forget,
    /// The trouble is over.
    Over,
}

impl Patience {
    /// Told at once, and over at once.
    pub(super) const NONE: Self = Self {
        times: 1,
        lasts: SignedDuration::ZERO,
        calm: SignedDuration::ZERO,
    };

    /// What becomes of a sign, or of there being none.
    pub(super) fn judge(self, known: Option<Sign>, look: Look, now: Timestamp) -> Next {
        match (look, known) {
            (Look::Unseen, _) | (Look::Well, None) => Next::AsItIs,
            (
                Look::Bad {
                    matter,
                    since,
                    again,
                },
                known,
            ) => {
                let before = known.clone();
                let mut sign = known.unwrap_or_else(|| Sign {
                    trouble: Trouble {
                        matter: matter.clone(),
                        since: since.unwrap_or(now),
                        told_at: None,
                    },
                    times: 0,
                    ripe: false,
                    well_since: None,
                });
                if again || before.is_none() {
                    sign.times = sign.times.saturating_add(1);
                }
                sign.trouble.matter = matter;
                sign.well_since = None;
                let lasted = now.duration_since(sign.trouble.since);
                sign.ripe |= sign.times >= self.times || lasted >= self.lasts;
                if before.as_ref() == Some(&sign) {
                    Next::AsItIs
                } else {
                    Next::Keep(sign)
                }
            }
            (Look::Well, Some(sign)) if !sign.ripe => Next::Forget,
            (Look::Well, Some(sign)) => {
                // A moment ahead was noted by a clock that has been set back since.
                let since = sign.well_since.filter(|since| *since <= now);
                let well_since = since.unwrap_or(now);
                if now.duration_since(well_since) >= self.calm {
                    Next::Over
                } else if sign.well_since == Some(well_since) {
                    Next::AsItIs
                } else {
                    Next::Keep(Sign {
                        well_since: Some(well_since),
                        ..sign
                    })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        times: 3,
        lasts: SignedDuration::from_mins(60),
        calm: SignedDuration::from_mins(30),
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn bad(again: bool) -> Look {
        Look::Bad {
            matter: Matter::Source {
                name: "till".to_owned(),
                said: Some("it said no".to_owned()),
            },
            since: None,
            again,
        }
    }

    /// Looks once a minute, and says at which minutes somebody is told, and of what.
    fn told(minutes: i64, look: impl Fn(i64) -> Look) -> Vec<String> {
        let (mut known, mut told): (Option<Sign>, Vec<String>) = (None, Vec::new());
        for minute in 0..minutes {
            match PATIENCE.judge(known.clone(), look(minute), at(minute)) {
                Next::AsItIs => {}
                Next::Keep(sign) => {
                    if sign.ripe && known.as_ref().is_none_or(|known| !known.ripe) {
                        told.push(format!("{minute}: begins"));
                    }
                    known = Some(sign);
                }
                Next::Forget => known = None,
                Next::Over => {
                    told.push(format!("{minute}: over"));
                    known = None;
                }
            }
        }
        told
    }

    #[test]
    fn a_blip_is_nothing_and_the_third_in_a_row_is_told_once() {
        let every_five = |upto: i64| {
            move |minute: i64| match minute {
                m if m > upto => Look::Well,
                m => bad(m % 5 == 0),
            }
        };
        assert!(told(100, every_five(9)).is_empty());
        assert_eq!(told(300, every_five(99)), ["10: begins", "130: over"]);
    }

    #[test]
    fn what_is_seen_once_and_lasts_is_told_after_an_hour() {
        let told = told(200, |minute| match minute {
            0..=120 => bad(minute == 0),
            _ => Look::Well,
        });
        assert_eq!(told, ["60: begins", "151: over"]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        // Twenty minutes of trouble, twenty minutes without, for ten hours.
        let told = told(800, |minute| match minute {
            m if m < 600 && (m / 20) % 2 == 0 => bad(true),
            _ => Look::Well,
        });
        assert_eq!(told, ["2: begins", "610: over"]);
    }

    #[test]
    fn what_nobody_can_tell_changes_nothing() {
        let told = told(500, |minute| match minute {
            0..10 => bad(true),
            10..400 => Look::Unseen,
            _ => Look::Well,
        });
        assert_eq!(told, ["2: begins", "430: over"]);
        let unseen = Patience::NONE.judge(None, Look::Unseen, at(0));
        assert_eq!(unseen, Next::AsItIs);
    }
}
