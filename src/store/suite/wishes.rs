//! What customers say by a letter's links, and how it stands beside their records.

use std::collections::BTreeSet;

use super::*;
use crate::model::{Matter, Topic, Wishes};

/// An entry of this customer's, whose letter went to the address they have.
async fn written_to(store: &Store, customer: &str) -> String {
    plan(store, vec![entry(customer, "2027-05-02", noon())]).await;
    let taken = store.claim(10, noon()).await.unwrap();
    let id = taken.last().unwrap().id.clone();
    let mut one = commit(&id, view(store, customer).await.revision);
    one.recipient = view(store, customer).await.customer.email.unwrap();
    assert!(store.commit_to_send(one).await.unwrap());
    assert!(store.record_durably(sent(&id)).await.unwrap());
    id
}

fn choice() -> Choice {
    Choice {
        language: Some("de".to_owned()),
        fewer: true,
        offered: BTreeSet::from([Topic::Greetings, Topic::Missing]),
        wanted: BTreeSet::from([Topic::Greetings]),
        pause: Some(Some(date(2027, 8, 1))),
    }
}

fn born(text: &str) -> PartialDate {
    text.parse().unwrap()
}

pub(super) async fn what_a_customer_said_outlasts_the_records(store: &Store) {
    let ann = |language: &str, birthday: Option<PartialDate>| Customer {
        language: Some(language.to_owned()),
        birthday,
        ..person("ann")
    };
    load(store, vec![ann("en", None), person("bob")]).await;
    let id = written_to(store, "ann").await;
    let before = view(store, "ann").await;
    assert!(store.choose(&id, &choice(), noon()).await.unwrap());
    let chosen = view(store, "ann").await;
    assert!(chosen.revision > before.revision);
    assert_eq!(chosen.customer.language.as_deref(), Some("de"));
    assert_eq!(chosen.wishes.without, BTreeSet::from([Topic::Missing]));
    assert_eq!(chosen.wishes.pause_until, Some(date(2027, 8, 1)));
    assert!(chosen.wishes.fewer);
    // The same again is no news, and nobody else is concerned.
    assert!(!store.choose(&id, &choice(), noon()).await.unwrap());
    assert_eq!(view(store, "ann").await.revision, chosen.revision);
    assert_eq!(view(store, "bob").await.wishes, Wishes::default());

    // What isn't offered stays as it was.
    let other = Choice {
        language: None,
        offered: BTreeSet::from([Topic::Thanks]),
        wanted: BTreeSet::new(),
        pause: None,
        ..choice()
    };
    assert!(store.choose(&id, &other, noon()).await.unwrap());
    let said = view(store, "ann").await;
    assert_eq!(said.customer.language.as_deref(), Some("en"));
    let without = BTreeSet::from([Topic::Missing, Topic::Thanks]);
    assert_eq!(said.wishes.without, without);
    assert_eq!(said.wishes.pause_until, Some(date(2027, 8, 1)));

    // The next file knows nothing of it, and takes nothing of it away.
    load(store, vec![ann("fr", None)]).await;
    let said = view(store, "ann").await;
    assert_eq!((said.wishes.without, said.wishes.fewer), (without, true));
    assert!(
        store
            .tell_birthday(&id, "--02-29".parse().unwrap(), noon())
            .await
            .unwrap()
    );
    let birthday = async || view(store, "ann").await.customer.birthday;
    assert_eq!(birthday().await.unwrap(), born("--02-29"));
    load(store, vec![ann("it", None)]).await;
    assert_eq!(birthday().await.unwrap(), born("--02-29"));
    // Until the record says something of its own.
    load(store, vec![ann("it", Some(born("1984-03-01")))]).await;
    assert_eq!(birthday().await.unwrap(), born("1984-03-01"));
    // They say it again, over that.
    assert!(
        store
            .tell_birthday(&id, "--02-29".parse().unwrap(), noon())
            .await
            .unwrap()
    );
    assert_eq!(birthday().await.unwrap(), born("1984-02-29"));
    load(store, vec![ann("it", Some(born("1984-03-01")))]).await;
    assert_eq!(birthday().await.unwrap(), born("1984-02-29"));
    let reached = store.reached(&id).await.unwrap().unwrap();
    assert_eq!(
        (reached.customer.as_str(), reached.stopped, reached.shut),
        ("ann", false, false)
    );
    assert_eq!(store.reached("nothing").await.unwrap(), None);
    assert!(!store.choose("nothing", &choice(), noon()).await.unwrap());
}

/// Somebody is about to send on a view from before.
pub(super) async fn a_choice_in_between_stops_the_commit(store: &Store) {
    let (id, revision) = claimed(store).await;
    assert!(store.choose(&id, &choice(), noon()).await.unwrap());
    assert!(!store.commit_to_send(commit(&id, revision)).await.unwrap());
    let revision = view(store, "ann").await.revision;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
}

pub(super) async fn who_told_a_birthday_is_found_by_it(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    let id = written_to(store, "ann").await;
    let found = async |day, touched| {
        store
            .with_anniversary("birthday", (day, day), touched)
            .await
            .unwrap()
    };
    let leap_day = date(2028, 2, 29);
    assert!(found(leap_day, false).await.is_empty());
    assert!(
        store
            .tell_birthday(&id, "--02-29".parse().unwrap(), noon())
            .await
            .unwrap()
    );
    for day in [leap_day, date(2027, 2, 28), date(2027, 3, 1)] {
        assert_eq!(found(day, false).await, ["ann"], "{day}");
        assert_eq!(found(day, true).await, ["ann"], "{day}");
    }
    assert!(found(date(2027, 3, 2), false).await.is_empty());
    let other = (leap_day, leap_day);
    assert!(
        store
            .with_anniversary("joined_on", other, false)
            .await
            .unwrap()
            .is_empty()
    );
    // A rule for the very day may get too many, never too few.
    assert_eq!(
        store.with_date("birthday", other, false).await.unwrap(),
        ["ann"]
    );
    assert_eq!(
        store.with_date("birthday", other, true).await.unwrap(),
        ["ann"]
    );
}

pub(super) async fn only_their_own_click_is_taken_back(store: &Store) {
    load(store, vec![person("ann")]).await;
    let id = written_to(store, "ann").await;
    assert!(!store.come_back(&id, noon()).await.unwrap());
    assert!(store.unsubscribe(&id, noon()).await.unwrap());
    assert!(view(store, "ann").await.suppressed);
    let reached = async || store.reached(&id).await.unwrap().unwrap();
    assert!(reached().await.stopped && !reached().await.shut);
    let before = view(store, "ann").await.revision;
    assert!(store.come_back(&id, noon()).await.unwrap());
    let back = view(store, "ann").await;
    assert!(!back.suppressed && back.revision > before);
    assert!(store.suppressions().await.unwrap().is_empty());
    let history = store.entry(&id).await.unwrap().unwrap().history;
    let words: Vec<_> = history
        .iter()
        .filter_map(|step| step.reply.as_deref())
        .collect();
    assert!(
        words.contains(&"they asked for letters again by this letter's link"),
        "{words:?}"
    );
    // The record's own no stays, and so does one that somebody else's word made.
    load(
        store,
        vec![Customer {
            unsubscribed: true,
            ..person("ann")
        }],
    )
    .await;
    assert!(reached().await.shut);
    assert!(!store.come_back(&id, noon()).await.unwrap());
    assert!(view(store, "ann").await.customer.unsubscribed);
}

pub(super) async fn what_somebody_else_says_of_an_address_outlasts_a_click(store: &Store) {
    load(store, vec![person("ann")]).await;
    let id = written_to(store, "ann").await;
    assert!(store.unsubscribe(&id, noon()).await.unwrap());
    assert!(
        store
            .suppress("ann@shop.example", "settled-by-hand", noon())
            .await
            .unwrap()
    );
    assert!(
        !store
            .suppress("ann@shop.example", "settled-by-hand", noon())
            .await
            .unwrap()
    );
    assert!(store.reached(&id).await.unwrap().unwrap().shut);
    assert!(store.come_back(&id, noon()).await.unwrap());
    let list = store.suppressions().await.unwrap();
    assert_eq!(list[0].1, "settled-by-hand");
    assert!(view(store, "ann").await.suppressed);
    // A later click changes nothing of it either.
    assert!(store.unsubscribe(&id, noon()).await.unwrap());
    assert_eq!(store.suppressions().await.unwrap()[0].1, "settled-by-hand");
}

pub(super) async fn whoever_shares_an_address_comes_back_by_themselves(store: &Store) {
    let at_home = |id: &str| Customer {
        email: Some("home@shop.example".to_owned()),
        ..person(id)
    };
    load(store, vec![at_home("ann"), at_home("bob"), at_home("cat")]).await;
    let (of_ann, of_bob) = (
        written_to(store, "ann").await,
        written_to(store, "bob").await,
    );
    let of_cat = written_to(store, "cat").await;
    assert!(store.unsubscribe(&of_ann, noon()).await.unwrap());
    assert!(store.unsubscribe(&of_bob, noon()).await.unwrap());
    // Cat never clicked: it isn't hers to take back.
    assert!(store.reached(&of_cat).await.unwrap().unwrap().shut);
    assert!(!store.come_back(&of_cat, noon()).await.unwrap());
    assert!(store.come_back(&of_ann, noon()).await.unwrap());
    let stopped = async |who| view(store, who).await.suppressed;
    assert!(!stopped("ann").await && stopped("bob").await && !stopped("cat").await);
}

fn opinion(words: &str) -> Event {
    Event {
        kind: "feedback".to_owned(),
        attrs: BTreeMap::from([("text".to_owned(), AttrValue::Text(words.to_owned()))]),
        ..visit("opinion-1", "ann", When::Instant(noon()))
    }
}

pub(super) async fn an_opinion_comes_in_once_and_a_complaint_is_told_with_it(store: &Store) {
    load(store, vec![person("ann")]).await;
    let before = view(store, "ann").await.revision;
    let bad = [
        opinion("too late"),
        Event {
            kind: "complaint-opened".to_owned(),
            ..visit("complaint-1", "ann", When::Instant(noon()))
        },
    ];
    assert!(
        store
            .happened(&bad, Some(&complaint("too late")), noon())
            .await
            .unwrap()
    );
    let seen = view(store, "ann").await;
    assert!(seen.revision > before);
    assert_eq!(seen.events.len(), 2);
    let trouble = store.troubles().await.unwrap().pop().unwrap();
    assert_eq!(trouble.matter, complaint("too late"));
    // Other words of the same letter take the place of the first.
    assert!(
        store
            .happened(&[opinion("fine now")], None, noon())
            .await
            .unwrap()
    );
    let events = view(store, "ann").await.events;
    assert_eq!(events.len(), 2);
    assert!(events.contains(&opinion("fine now")));
    assert_eq!(store.everyone(true).await.unwrap(), ["ann"]);
}

fn complaint(text: &str) -> Matter {
    Matter::Complaint {
        customer: "ann".to_owned(),
        who: None,
        face: 1,
        faces: 5,
        at: noon(),
        rule: "birthday".to_owned(),
        text: text.to_owned(),
    }
}

pub(super) async fn what_a_customer_said_goes_with_them(store: &Store) {
    load(store, vec![person("ann")]).await;
    let id = written_to(store, "ann").await;
    assert!(store.choose(&id, &choice(), noon()).await.unwrap());
    let complaint = complaint("too late");
    let complaint = Some(&complaint);
    assert!(
        store
            .happened(&[opinion("too late")], complaint, noon())
            .await
            .unwrap()
    );
    let mut said = Vec::new();
    let whom = Whom::Customer("ann".to_owned());
    let told: Result<(), ApplyError<()>> = store
        .dossier(&whom, &mut |piece| {
            if matches!(piece, Piece::Said(_) | Piece::Trouble(_)) {
                said.push(format!("{piece:?}"));
            }
            Ok(())
        })
        .await;
    told.unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(forget(store, "ann").await);
    assert!(store.troubles().await.unwrap().is_empty());
    assert_eq!(store.reached(&id).await.unwrap(), None);
    assert!(
        !store
            .happened(&[opinion("again")], complaint, noon())
            .await
            .unwrap()
    );
    assert!(store.troubles().await.unwrap().is_empty());
    load(store, vec![person("bob")]).await;
    assert_eq!(view(store, "bob").await.wishes, Wishes::default());
}
