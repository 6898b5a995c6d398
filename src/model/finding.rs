//! A finding in one of the user's own files: what, where, and what to do.
//!
//! Findings are data: a check collects all of them and stops at none.

use std::ops::Range;
use std::sync::Arc;

/// A text file of the user's, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The path as the user would name it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Something that is wrong in a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub source: Arc<SourceText>,
    /// The bytes at fault; empty at 0 when the whole file is meant.
    pub span: Range<usize>,
    /// What is wrong, in one line, without a full stop.
    pub message: String,
    /// What to do, where we know: "did you mean `offset`?".
    pub help: Option<String>,
}

impl Finding {
    /// A finding at these bytes of the file. Parsers put what is missing behind a text's end, or
    /// within a letter; then it is at the end, or at the whole letter.
    pub fn new(source: &Arc<SourceText>, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = source.text.floor_char_boundary(span.start);
        let end = source.text.ceil_char_boundary(span.end).max(start);
        Self {
            source: Arc::clone(source),
            span: start..end,
            message: message.into(),
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column of the span's start, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let before = self
            .source
            .text
            .get(..self.span.start)
            .unwrap_or(&self.source.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter that broke off within a quote was said to be wrong behind its end, and then
    /// couldn't be shown.
    #[test]
    fn a_finding_lies_in_its_file() {
        let source = Arc::new(SourceText {
            name: "x".to_owned(),
            text: "aéb".to_owned(),
        });
        let span = |span: Range<usize>| Finding::new(&source, span, "").span;
        assert_eq!(span(1..3), 1..3);
        assert_eq!(span(2..2), 1..3);
        assert_eq!(span(4..5), 4..4);
        assert_eq!(span(7..9), 4..4);
    }
}
