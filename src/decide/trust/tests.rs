//! What a clock and a store may look like, and whether a pass goes.

mod copies;

use proptest::prelude::*;

use super::*;
use crate::model::presence::{Count, Witness};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn built() -> Timestamp {
    at("2026-11-01T12:00:00Z")
}

fn start() -> Timestamp {
    at("2027-03-01T09:00:00Z")
}

fn up(boot: &str, uptime: SignedDuration) -> Machine {
    Machine {
        boot: Some(boot.to_owned()),
        uptime: Some(uptime),
        id: Some("m".to_owned()),
    }
}

/// A daemon under a clock that says now this, now that.
struct Watched {
    presence: Option<Presence>,
}

impl Watched {
    /// One that has worked at `start`, on a machine that has long been up.
    fn since_long() -> Self {
        let mut watched = Self { presence: None };
        watched.pass(start(), &up("a", DAY * 30)).unwrap();
        watched
    }

    fn pass(&mut self, now: Timestamp, machine: &Machine) -> Result<(), Doubt> {
        let times = Times {
            now,
            built: built(),
            machine,
        };
        clock(times, self.presence.as_ref())?;
        let anchor = anchor(times, self.presence.as_ref());
        let mut next = self
            .presence
            .take()
            .unwrap_or_else(|| Presence::new("e".to_owned(), now));
        next.anchor = anchor;
        next.at = next.at.max(now);
        self.presence = Some(next);
        Ok(())
    }

    /// After so long by the machine's own count, with the clock off by so much.
    fn later(&mut self, elapsed: SignedDuration, off: SignedDuration) -> Result<(), Doubt> {
        self.pass(start() + elapsed + off, &up("a", DAY * 30 + elapsed))
    }
}

#[test]
fn a_clock_of_1970_or_of_a_hundred_years_on_cannot_be_right() {
    let century = SignedDuration::from_hours(100 * 8766);
    let mut fresh = Watched { presence: None };
    let machine = up("a", HOUR);
    let doubt = fresh.pass(Timestamp::UNIX_EPOCH, &machine).unwrap_err();
    assert_eq!(doubt, Doubt::BeforeBuild { built: built() });
    let doubt = fresh.pass(start() + century, &machine).unwrap_err();
    assert_eq!(doubt, Doubt::FarAhead { built: built() });
    // Somebody builds on a machine in another zone, or a little fast.
    fresh.pass(built() - HOUR * 20, &machine).unwrap();

    let mut known = Watched::since_long();
    for off in [century, -century, DAY * 400, DAY * 2, -DAY * 2] {
        known.later(HOUR, off).unwrap_err();
    }
    // It heals as soon as the clock is right again.
    known.later(HOUR * 2, SignedDuration::ZERO).unwrap();
}

#[test]
fn a_machine_that_was_off_for_weeks_goes_on_and_one_that_was_off_for_a_year_is_asked() {
    for (days, goes) in [(21, true), (89, true), (91, false), (365, false)] {
        let mut watched = Watched::since_long();
        let after = watched.pass(start() + DAY * days, &up("b", HOUR));
        assert_eq!(after.is_ok(), goes, "{days}");
        if !goes {
            assert_eq!(after, Err(Doubt::Ahead { seen: start() }));
        }
    }
}

#[test]
fn a_machine_asleep_for_days_counts_them_and_one_that_was_halted_does_not() {
    let mut watched = Watched::since_long();
    watched.later(DAY * 9, SignedDuration::ZERO).unwrap();
    let doubt = watched.later(DAY * 9 + HOUR, DAY * 5).unwrap_err();
    let seen = start() + DAY * 9;
    assert_eq!(doubt, Doubt::Ahead { seen });
    // Halted every night for months, it never is asked.
    let mut watched = Watched::since_long();
    for day in 1..100 {
        for hour in 0..10 {
            let off = HOUR * 14 * day;
            watched.later(HOUR * (10 * day + hour), off).unwrap();
        }
    }
}

#[test]
fn a_machine_without_a_clock_of_its_own_learns_the_time_after_its_start() {
    // It was off for three weeks, and starts with the time at which it was switched off.
    let mut watched = Watched::since_long();
    let minute = SignedDuration::from_mins(1);
    watched.pass(start() + minute, &up("b", minute)).unwrap();
    watched
        .pass(start() + DAY * 21, &up("b", minute * 2))
        .unwrap();
    watched
        .pass(start() + DAY * 21 + minute, &up("b", minute * 3))
        .unwrap();
    // Once is enough, and in all no more than it may have been off.
    watched
        .pass(start() + DAY * 100, &up("b", minute * 4))
        .unwrap_err();
    // Long after the start it has nothing to learn.
    let mut watched = Watched::since_long();
    watched.pass(start() + minute, &up("b", minute)).unwrap();
    watched
        .pass(start() + DAY * 21, &up("b", HOUR * 2))
        .unwrap_err();
}

#[test]
fn many_small_steps_are_a_large_one() {
    let mut watched = Watched::since_long();
    let mut held = false;
    for step in 1..6 {
        held |= watched.later(HOUR * step, HOUR * 12 * step).is_err();
    }
    assert!(held);
}

#[test]
fn a_person_can_say_that_the_clock_is_right() {
    let mut watched = Watched { presence: None };
    let now = at("2050-01-01T00:00:00Z");
    let machine = up("a", HOUR);
    watched.pass(now, &machine).unwrap_err();
    let mut said = Presence::new("e".to_owned(), now);
    said.clock_confirmed_at = Some(now);
    watched.presence = Some(said);
    watched.pass(now + HOUR, &machine).unwrap();
}

#[test]
fn where_the_clock_is_wrong_the_time_is_counted_on() {
    let watched = Watched::since_long();
    let likely = |machine: &Machine| {
        let now = Timestamp::UNIX_EPOCH;
        let times = Times {
            now,
            built: built(),
            machine,
        };
        (
            likely(times, watched.presence.as_ref()),
            likely(times, None),
        )
    };
    assert_eq!(likely(&up("a", DAY * 31)), (start() + DAY, built()));
    assert_eq!(likely(&up("b", HOUR)), (start(), built()));
}

/// What happens to an honest machine.
#[derive(Debug, Clone)]
enum Turn {
    /// It works on for so many minutes, its clock off by so many.
    Works(i64, i64),
    /// It sleeps for so many hours, which it counts.
    Sleeps(i32),
    /// It is switched off for so many hours.
    Off(i32),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        8 => (1_i64..3000, -300_i64..300).prop_map(|(on, off)| Turn::Works(on, off)),
        1 => (1_i32..2000).prop_map(Turn::Sleeps),
        1 => (1_i32..2000).prop_map(Turn::Off),
    ]
}

proptest! {
    #[test]
    fn an_honest_machine_is_never_held(turns in prop::collection::vec(turn(), 1..60)) {
        let mut watched = Watched { presence: None };
        let (mut now, mut uptime, mut boot) = (start(), HOUR, 0);
        for turn in turns {
            let off = match turn {
                Turn::Works(minutes, off) => {
                    now += SignedDuration::from_mins(minutes);
                    uptime += SignedDuration::from_mins(minutes);
                    SignedDuration::from_mins(off)
                }
                Turn::Sleeps(hours) => {
                    now += HOUR * hours;
                    uptime += HOUR * hours;
                    SignedDuration::ZERO
                }
                Turn::Off(hours) => {
                    now += HOUR * hours;
                    (uptime, boot) = (HOUR, boot + 1);
                    SignedDuration::ZERO
                }
            };
            prop_assert_eq!(watched.pass(now + off, &up(&boot.to_string(), uptime)), Ok(()));
        }
    }

    #[test]
    fn a_clock_that_leaps_by_more_than_a_day_is_held_until_it_is_back(
        before in 0_i64..20_000, off in 1441_i64..100_000_000, back in any::<bool>(),
    ) {
        let mut watched = Watched::since_long();
        let minutes = SignedDuration::from_mins;
        watched.later(minutes(before), SignedDuration::ZERO).unwrap();
        let off = minutes(if back { -off - 2 } else { off });
        prop_assert!(watched.later(minutes(before + 1), off).is_err());
        prop_assert!(watched.later(minutes(before + 2), off).is_err());
        prop_assert_eq!(watched.later(minutes(before + 3), SignedDuration::ZERO), Ok(()));
    }

    #[test]
    fn a_store_is_its_own_after_every_crash(
        passes in 0_i64..9, letters in 0_i64..9, behind in (0_i64..9, 0_i64..9),
    ) {
        let (mut presence, mut witness) = pair();
        presence.count = Count { passes, letters };
        witness.count = Count { passes: passes - behind.0, letters: letters - behind.1 };
        prop_assert_eq!(held(&presence, &witness, PLACE, "m"), Ok(()));
        witness.count = Count { passes: passes + behind.0, letters: letters + behind.1 };
        let ahead = behind != (0, 0);
        prop_assert_eq!(held(&presence, &witness, PLACE, "m").is_err(), ahead);
    }
}

const PLACE: &str = "b1";

fn pair() -> (Presence, Witness) {
    let mut presence = Presence::new("e".to_owned(), start());
    presence.note_machine(Some("m"), start());
    presence.count = Count {
        passes: 7,
        letters: 40,
    };
    let witness = Witness {
        store: "s".to_owned(),
        epoch: "e".to_owned(),
        count: presence.count,
        at: start(),
        machine: Some("m".to_owned()),
        place: Some(PLACE.to_owned()),
        home: None,
    };
    (presence, witness)
}

fn papers<'a>(presence: &'a Presence, witness: &'a Witness) -> Papers<'a> {
    Papers {
        store: "s",
        presence: Some(presence),
        beside: Some(witness),
        place: Some(PLACE),
        elsewhere: None,
        before: None,
        machine: Some("m"),
        strangers: 0,
        now: start() + HOUR * 2,
    }
}

fn held(presence: &Presence, witness: &Witness, place: &str, machine: &str) -> Result<(), Doubt> {
    copy(Papers {
        place: Some(place),
        machine: Some(machine),
        ..papers(presence, witness)
    })
}
