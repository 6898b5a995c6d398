//! What is answered to whom: the way out of the letters, a sign of life, and nothing else.
//!
//! `GET` changes nothing, since programs that scan mail follow every link. `POST` is the one click
//! of RFC 8058: 200, no redirect, no cookie. May not log a token.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse as _;
use axum::routing::get;

use super::pages::{Page, Pages};
use super::pulse::Pulse;
use super::unsubscribe::Clicks;
use crate::engine::House;
use crate::render::links::Scope;

/// Bytes that a form of ours, or a mail provider's one click, may have.
const FORM_BYTES: usize = 8 * 1024;
/// What the button and RFC 8058 §3.2 both say.
const ONE_CLICK: &[u8] = b"One-Click";

/// Seconds after which it is worth to ask again.
const AGAIN: &str = "60";

/// What answers need.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) house: Arc<House>,
    pub(super) clicks: Clicks,
    pulse: Arc<Pulse>,
    pages: Pages,
}

impl Desk {
    pub(super) fn new(house: &Arc<House>, pulse: &Arc<Pulse>) -> Self {
        Self {
            house: Arc::clone(house),
            clicks: Clicks::new(house),
            pulse: Arc::clone(pulse),
            pages: Pages::new(&house.plans.settings.business),
        }
    }

    fn page(&self, status: StatusCode, which: Page, headers: &HeaderMap) -> Response<Body> {
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let page = self.pages.page(which, accepted);
        answer(status, "text/html; charset=utf-8", page)
    }
}

/// The routes: links begin with the path of `base_url`, which a web server in front may or may not
/// take away.
pub(super) fn routes(desk: &Arc<Desk>, base_url: &str) -> Router {
    // A colon in the path of `base_url` is only a colon.
    let mut router = Router::new().without_v07_checks();
    for prefix in prefixes(base_url) {
        router = router
            .route(&format!("{prefix}/u/{{token}}"), get(ask).post(unsubscribe))
            .route(&format!("{prefix}/healthz"), get(health));
    }
    router
        .fallback(nothing)
        .with_state(Arc::clone(desk))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::map_response_with_state(Arc::clone(desk), guard))
}

/// No prefix, and the path of the URL where it has one.
fn prefixes(base_url: &str) -> Vec<&str> {
    let after_scheme = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..));
    std::iter::once("").chain(path).collect()
}

/// The button. Changes nothing.
async fn ask(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response<Body> {
    desk.page(StatusCode::OK, Page::Ask, &headers)
}

/// The one click, from a mail provider or from our button. Anything else posted here is an accident,
/// and is asked again.
async fn unsubscribe(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response<Body> {
    if !form.windows(ONE_CLICK.len()).any(|part| part == ONE_CLICK) {
        return desk.page(StatusCode::BAD_REQUEST, Page::Ask, &headers);
    }
    let noted = match desk.house.links.verify(Scope::Unsubscribe, &token) {
        Some(entry) => desk.clicks.note(entry).await,
        // A link that isn't ours changes nothing, and looks the same.
        None => true,
    };
    if noted {
        return desk.page(StatusCode::OK, Page::Done, &headers);
    }
    // A mail provider tries again, and so can a person.
    let mut response = desk.page(StatusCode::SERVICE_UNAVAILABLE, Page::Later, &headers);
    let again = HeaderValue::from_static(AGAIN);
    response.headers_mut().insert(header::RETRY_AFTER, again);
    response
}

/// Alive: the store answers, and passes begin in time, move and end well.
async fn health(State(desk): State<Arc<Desk>>) -> Response<Body> {
    let trouble = match desk.house.store.heartbeat().await {
        Ok(_) => desk.pulse.trouble(desk.house.clock.now()),
        Err(error) => {
            tracing::error!(%error, "the store doesn't answer");
            // The error names a path of this machine, which is nobody's business.
            Some("the store doesn't answer".to_owned())
        }
    };
    match trouble {
        None => plain(StatusCode::OK, "ok\n"),
        Some(words) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{words}\n")),
    }
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", text.into())
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    (status, [(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn nothing() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "there is nothing here\n")
}

/// What every answer bears, also those to nonsense.
async fn guard(State(desk): State<Arc<Desk>>, mut response: Response<Body>) -> Response<Body> {
    if let Ok(policy) = HeaderValue::from_str(&desk.pages.policy) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::prefixes;

    #[test]
    fn links_are_served_with_and_without_the_path_of_the_base_url() {
        assert_eq!(prefixes("https://care.example"), [""]);
        assert_eq!(prefixes("https://shop.example:8443/care"), ["", "/care"]);
        assert_eq!(prefixes("https://shop.example/a/:b"), ["", "/a/:b"]);
    }
}
