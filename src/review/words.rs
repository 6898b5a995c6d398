//! The words of the public pages, in the languages that letters are shipped in.
//!
//! May not know what is noted of whom: every visitor reads the same.

/// One language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    /// The question, with the button.
    pub(super) ask: Text,
    /// It is noted.
    pub(super) done: Text,
    /// It couldn't be noted; with the button, to try again.
    pub(super) later: Text,
    pub(super) button: &'static str,
    /// Before the address of the business.
    pub(super) contact: &'static str,
}

/// What one page says.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) title: &'static str,
    pub(super) lines: &'static [&'static str],
}

static ENGLISH: Words = Words {
    language: "en",
    ask: Text {
        title: "No more letters from us?",
        lines: &[
            "Press the button, and we stop writing to you.",
            "You will only hear from us about something you asked for, such as an order.",
        ],
    },
    done: Text {
        title: "You won’t hear from us",
        lines: &[
            "It is noted; there is nothing more to do. Thank you for having read our letters.",
            "We only write about something you asked for, such as an order. A letter that is on \
             its way at this moment may still arrive.",
        ],
    },
    later: Text {
        title: "That didn’t work just now",
        lines: &["We couldn’t note it. Please try again in a minute."],
    },
    button: "Unsubscribe",
    contact: "A question, or something to tell us? Write to",
};

static GERMAN: Words = Words {
    language: "de",
    ask: Text {
        title: "Keine Briefe mehr von uns?",
        lines: &[
            "Ein Druck auf den Knopf, und wir schreiben Ihnen nicht mehr.",
            "Sie hören dann nur noch von uns, wenn es um etwas geht, worum Sie uns gebeten haben, \
             etwa eine Bestellung.",
        ],
    },
    done: Text {
        title: "Sie hören nichts mehr von uns",
        lines: &[
            "Es ist vermerkt; Sie müssen nichts weiter tun. Danke, dass Sie unsere Briefe gelesen \
             haben.",
            "Wir schreiben nur noch, wenn es um etwas geht, worum Sie uns gebeten haben, etwa eine \
             Bestellung. Ein Brief, der gerade unterwegs ist, kann noch ankommen.",
        ],
    },
    later: Text {
        title: "Das hat gerade nicht geklappt",
        lines: &[
            "Wir konnten es nicht vermerken. Bitte versuchen Sie es in einer Minute noch einmal.",
        ],
    },
    button: "Abmelden",
    contact: "Haben Sie eine Frage, oder möchten Sie uns etwas sagen? Schreiben Sie an",
};

static FRENCH: Words = Words {
    language: "fr",
    ask: Text {
        title: "Ne plus recevoir nos lettres\u{a0}?",
        lines: &[
            "Appuyez sur le bouton, et nous ne vous écrirons plus.",
            "Nous vous écrirons seulement au sujet de ce que vous aurez demandé, une commande par \
             exemple.",
        ],
    },
    done: Text {
        title: "Nous ne vous écrirons plus",
        lines: &[
            "C’est noté, vous n’avez rien d’autre à faire. Merci d’avoir lu nos lettres.",
            "Nous écrirons seulement au sujet de ce que vous aurez demandé, une commande par \
             exemple. Une lettre déjà en route peut encore arriver.",
        ],
    },
    later: Text {
        title: "Cela n’a pas marché",
        lines: &["Nous n’avons pas pu en prendre note. Merci de réessayer dans une minute."],
    },
    button: "Se désinscrire",
    contact: "Une question, ou quelque chose à nous dire\u{a0}? Écrivez à",
};

/// The language that fits this `Accept-Language` best, of equals the first; else the business's,
/// else English.
pub(super) fn choose(accepted: Option<&str>, business: &str) -> &'static Words {
    let mut best: Option<(&Words, f32)> = None;
    for wish in accepted.unwrap_or("").split(',') {
        let mut parts = wish.split(';').map(str::trim);
        let Some(words) = parts.next().and_then(spoken) else {
            continue;
        };
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > 0.0 && best.is_none_or(|(_, most)| weight > most) {
            best = Some((words, weight));
        }
    }
    best.map(|(words, _)| words)
        .or_else(|| spoken(business))
        .unwrap_or(&ENGLISH)
}

/// The words for this language tag, by its first part.
fn spoken(tag: &str) -> Option<&'static Words> {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    [&ENGLISH, &GERMAN, &FRENCH]
        .into_iter()
        .find(|words| words.language.eq_ignore_ascii_case(primary))
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_browser_chooses_the_language_and_else_the_business() {
        for (accepted, language) in [
            (None, "de"),
            (Some(""), "de"),
            (Some("*"), "de"),
            (Some("it, pl;q=0.5"), "de"),
            (Some("fr-CH, en;q=0.9"), "fr"),
            (Some("it, FR ; q=0.3, en; q=0.8"), "en"),
            (Some("en;q=0, fr;q=0.1"), "fr"),
            (Some("en;q=nonsense"), "de"),
        ] {
            assert_eq!(choose(accepted, "de-AT").language, language, "{accepted:?}");
        }
        assert_eq!(choose(None, "it").language, "en");
    }
}
