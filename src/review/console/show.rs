//! Makes pages of templates, and answers of pages.
//!
//! Whatever a record says passes [`harmless`] on its way into any page, without a template having to
//! think of it: tricks with the writing direction go, it stays words, and it is cut where it is longer
//! than anybody reads. May not know what a page is about.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use sha2::{Digest as _, Sha256};

use super::trouble::Trouble;
use crate::engine::listing::{self, Row};
use crate::model::signs::{brief, calm_but_apart};

/// The one stylesheet.
pub(super) const STYLE: &str = include_str!("style.css");
/// Where it is; another one has another address, so that browsers may keep it.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::digest(STYLE);
    let short: String = hash.iter().take(6).fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        _ = write!(text, "{byte:02x}");
        text
    });
    format!("/style.css?v={short}")
});

/// Characters of one value that a page shows.
const MOST_CHARS: usize = 300;
/// Characters of a name, an id or a title: in lists, many stand above each other.
pub(super) const MOST_OF_A_NAME: usize = 60;
/// Characters of a value that is shown as a whole: a letter, a rule's file.
const MOST_WHOLE: usize = 60_000;

const TEMPLATES: &[(&str, &str)] = &[
    ("frame.html", include_str!("pages/frame.html")),
    ("parts.html", include_str!("pages/parts.html")),
    ("today.html", include_str!("pages/today.html")),
    ("ahead.html", include_str!("pages/ahead.html")),
    ("day.html", include_str!("pages/day.html")),
    ("ledger.html", include_str!("pages/ledger.html")),
    ("entry.html", include_str!("pages/entry.html")),
    ("customer.html", include_str!("pages/customer.html")),
    ("missing.html", include_str!("pages/missing.html")),
    ("opinions.html", include_str!("pages/opinions.html")),
    ("rules.html", include_str!("pages/rules.html")),
    ("rule.html", include_str!("pages/rule.html")),
    ("sources.html", include_str!("pages/sources.html")),
    ("source.html", include_str!("pages/source.html")),
    ("held.html", include_str!("pages/held.html")),
    ("batch.html", include_str!("pages/batch.html")),
    ("health.html", include_str!("pages/health.html")),
    ("people.html", include_str!("pages/people.html")),
    ("login.html", include_str!("pages/login.html")),
];

/// All pages.
#[derive(Debug)]
pub(super) struct Pages(Environment<'static>);

impl Pages {
    pub(super) fn new() -> Result<Self, Error> {
        let mut all = Environment::new();
        all.set_undefined_behavior(UndefinedBehavior::Strict);
        all.set_auto_escape_callback(|_| AutoEscape::Html);
        all.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => {
                Ok(out.write_str(&escaped(&harmless(text, MOST_CHARS)))?)
            }
            _ if value.is_none() => Ok(()),
            _ => minijinja::escape_formatter(out, state, value),
        });
        all.add_filter("whole", |text: &str| {
            Value::from_safe_string(escaped(&harmless(text, MOST_WHOLE)))
        });
        all.add_filter("name", |text: &str| {
            let text = escaped(&brief(text, MOST_OF_A_NAME));
            Value::from_safe_string(format!("<bdi>{text}</bdi>"))
        });
        all.add_filter("href", href);
        all.add_filter("counted", |count: u64, what: &str| {
            let s = if count == 1 { "" } else { "s" };
            format!("{} {what}{s}", grouped(count))
        });
        all.add_filter("grouped", grouped);
        for (name, text) in TEMPLATES {
            all.add_template(name, text)?;
        }
        Ok(Self(all))
    }

    /// A page.
    ///
    /// # Errors
    /// A fault of ours in a template.
    pub(super) fn render(&self, name: &str, context: Value) -> Result<String, Trouble> {
        let page = self
            .0
            .get_template(name)
            .and_then(|page| page.render(context));
        page.map_err(|error| {
            tracing::error!(%error, name, "a page of the console can't be made");
            Trouble::Ours
        })
    }
}

/// An address of our own as it stands in an attribute.
fn href(path: &str) -> Result<Value, Error> {
    if path.starts_with('/') && !path.starts_with("//") {
        return Ok(Value::from_safe_string(escaped(path)));
    }
    let words = "a link has to begin with one slash";
    Err(Error::new(ErrorKind::InvalidOperation, words))
}

/// `12 345`, with narrow spaces that don't break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// The same words without control signs (lines and tabs stay), without tricks, and cut where they
/// are longer than this.
pub(super) fn harmless(text: &str, most: usize) -> Cow<'_, str> {
    let fine = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    if text.len() <= most && text.is_ascii() && text.chars().all(fine) {
        return Cow::Borrowed(text);
    }
    let clean = calm_but_apart(text);
    let mut clean = clean.chars().map(|c| if fine(c) { c } else { ' ' });
    let mut short: String = clean.by_ref().take(most).collect();
    if clean.next().is_some() {
        short.push('…');
    }
    Cow::Owned(short)
}

/// Text that stays text in an element and in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// One part of a path or a query: every sign that could mean something else is written as %XX.
pub(super) fn part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A page as it is answered.
pub(super) fn html(status: StatusCode, page: String) -> Response<Body> {
    answer(status, "text/html; charset=utf-8", page)
}

/// Rows as a file to keep.
pub(super) fn download(
    name: &str,
    fields: &[&str],
    rows: &[Row],
) -> Result<Response<Body>, Trouble> {
    let text = listing::csv_text(fields, rows).map_err(|error| {
        tracing::error!(%error, name, "a listing can't be made");
        Trouble::Ours
    })?;
    let mut response = answer(StatusCode::OK, "text/csv; charset=utf-8", text);
    let kept = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
    if let Ok(kept) = kept {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, kept);
    }
    Ok(response)
}

/// Words with their kind.
pub(super) fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Go there; what was posted isn't posted again.
pub(super) fn see_other(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_records_say_stays_words() {
        let pages = Pages::new().unwrap();
        let nasty = "<script>x</script>\u{202E}a\u{0}b\"'\n";
        let show = |text: &str| {
            let context = minijinja::context! { text => text };
            pages.0.render_str("{{ text }}", context).unwrap()
        };
        assert_eq!(
            show(nasty),
            "&lt;script&gt;x&lt;/script&gt;a b&quot;&#39;\n"
        );
        assert_eq!(show(&"x".repeat(10_000)).chars().count(), MOST_CHARS + 1);
        let name = minijinja::context! { text => format!("<i>{}", "x".repeat(10_000)) };
        let name = pages.0.render_str("{{ text|name }}", name).unwrap();
        let cut = "x".repeat(MOST_OF_A_NAME - 3);
        assert_eq!(name, format!("<bdi>&lt;i&gt;{cut}…</bdi>"));
        let whole = minijinja::context! { text => "<b>\u{2066}".repeat(2_000) };
        let whole = pages.0.render_str("{{ text|whole }}", whole).unwrap();
        assert_eq!(whole, "&lt;b&gt;".repeat(2_000));
    }

    #[test]
    fn links_lead_nowhere_else() {
        let pages = Pages::new().unwrap();
        let link = |to: &str| {
            pages
                .0
                .render_str("{{ to|href }}", minijinja::context! { to })
        };
        assert_eq!(link("/a?b=\"&c").unwrap(), "/a?b=&quot;&amp;c");
        for bad in ["javascript:x", "//evil.example", "https://evil.example", ""] {
            assert!(link(bad).is_err(), "{bad}");
        }
        assert_eq!(part("a/b?c=d&e .."), "a%2Fb%3Fc%3Dd%26e%20%2E%2E");
        assert_eq!(grouped(1_234_567), "1\u{202F}234\u{202F}567");
        assert_eq!(grouped(999), "999");
    }
}
