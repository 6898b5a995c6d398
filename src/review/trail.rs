//! A request's trail: an id that its answer and all its lines in the log bear, and a last line that says
//! how it ended.
//!
//! The id is drawn here and never taken from the outside, where somebody could choose one that another
//! request has, or a whole line. May not log what stands in an address: a link holds a token and a search
//! an address, so the route's pattern stands for it.

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Response, header::HeaderName};
use axum::middleware::Next;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::observe::fresh_id;

/// Where the asker finds the id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What stands for the route of an address that leads nowhere.
const NOWHERE: &str = "nowhere";

/// Follows a request that came in by this door.
pub(super) async fn follow(
    State(door): State<&'static str>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let id = fresh_id();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NOWHERE, MatchedPath::as_str);
    let method = known(request.method());
    let span = tracing::info_span!("request", id, door, method, route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        let status = response.status().as_u16();
        let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        tracing::debug!(status, milliseconds, "answered");
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A method by name; one that somebody made up isn't repeated.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "another",
    }
}
