//! Plain words to the owner -> a letter, without a template.
//!
//! May not know what they are about. They may hold what others said (a mail server, a source, a
//! customer), so no link survives: only words.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::catalogue::Letter;
use super::{inert, markdown, page, plain};
use crate::model::signs::calm_but_apart;

/// A letter of these words, which are Markdown and in this language.
pub fn notice(subject: &str, words: &str, language: &str) -> Letter {
    let subject = inert::header_text(subject);
    // A file's name, for one, stands in them as it is.
    let words = calm_but_apart(words);
    let mut events = markdown::events(&words);
    let leads_away = |event: &Event<'_>| {
        matches!(
            event,
            Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link)
        )
    };
    events.retain(|event| !leads_away(event));
    Letter {
        text: plain::text(&events),
        html: page::wrap(&subject, language, &markdown::html(&events)),
        subject,
        template: String::new(),
        language: language.to_owned(),
    }
}

/// What somebody else said, as words that stand in a notice: on one line, quoted, with nothing in
/// it that a mail program would make a link of.
pub fn quoted(words: &str) -> String {
    let words = inert::words(words);
    // At the start of a line a sign may begin a heading or a list; within it, nothing that matters.
    let begins = words.starts_with(|c: char| c.is_ascii_punctuation());
    format!("> {}{words}", if begins { "\\" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_said_stays_words() {
        let said = "550 <img src=x> [win](https://evil.example) https://evil.example/\n# Big **x**";
        let letter = notice(
            "It said",
            &format!("Look:\n\n{}\n\nBye.", quoted(said)),
            "en",
        );
        for gone in ["<img", "<a ", "href", "://", "<h1"] {
            assert!(!letter.html.contains(gone), "{gone}: {}", letter.html);
        }
        let wanted =
            "> 550 <img src=x> [win](https: //evil. example) https: //evil. example/ # Big x";
        assert!(letter.text.contains(wanted), "{}", letter.text);
        let heading = notice("It said", &quoted("# Big"), "en");
        assert!(heading.html.contains("# Big") && !heading.html.contains("<h1"));
        let letter = notice(
            "It said",
            "[win](https://evil.example) <https://evil.example>",
            "en",
        );
        assert!(!letter.html.contains("href"), "{}", letter.html);
        let letter = notice("An edit", "    rules/Ann\u{202E}lmot.exe:1", "en");
        assert_eq!(letter.text, "    rules/Annlmot.exe:1\n");
    }
}
