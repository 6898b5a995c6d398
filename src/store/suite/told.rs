//! Records of one customer from several places: each speaks of what it has, and nobody's "no" is lost.

use super::*;

async fn said(store: &Store, fingerprint: &str, one: Customer, told: Told) {
    says(store, ("any", fingerprint), one, told).await;
}

async fn says(store: &Store, of: (&str, &str), one: Customer, told: Told) -> Applied {
    let rows: Rows = vec![Ok(FileRow::Customer(Box::new(one), told))];
    let applied = store.apply_file(file(of.0, of.1), rows.into_iter());
    let applied = applied.await.unwrap();
    assert_eq!(applied.refused, 0);
    applied
}

fn date_of(store: &Customer, name: &str) -> Option<AttrValue> {
    store.attrs.get(name).cloned()
}

pub(super) async fn what_a_record_does_not_speak_of_stays(store: &Store) {
    let due = AttrValue::Date(PartialDate::new(Some(2027), 6, 1).unwrap());
    let text = |words: &str| AttrValue::Text(words.to_owned());
    let mut till = person("ann");
    till.first_name = Some("Ann".to_owned());
    till.birthday = PartialDate::new(None, 4, 23);
    till.tags = vec!["vip".to_owned()];
    till.consent = Consent::No;
    till.consent_at = Some(noon());
    till.unsubscribed = true;
    till.attrs = BTreeMap::from([
        ("due".to_owned(), due.clone()),
        ("it's".to_owned(), text("here")),
    ]);
    said(store, "1", till.clone(), everything()).await;

    // A mailing list knows names and one attribute, which it says to be empty.
    let mut list = person("ann");
    list.email = None;
    list.first_name = Some("Anna".to_owned());
    list.attrs = BTreeMap::from([("shoe".to_owned(), text("38"))]);
    let told = Told::only(["id", "first_name", "attr.it's", "attr.shoe"]);
    said(store, "2", list, told).await;
    let ann = view(store, "ann").await.customer;
    assert_eq!(ann.first_name.as_deref(), Some("Anna"));
    assert_eq!(ann.email, till.email);
    assert_eq!((ann.birthday, &ann.tags), (till.birthday, &till.tags));
    assert_eq!((ann.consent, ann.consent_at), (Consent::No, Some(noon())));
    assert!(ann.unsubscribed);
    assert_eq!(date_of(&ann, "due"), Some(due));
    assert_eq!(date_of(&ann, "it's"), None);
    assert_eq!(date_of(&ann, "shoe"), Some(text("38")));
    let dates: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM customer_date")
        .fetch_one(store.reader())
        .await
        .unwrap();
    assert_eq!(dates, 2, "birthday and due can still be found");

    // What is said to be empty is empty.
    let mut moved = person("ann");
    moved.email = None;
    let told = Told::only(["id", "email", "birthday", "attr.due"]);
    said(store, "3", moved, told).await;
    let ann = view(store, "ann").await.customer;
    assert_eq!((ann.email, ann.birthday), (None, None));
    assert_eq!(ann.attrs.into_keys().collect::<Vec<_>>(), ["shoe"]);
}

pub(super) async fn only_a_plain_word_takes_a_no_back(store: &Store) {
    let mut no = person("ann");
    (no.consent, no.consent_at) = (Consent::No, Some(noon()));
    no.unsubscribed = true;
    said(store, "1", no, everything()).await;
    // Whoever doesn't know says nothing.
    let told = everything().without("unsubscribed");
    said(store, "2", person("ann"), told).await;
    let ann = view(store, "ann").await.customer;
    assert_eq!((ann.consent, ann.consent_at), (Consent::No, Some(noon())));
    assert!(ann.unsubscribed);
    let mut yes = person("ann");
    yes.consent = Consent::Yes;
    said(store, "3", yes.clone(), everything()).await;
    let ann = view(store, "ann").await.customer;
    assert_eq!((ann.consent, ann.consent_at), (Consent::Yes, None));
    assert!(!ann.unsubscribed);
    // A yes that isn't known any more is none.
    said(store, "4", person("ann"), everything()).await;
    assert_eq!(view(store, "ann").await.customer.consent, Consent::Unknown);
}

pub(super) async fn a_source_that_says_the_same_again_overwrites_nobody(store: &Store) {
    let old = person("ann");
    let mut new = person("ann");
    new.email = Some("ann@new.example".to_owned());
    new.unsubscribed = true;
    let first = says(store, ("till", "1"), old.clone(), everything()).await;
    assert_eq!(first.new, 1);
    let told = says(store, ("shop", "1"), new.clone(), everything()).await;
    assert_eq!(told.changed, 1);
    // Both are read again, because something else in them changed.
    for source in ["till", "shop", "till"] {
        let again = if source == "till" { &old } else { &new };
        let before = view(store, "ann").await.revision;
        let told = says(store, (source, "2"), again.clone(), everything()).await;
        assert_eq!((told.unchanged, told.changed), (1, 0), "{source}");
        let ann = view(store, "ann").await;
        assert_eq!(ann.revision, before, "nobody has to look at her again");
        assert_eq!(ann.customer.email, new.email);
        assert!(ann.customer.unsubscribed);
    }
    // What changes there counts.
    let mut moved = old;
    moved.email = Some("ann@third.example".to_owned());
    let told = says(store, ("till", "3"), moved.clone(), everything()).await;
    assert_eq!(told.changed, 1);
    assert_eq!(view(store, "ann").await.customer.email, moved.email);
    let told = says(store, ("shop", "3"), new, everything()).await;
    assert_eq!(told.unchanged, 1);
    // Both are judged by what they told of.
    for (source, many) in [("till", 1), ("shop", 1), ("list", 0)] {
        let some = store.some_customers(Some(source), 0).await.unwrap();
        assert_eq!(some.map_or(0, |(_, some)| some.len()), many, "{source}");
        let shared = store.shared_addresses(Some(source)).await;
        assert_eq!(shared.unwrap(), SharedBy::default());
    }
}

pub(super) async fn whoever_left_one_source_is_gone_though_another_wrote_last(store: &Store) {
    let till = [person("ann"), person("bob")];
    load(store, till.to_vec()).await;
    for id in ["ann", "bob"] {
        let mut one = person(id);
        one.first_name = Some(id.to_owned());
        says(store, ("shop", "1"), one, everything()).await;
        let mut one = person(id);
        one.first_name = Some("Changed".to_owned());
        says(store, ("till", "2"), one, everything()).await;
    }
    let here = || {
        let mut ids = crate::model::ids::Ids::default();
        ids.add("bob");
        ids.known()
    };
    let marked = store.mark_gone("shop", &here(), false, noon()).await;
    assert_eq!(marked.unwrap(), Ok(1));
    assert!(view(store, "ann").await.gone && !view(store, "bob").await.gone);
    // That the till says the same as ever brings nobody back; that the shop has her again does.
    let mut same = person("ann");
    same.first_name = Some("Changed".to_owned());
    let told = says(store, ("till", "3"), same, everything()).await;
    assert_eq!(told.unchanged, 1);
    assert!(view(store, "ann").await.gone);
    let mut again = person("ann");
    again.first_name = Some("ann".to_owned());
    says(store, ("shop", "2"), again, everything()).await;
    assert!(!view(store, "ann").await.gone);
}

pub(super) async fn what_was_left_open_meanwhile_can_be_said_again(store: &Store) {
    // Unsubscribed; then nothing is said of it; then not any more.
    let mut yes = person("ann");
    yes.unsubscribed = true;
    said(store, "1", yes, everything()).await;
    let open = everything().without("unsubscribed");
    said(store, "2", person("ann"), open).await;
    assert!(view(store, "ann").await.customer.unsubscribed);
    said(store, "3", person("ann"), everything()).await;
    assert!(!view(store, "ann").await.customer.unsubscribed);
    // A column more, in which there is nothing for her, takes out what another file said.
    let mut bare = person("ann");
    bare.email = None;
    let told = Told::only(["id", "first_name"]);
    said(store, "4", bare.clone(), told).await;
    assert!(view(store, "ann").await.customer.email.is_some());
    let told = Told::only(["id", "first_name", "email"]);
    said(store, "5", bare, told).await;
    assert_eq!(view(store, "ann").await.customer.email, None);
}
