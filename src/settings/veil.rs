//! Stars in place of passwords that people wrote where none belongs: a finding shows the lines around
//! it, and what is printed may end up in a log.
//!
//! Goes by the text alone, since it may be no TOML. May not know what a setting means; in doubt, it
//! hides.

use std::ops::Range;
use std::sync::Arc;

use crate::model::finding::SourceText;

/// Parts of a key behind which a secret stands, slips of the pen among them. Where it ends in `_file`,
/// it is a path.
const SECRETS: [&str; 7] = [
    "passw",
    "pasw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
];

/// Options of an address that hold no secret.
const PLAIN_OPTIONS: [&str; 4] = ["sslmode", "ssl-mode", "socket", "host"];

/// What opens a string of several lines, and closes it.
const QUOTES: [&str; 2] = ["\"\"\"", "'''"];

/// The same text, byte for byte as long, without the secrets.
pub(super) fn source(source: &Arc<SourceText>) -> Arc<SourceText> {
    let mut open = None;
    let lines = source.text.split('\n');
    let lines: Vec<String> = lines.map(|line| hidden_in(line, &mut open)).collect();
    Arc::new(SourceText {
        name: source.name.clone(),
        text: lines.join("\n"),
    })
}

/// A web address or a host as it may be repeated: without a login and without options.
pub(super) fn address(text: &str) -> String {
    let start = behind_scheme(text).unwrap_or(0);
    starred(text, &of_address(text, start))
}

/// A line, which may stand within a secret of several lines, closed by what `open` says.
fn hidden_in(line: &str, open: &mut Option<&'static str>) -> String {
    if let Some(quote) = *open {
        if line.contains(quote) {
            *open = None;
        }
        return "*".repeat(line.len());
    }
    let Some(at) = secret_from(line) else {
        let start = behind_scheme(line).or_else(|| url_from(line));
        let ranges = start.map(|start| of_address(line, start));
        return starred(line, &ranges.unwrap_or_default());
    };
    let value = line.get(at..).unwrap_or_default();
    *open = QUOTES
        .into_iter()
        .find(|quote| value.matches(quote).count() == 1);
    let before = line.get(..at).unwrap_or_default();
    let start = behind_scheme(before);
    let mut ranges = start.map(|start| of_address(before, start));
    let ranges = ranges.get_or_insert_default();
    ranges.push(at..line.len());
    starred(line, ranges)
}

/// Where the value of the first secret begins.
fn secret_from(line: &str) -> Option<usize> {
    let equals = line.match_indices('=').map(|(at, _)| at);
    let mut secrets = equals.filter(|at| is_secret(&key_before(line, *at)));
    secrets.next().map(|at| at + 1)
}

/// Where the value of `url` begins, which may lack its scheme.
fn url_from(line: &str) -> Option<usize> {
    let at = line.find('=')?;
    (key_before(line, at) == "url").then_some(at + 1)
}

/// The word before a sign, in lower case: the last part of a dotted key.
fn key_before(line: &str, at: usize) -> String {
    let before = line.get(..at).unwrap_or_default();
    let before = before.trim_end().trim_end_matches(['"', '\'']);
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let word = before.rsplit(|c: char| !plain(c)).next();
    word.unwrap_or_default().to_lowercase()
}

fn is_secret(key: &str) -> bool {
    let key = key.replace('-', "_");
    !key.ends_with("_file") && SECRETS.iter().any(|part| key.contains(part))
}

fn behind_scheme(text: &str) -> Option<usize> {
    let behind = |sign: &str| text.find(sign).map(|at| at + sign.len());
    behind("://").or_else(|| behind("sqlite:"))
}

/// The login of an address that begins there, its options but the plain ones, and what follows a `#`.
fn of_address(text: &str, start: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = start;
    // The last one: a password may hold another.
    if let Some(at) = text.get(start..).and_then(|rest| rest.rfind('@')) {
        ranges.push(start..start + at);
        from = start + at;
    }
    let rest = text.get(from..).unwrap_or_default();
    let Some(at) = rest.find(['?', '#']) else {
        return ranges;
    };
    let mut begin = from + at + 1;
    for option in text.get(begin..).unwrap_or_default().split('&') {
        let name = option.split('=').next().unwrap_or_default();
        let plain = PLAIN_OPTIONS.contains(&name) && !option.contains('#');
        let is_comment =
            option.starts_with(' ') && rest.get(..at).is_some_and(|it| it.contains('"'));
        if !plain && !is_comment {
            ranges.push(begin..begin + option.len());
        }
        begin += option.len() + 1;
    }
    ranges
}

fn starred(text: &str, ranges: &[Range<usize>]) -> String {
    let hide = |at: usize| ranges.iter().any(|range| range.contains(&at));
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if hide(at) {
            shown.push_str(&"*".repeat(c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let name = String::new();
        let text = text.to_owned();
        source(&Arc::new(SourceText { name, text })).text.clone()
    }

    #[test]
    fn no_secret_is_shown_wherever_it_was_written() {
        for text in [
            "password = \"s3cret\"",
            "password = s3cret",
            "pasword = 's3cret'",
            "\"password\" = \"s3cret\"",
            "mail.smtp.password = \"s3cret\"",
            "smtp = { host = \"a\", password = \"s3cret\", port = 25 }",
            "smtp-password = \"\"\"\ns3cret\n\"\"\"\nport = 25",
            "url = \"postgres://u:s3cret@h/db\"",
            "url = \"postgres://u:s3@cret@h/db\"",
            "url = \"postgres://u:x?s3cret@h/db\"",
            "url = \"postgres://h/db?password=s3cret\"",
            "url = \"postgres://u@h/db?user=x&sslpassword=s3cret\"",
            "url = \"postgres://u@h/db?sslmode=require&pass%77ord=s3cret\"",
            "url = \"postgres://u@h/db?sslmode=require#s3cret\"",
            "url = \"postgres://u@h/db#s3cret\"",
            "url = \"sqlite:shop.db?key=s3cret\"",
            "url = \"u:s3cret@h/db\"",
            "url = \"host=h password=s3cret\"",
            "url = \"\"\"\npostgres://u:s3cret@h/db\"\"\"",
            "source = [{ url = \"postgres://u@h/db?password=s3cret\", name = \"shop\" }]",
            "base_url = \"https://u:s3cret@care.example\"",
        ] {
            let shown = shown(text);
            let there = ["s3cret", "s3", "cret"].iter().any(|it| shown.contains(it));
            assert!(!there, "{shown}");
            assert_eq!(shown.len(), text.len(), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in [
            "password_file = \"/etc/fondly/smtp-password\"",
            "token_file = \"token\"",
            "url = \"sqlite:../var/fondly.db\"",
            "url = \"postgres://h/db?sslmode=sometimes&socket=/run\"",
            "url = \"postgres://h/db\" # the shop's",
            "base_url = \"https://care.example\"",
            "from = \"Rose <hello@rose.example>\"",
            "query = \"select id from customers where id > ?\"",
        ] {
            assert_eq!(shown(text), text);
        }
        let login = shown("url = \"postgres://hünter@h/db\"");
        assert_eq!(login, "url = \"postgres://*******@h/db\"");
        assert_eq!(address("https://u:pw@h/?x"), "https://****@h/?*");
        assert_eq!(address("care.example"), "care.example");
    }
}
