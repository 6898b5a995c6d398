//! Whether a store is the one that was worked with last.

use super::*;

#[test]
fn an_older_copy_is_told_by_its_witness_and_says_how_many_letters_left() {
    let (mut presence, witness) = pair();
    presence.count.letters = 28;
    let older = Doubt::Older {
        seen: Some(start()),
        letters: 12,
    };
    assert_eq!(held(&presence, &witness, PLACE, "m"), Err(older));
    // A witness elsewhere tells it, too, where the one beside it was restored with it.
    let mut restored = witness.clone();
    restored.count = presence.count;
    let both = Papers {
        elsewhere: Some(&witness),
        ..papers(&presence, &restored)
    };
    assert_eq!(copy(both), Err(older));
}

#[test]
fn copies_are_told_from_what_was_carried_over() {
    let (mut presence, witness) = pair();
    // A copy of the whole folder, here or on another machine.
    assert_eq!(held(&presence, &witness, "b2", "m"), Err(Doubt::Copied));
    assert_eq!(held(&presence, &witness, "b2", "n"), Err(Doubt::Copied));
    // Told in another way by a newer system.
    assert_eq!(held(&presence, &witness, "i7", "m"), Ok(()));
    // The same volume under a container whose name is another with each start.
    assert_eq!(held(&presence, &witness, PLACE, "n"), Ok(()));
    // A file system that can't tell a file from its copy.
    let mut blind = witness.clone();
    blind.place = None;
    assert_eq!(held(&presence, &blind, PLACE, "n"), Err(Doubt::Copied));
    // The database alone.
    let alone = Papers {
        beside: None,
        place: None,
        ..papers(&presence, &witness)
    };
    assert_eq!(copy(alone), Err(Doubt::Alone));
    // A power cut before anything stood in the file.
    let empty = Papers {
        beside: None,
        ..papers(&presence, &witness)
    };
    assert_eq!(copy(empty), Ok(()));
    // Two machines on one folder: the first comes back.
    presence.note_machine(Some("n"), start() + HOUR * 2);
    let within = Papers {
        now: start() + SignedDuration::from_mins(30),
        ..papers(&presence, &witness)
    };
    assert_eq!(copy(within), Err(Doubt::InTurns));
    assert_eq!(held(&presence, &witness, PLACE, "m"), Ok(()));
}

#[test]
fn of_two_copies_only_the_one_that_was_confirmed_goes_on() {
    let (first, witness) = pair();
    let mut second = first.clone();
    second.begin_anew("f".to_owned(), [&witness].into_iter());
    let mut renewed = witness.clone();
    renewed.epoch.clone_from(&second.epoch);
    // The second, and what the first was known to have done by then.
    assert_eq!(held(&second, &renewed, PLACE, "m"), Ok(()));
    assert_eq!(held(&second, &witness, PLACE, "m"), Ok(()));
    // The first, where the second has left its mark.
    assert_eq!(held(&first, &renewed, PLACE, "m"), Err(Doubt::OtherLife));
    // The second, where the first went on meanwhile.
    let mut went_on = witness;
    went_on.count.letters += 1;
    assert_eq!(held(&second, &went_on, PLACE, "m"), Err(Doubt::OtherLife));
}

#[test]
fn a_new_store_is_held_only_where_another_was_at_work() {
    fn fresh(beside: Option<&Witness>, strangers: u64) -> Result<(), Doubt> {
        copy(Papers {
            store: "s",
            presence: None,
            beside,
            place: Some(PLACE),
            elsewhere: None,
            before: None,
            machine: Some("m"),
            strangers,
            now: start(),
        })
    }
    let (presence, mut witness) = pair();
    assert_eq!(fresh(None, 0), Ok(()));
    assert_eq!(fresh(None, 3), Err(Doubt::OutboxAhead { letters: 3 }));
    let older = Doubt::Older {
        seen: None,
        letters: 40,
    };
    assert_eq!(fresh(Some(&witness), 0), Err(older));
    witness.store = "t".to_owned();
    assert_eq!(fresh(Some(&witness), 0), Err(Doubt::OtherStore));
    let new = Papers {
        store: "s",
        presence: None,
        beside: None,
        before: Some(&witness),
        ..papers(&presence, &witness)
    };
    let lost = Doubt::Lost {
        seen: start(),
        letters: 40,
    };
    assert_eq!(copy(new), Err(lost));
    let mut idle = witness.clone();
    idle.count.letters = 0;
    let before = Some(&idle);
    assert_eq!(copy(Papers { before, ..new }), Ok(()));
    // Once it has begun, what was there before doesn't matter any more.
    let ours = Witness {
        store: "s".to_owned(),
        ..witness.clone()
    };
    let begun = Papers {
        before: Some(&witness),
        ..papers(&presence, &ours)
    };
    assert_eq!(copy(begun), Ok(()));
    // Its making was broken off before its first pass.
    witness.store = "s".to_owned();
    witness.count = Count::default();
    assert_eq!(fresh(Some(&witness), 0), Ok(()));
}
