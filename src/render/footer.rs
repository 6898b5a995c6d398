//! What stands under a letter that isn't about something the customer asked for: why they get it,
//! who writes and from where, and how to make it stop.
//!
//! May not know classes or rules: whoever sends decides whether a letter has one.

use super::catalogue::Letter;
use super::{inert, page, words};

/// What the footer says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Footer<'a> {
    /// The business's name.
    pub business: &'a str,
    /// Its postal address.
    pub postal_address: Option<&'a str>,
    /// Where one click unsubscribes.
    pub unsubscribe_url: Option<&'a str>,
    /// The address that unsubscribes whoever writes to it, without `mailto:`.
    pub unsubscribe_mailto: Option<&'a str>,
}

/// The letter with its footer, in both parts and in the letter's language.
#[must_use]
pub fn add(letter: &Letter, footer: &Footer<'_>) -> Letter {
    let words = words::footer(&letter.language);
    let business = inert::one_line(footer.business);
    let because = format!("{}{business}{}", words.because_before, words.because_after);
    let postal = footer.postal_address.map(inert::one_line);
    let way_out = footer
        .unsubscribe_url
        .map(|url| (url.to_owned(), url.to_owned()))
        .or_else(|| {
            footer
                .unsubscribe_mailto
                .map(|address| (address.to_owned(), format!("mailto:{address}")))
        });

    let mut text = format!("{}\n--\n{because}\n", letter.text);
    let mut html = String::from(
        "<div class=\"foot\" style=\"margin-top:2.5em;padding-top:1em;\
         border-top:1px solid #ddd6cf;font-size:13px;line-height:1.5;color:#756d66\">\n<p>",
    );
    page::escape(&mut html, &because);
    html.push_str("</p>\n");
    if let Some(postal) = postal.filter(|postal| !postal.is_empty()) {
        text.push_str(&postal);
        text.push('\n');
        html.push_str("<p>");
        page::escape(&mut html, &postal);
        html.push_str("</p>\n");
    }
    if let Some((shown, target)) = way_out {
        for part in [words.unsubscribe, words.colon, &shown, "\n"] {
            text.push_str(part);
        }
        html.push_str("<p><a href=\"");
        page::escape(&mut html, &target);
        html.push_str("\">");
        html.push_str(words.unsubscribe);
        html.push_str("</a></p>\n");
    }
    html.push_str("</div>\n");
    Letter {
        text,
        html: page::add(&letter.html, &html),
        ..letter.clone()
    }
}
