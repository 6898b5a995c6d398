//! Who may come in, and what every answer bears.
//!
//! From the outside in: the `Host` has to be one of ours (else a page of somebody else's, whose name was
//! made to lead here, could read everything); what comes by another method than GET has to come from one
//! of our own pages; and where signing in is asked for, nobody gets further without a session. May not
//! know what a page shows.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, header, uri::Authority};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use jiff::SignedDuration;

use super::Console;
use super::between;
use super::login;
use super::routes::is_open;
use super::show::{part, see_other};
use super::trouble::Trouble;
use crate::store::{Role, Session};

/// Who decides on this machine where nobody signs in.
const NOBODY: &str = "console on this machine";
/// A session that nobody used for so long is over …
pub(super) const IDLE: SignedDuration = SignedDuration::from_hours(2);
/// … and so is one that began so long ago.
pub(super) const ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// That a session was used is written down no more often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Our pages: no script, no style of their own, nothing from elsewhere; letters in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// As decisions name them.
    pub(super) who: String,
    /// Their session's token, where they signed in.
    pub(super) token: Option<String>,
    role: Role,
}

impl Visit {
    /// Whether they may decide.
    pub(super) fn may_decide(&self) -> bool {
        self.role == Role::Owner
    }

    /// That they may, or the answer to who may not.
    pub(super) fn decides(&self) -> Result<(), Trouble> {
        if self.may_decide() {
            return Ok(());
        }
        Err(Trouble::NotAllowed(
            "You may look at everything, and an owner decides.".to_owned(),
        ))
    }
}

/// Lets in, or doesn't.
pub(super) async fn check(
    State(console): State<Arc<Console>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let headers = request.headers();
    if let Err(trouble) = host(&console, headers) {
        return trouble.into_response();
    }
    let needs_login = console.settings.needs_login();
    if !needs_login && between::somebody(request.version(), headers) {
        return in_front().into_response();
    }
    if ![Method::GET, Method::HEAD].contains(request.method())
        && let Err(trouble) = same_origin(&console, headers)
    {
        return trouble.into_response();
    }
    let path = request.uri().path();
    if !needs_login {
        request.extensions_mut().insert(Visit {
            who: NOBODY.to_owned(),
            token: None,
            role: Role::Owner,
        });
        return next.run(request).await;
    }
    match session(&console, headers).await {
        Ok(Some((session, token))) => {
            request.extensions_mut().insert(Visit {
                who: session.user,
                token: Some(token),
                role: session.role,
            });
            next.run(request).await
        }
        Ok(None) if is_open(path) => next.run(request).await,
        Ok(None) if [Method::GET, Method::HEAD].contains(request.method()) => {
            let wanted = request
                .uri()
                .path_and_query()
                .map_or("/", |all| all.as_str());
            see_other(&format!("/login?next={}", part(wanted)))
        }
        Ok(None) => {
            let words = "Your session is over. Sign in again, then decide once more.";
            Trouble::NotAllowed(words.to_owned()).into_response()
        }
        Err(trouble) => trouble.into_response(),
    }
}

/// Only by a name of ours. A port may be another's: of a tunnel, say.
fn host(console: &Console, headers: &HeaderMap) -> Result<(), Trouble> {
    let wrong = || {
        Trouble::NotAllowed(
            "The console doesn't go by this name. Open it by the address that fondly prints, or by \
             the one in `base_url` under [console]."
                .to_owned(),
        )
    };
    let mut given = headers.get_all(header::HOST).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return Err(wrong());
    };
    let given = given.to_str().map_err(|_| wrong())?.to_ascii_lowercase();
    if console.settings.host() == Some(&given) {
        return Ok(());
    }
    let name: Authority = given.parse().map_err(|_| wrong())?;
    let name = name.host().trim_matches(['[', ']']);
    let ours = match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address == console.settings.bind.ip(),
        Err(_) => name == "localhost",
    };
    if ours { Ok(()) } else { Err(wrong()) }
}

/// Only from one of our own pages. Browsers say so by themselves, and no page can make them lie; what
/// they say twice has to be true twice.
fn same_origin(console: &Console, headers: &HeaderMap) -> Result<(), Trouble> {
    let site = headers.get("sec-fetch-site");
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next();
    let by_site = site.is_none_or(|site| site == "same-origin");
    let by_origin = origin.is_none_or(|origin| {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        // A web server in front may have asked us by another name than people see.
        between::names_host_of(origin, headers)
            || (console.settings.host().is_some()
                && console.settings.host() == between::host_in(origin))
    });
    let told = site.is_some() || origin.is_some();
    if told && by_site && by_origin && origins.next().is_none() {
        return Ok(());
    }
    Err(Trouble::NotAllowed(
        "This came from another page than the console's own, and nothing was done.".to_owned(),
    ))
}

/// Somebody put a web server in front, and everybody would be let in as the owner.
fn in_front() -> Trouble {
    Trouble::NotAllowed(
        "This didn't come straight from a browser on this machine. A web server in front makes the \
         console reachable for whoever reaches that, so that people have to sign in: set `base_url` \
         under [console] in fondly.toml to the address that they open, or `login = true`, make the \
         first user with `fondly console-user add NAME --role owner`, and restart fondly."
            .to_owned(),
    )
}

/// Whose session it is, as long as it is good.
async fn session(
    console: &Console,
    headers: &HeaderMap,
) -> Result<Option<(Session, String)>, Trouble> {
    let Some(token) = login::token(console, headers) else {
        return Ok(None);
    };
    let house = console.house();
    let now = house.clock.now();
    let Some(session) = house.store.session(token).await? else {
        return Ok(None);
    };
    let unused = now.duration_since(session.seen_at);
    if unused > IDLE || now.duration_since(session.began_at) > ABSOLUTE {
        house.store.end_session(token).await?;
        return Ok(None);
    }
    if unused > NOTED_EVERY {
        house.store.session_seen(token, now).await?;
    }
    Ok(Some((session, token.to_owned())))
}

/// What every answer bears; letters bring a policy of their own.
pub(super) async fn guard(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    let usual = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in usual {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    for (name, value) in [
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
