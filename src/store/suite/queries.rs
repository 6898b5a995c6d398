//! What databases gave, and up to where.

use tokio::sync::mpsc;

use super::*;

fn place(source: &str, id: &str) -> String {
    format!("{source} {id}")
}

fn refused(id: &str) -> FileRow {
    FileRow::Refused(Box::new(Refusal {
        file: place("shop", id),
        line: 1,
        column: "email".to_owned(),
        value: "x".to_owned(),
        reason: "it isn't an address".to_owned(),
        record: String::new(),
        of: Claims::default(),
    }))
}

fn known(id: &str) -> FileRow {
    FileRow::Customer(Box::new(person(id)), everything())
}

fn mark(text: &str) -> QueryMark {
    QueryMark {
        fingerprint: "1".to_owned(),
        mark: Some(text.to_owned()),
    }
}

type Parts = Vec<Result<QueryPart, &'static str>>;

async fn read(store: &Store, parts: Parts) -> Result<Option<Applied>, ApplyError<&'static str>> {
    let (out, mut coming) = mpsc::channel(parts.len());
    for part in parts {
        out.send(part).await.unwrap();
    }
    drop(out);
    let to = ("shop", noon(), place as PlaceOf);
    store.apply_query(to, &mut coming).await
}

fn parts(whole: bool, rows: Vec<FileRow>, to: &str) -> Parts {
    let begins = QueryPart::Begins { whole };
    let ends = QueryPart::Ends(mark(to));
    vec![Ok(begins), Ok(QueryPart::Rows(rows)), Ok(ends)]
}

async fn marked(store: &Store) -> Option<QueryMark> {
    store.query_mark("shop").await.unwrap()
}

async fn places(store: &Store) -> Vec<String> {
    let rows = store.quarantined().await.unwrap();
    rows.into_iter().map(|row| row.refusal.file).collect()
}

pub(super) async fn the_mark_moves_with_the_rows_or_not_at_all(store: &Store) {
    assert_eq!(marked(store).await, None);
    let first = read(store, parts(true, vec![known("ann")], "10")).await;
    assert_eq!(first.unwrap().unwrap().new, 1);
    assert_eq!(marked(store).await, Some(mark("10")));
    // More than is waited for before a transaction is begun.
    let many = || (0..30_000).map(|n| known(&format!("c{n}"))).collect();
    let mut broken = parts(false, many(), "20");
    broken.pop();
    let error = read(store, broken).await.unwrap_err();
    assert!(matches!(error, ApplyError::Store(_)), "it broke off");
    let mut wrong = parts(false, many(), "20");
    wrong.insert(2, Err("the database went away"));
    let error = read(store, wrong).await.unwrap_err();
    assert!(matches!(error, ApplyError::Rows("the database went away")));
    assert_eq!(marked(store).await, Some(mark("10")));
    assert_eq!(store.everyone(false).await.unwrap(), ["ann"]);
    let again = read(store, parts(false, many(), "20")).await;
    assert_eq!(again.unwrap().unwrap().new, 30_000);
    assert_eq!(marked(store).await, Some(mark("20")));
}

pub(super) async fn what_was_refused_stays_refused_until_it_comes_again(store: &Store) {
    let rows = vec![refused("ann"), refused("bob"), refused("cid")];
    read(store, parts(true, rows, "10")).await.unwrap();
    // Ann is mended, Bob is still wrong, and of Cid nothing is heard.
    let rows = vec![known("ann"), refused("bob")];
    read(store, parts(false, rows, "20")).await.unwrap();
    assert_eq!(places(store).await, ["shop bob", "shop cid"]);
    // Everything came, and what didn't come is no longer there.
    read(store, parts(true, vec![known("ann")], "30"))
        .await
        .unwrap();
    assert!(places(store).await.is_empty());
}

pub(super) async fn nothing_is_written_where_nothing_changed(store: &Store) {
    read(store, parts(true, vec![refused("ann")], "10"))
        .await
        .unwrap();
    let same = read(store, vec![Ok(QueryPart::Unchanged)]).await.unwrap();
    assert_eq!(same, None);
    assert_eq!(places(store).await, ["shop ann"]);
    assert_eq!(marked(store).await, Some(mark("10")));
}

pub(super) async fn a_database_of_many_brings_what_a_file_brings(store: &Store) {
    let born = |n: u32, month| {
        let mut one = person(&format!("c{n:04}"));
        one.birthday = PartialDate::new(None, month, 9);
        FileRow::Customer(Box::new(one), everything())
    };
    // More than a statement takes, with the last of them twice.
    let mut rows: Vec<FileRow> = (0..700).map(|n| born(n, 3)).collect();
    rows.push(born(699, 4));
    let applied = read(store, parts(true, rows.clone(), "1")).await.unwrap();
    assert_eq!(
        applied.map(|applied| (applied.new, applied.changed)),
        Some((700, 1))
    );
    assert_eq!(store.everyone(true).await.unwrap().len(), 700);
    let found = async |month| {
        let day = (date(2027, month, 9), date(2027, month, 9));
        let found = store.with_anniversary("birthday", day, true).await;
        found.unwrap().len()
    };
    assert_eq!((found(3).await, found(4).await), (699, 1));
    // Those who asked to be forgotten don't come back.
    assert!(forget(store, "c0005").await);
    let applied = read(store, parts(true, rows, "2")).await.unwrap().unwrap();
    assert_eq!((applied.new, applied.forgotten), (0, 1));
}
