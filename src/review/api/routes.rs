//! What is answered to which request, and the order in which it is looked at.
//!
//! May not keep anything by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware;
use tokio::time::Instant;

use super::super::ways::{self, Kind, Route, Way, get, post, put};
use super::problem::Problem;
use super::{Counter, Kept, answers, body};
use crate::engine::House;
use crate::engine::intake::Request;
use crate::store::{Scope, Token};

/// The document that describes all of this.
const DOCUMENT: &str = include_str!("openapi.json");
/// After how long it is worth to try again when the store is busy.
const AGAIN: &str = "30";

/// All there are. A new one also goes into `openapi.json`; a test holds them against each other.
fn all() -> Vec<Route<Arc<Counter>>> {
    vec![
        get(Kind::Open, "/api/openapi.json", document),
        post("/api/events", events),
        post("/api/customers", customers),
        put("/api/customers/{id}", customer),
    ]
}

/// Every way there is.
pub(in crate::review) fn ways() -> Vec<Way> {
    ways::ways(all())
}

/// The routes.
pub(in crate::review) fn routes(counter: &Arc<Counter>) -> Router {
    ways::router(Router::new(), all(), &[""])
        .fallback(nothing)
        .method_not_allowed_fallback(another_method)
        .with_state(Arc::clone(counter))
        .layer(middleware::map_response(guard))
}

async fn document() -> Response<Body> {
    let mut response = Response::new(Body::from(DOCUMENT));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

async fn events(
    State(counter): State<Arc<Counter>>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let request = Request {
        what: Scope::Events,
        id: None,
        by: "POST /api/events",
    };
    answered(take(&counter, request, &headers, body).await)
}

async fn customers(
    State(counter): State<Arc<Counter>>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let request = Request {
        what: Scope::Customers,
        id: None,
        by: "POST /api/customers",
    };
    answered(take(&counter, request, &headers, body).await)
}

async fn customer(
    State(counter): State<Arc<Counter>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let Ok(Path(id)) = id else {
        return bad_path().response();
    };
    let request = Request {
        what: Scope::Customers,
        id: Some(&id),
        by: "PUT /api/customers",
    };
    answered(take(&counter, request, &headers, body).await)
}

fn answered(done: Result<Response<Body>, Problem>) -> Response<Body> {
    done.unwrap_or_else(Problem::response)
}

/// From the outside in; see the head of this folder.
async fn take(
    counter: &Counter,
    request: Request<'_>,
    headers: &HeaderMap,
    content: Body,
) -> Result<Response<Body>, Problem> {
    let clerk = counter.clerk();
    let token = whose(&clerk.house, headers).await?;
    if !token.scopes.contains(&request.what) {
        return Err(wrong_scope(request.what));
    }
    counter
        .pace
        .take(&token.name, Instant::now())
        .map_err(too_often)?;
    body::is_json(headers)?;
    let content = body::whole(headers, content).await?;
    let read = clerk.intake.read(&content, request);
    let read = read.map_err(answers::unreadable)?;
    let several = read.several;
    match counter.keep(clerk, token, read).await {
        Kept::Well(fates) if several => Ok(answers::several(&fates)),
        Kept::Well(mut fates) => match fates.pop() {
            Some(fate) => Ok(answers::one(fate)),
            None => Err(not_now()),
        },
        Kept::Revoked => Err(not_signed_in(true)),
        Kept::NotYet => Err(not_now()),
    }
}

/// Whose request it is.
async fn whose(house: &House, headers: &HeaderMap) -> Result<Token, Problem> {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok());
    let given = given.and_then(|given| given.split_once(' '));
    let token = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, words)) = token else {
        return Err(not_signed_in(false));
    };
    match house.store.token(words.trim()).await {
        Ok(Some(token)) => Ok(token),
        Ok(None) => Err(not_signed_in(true)),
        Err(error) => {
            tracing::error!(%error, "the store doesn't say whose token it is");
            Err(not_now())
        }
    }
}

/// `wrong`: there is a token, but it isn't known (any more).
fn not_signed_in(wrong: bool) -> Problem {
    let (challenge, detail) = if wrong {
        (
            "Bearer realm=\"fondly\", error=\"invalid_token\"",
            "this token isn't known, or was revoked; `fondly token list` shows those that are",
        )
    } else {
        (
            "Bearer realm=\"fondly\"",
            "send a token: `Authorization: Bearer fondly_…`; `fondly token add NAME` makes one",
        )
    };
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not-signed-in",
        "A token is needed",
        detail,
    )
    .with(header::WWW_AUTHENTICATE, challenge)
}

fn wrong_scope(wanted: Scope) -> Problem {
    let wanted = wanted.as_str();
    let challenge =
        format!("Bearer realm=\"fondly\", error=\"insufficient_scope\", scope=\"{wanted}\"");
    Problem::new(
        StatusCode::FORBIDDEN,
        "wrong-scope",
        "This token isn't good for that",
        format!(
            "it takes a token with the scope `{wanted}`: `fondly token add NAME --scope {wanted}`"
        ),
    )
    .with(header::WWW_AUTHENTICATE, &challenge)
}

fn too_often(after: Duration) -> Problem {
    let seconds = after.as_secs_f64().ceil();
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-often",
        "These are too many requests",
        format!(
            "wait {seconds} s, or send more records in one request; `per_minute` under [api] is \
             the limit"
        ),
    )
    .with(header::RETRY_AFTER, &format!("{seconds}"))
}

fn not_now() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not-now",
        "It can't be kept just now",
        "the store is busy or in trouble; send the same again later, which does no harm",
    )
    .with(header::RETRY_AFTER, AGAIN)
}

fn bad_path() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad-path",
        "This address can't be read",
        "the id isn't UTF-8; write what isn't plain as %XX of its UTF-8 bytes",
    )
}

async fn nothing() -> Response<Body> {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "There is nothing here",
        "/api/openapi.json says what there is",
    )
    .response()
}

async fn another_method() -> Response<Body> {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "another-method",
        "This takes another method",
        "the header Allow names it; /api/openapi.json says what there is",
    )
    .response()
}

/// What every answer bears.
async fn guard(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
