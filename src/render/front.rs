//! The head of a template file: TOML between two `+++` lines.
//!
//! May not know the template language. All that is wrong is told at once.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::model::facts::nearest;
use crate::model::finding::{Finding, SourceText};

/// The line before and after the head.
const FENCE: &str = "+++";
/// What some editors put in front of the first line.
const BOM: char = '\u{FEFF}';
/// The one key that a head has.
const SUBJECT: &str = "subject";

/// What a file says, and where.
#[derive(Debug)]
pub(super) struct Front {
    /// The subject, as a template.
    pub(super) subject: String,
    /// Where it stands.
    pub(super) subject_span: Range<usize>,
    /// The byte at which the body begins.
    pub(super) body_at: usize,
}

/// Reads a file's head; without a subject there is no `Front`.
pub(super) fn read(source: &Arc<SourceText>, findings: &mut Vec<Finding>) -> Option<Front> {
    let Some((head, body_at)) = head(&source.text) else {
        let first = first_line(&source.text);
        let opened = source.text.get(first.clone());
        let opened = opened.is_some_and(|line| line.trim_start_matches(BOM).trim_end() == FENCE);
        let (message, help) = if opened {
            (
                "the head that begins here isn't closed",
                "write a second `+++` below the subject; the letter follows",
            )
        } else {
            (
                "the file doesn't begin with a head",
                "begin it with three lines: `+++`, `subject = \"…\"`, `+++`; the letter follows",
            )
        };
        findings.push(Finding::new(source, first, message).with_help(help));
        return None;
    };
    let before = head.start;
    let table = match DeTable::parse(source.text.get(head.clone()).unwrap_or_default()) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = error
                .message()
                .lines()
                .next()
                .unwrap_or("not TOML")
                .to_owned();
            let help = "the lines between `+++` are TOML: `subject = \"…\"`; \
                        inside of the quotes write 'single' ones";
            findings.push(Finding::new(source, shift(&span, before), message).with_help(help));
            return None;
        }
    };
    let mut front = None;
    let mut has_subject = false;
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if name != SUBJECT {
            findings.push(unknown(source, shift(&key.span(), before), name));
            continue;
        }
        has_subject = true;
        let span = shift(&value.span(), before);
        match value.get_ref() {
            DeValue::String(subject) if !subject.trim().is_empty() => {
                front = Some(Front {
                    subject: subject.to_string(),
                    subject_span: span,
                    body_at,
                });
            }
            _ => findings.push(
                Finding::new(source, span, "`subject` must be a text that isn't empty")
                    .with_help("write it in quotes: `subject = \"Happy birthday!\"`"),
            ),
        }
    }
    if !has_subject {
        findings.push(
            Finding::new(source, 0..FENCE.len(), "the head has no `subject`")
                .with_help("add `subject = \"…\"` between the `+++` lines"),
        );
    }
    front
}

fn unknown(source: &Arc<SourceText>, span: Range<usize>, key: &str) -> Finding {
    let help = nearest(key, &[SUBJECT]).map_or_else(
        || format!("a template's head has one key: `{SUBJECT}`"),
        |near| format!("did you mean `{near}`?"),
    );
    Finding::new(source, span, format!("unknown key `{key}`")).with_help(help)
}

/// The bytes between the fences, and where the body begins.
fn head(text: &str) -> Option<(Range<usize>, usize)> {
    let mut at = if text.starts_with(BOM) {
        BOM.len_utf8()
    } else {
        0
    };
    let mut start = None;
    for line in text.get(at..)?.split_inclusive('\n') {
        let end = at + line.len();
        match start {
            None if line.trim_end() == FENCE => start = Some(end),
            None => return None,
            Some(start) if line.trim_end() == FENCE => return Some((start..at, end)),
            Some(_) => {}
        }
        at = end;
    }
    None
}

fn first_line(text: &str) -> Range<usize> {
    0..text.find('\n').unwrap_or(text.len())
}

fn shift(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}
