//! The only printer: tables for people, JSON and CSV for machines, findings with a caret.
//!
//! Data goes to standard output, everything else to standard error. A closed pipe ends the output,
//! not the command. What is for people may not command their terminal, whoever wrote it. May not decide
//! anything.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde_json::Value;

use crate::engine::listing::{csv_lines, csv_text, plain};
use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::signs::{brief, for_terminal, is_trick};

/// Columns of a table when the terminal doesn't say.
const WIDTH: u16 = 120;
/// Characters of one cell of a table; JSON and CSV have the whole.
const MOST_OF_A_CELL: usize = 300;

/// What a configuration without records gets to hear.
pub(crate) const NO_SOURCE: &str =
    "There is no [[source]] in fondly.toml yet, so there are no records to read.";

/// How a listing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One object a line.
    Json,
    /// With a header line; safe to open in a spreadsheet.
    Csv,
}

pub(crate) use crate::engine::listing::Row;

/// Prints one line of data.
///
/// # Errors
/// Standard output can't be written (a closed pipe is none).
pub(crate) fn say(line: impl AsRef<str>) -> io::Result<()> {
    let line = for_terminal(line.as_ref());
    quiet_pipe(writeln!(io::stdout().lock(), "{line}"))
}

/// Tells the person at the terminal something that isn't data.
pub(crate) fn note(line: impl AsRef<str>) {
    drawn_note(&for_terminal(line.as_ref()));
}

/// The same with colours of our own in it.
fn drawn_note(line: &str) {
    // There is nowhere left to complain to when standard error is gone.
    _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints lines for people.
///
/// # Errors
/// Standard output can't be written (a closed pipe is none).
pub(crate) fn lines(text: &str) -> io::Result<()> {
    raw(&for_terminal(text))
}

/// Prints raw text as it is, for machines.
///
/// # Errors
/// Standard output can't be written (a closed pipe is none).
pub(crate) fn raw(text: &str) -> io::Result<()> {
    quiet_pipe(io::stdout().lock().write_all(text.as_bytes()))
}

/// Prints a listing. Tables show `columns` with these titles; JSON and CSV carry every field.
///
/// # Errors
/// Standard output can't be written (a closed pipe is none).
pub(crate) fn listing(
    format: Format,
    columns: &[(&str, &str)],
    fields: &[&str],
    rows: &[Row],
) -> io::Result<()> {
    let text = match format {
        Format::Table => table(columns, rows),
        Format::Json => json_lines(rows),
        Format::Csv => csv_text(fields, rows)?,
    };
    raw(&text)
}

/// Prints the next rows of a listing for machines that comes page by page. `false`: whoever read it
/// has gone, and needs no more.
///
/// # Errors
/// Standard output can't be written (a closed pipe is none).
pub(crate) fn page(
    format: Format,
    fields: &[&str],
    rows: &[Row],
    is_first: bool,
) -> io::Result<bool> {
    let text = match format {
        Format::Csv if is_first => csv_text(fields, rows)?,
        Format::Csv => csv_lines(fields, rows)?,
        Format::Json | Format::Table => json_lines(rows),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

fn json_lines(rows: &[Row]) -> String {
    rows.iter().fold(String::new(), |mut text, row| {
        text.push_str(&Value::Object(row.clone()).to_string());
        text.push('\n');
        text
    })
}

fn table(columns: &[(&str, &str)], rows: &[Row]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(terminal_width());
    table.set_header(columns.iter().map(|(_, title)| title.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|(field, _)| {
            let cell = plain(row.get(*field));
            brief(&cell, MOST_OF_A_CELL)
        }));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

/// The terminal's width; piped output gets a fixed one, so that it doesn't change.
fn terminal_width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0)
}

/// Prints findings in the user's own files: place, caret and advice.
pub(crate) fn findings(findings: &[Finding]) {
    // The default theme honours NO_COLOR.
    let terminal = io::stderr().is_terminal();
    for finding in findings {
        drawn_note(&drawn(finding, terminal));
    }
}

/// A finding as it is printed; in colour on a terminal.
#[doc(hidden)]
pub fn drawn(finding: &Finding, terminal: bool) -> String {
    let theme = if terminal {
        GraphicalTheme::default()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100);
    let mut text = String::new();
    if is_whole_file(finding)
        || handler
            .render_report(&mut text, &Shown::new(finding))
            .is_err()
    {
        text = format!("  × {}: {}", place(finding), harmless(&finding.message));
        if let Some(help) = &finding.help {
            text = format!("{text}\n  help: {}", harmless(help));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The same text, byte for byte as long, without what would command the terminal or turn it round.
fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        _ if !(c.is_control() || is_trick(c)) => c.to_string(),
        // The middle dot has two bytes.
        _ if c.len_utf8() == 2 => "·".to_owned(),
        _ => " ".repeat(c.len_utf8()),
    };
    text.chars().map(shown).collect()
}

/// A finding without the lines around it.
pub(crate) fn in_a_line(finding: &Finding) -> String {
    let name = &finding.source.name;
    let place = if is_whole_file(finding) {
        name.clone()
    } else {
        place(finding)
    };
    harmless(&format!("{place}: {}", finding.message)).replace('\n', " ")
}

/// The file with line and column.
fn place(finding: &Finding) -> String {
    let (line, column) = finding.position();
    format!("{}:{line}:{column}", finding.source.name)
}

/// Such findings have no line that could be shown.
fn is_whole_file(finding: &Finding) -> bool {
    finding.span.is_empty() && finding.span.start == 0
}

/// A finding as miette draws it.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    source: NamedSource<String>,
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding) -> Self {
        let SourceText { name, text } = finding.source.as_ref();
        Self {
            finding,
            source: NamedSource::new(name, harmless(text)),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.finding.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding
            .help
            .as_ref()
            .map(|help| Box::new(harmless(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(None, self.finding.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// A closed pipe (`fondly log | head`) is the reader's wish, not our failure.
fn quiet_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Words of a file that came from elsewhere are repeated in the message.
    #[test]
    fn a_finding_can_t_write_to_the_terminal() {
        let source = Arc::new(SourceText {
            name: "x.toml".to_owned(),
            text: "a = \"\u{1b}[31m\u{9b}\u{202e}é\"\r\nb = 1\n".to_owned(),
        });
        let finding = Finding::new(&source, 4..14, "`\u{1b}[31m` is no name").with_help("\u{7}");
        let drawn = drawn(&finding, false);
        assert!(drawn.contains(" [31m·   é\""), "{drawn}");
        assert!(drawn.contains("` [31m` is no name"), "{drawn}");
        assert!(
            drawn
                .chars()
                .all(|c| c == '\n' || !(c.is_control() || is_trick(c))),
            "{drawn:?}"
        );
    }
}
