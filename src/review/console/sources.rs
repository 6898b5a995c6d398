//! Sources: what came in and when, and what couldn't be used.
//!
//! May not read a source.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::words::{ago, moment};
use super::{Answer, Console, show};
use crate::engine::listing;
use crate::store::Bad;

/// Bad records on a page, and in one download.
const ON_A_PAGE: u16 = 50;
const IN_A_FILE: u16 = 20_000;

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    let house = console.house();
    let now = house.clock.now();
    let (zone, folder) = (&house.policy().zone, &house.plans.settings.folder);
    let marks = house.store.source_marks().await?;
    let unread = house.store.unread_sources().await?;
    let sources = house.plans.settings.sources.iter().map(|source| {
        let mark = marks.iter().find(|mark| mark.source == source.name);
        // The folder above the settings' is the business's own.
        let above = folder.parent().unwrap_or(Path::new(""));
        let path = source.place.path();
        let path = path.map(|path| path.strip_prefix(above).unwrap_or(path));
        json!({
            "name": source.name,
            "feeds": source.feeds.as_str(),
            "path": path.map(|path| path.display().to_string()),
            "unread": unread.contains(&source.name),
            "at": mark.map(|mark| moment(mark.applied_at, zone)),
            "ago": mark.map(|mark| ago(mark.applied_at, now)),
            "files": mark.map(|mark| mark.files),
            "records": mark.map(|mark| mark.records),
            "refused": mark.map(|mark| mark.refused),
        })
    });
    let sources: Vec<Value> = sources.collect();
    let after = fields
        .get("after")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let bad = house.store.quarantine_page(after, ON_A_PAGE + 1).await?;
    let more = bad.len() > usize::from(ON_A_PAGE);
    let shown: Vec<&Bad> = bad.iter().take(usize::from(ON_A_PAGE)).collect();
    let last = shown.last().map(|bad| bad.number);
    let rows: Vec<Value> = shown
        .iter()
        .map(|bad| {
            json!({
                "source": bad.source,
                "file": bad.refusal.file,
                "line": bad.refusal.line,
                "column": bad.refusal.column,
                "value": bad.refusal.value,
                "reason": bad.refusal.reason,
            })
        })
        .collect();
    let page = json!({
        "sources": sources,
        "rows": rows,
        "next": last.filter(|_| more).map(|last| format!("/sources?after={last}")),
    });
    console.page(&visit, "sources.html", &page)
}

/// What couldn't be used, as a file.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    const FIELDS: &[&str] = &[
        "source", "file", "line", "column", "value", "reason", "record",
    ];
    let bad = console.house().store.quarantine_page(0, IN_A_FILE).await?;
    let rows = bad.iter().map(|bad| {
        let values = [
            json!(bad.source),
            json!(bad.refusal.file),
            json!(bad.refusal.line),
            json!(bad.refusal.column),
            json!(bad.refusal.value),
            json!(bad.refusal.reason),
            json!(bad.refusal.record),
        ];
        listing::row(FIELDS, values)
    });
    show::download("quarantine", FIELDS, &rows.collect::<Vec<_>>())
}
