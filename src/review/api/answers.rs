//! What became of records -> the answer.
//!
//! May not look at the records.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::problem::{Problem, errors};
use crate::engine::intake::{Fate, Unreadable};
use crate::store::Taken;

/// The answer to a single record.
pub(super) fn one(fate: Fate) -> Response<Body> {
    let status = match fate.taken {
        Taken::New => StatusCode::CREATED,
        Taken::Changed | Taken::Unchanged => StatusCode::OK,
        Taken::Forgotten => return forgotten().response(),
        Taken::Refused => return unusable().at(fate.mistakes).response(),
    };
    answer(status, &json!({"id": fate.id, "result": word(fate.taken)}))
}

/// The answer to several: 200 when all were taken, else 207.
pub(super) fn several(fates: &[Fate]) -> Response<Body> {
    let is_in = |fate: &&Fate| !matches!(fate.taken, Taken::Refused | Taken::Forgotten);
    let taken = fates.iter().filter(is_in).count();
    let status = if taken == fates.len() {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let results: Vec<Value> = fates.iter().map(result).collect();
    let body = json!({
        "taken": taken,
        "left_out": fates.len() - taken,
        "results": results,
    });
    answer(status, &body)
}

fn result(fate: &Fate) -> Value {
    let mut result = Map::new();
    if let Some(id) = &fate.id {
        result.insert("id".to_owned(), id.as_str().into());
    }
    result.insert("result".to_owned(), word(fate.taken).into());
    if !fate.mistakes.is_empty() {
        result.insert("errors".to_owned(), errors(&fate.mistakes));
    }
    result.into()
}

const fn word(taken: Taken) -> &'static str {
    match taken {
        Taken::New => "new",
        Taken::Changed => "changed",
        Taken::Unchanged => "unchanged",
        Taken::Forgotten => "forgotten",
        Taken::Refused => "refused",
    }
}

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The answer to what can't be taken apart.
pub(super) fn unreadable(why: Unreadable) -> Problem {
    match why {
        Unreadable::NotJson(why) => Problem::new(
            StatusCode::BAD_REQUEST,
            "not-json",
            "This can't be read",
            why,
        ),
        Unreadable::TooMany(count, most) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-many-records",
            "These are too many records at once",
            format!("a request may hold {most} records, and this one holds {count}; send several"),
        ),
        Unreadable::Form(mistake) => unusable().at(vec![mistake]),
    }
}

fn unusable() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unusable-record",
        "This record can't be used",
        "nothing of it was taken; `errors` says what to mend, and where",
    )
}

fn forgotten() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "forgotten",
        "This customer asked to be forgotten",
        "nothing was taken, and nothing about them ever will be; stop sending it",
    )
}
