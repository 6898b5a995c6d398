//! Every way there is.
//!
//! May not answer anything by itself.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware;
use axum::routing::{get, post};

use super::show::{STYLE, answer};
use super::trouble::Trouble;
use super::{
    Answer, Console, access, ahead, entry, health, held, ledger, login, missing, people, rules,
    sources, today,
};

/// What stands beside the title in a browser's tab.
const ICON: &str = include_str!("icon.svg");
/// Bytes that a form of ours may have.
const FORM_BYTES: usize = 16 * 1024;

/// The routes, behind whoever says who may come in.
pub(in crate::review) fn routes(console: &Arc<Console>) -> Router {
    Router::new()
        .route("/", get(today::show))
        .route("/today.csv", get(today::csv))
        .route("/ahead", get(ahead::show))
        .route("/ahead.csv", get(ahead::csv))
        .route("/ahead/{day}", get(ahead::day))
        .route("/ledger", get(ledger::show))
        .route("/ledger.csv", get(ledger::csv))
        .route("/ledger/{entry}", get(entry::show).post(entry::resolve))
        .route("/ledger/{entry}/letter", get(entry::letter))
        .route("/missing", get(missing::show))
        .route("/missing.csv", get(missing::csv))
        .route("/rules", get(rules::show))
        .route("/rules.csv", get(rules::csv))
        .route("/rules/{rule}", get(rules::one))
        .route("/sources", get(sources::show))
        .route("/sources.csv", get(sources::csv))
        .route("/held", get(held::show))
        .route("/held.csv", get(held::csv))
        .route("/held/{rule}/{day}", get(held::batch).post(held::decide))
        .route("/health", get(health::show))
        .route("/people", get(people::show))
        .route("/people.csv", get(people::csv))
        .route("/login", get(login::ask).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
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
