//! What is answered when there is no page to show: what it is, and what to do.
//!
//! May not repeat what was asked but as words, nor tell where anything lies on the machine.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

use super::show::{STYLE_PATH, escaped, harmless, html};
use crate::engine::EngineError;
use crate::store::StoreError;

/// Characters of words that are repeated.
const MOST_CHARS: usize = 500;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is nothing at this address, or not any more.
    Nothing(String),
    /// What was asked makes no sense.
    Wrong(String),
    /// They may look, and not do this.
    NotAllowed(String),
    /// It takes another method.
    AnotherMethod,
    /// Too many tries; come again after so many seconds.
    TooOften(u64),
    /// The answer is still being worked out.
    Soon,
    /// The answer can't be worked out, for this reason.
    Failed(String),
    /// The store is in trouble.
    NotNow,
    /// A fault of ours.
    Ours,
}

impl Trouble {
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Nothing(words) => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                words.clone(),
            ),
            Self::Wrong(words) => (
                StatusCode::BAD_REQUEST,
                "This can't be understood",
                words.clone(),
            ),
            Self::NotAllowed(words) => (StatusCode::FORBIDDEN, "Not from here", words.clone()),
            Self::AnotherMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "This can't be done that way",
                "Use the buttons and links of the pages.".to_owned(),
            ),
            Self::TooOften(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                format!("Wait {} minutes, then try again.", seconds.div_ceil(60)),
            ),
            Self::Soon => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Not quite yet",
                "This is still being worked out; ask again in a moment.".to_owned(),
            ),
            Self::Failed(why) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This can't be worked out",
                format!("{why}. Mend that, then ask again; fondly's log says more."),
            ),
            Self::NotNow => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Not just now",
                "The store doesn't answer at the moment. Try again in a minute; if it stays like \
                 this, fondly's log says why."
                    .to_owned(),
            ),
            Self::Ours => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page can't be shown",
                "That is a fault of fondly's own; its log says more.".to_owned(),
            ),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response<Body> {
        let (status, title, words) = self.told();
        let style = STYLE_PATH.as_str();
        let words = escaped(&harmless(&words, MOST_CHARS));
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <title>{title} · fondly</title>\n<link rel=\"icon\" type=\"image/svg+xml\" href=\"/icon.svg\">\n\
             <link rel=\"stylesheet\" href=\"{style}\">\n</head>\n\
             <body class=\"alone\">\n<main>\n<h1>{title}</h1>\n<p>{words}</p>\n\
             <p><a href=\"/\">To the first page</a></p>\n</main>\n</body>\n</html>\n"
        );
        let mut response = html(status, page);
        if let Self::TooOften(seconds) = self {
            let after = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the console can't ask the store");
        Self::NotNow
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Other(words) => Self::Nothing(words),
            EngineError::File { .. } | EngineError::Relay(_) => {
                tracing::error!(%error, "the console can't look something up");
                Self::Ours
            }
        }
    }
}
