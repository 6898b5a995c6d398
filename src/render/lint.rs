//! What can be said of a template before anybody is written to.
//!
//! May not render. Whatever depends on the records is found by rendering for everyone.

use std::ops::Range;
use std::sync::Arc;

use minijinja::{Environment, ErrorKind, Value};
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};

use super::inert;
use crate::model::facts::{check_name, nearest};
use crate::model::finding::{Finding, SourceText};

/// Names that no record has.
pub(super) fn names(
    source: &Arc<SourceText>,
    within: &Range<usize>,
    names: impl IntoIterator<Item = String>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = names
        .into_iter()
        .filter_map(|name| {
            let unknown = check_name(&name).err()?;
            let span = find_name(&source.text, within, &name);
            Some(Finding::new(source, span, unknown.message).with_help(unknown.help))
        })
        .collect();
    findings.sort_by_key(|finding| finding.span.start);
    findings
}

/// What letters mostly use, for "did you mean".
const FILTERS: &[&str] = &[
    "default",
    "date",
    "money",
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "replace",
    "join",
    "first",
    "last",
    "length",
    "round",
    "int",
    "list",
    "sort",
    "unique",
];

/// Filters that don't exist, with their place in the text. The engine only looks for one when it
/// gets there, which may be a branch that no record of today takes.
pub(super) fn filters(text: &str, engine: &Environment<'_>) -> Vec<(Range<usize>, String)> {
    let exists = |name: &str| {
        let tried = engine.empty_state().apply_filter(name, &[Value::from("")]);
        !tried.is_err_and(|error| error.kind() == ErrorKind::UnknownFilter)
    };
    let mut used = filters_used(text);
    used.retain(|(_, name)| !exists(name));
    used
}

/// The words behind a `|` inside of tags, outside of quotes.
fn filters_used(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut in_tag = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match (c, quote) {
            ('\\', Some(_)) => _ = chars.next(),
            (c, Some(mark)) => quote = (c != mark).then_some(mark),
            ('{', None) if matches!(next, Some('{' | '%')) => in_tag = true,
            ('}' | '%', None) if next == Some('}') => in_tag = false,
            ('"' | '\'', None) if in_tag => quote = Some(c),
            ('|', None) if in_tag => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let start = at + 1 + (rest.len() - rest.trim_start().len());
                let name: String = rest
                    .trim_start()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if !name.is_empty() {
                    found.push((start..start + name.len(), name));
                }
            }
            _ => {}
        }
    }
    found
}

/// What to say of one.
pub(super) fn no_such_filter(source: &Arc<SourceText>, at: Range<usize>, name: &str) -> Finding {
    let help = nearest(name, FILTERS).map_or_else(
        || format!("letters mostly use `{}`", FILTERS.join("`, `")),
        |near| format!("did you mean `{near}`?"),
    );
    Finding::new(source, at, format!("there is no filter `{name}`")).with_help(help)
}

/// HTML, images, and links that lead nowhere.
pub(super) fn markdown(source: &Arc<SourceText>, body_at: usize) -> Vec<Finding> {
    let body = masked(source.text.get(body_at..).unwrap_or_default());
    Parser::new_ext(&body, Options::empty())
        .into_offset_iter()
        .filter_map(|(event, span)| {
            let span = span.start + body_at..span.end + body_at;
            match event {
                Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => Some(
                    Finding::new(source, span, "letters have no HTML: it would be shown as it stands")
                        .with_help("write Markdown, and comments as {# … #}"),
                ),
                Event::Start(Tag::Image { .. }) => Some(
                    Finding::new(source, span, "letters have no images")
                        .with_help("leave it out, or link to it: [words](https://…)"),
                ),
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    ..
                }) if link_type != LinkType::Email && inert::link_target(&dest_url).is_none() => {
                    Some(
                        Finding::new(source, span, "this link leads nowhere: it would be plain words")
                            .with_help(
                                "a link begins with https://, http:// or mailto:, and names its whole host itself: a record can't",
                            ),
                    )
                }
                _ => None,
            }
        })
        .collect()
}

/// How a link to a page of ours begins; shorter than any tag that names one.
const OUR_PAGE: &str = "https://x/";

/// The body with its tags blanked out, byte for byte as long: links to our pages as links, values as marked words, statements
/// and comments as blanks, so that Markdown sees what it will see later.
fn masked(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('{') {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let close = match tag.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                out.push('{');
                rest = tag.get(1..).unwrap_or("");
                continue;
            }
        };
        let end = tag.find(close).map_or(tag.len(), |end| end + close.len());
        let (tag, after) = tag.split_at_checked(end).unwrap_or((tag, ""));
        let marks = inert::BEGIN.len_utf8() + inert::END.len_utf8();
        let own = tag.trim_start_matches(['{', '-', '+', ' ']);
        if close == "}}" && own.starts_with("links.") && tag.len() > OUR_PAGE.len() {
            out.push_str(OUR_PAGE);
            out.extend(std::iter::repeat_n('x', tag.len() - OUR_PAGE.len()));
        } else if close == "}}" && tag.len() > marks {
            out.push(inert::BEGIN);
            out.extend(std::iter::repeat_n('x', tag.len() - marks));
            out.push(inert::END);
        } else {
            out.extend(tag.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where a dotted name stands; the whole part of the file when it is written in another way.
fn find_name(text: &str, within: &Range<usize>, name: &str) -> Range<usize> {
    let part = text.get(within.clone()).unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    part.match_indices(name)
        .find(|(at, _)| {
            let before = part.get(..*at).and_then(|text| text.chars().next_back());
            let after = part
                .get(at + name.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(|c| is_word(c) && c != '.')
        })
        .map_or_else(
            || within.clone(),
            |(at, _)| within.start + at..within.start + at + name.len(),
        )
}
