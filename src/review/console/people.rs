//! People: who decided what and when, and who may sign in.
//!
//! May not change either.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::words::moment;
use super::{Answer, Console, show};
use crate::engine::entry_json::rfc3339;
use crate::engine::listing;

/// Decisions on a page, and in one download.
const ON_A_PAGE: u16 = 50;
const IN_A_FILE: u16 = 20_000;

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    let house = console.house();
    let before = fields.get("before").and_then(|n| n.parse().ok());
    let found = house.store.audited(before, ON_A_PAGE).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|one| {
            json!({
                "at": moment(one.at, &house.policy().zone),
                "who": one.who,
                "what": what(&one.what),
                "subject": one.subject,
            })
        })
        .collect();
    let users = house.store.users().await?;
    let users: Vec<Value> = users
        .iter()
        .map(|user| {
            json!({
                "name": user.name,
                "role": user.role.as_str(),
                "since": moment(user.made_at, &house.policy().zone),
            })
        })
        .collect();
    let more = found.len() == usize::from(ON_A_PAGE);
    let last = found.last().filter(|_| more);
    let page = json!({
        "rows": rows,
        "users": users,
        "next": last.map(|last| format!("/people?before={}", last.number)),
    });
    console.page(&visit, "people.html", &page)
}

fn what(word: &str) -> &str {
    match word {
        "approve" => "let go",
        "decline" => "ended unsent",
        "resolve-sent" => "said it was sent",
        "resolve-not-sent" => "said it wasn't sent",
        "resolve-resend" => "had it sent again",
        "sign-in" => "signed in",
        "sign-out" => "signed out",
        "add-user" => "added the user",
        "remove-user" => "took out the user",
        other => other,
    }
}

/// All decisions, as a file.
pub(super) async fn csv(State(console): State<Arc<Console>>) -> Answer {
    const FIELDS: &[&str] = &["at", "who", "what", "subject"];
    let house = console.house();
    let found = house.store.audited(None, IN_A_FILE).await?;
    let rows = found.iter().map(|one| {
        let values = [
            json!(rfc3339(one.at, &house.policy().zone)),
            json!(one.who),
            json!(one.what),
            json!(one.subject),
        ];
        listing::row(FIELDS, values)
    });
    show::download("decisions", FIELDS, &rows.collect::<Vec<_>>())
}
