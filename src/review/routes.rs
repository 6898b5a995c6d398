//! What is answered to whom: the way out of the letters, the other pages behind their links, a sign of
//! life, and nothing else.
//!
//! `GET` changes nothing, since programs that scan mail follow every link. `POST` answers 200, without
//! a redirect or a cookie; on the way out it is the one click of RFC 8058. May not log a token.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse as _;

use super::care;
use super::notes::{Notes, Word};
use super::pages::{POLICY, Page, Pages};
use super::pulse::Pulse;
use super::ways::{self, Kind, Route, Way, get};
use crate::engine::House;
use crate::render::links::Scope;

/// Bytes that a form of ours, or a mail provider's one click, may have …
const FORM_BYTES: usize = 8 * 1024;
/// … and one with an opinion, each of whose characters may take twelve bytes of it.
const OPINION_BYTES: usize = 64 * 1024;
/// What the button and RFC 8058 §3.2 both say.
const ONE_CLICK: &[u8] = b"One-Click";

/// Seconds after which it is worth to ask again.
const AGAIN: &str = "60";

/// What answers need.
#[derive(Debug)]
pub(super) struct Desk {
    front: Mutex<Arc<Front>>,
    pub(super) notes: Notes,
    pulse: Arc<Pulse>,
}

/// The business as it is at work now, and its pages.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) house: Arc<House>,
    pub(super) pages: Pages,
}

impl Desk {
    pub(super) fn new(house: &Arc<House>, pulse: &Arc<Pulse>) -> Result<Self, minijinja::Error> {
        Ok(Self {
            front: Mutex::new(Arc::new(Front::new(house)?)),
            notes: Notes::default(),
            pulse: Arc::clone(pulse),
        })
    }

    pub(super) fn front(&self) -> Arc<Front> {
        Arc::clone(&self.front.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on for this one: an edit came into force.
    pub(super) fn in_force(&self, house: &Arc<House>) {
        if Arc::ptr_eq(&self.front().house, house) {
            return;
        }
        match Front::new(house) {
            Ok(fresh) => {
                let mut front = self.front.lock().unwrap_or_else(PoisonError::into_inner);
                *front = Arc::new(fresh);
            }
            Err(error) => tracing::error!(%error, "the public pages stay as they were"),
        }
    }

    /// Notes what a link's reader says; for a link that isn't ours nothing is done, which looks the
    /// same. `false`: it couldn't be noted.
    pub(super) async fn note(&self, front: &Front, entry: Option<String>, word: Word) -> bool {
        match entry {
            Some(entry) => self.notes.note(Arc::clone(&front.house), entry, word).await,
            None => true,
        }
    }
}

impl Front {
    fn new(house: &Arc<House>) -> Result<Self, minijinja::Error> {
        Ok(Self {
            house: Arc::clone(house),
            pages: Pages::new(house)?,
        })
    }

    pub(super) fn page(
        &self,
        status: StatusCode,
        page: &Page,
        headers: &HeaderMap,
    ) -> Response<Body> {
        match self.pages.page(page, headers) {
            Ok(text) => answer(status, "text/html; charset=utf-8", text),
            Err(error) => {
                tracing::error!(%error, "a public page can't be made");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "this page has a fault\n")
            }
        }
    }

    /// It couldn't be noted, or looked up. A mail provider tries again, and so can a person.
    pub(super) fn later(&self, with_button: bool, headers: &HeaderMap) -> Response<Body> {
        let page = Page::Later(with_button);
        let mut response = self.page(StatusCode::SERVICE_UNAVAILABLE, &page, headers);
        let again = HeaderValue::from_static(AGAIN);
        response.headers_mut().insert(header::RETRY_AFTER, again);
        response
    }
}

/// All there are. A new one belongs here, and nowhere else.
fn all() -> Vec<Route<Arc<Desk>>> {
    let opinion = get(Kind::Page, "/o/{token}", care::opinion).and_post(care::give_opinion);
    vec![
        get(Kind::Page, "/u/{token}", ask).and_post(unsubscribe),
        get(Kind::Page, "/p/{token}", care::preferences).and_post(care::choose),
        get(Kind::Page, "/b/{token}", care::birthday).and_post(care::tell_birthday),
        opinion.within(|answers| answers.layer(DefaultBodyLimit::max(OPINION_BYTES))),
        get(Kind::Open, "/healthz", health),
    ]
}

/// Every way there is.
pub(super) fn ways() -> Vec<Way> {
    ways::ways(all())
}

/// The routes: links begin with the path of `base_url`, which a web server in front may or may not
/// take away.
pub(super) fn routes(desk: &Arc<Desk>, base_url: &str) -> Router {
    // A colon in the path of `base_url` is only a colon.
    let router = Router::new().without_v07_checks();
    ways::router(router, all(), &prefixes(base_url))
        .fallback(nothing)
        .method_not_allowed_fallback(another_method)
        .with_state(Arc::clone(desk))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::map_response(guard))
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
    let front = desk.front();
    front.page(StatusCode::OK, &Page::Unsubscribe, &headers)
}

/// The one click, from a mail provider or from our button. Anything else posted here is an accident,
/// and is asked again.
async fn unsubscribe(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response<Body> {
    let front = desk.front();
    if !form.windows(ONE_CLICK.len()).any(|part| part == ONE_CLICK) {
        return front.page(StatusCode::BAD_REQUEST, &Page::Unsubscribe, &headers);
    }
    let entry = front.house.links.verify(Scope::Unsubscribe, &token);
    if desk.note(&front, entry, Word::Stop).await {
        return front.page(StatusCode::OK, &Page::Unsubscribed, &headers);
    }
    front.later(true, &headers)
}

/// Alive: the store answers, and passes begin in time, move and end well.
async fn health(State(desk): State<Arc<Desk>>) -> Response<Body> {
    let house = &desk.front().house;
    let trouble = match house.store.heartbeat().await {
        Ok(_) => desk.pulse.trouble(house.clock.now()),
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

async fn another_method() -> Response<Body> {
    let words = "this page is looked at, or its form is sent; nothing else\n";
    plain(StatusCode::METHOD_NOT_ALLOWED, words)
}

/// What every answer bears, also those to nonsense.
async fn guard(mut response: Response<Body>) -> Response<Body> {
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
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
