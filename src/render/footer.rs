//! What stands under a letter that isn't about something the customer asked for: why they get it,
//! who writes and from where, and how to make it stop.
//!
//! May not know classes or rules: whoever sends decides whether a letter has one.

use super::catalogue::Letter;
use super::phrases::Phrases;
use super::{inert, page};

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
    /// Where its reader chooses which letters they want.
    pub preferences_url: Option<&'a str>,
    /// The business's own words; by default the built-in ones.
    pub phrases: Option<&'a Phrases>,
}

/// The letter with its footer, in both parts and in the letter's language.
#[must_use]
pub fn add(letter: &Letter, footer: &Footer<'_>) -> Letter {
    let phrases = footer.phrases.unwrap_or_else(|| Phrases::built_in());
    let words = phrases.of(&letter.language);
    let business = inert::one_line(footer.business);
    let because = words.fill("footer.because", &[("business", &business)]);
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
    let other = footer.preferences_url;
    let other = other.map(|url| (url.to_owned(), url.to_owned()));
    let links = [
        ("footer.preferences", other),
        ("footer.unsubscribe", way_out),
    ];
    for (name, link) in links {
        let Some((shown, target)) = link else {
            continue;
        };
        let says = words.say(name);
        for part in [says, words.say("footer.colon"), &shown, "\n"] {
            text.push_str(part);
        }
        html.push_str("<p><a href=\"");
        page::escape(&mut html, &target);
        html.push_str("\">");
        page::escape(&mut html, says);
        html.push_str("</a></p>\n");
    }
    html.push_str("</div>\n");
    Letter {
        text,
        html: page::add(&letter.html, &html),
        ..letter.clone()
    }
}
