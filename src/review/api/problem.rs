//! What is answered when it can't be 2xx: a problem of RFC 9457, with what to do in its detail.
//!
//! May not repeat a token.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::engine::intake::Mistake;

/// How the types of problems begin; programs tell them apart by it.
const TYPE: &str = "urn:problem-type:fondly:";

/// A problem.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Mistake>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            name,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same, with the places that are at fault.
    pub(super) fn at(mut self, errors: Vec<Mistake>) -> Self {
        self.errors = errors;
        self
    }

    /// The same, with a header.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut body = json!({
            "type": format!("{TYPE}{}", self.name),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty()
            && let Some(body) = body.as_object_mut()
        {
            body.insert("errors".to_owned(), errors(&self.errors));
        }
        let mut response = Response::new(Body::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Mistakes as answers list them.
pub(super) fn errors(mistakes: &[Mistake]) -> Value {
    let one = |mistake: &Mistake| {
        json!({
            "pointer": mistake.pointer,
            "detail": mistake.detail,
        })
    };
    mistakes.iter().map(one).collect()
}
