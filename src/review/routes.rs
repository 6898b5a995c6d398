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

use super::pulse::Pulse;
use super::unsubscribe::Clicks;
use super::words::{self, Words};
use crate::engine::House;
use crate::render::links;

/// Bytes that a form of ours, or a mail provider's one click, may have.
const FORM_BYTES: usize = 8 * 1024;
/// What the button and RFC 8058 §3.2 both say.
const ONE_CLICK: &[u8] = b"One-Click";

/// The page has a form, and nothing that runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:18px/1.6 Georgia,'Times New Roman',serif;background:#faf6f1;color:#33302d}\
main{max-width:26em;margin:1.5em;padding:2.2em;background:#fff;border-radius:14px;\
box-shadow:0 1px 12px #0001;text-align:center}\
h1{font-size:1.5em;line-height:1.25;margin:0 0 .6em;font-weight:600}p{margin:0 0 1.4em}\
button{font:inherit;font-size:1em;padding:.65em 1.4em;border:0;border-radius:8px;\
background:#7a3b52;color:#fff;cursor:pointer}\
button:focus-visible{outline:3px solid #c98aa3;outline-offset:2px}\
small{display:block;margin-top:1.6em;color:#756d66}\
@media(prefers-color-scheme:dark){body{background:#1d1b1a;color:#eae4de}\
main{background:#282523;box-shadow:none}small{color:#a79e96}button{background:#a8587a}}";

/// What answers need.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) house: Arc<House>,
    pub(super) clicks: Clicks,
    pulse: Arc<Pulse>,
}

impl Desk {
    pub(super) fn new(house: &Arc<House>, pulse: &Arc<Pulse>) -> Self {
        Self {
            house: Arc::clone(house),
            clicks: Clicks::new(house),
            pulse: Arc::clone(pulse),
        }
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
    let house = &desk.house;
    let words = words_for(house, &headers);
    let form = format!(
        "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" \
         value=\"One-Click\"><button>{}</button></form>",
        words.button
    );
    page(
        house,
        StatusCode::OK,
        words,
        (words.title, words.question, &form),
    )
}

/// The one click, from a mail provider or from our button.
async fn unsubscribe(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response<Body> {
    let house = &desk.house;
    let words = words_for(house, &headers);
    if !form.windows(ONE_CLICK.len()).any(|part| part == ONE_CLICK) {
        return plain(
            StatusCode::BAD_REQUEST,
            "the form isn't that of an unsubscription\n",
        );
    }
    let noted = match links::verify(&desk.house.link_key, &token) {
        Some(entry) => desk.clicks.note(entry).await,
        // A link that isn't ours changes nothing, and looks the same.
        None => true,
    };
    if !noted {
        // A mail provider tries again; a person sees that it didn't work.
        return plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "this can't be noted now; please try again\n",
        );
    }
    page(
        house,
        StatusCode::OK,
        words,
        (words.done_title, words.done, ""),
    )
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

fn words_for(house: &House, headers: &HeaderMap) -> Words {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    words::choose(accepted, &house.plans.settings.business.language)
}

fn page(
    house: &House,
    status: StatusCode,
    words: Words,
    (title, text, form): (&str, &str, &str),
) -> Response<Body> {
    let business = escaped(&house.plans.settings.business.name);
    let html = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{text}</p>{form}<small>{business}</small></main></body></html>",
        words.language
    );
    answer(status, "text/html; charset=utf-8", html)
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
async fn guard(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
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

/// The business's own name, made inert.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
