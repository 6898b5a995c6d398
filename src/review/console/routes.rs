//! Every way into the console.
//!
//! May not answer anything by itself.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware;

use super::super::ways::{self, Kind, Route, Way, get, post};
use super::show::{STYLE, answer};
use super::trouble::Trouble;
use super::{
    Answer, Console, access, ahead, customer, entry, health, held, ledger, login, missing,
    opinions, people, rules, source, sources, today,
};

/// What stands beside the title in a browser's tab.
const ICON: &str = include_str!("icon.svg");
/// Bytes that a form of ours may have.
const FORM_BYTES: usize = 16 * 1024;

/// All there are. A new one belongs here, and nowhere else.
fn all() -> Vec<Route<Arc<Console>>> {
    use Kind::{File, Letter, Open, Page};
    vec![
        get(Page, "/", today::show),
        get(File, "/today.csv", today::csv),
        get(Page, "/ahead", ahead::show),
        get(File, "/ahead.csv", ahead::csv),
        get(Page, "/ahead/{day}", ahead::day),
        get(Page, "/ledger", ledger::show),
        get(File, "/ledger.csv", ledger::csv),
        get(Page, "/ledger/{entry}", entry::show).and_post(entry::resolve),
        get(Letter, "/ledger/{entry}/letter", entry::letter),
        get(Page, "/customers/{customer}", customer::show),
        get(File, "/customers/{customer}/explained.csv", customer::csv),
        get(Page, "/missing", missing::show),
        get(File, "/missing.csv", missing::csv),
        get(Page, "/opinions", opinions::show),
        get(File, "/opinions.csv", opinions::csv),
        get(Page, "/rules", rules::show),
        get(File, "/rules.csv", rules::csv),
        get(Page, "/rules/{rule}", rules::one),
        get(Page, "/sources", sources::show),
        get(File, "/sources.csv", sources::csv),
        get(Page, "/sources/{source}", source::show),
        get(File, "/sources/{source}/quality.csv", source::csv),
        get(Page, "/held", held::show),
        get(File, "/held.csv", held::csv),
        get(Page, "/held/{rule}/{day}", held::batch).and_post(held::decide),
        get(Page, "/health", health::show),
        get(Page, "/people", people::show),
        get(File, "/people.csv", people::csv),
        get(Open, "/login", login::ask).and_post(login::sign_in),
        post("/logout", login::sign_out),
        get(Open, "/style.css", style),
        get(Open, "/icon.svg", icon),
    ]
}

/// Every way there is.
pub(in crate::review) fn ways() -> Vec<Way> {
    ways::ways(all())
}

/// Whether this address needs no session.
pub(super) fn is_open(path: &str) -> bool {
    static OPEN: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let open = ways().into_iter().filter(|way| way.kind == Kind::Open);
        open.map(|way| way.path).collect()
    });
    OPEN.contains(&path)
}

/// The routes, behind whoever says who may come in.
pub(in crate::review) fn routes(console: &Arc<Console>) -> Router {
    ways::router(Router::new(), all(), &[""])
        .fallback(nothing)
        .method_not_allowed_fallback(another_method)
        .with_state(Arc::clone(console))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::from_fn_with_state(
            Arc::clone(console),
            access::check,
        ))
        .layer(middleware::map_response(access::guard))
}

async fn style() -> Response<Body> {
    kept("text/css; charset=utf-8", STYLE)
}

async fn icon() -> Response<Body> {
    kept("image/svg+xml", ICON)
}

/// What a browser may keep: another stylesheet has another address.
fn kept(kind: &'static str, text: &str) -> Response<Body> {
    let mut response = answer(StatusCode::OK, kind, text.to_owned());
    let kept = HeaderValue::from_static("private, max-age=86400");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

async fn nothing() -> Answer {
    Err(Trouble::Nothing(
        "This address leads to no page of the console.".to_owned(),
    ))
}

async fn another_method() -> Answer {
    Err(Trouble::AnotherMethod)
}
