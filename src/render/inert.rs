//! Makes words from records harmless: in Markdown, in one line of a header, in a link's address.
//!
//! May not know templates or mail. Here and nowhere else control characters and tricks (see
//! `model::signs`) are dropped, every value is marked while it passes through Markdown, its punctuation is
//! escaped there, and it is kept apart where it is written from right to left.

use std::fmt::{self, Write};

use crate::model::signs::{apart, calm};

/// Stands before a value inside rendered Markdown. A noncharacter, so no text may hold it.
pub(super) const BEGIN: char = '\u{FDD0}';
/// Stands after a value inside rendered Markdown.
pub(super) const END: char = '\u{FDD1}';
/// Endings of names of files that owners read of, none of which ends a domain
/// (<https://data.iana.org/TLD/tlds-alpha-by-domain.txt>).
const FILE_ENDINGS: &[&str] = &[
    "csv", "db", "eml", "sqlite", "toml", "tsv", "txt", "vcf", "xlsx",
];
/// Characters of a header's text; a longer one is cut.
const HEADER_CHARS: usize = 200;

/// One line of clean words: controls and every run of blanks become one space, tricks are
/// dropped, ends are trimmed.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    // Writing to a String can't fail.
    _ = write_line(&mut line, text, Write::write_char);
    line
}

/// A value in a line that isn't Markdown: clean, and no web address.
pub(super) fn words(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len());
    push_apart(&mut out, &line);
    out
}

/// One line for a header, of bounded length. `=?` would start an encoded word, which mail programs
/// decode, so it is taken apart.
pub(super) fn header_text(text: &str) -> String {
    let line = one_line(text).replace("=?", "= ?");
    if line.chars().count() <= HEADER_CHARS {
        return line;
    }
    let mut cut: String = line.chars().take(HEADER_CHARS - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Writes a value into Markdown: marked, on one line, every punctuation mark escaped.
pub(super) fn write_escaped(out: &mut dyn Write, text: &str) -> fmt::Result {
    out.write_char(BEGIN)?;
    write_line(out, text, |out, c| {
        if c.is_ascii_punctuation() {
            out.write_char('\\')?;
        }
        out.write_char(c)
    })?;
    out.write_char(END)
}

/// Somebody's own words in one line of Markdown: clean, and nothing in them becomes markup or a link.
pub fn inline(text: &str) -> String {
    let line = apart(words(text));
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mut out = String::with_capacity(line.len() + 8);
    for (at, c) in line.char_indices() {
        // Only at its beginning would these make a list, a heading or the like of it.
        let opens =
            (at == 0 && "-+=#~:|".contains(c)) || (at == digits && at > 0 && ".)".contains(c));
        if opens || "\\`*_[]<>&!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The same of several lines, as a quotation.
pub fn quoted_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut lines = text.lines().map(inline).peekable();
    while let Some(line) = lines.next() {
        out.push_str("> ");
        out.push_str(&line);
        // The next line is a line of its own, unless it begins another paragraph.
        if !line.is_empty() && lines.peek().is_some_and(|next| !next.is_empty()) {
            out.push('\\');
        }
        out.push('\n');
    }
    out
}

/// The same text without marks. A web address that came with a value is taken apart, because mail
/// programs make links of what looks like one. `inside` says whether the text begins in a value.
pub(super) fn unmark(text: &str, inside: &mut bool, verbatim: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let border = if *inside { END } else { BEGIN };
        let (part, more) = rest
            .split_once(border)
            .map_or((rest, None), |(p, m)| (p, Some(m)));
        if *inside {
            let part = if verbatim {
                without_escapes(part)
            } else {
                part.to_owned()
            };
            push_apart(&mut out, &apart(part));
        } else {
            out.extend(part.chars().filter(|c| !is_mark(*c)));
        }
        let Some(more) = more else { break };
        *inside = !*inside;
        rest = more;
    }
    out
}

/// The address of a link as it may be followed, or `None`. The template itself must say where it
/// leads: the scheme and the whole host stand before the first value, and values are
/// percent-encoded.
pub(super) fn link_target(dest: &str) -> Option<String> {
    let (fixed, has_value) = match dest.find(BEGIN) {
        Some(at) => (dest.get(..at)?, true),
        None => (dest, false),
    };
    let lower = fixed.to_ascii_lowercase();
    let place = ["https://", "http://", "mailto:"]
        .into_iter()
        .find_map(|scheme| lower.strip_prefix(scheme).map(|rest| (scheme, rest)));
    let (scheme, rest) = place?;
    let ends: &[char] = if scheme == "mailto:" {
        &['?']
    } else {
        &['/', '?', '#']
    };
    let host = rest.split(ends).next().unwrap_or("");
    let host_is_whole = host.len() < rest.len();
    if host.is_empty() || (has_value && !host_is_whole) {
        return None;
    }
    let mut target = String::with_capacity(dest.len());
    let mut inside = false;
    for c in dest.chars() {
        match c {
            BEGIN => inside = true,
            END => inside = false,
            c if c.is_control() || c.is_whitespace() || (inside && !is_unreserved(c)) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a String can't fail.
                    _ = write!(target, "%{byte:02X}");
                }
            }
            c => target.push(c),
        }
    }
    Some(target)
}

/// Text without the backslashes that [`write_escaped`] put in, for code and the like, where they
/// would stand for themselves.
pub(super) fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// Appends a value, with a gap in every web address, so that nothing makes a link of it. It may
/// begin in what stands there already.
///
/// Mail programs also take `evil.example` for one. The gap comes after its stop, where `St.Pierre`
/// and `Dr.Ing.` can do with one; mail addresses stay as they are, for people to answer to, and so
/// do names of files.
fn push_apart(out: &mut String, value: &str) {
    for (from, c) in value.char_indices() {
        let begins_address = match c {
            '/' => out.ends_with(':'),
            '.' => out
                .get(out.len().saturating_sub(3)..)
                .is_some_and(|end| end.eq_ignore_ascii_case("www")),
            _ => false,
        };
        if begins_address {
            out.push(' ');
        } else if c.is_alphabetic()
            && let Some((at, first)) = last_label(out)
            && !is_file(first, value.get(from..).unwrap_or_default())
        {
            out.insert(at, ' ');
        }
        out.push(c);
    }
}

/// Where the last label of a domain begins, and with what, if one more letter makes it one: a stop
/// between a letter or digit and a letter, in no mail address.
fn last_label(text: &str) -> Option<(usize, char)> {
    let mut back = text.char_indices().rev();
    let (at, first) = back.next()?;
    let (_, stop) = back.next()?;
    let (_, before) = back.next()?;
    let is_one = first.is_alphabetic() && stop == '.' && before.is_alphanumeric();
    let mut word = back.map(|(_, c)| c).take_while(|c| !c.is_whitespace());
    (is_one && !word.any(|c| c == '@')).then_some((at, first))
}

/// Whether this is the ending of a file's name, and no domain's.
fn is_file(first: char, rest: &str) -> bool {
    let rest = rest.chars().take_while(|c| c.is_alphanumeric());
    let ending: String = std::iter::once(first).chain(rest).collect();
    FILE_ENDINGS.contains(&ending.as_str())
}

const fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

const fn is_mark(c: char) -> bool {
    matches!(c, BEGIN | END)
}

fn write_line<W: Write + ?Sized>(
    out: &mut W,
    text: &str,
    mut put: impl FnMut(&mut W, char) -> fmt::Result,
) -> fmt::Result {
    let mut gap = false;
    let mut begun = false;
    for c in calm(text) {
        if c.is_whitespace() || c.is_control() {
            gap = begun;
            continue;
        }
        if gap {
            out.write_char(' ')?;
            gap = false;
        }
        begun = true;
        put(out, c)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_get_a_gap_and_names_stay_names() {
        for (text, wanted) in [
            ("claim-prize.evil.com", "claim-prize. evil. com"),
            ("go to evil.рф now", "go to evil. рф now"),
            ("http://evil.com/x", "http: //evil. com/x"),
            ("St.Pierre", "St. Pierre"),
            ("Dr.Ing. Maier", "Dr. Ing. Maier"),
        ] {
            assert_eq!(words(text), wanted);
        }
        for text in [
            "J.R.R. Tolkien",
            "Rosen e.V.",
            "Jr. and Sr.",
            "1.234,50 €",
            "24.12.2027",
            "v1.2b",
            "ann@mail.example",
            "data/till.csv:3",
            "…",
        ] {
            assert_eq!(words(text), text);
        }
    }
}
