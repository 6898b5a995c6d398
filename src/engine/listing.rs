//! Rows as CSV that is safe to open in a spreadsheet, for the commands and for the console.
//!
//! May not know what the rows mean.

use std::io;

use serde_json::{Map, Value};

/// One row: its fields in order.
pub type Row = Map<String, Value>;

/// A row of these fields with these values, in the same order.
pub fn row(fields: &[&str], values: impl IntoIterator<Item = Value>) -> Row {
    let fields = fields.iter().map(|field| (*field).to_owned());
    fields.zip(values).collect()
}

/// A header line, and a line a row.
///
/// # Errors
/// Text that can't be made; there is no known case.
pub fn csv_text(fields: &[&str], rows: &[Row]) -> io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    written(writer, fields, rows)
}

/// A line a row, below a header that is there already.
///
/// # Errors
/// As [`csv_text`].
pub fn csv_lines(fields: &[&str], rows: &[Row]) -> io::Result<String> {
    written(csv::Writer::from_writer(Vec::new()), fields, rows)
}

fn written(mut writer: csv::Writer<Vec<u8>>, fields: &[&str], rows: &[Row]) -> io::Result<String> {
    for row in rows {
        writer.write_record(
            fields
                .iter()
                .map(|field| no_formula(plain(row.get(*field)))),
        )?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// What a spreadsheet would take for a formula gets an apostrophe in front (OWASP ASVS 1.2.10). That is
/// how a cell begins; and where another sign than the comma separates cells, as in much of Europe, how
/// any part of it does.
fn no_formula(cell: String) -> String {
    let begins = |c: char| "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".contains(c);
    let parts = |c: char| matches!(c, ';' | '\t' | '\r' | '\n');
    let (mut out, mut fresh) = (String::new(), true);
    for (at, c) in cell.char_indices() {
        if fresh && begins(c) && (at == 0 || !parts(c)) {
            if out.is_empty() {
                // Most cells are none, and stay as they are.
                out.reserve(cell.len() + 8);
                out.push_str(cell.get(..at).unwrap_or_default());
            }
            out.push('\'');
        }
        if !out.is_empty() {
            out.push(c);
        }
        fresh = parts(c) || (fresh && matches!(c, ' ' | '"'));
    }
    if out.is_empty() { cell } else { out }
}

/// A value as a cell shows it; nothing for null.
pub fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Four decimal places: more would only look exact. Zero has no sign.
pub fn four_places(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_starts_a_formula() {
        for (cell, shown) in [
            ("=1+1", "'=1+1"),
            ("-2+3", "'-2+3"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\n=1", "\"'\n'=1\""),
            ("Ann", "Ann"),
            ("\u{FF1D}1+1", "'\u{FF1D}1+1"),
            // Where a semicolon stands between cells, or a line ends within one.
            ("Ann;=1+1", "Ann;'=1+1"),
            ("a; =1;b", "a; '=1;b"),
            ("a\t@x", "a\t'@x"),
            ("a\n=1", "\"a\n'=1\""),
            ("a;\"=1", "\"a;\"\"'=1\""),
            ("a-b=c+d", "a-b=c+d"),
        ] {
            let row = row(&["a"], [Value::from(cell)]);
            assert_eq!(csv_text(&["a"], &[row]).unwrap(), format!("a\n{shown}\n"));
        }
    }
}
