//! The words of the public pages, in the languages that letters are shipped in.

/// One page's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) question: &'static str,
    pub(super) button: &'static str,
    pub(super) done_title: &'static str,
    pub(super) done: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    title: "No more letters?",
    question: "We won't write to you any more, except about something you ask us for.",
    button: "Stop the letters",
    done_title: "Done",
    done: "We won't write to you any more. It was good to have you with us.",
};

const GERMAN: Words = Words {
    language: "de",
    title: "Keine Briefe mehr?",
    question: "Wir schreiben Ihnen dann nicht mehr, außer zu etwas, worum Sie uns bitten.",
    button: "Keine Briefe mehr",
    done_title: "Erledigt",
    done: "Wir schreiben Ihnen nicht mehr. Schön, dass Sie bei uns waren.",
};

const FRENCH: Words = Words {
    language: "fr",
    title: "Plus de lettres ?",
    question: "Nous ne vous écrirons plus, sauf au sujet d'une demande de votre part.",
    button: "Ne plus recevoir de lettres",
    done_title: "C'est fait",
    done: "Nous ne vous écrirons plus. Merci d'avoir été des nôtres.",
};

/// The first language of `Accept-Language` that we have, else the business's, else English.
pub(super) fn choose(accepted: Option<&str>, business: &str) -> Words {
    let wished = accepted.unwrap_or("").split(',').chain([business]);
    wished
        .filter_map(|range| range.split([';', '-', '_']).next())
        .find_map(|language| {
            let language = language.trim();
            [ENGLISH, GERMAN, FRENCH]
                .into_iter()
                .find(|words| words.language == language)
        })
        .unwrap_or(ENGLISH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_language_comes_first() {
        assert_eq!(
            choose(Some("it, de-AT;q=0.8, en;q=0.5"), "fr").language,
            "de"
        );
        assert_eq!(choose(Some("it"), "fr").language, "fr");
        assert_eq!(choose(None, "nl").language, "en");
    }
}
