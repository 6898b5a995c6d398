//! One template file: where its parts stand, and what an error in it means to its author.
//!
//! May not render or read files.

use std::ops::Range;
use std::sync::Arc;

use super::engine;
use crate::model::finding::{Finding, SourceText};

/// What is wrong with a link to a page that nobody serves.
const NO_PAGE: &str = "there is no page for this link; it needs `[public]` in fondly.toml, and a letter to customers; or ask first, {% if links.opinion %}";

/// One file, compiled.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) source: Arc<SourceText>,
    /// The file's name, which is the body's key in the engine.
    pub(super) body_key: String,
    pub(super) subject_key: String,
    pub(super) subject_span: Range<usize>,
    pub(super) body_at: usize,
    /// The language as the file's name has it.
    pub(super) language: String,
}

/// A letter that can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", line.map(|n| format!(":{n}")).unwrap_or_default())]
pub struct RenderError {
    /// The template's file, or its name where there is no file.
    pub file: String,
    /// The line at fault, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do, where we know.
    pub help: Option<String>,
}

impl Template {
    /// The file's bytes that an error speaks of.
    pub(super) fn span(&self, error: &minijinja::Error) -> Range<usize> {
        if error.name() == Some(&self.subject_key) {
            // Escapes in the TOML text move the columns, so the whole subject is meant.
            return self.subject_span.clone();
        }
        if let Some(span) = error.range().filter(|span| !span.is_empty()) {
            return span.start + self.body_at..span.end + self.body_at;
        }
        let body = self.source.text.get(self.body_at..).unwrap_or_default();
        let line = error.line().unwrap_or(1).saturating_sub(1);
        let start: usize = body.split_inclusive('\n').take(line).map(str::len).sum();
        let length = body
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .map_or(0, str::len);
        self.body_at + start..self.body_at + start + length
    }

    pub(super) fn explain(&self, error: &minijinja::Error) -> RenderError {
        let span = self.span(error);
        let (line, _) = Finding::new(&self.source, span.clone(), "").position();
        let detail = error.detail().unwrap_or_default();
        let mut message = if detail.is_empty() {
            error.kind().to_string()
        } else {
            detail.to_owned()
        };
        let mut help = None;
        if engine::is_missing(error) {
            let place = self.source.text.get(span).unwrap_or_default();
            if place.contains("links.") {
                NO_PAGE.clone_into(&mut message);
            } else {
                message = format!("this customer has no value here ({message})");
                help = Some(
                "give a word for it, {{ customer.first_name | default(\"friend\") }}, or ask first, {% if customer.first_name %}"
                    .to_owned(),
            );
            }
        }
        RenderError {
            file: self.source.name.clone(),
            line: Some(line),
            message,
            help,
        }
    }

    pub(super) fn at_subject(&self, message: &str) -> RenderError {
        let (line, _) = Finding::new(&self.source, self.subject_span.clone(), "").position();
        RenderError {
            file: self.source.name.clone(),
            line: Some(line),
            message: message.to_owned(),
            help: None,
        }
    }
}

/// `de-AT`, then `de`.
pub(super) fn fallbacks(language: &str) -> impl Iterator<Item = String> {
    let mut next = Some(tag(language.trim()));
    std::iter::from_fn(move || {
        let this = next.take()?;
        next = this.rsplit_once('-').map(|(shorter, _)| shorter.to_owned());
        Some(this)
    })
}

/// The tag as it is compared: `de_at` and `de-AT` are one language.
pub(super) fn tag(language: &str) -> String {
    language.to_ascii_lowercase().replace('_', "-")
}
