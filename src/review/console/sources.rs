//! Sources: what came in and when, how good it is, and what couldn't be used.
//!
//! May not read a source.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::file::{self, Kind, TOGETHER};
use super::show::part;
use super::source::source_link;
use super::trouble::Trouble;
use super::words::{ago, moment};
use super::{Answer, Console};
use crate::engine::quality::FACTS;
use crate::engine::{House, listing};
use crate::model::Matter;
use crate::settings::Source;
use crate::store::Bad;

/// Bad records on a page.
const ON_A_PAGE: u16 = 50;

type Fields = HashMap<String, String>;

/// Where a source's file or folder lies, seen from the business's own folder.
pub(super) fn place(house: &House, source: &Source) -> Option<String> {
    // The folder above the settings' is the business's own.
    let above = house.plans.settings.folder.parent();
    let above = above.unwrap_or(Path::new(""));
    let path = source.place.path()?;
    Some(
        path.strip_prefix(above)
            .unwrap_or(path)
            .display()
            .to_string(),
    )
}

/// Records that can't be used, of all sources or of one; with the number after which it goes on.
pub(super) async fn bad_rows(
    house: &House,
    source: Option<&str>,
    fields: &Fields,
) -> Result<(Vec<Value>, Option<i64>), Trouble> {
    let after = fields
        .get("after")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let bad = house
        .store
        .quarantine_page(source, after, ON_A_PAGE + 1)
        .await?;
    let more = bad.len() > usize::from(ON_A_PAGE);
    let shown: Vec<&Bad> = bad.iter().take(usize::from(ON_A_PAGE)).collect();
    let last = shown.last().map(|bad| bad.number);
    let rows = shown.iter().map(|bad| {
        json!({
            "source": bad.source,
            "file": bad.refusal.file,
            "line": bad.refusal.line,
            "column": bad.refusal.column,
            "value": bad.refusal.value,
            "reason": bad.refusal.reason,
        })
    });
    Ok((rows.collect(), last.filter(|_| more)))
}

/// Sources that so many customers seem to have left that a person has to say whether it is right so.
pub(super) async fn many_gone(house: &House) -> Result<Vec<String>, Trouble> {
    let troubles = house.store.troubles().await?.into_iter();
    let matters = troubles.map(|trouble| trouble.matter);
    let gone = matters.filter(|matter| matches!(matter, Matter::ManyGone { .. }));
    Ok(gone.map(|matter| matter.name()).collect())
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<Fields>,
) -> Answer {
    let house = console.house();
    let now = house.clock.now();
    let zone = &house.policy().zone;
    let marks = house.store.source_marks().await?;
    let unread = house.store.unread_sources().await?;
    let judged = house.store.judged().await?;
    let gone = many_gone(&house).await?;
    let sources = house.plans.settings.sources.iter().map(|source| {
        let mark = marks.iter().find(|mark| mark.source == source.name);
        let judged = judged.iter().find(|one| one.source == source.name);
        json!({
            "name": source.name,
            "link": source_link(&source.name),
            "feeds": source.feeds.as_str(),
            "path": place(&house, source),
            "unread": unread.contains(&source.name),
            "many_gone": gone.contains(&source.name),
            "at": mark.map(|mark| moment(mark.applied_at, zone)),
            "ago": mark.map(|mark| ago(mark.applied_at, now)),
            "files": mark.map(|mark| mark.files),
            "records": mark.map(|mark| mark.records),
            "refused": mark.map(|mark| mark.refused),
            "odd": judged.map(|one| one.found.len().saturating_sub(FACTS)),
        })
    });
    let sources: Vec<Value> = sources.collect();
    let (rows, next) = bad_rows(&house, None, &fields).await?;
    let page = json!({
        "sources": sources,
        "rows": rows,
        "next": next.map(|last| format!("/sources?after={last}")),
    });
    console.page(&visit, "sources.html", &page)
}

/// What couldn't be used, as a file.
pub(super) async fn csv(
    State(console): State<Arc<Console>>,
    Query(fields): Query<Fields>,
) -> Answer {
    const KIND: Kind = Kind {
        name: "quarantine",
        fields: &[
            "source", "file", "line", "column", "value", "reason", "record",
        ],
    };
    let house = console.house();
    let source = fields.get("source").cloned();
    let after = fields.get("after").and_then(|n| n.parse().ok());
    let of = source
        .as_deref()
        .map(|source| format!("source={}&", part(source)));
    let goes_on = move |after: &i64| {
        let of = of.as_deref().unwrap_or_default();
        format!("/sources.csv?{of}after={after}")
    };
    let read = move |after: Option<i64>| {
        let (house, source) = (Arc::clone(&house), source.clone());
        async move {
            let store = &house.store;
            let after = after.unwrap_or(0);
            let bad = store
                .quarantine_page(source.as_deref(), after, TOGETHER)
                .await?;
            let more = bad.len() == usize::from(TOGETHER);
            let next = bad.last().filter(|_| more).map(|bad| bad.number);
            Ok((bad.iter().map(unusable).collect(), next))
        }
    };
    file::file(KIND, after, read, goes_on).await
}

/// One record as the file has it.
fn unusable(bad: &Bad) -> listing::Row {
    let refusal = &bad.refusal;
    let values: [(&str, Value); 7] = [
        ("source", json!(bad.source)),
        ("file", json!(refusal.file)),
        ("line", json!(refusal.line)),
        ("column", json!(refusal.column)),
        ("value", json!(refusal.value)),
        ("reason", json!(refusal.reason)),
        ("record", json!(refusal.record)),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value));
    values.into_iter().collect()
}
