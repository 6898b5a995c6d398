//! Plain words to the owner -> a letter, without a template.
//!
//! May not know what they are about.

use super::catalogue::Letter;
use super::{inert, markdown, page, plain};

/// The letter's language: what the program itself says is English.
const LANGUAGE: &str = "en";

/// A letter of these words, which are Markdown.
pub fn notice(subject: &str, words: &str) -> Letter {
    let subject = inert::header_text(subject);
    let events = markdown::events(words);
    Letter {
        text: plain::text(&events),
        html: page::wrap(&subject, LANGUAGE, &markdown::html(&events)),
        subject,
        template: String::new(),
        language: LANGUAGE.to_owned(),
    }
}
