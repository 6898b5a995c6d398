//! The three small pages behind an unsubscribe link: the question, that it is noted, that it isn't.
//!
//! May show nothing of any customer: not even whether a link belongs to one.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::words::{self, Text, Words};
use crate::settings::Business;

const STYLE: &str = include_str!("page.css");

/// Which of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The question, with the button.
    Ask,
    /// It is noted.
    Done,
    /// It couldn't be noted; with the button, to try again.
    Later,
}

/// What the pages say of the business, and what they may do in a browser.
#[derive(Debug)]
pub(super) struct Pages {
    name: String,
    /// Where the business can be reached, as a link where it can be one.
    address: String,
    language: String,
    /// The one policy that fits them: this stylesheet, this form, nothing else.
    pub(super) policy: String,
}

impl Pages {
    /// The pages of this business.
    pub(super) fn new(business: &Business) -> Self {
        let answers = business.reply_to.as_ref().unwrap_or(&business.from);
        let address = answers.email.to_string();
        // Any other sign would mean something else in a link.
        let plain = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
        Self {
            name: escaped(&business.name),
            address: if address.chars().all(plain) {
                format!("<a href=\"mailto:{address}\">{address}</a>")
            } else {
                escaped(&address)
            },
            language: business.language.clone(),
            policy: format!(
                "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; \
                 frame-ancestors 'none'",
                STANDARD.encode(Sha256::digest(STYLE))
            ),
        }
    }

    /// The page in the language that fits this `Accept-Language` best.
    pub(super) fn page(&self, which: Page, accepted: Option<&str>) -> String {
        let words = words::choose(accepted, &self.language);
        match which {
            Page::Ask => self.write(words, &words.ask, true),
            Page::Done => self.write(words, &words.done, false),
            Page::Later => self.write(words, &words.later, true),
        }
    }

    fn write(&self, words: &Words, text: &Text, button: bool) -> String {
        let Self { name, address, .. } = self;
        let Words {
            language, contact, ..
        } = words;
        let title = text.title;
        let mut body = String::new();
        for line in text.lines {
            // Writing to a String can't fail.
            _ = writeln!(body, "<p>{line}</p>");
        }
        if button {
            _ = writeln!(
                body,
                "<form method=\"post\">\n\
                 <input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\n\
                 <button>{}</button>\n</form>",
                words.button
            );
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <title>{title} · {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <p class=\"name\">{name}</p>\n<h1>{title}</h1>\n{body}\
             <p class=\"soft\">{contact} {address}</p>\n</main>\n</body>\n</html>\n"
        )
    }
}

/// The business's own words, made inert.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(name: &str, address: &str) -> Pages {
        Pages::new(&Business {
            name: name.to_owned(),
            from: "hello@thorn.example".parse().unwrap(),
            reply_to: Some(address.parse().unwrap()),
            owner: Vec::new(),
            postal_address: None,
            language: "en".to_owned(),
            unsubscribe_mailto: None,
        })
    }

    #[test]
    fn the_business_stays_words() {
        let pages = pages("</title><script>x</script>", "a&b@thorn.example");
        for which in [Page::Ask, Page::Done, Page::Later] {
            let page = pages.page(which, None);
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
            assert!(page.contains("a&amp;b@thorn.example"), "{page}");
            assert!(!page.contains("mailto:"), "{page}");
        }
    }

    #[test]
    fn a_question_has_one_button_and_an_answer_has_none() {
        let pages = pages("Rose", "anna@thorn.example");
        for language in ["en", "de", "fr"] {
            let buttons = |which| {
                let page = pages.page(which, Some(language));
                assert!(page.contains(&format!("<html lang=\"{language}\">")));
                assert!(page.contains("href=\"mailto:anna@thorn.example\""));
                page.matches("<button").count()
            };
            assert_eq!(buttons(Page::Ask), 1);
            assert_eq!(buttons(Page::Done), 0);
            assert_eq!(buttons(Page::Later), 1);
        }
    }

    #[test]
    fn the_policy_lets_in_the_style_as_it_stands_in_the_page() {
        let pages = pages("Rose", "anna@thorn.example");
        let page = pages.page(Page::Ask, None);
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(pages.policy.contains(&format!("'sha256-{hash}'")));
        assert!(!pages.policy.contains("unsafe"));
    }
}
