//! People: who decided what and when, and who may sign in.
//!
//! May not change either.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use serde_json::{Value, json};

use super::access::Visit;
use super::file::{self, Kind, TOGETHER};
use super::words::moment;
use super::{Answer, Console};
use crate::engine::entry_json::rfc3339;
use crate::engine::listing;

/// Decisions on a page.
const ON_A_PAGE: u16 = 50;

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
pub(super) async fn csv(
    State(console): State<Arc<Console>>,
    Query(fields): Query<HashMap<String, String>>,
) -> Answer {
    const KIND: Kind = Kind {
        name: "decisions",
        fields: &["at", "who", "what", "subject"],
    };
    let house = console.house();
    let before = fields.get("before").and_then(|n| n.parse().ok());
    let read = move |before: Option<i64>| {
        let house = Arc::clone(&house);
        async move {
            let found = house.store.audited(before, TOGETHER).await?;
            let more = found.len() == usize::from(TOGETHER);
            let next = found.last().filter(|_| more).map(|one| one.number);
            let rows = found.iter().map(|one| {
                let values = [
                    json!(rfc3339(one.at, &house.policy().zone)),
                    json!(one.who),
                    json!(one.what),
                    json!(one.subject),
                ];
                listing::row(KIND.fields, values)
            });
            Ok((rows.collect(), next))
        }
    };
    let goes_on = |before: &i64| format!("/people.csv?before={before}");
    file::file(KIND, before, read, goes_on).await
}
