//! Signing in and out.
//!
//! The password goes to the engine, the token to the browser and its hash to the store. A wrong name
//! and a wrong password get the same answer after the same time. May not log either.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use minijinja::context;
use tokio::time::Instant;

use super::Console;
use super::access::{ABSOLUTE, Visit};
use super::attempts::Place;
use super::show::{STYLE_PATH, html, see_other};
use super::trouble::Trouble;
use crate::engine::password;
use crate::review::door::Peer;
use crate::store::LONGEST_USER_NAME;

type Fields = HashMap<String, String>;

/// The cookie where the way to the browser is TLS: the prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-fondly";
/// The cookie on this machine, without TLS.
const COOKIE_HERE: &str = "fondly";

fn cookie(console: &Console) -> &'static str {
    if console.settings.base_url.is_some() {
        COOKIE
    } else {
        COOKIE_HERE
    }
}

/// The token that a browser sent.
pub(super) fn token<'h>(console: &Console, headers: &'h HeaderMap) -> Option<&'h str> {
    let wanted = cookie(console);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

fn with_cookie(
    console: &Console,
    mut response: Response<Body>,
    value: &str,
    age: i64,
) -> Response<Body> {
    let name = cookie(console);
    let secure = if name == COOKIE { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
    if let Ok(text) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, text);
    }
    response
}

/// Only to a page of ours.
fn onwards(fields: &Fields) -> &str {
    let next = fields.get("next").map_or("/", String::as_str);
    let plain = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain { next } else { "/" }
}

/// The page that asks for name and password.
pub(super) async fn ask(
    State(console): State<Arc<Console>>,
    Query(fields): Query<Fields>,
) -> Result<Response<Body>, Trouble> {
    if !console.settings.needs_login() {
        return Ok(see_other("/"));
    }
    page(&console, StatusCode::OK, onwards(&fields), false)
}

fn page(
    console: &Console,
    status: StatusCode,
    next: &str,
    wrong: bool,
) -> Result<Response<Body>, Trouble> {
    let house = console.house();
    let page = console.pages.render(
        "login.html",
        context! {
            style => STYLE_PATH.as_str(),
            business => &house.plans.settings.business.name,
            next => next,
            wrong => wrong,
        },
    )?;
    Ok(html(status, page))
}

/// Signs in.
pub(super) async fn sign_in(
    State(console): State<Arc<Console>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response<Body>, Trouble> {
    if !console.settings.needs_login() {
        return Ok(see_other("/"));
    }
    let name = fields.get("name").map_or("", |name| name.trim()).to_owned();
    // Nobody is called so, and it isn't kept either.
    if name.chars().count() > LONGEST_USER_NAME {
        return page(&console, StatusCode::FORBIDDEN, onwards(&fields), true);
    }
    let given = fields.get("password").cloned().unwrap_or_default();
    let address = address(&console, peer, &headers);
    let (from, place) = (Place::from(address), address.to_string());
    if let Err(wait) = console.attempts.begin(&name, from, Instant::now()) {
        tracing::warn!(place, "too many tries to sign in to the console");
        return Err(Trouble::TooOften(wait.as_secs().max(1)));
    }
    let house = console.house();
    let kept: Option<String> = house.store.password_of(&name).await?;
    let fits = {
        let turn = console.passwords.acquire().await;
        let _turn = turn.map_err(|_| Trouble::NotNow)?;
        let looked = tokio::task::spawn_blocking(move || password::fits(&given, kept.as_deref()));
        looked.await.map_err(|_| Trouble::Ours)?
    };
    let now = house.clock.now();
    if !fits {
        tracing::warn!(place, "somebody couldn't sign in to the console");
        return page(&console, StatusCode::FORBIDDEN, onwards(&fields), true);
    }
    console.attempts.forgive(&name, from);
    let oldest = now.checked_sub(ABSOLUTE).unwrap_or(now);
    let Some(token) = house.store.begin_session(&name, oldest, now).await? else {
        return page(&console, StatusCode::FORBIDDEN, onwards(&fields), true);
    };
    house.store.audit(&name, ("sign-in", &place), now).await?;
    let response = see_other(onwards(&fields));
    Ok(with_cookie(&console, response, &token, ABSOLUTE.as_secs()))
}

/// Signs out.
pub(super) async fn sign_out(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response<Body>, Trouble> {
    let house = console.house();
    if let Some(token) = &visit.token {
        house.store.end_session(token).await?;
        let now = house.clock.now();
        house.store.audit(&visit.who, ("sign-out", ""), now).await?;
    }
    Ok(with_cookie(&console, see_other("/login"), "", 0))
}

/// From where: what the web server in front says last, since it added that itself; else who called.
fn address(console: &Console, peer: Peer, headers: &HeaderMap) -> IpAddr {
    let told = headers.get_all("x-forwarded-for").iter().next_back();
    let told = told.and_then(|value| value.to_str().ok());
    let last = told.and_then(|value| value.rsplit(',').next());
    let last = last.and_then(|value| value.trim().parse().ok());
    let behind = console.settings.base_url.is_some();
    last.filter(|_| behind).unwrap_or(peer.0)
}
