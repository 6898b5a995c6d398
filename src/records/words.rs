//! Yes and no, as tills, shops and spreadsheets write them in many languages.
//!
//! A word is here only if it means the same wherever it is said: not `ne` (no in Prague, yes in Athens),
//! `o` (oui, or a zero), `tak` (yes in Warsaw, thanks in Copenhagen) or `-1`. Nothing is guessed; what
//! isn't here is refused. May not know fields.

/// Yes, in lower case; each language's is followed by what its spreadsheets write for true.
const YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "t",
    "on",
    "1",
    "ja",
    "j",
    "wahr",
    "oui",
    "vrai",
    "sí",
    "sì",
    "si",
    "verdadero",
    "vero",
    "sim",
    "verdadeiro",
    "waar",
    "sant",
    "sann",
    "sand",
];
/// No, in the same order.
const NO: &[&str] = &[
    "no", "n", "false", "f", "off", "0", "nein", "falsch", "non", "faux", "falso", "não", "nao",
    "nee", "onwaar", "nej", "nei", "falskt", "falsk", "usann",
];
/// Neither is known.
const UNKNOWN: &[&str] = &["unknown", "unbekannt", "inconnu"];
/// Digits, which mean anything where there are more than two answers.
const DIGITS: &[&str] = &["0", "1"];
/// A cross marks what holds, in most offices; in Japan it denies.
const CROSS: &str = "x";

/// What was answered where there is a third answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    Unknown,
}

/// Yes or no.
pub(super) fn yes_no(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    let is = |words: &[&str]| words.contains(&text.as_str());
    if is(YES) {
        Some(true)
    } else {
        is(NO).then_some(false)
    }
}

/// Whether somebody wants no more: a cross says so as well. Where it was meant to deny, a letter fewer goes
/// out; the other way round one would go to somebody who wants none.
pub(super) fn wants_no_more(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case(CROSS) {
        return Some(true);
    }
    yes_no(text)
}

/// Yes, no or unknown. Digits aren't taken: some count from unknown on, some say 1 for "has objected".
pub(super) fn answer(text: &str) -> Option<Answer> {
    if UNKNOWN.contains(&text.to_lowercase().as_str()) {
        return Some(Answer::Unknown);
    }
    let yes = yes_no(text).filter(|_| !DIGITS.contains(&text))?;
    Some(if yes { Answer::Yes } else { Answer::No })
}

/// Why an answer isn't understood, with the words of a few languages.
pub(super) const NEITHER: &str = "it is neither yes (yes, y, true, 1, ja, j, wahr, oui, vrai, sí …) nor no \
    (no, n, false, 0, nein, falsch, non, faux …)";
/// The same where there is a third answer.
pub(super) const NONE_OF_THREE: &str = "it is neither yes (yes, y, true, ja, j, wahr, oui, vrai, sí …) nor \
    no (no, n, false, nein, falsch, non, faux …) nor unknown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_one_thing_in_any_case() {
        for (words, means) in [(YES, true), (NO, false)] {
            for word in words {
                for word in [(*word).to_owned(), word.to_uppercase()] {
                    assert_eq!(yes_no(&word), Some(means), "{word}");
                    assert_eq!(wants_no_more(&word), Some(means), "{word}");
                }
                let of_three = answer(word);
                let due = if means { Answer::Yes } else { Answer::No };
                let due = Some(due).filter(|_| !DIGITS.contains(word));
                assert_eq!(of_three, due, "{word}");
            }
        }
        assert_eq!(answer("Unbekannt"), Some(Answer::Unknown));
        let all: Vec<&str> = [YES, NO, UNKNOWN].concat();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
    }

    /// What the messages name is understood, and so are the words of all its languages.
    #[test]
    fn the_messages_name_words_that_are_understood() {
        for (message, read) in [
            (NEITHER, yes_no as fn(&str) -> Option<bool>),
            (NONE_OF_THREE, |word| {
                answer(word).map(|it| it == Answer::Yes)
            }),
        ] {
            for (part, means) in message.split('(').skip(1).zip([true, false]) {
                let (words, _) = part.split_once(" …)").unwrap();
                for word in words.split(", ") {
                    assert_eq!(read(word), Some(means), "{word}");
                }
            }
        }
    }

    #[test]
    fn what_may_mean_either_is_not_understood() {
        for word in [
            "ne",
            "o",
            "tak",
            "nu",
            "-1",
            "2",
            "maybe",
            "x",
            "X",
            "✓",
            "✗",
            "",
            "ja nein",
            "jein",
            "yes?",
            "n/a",
            "none",
            "null",
            "-",
            "2026-11-01",
        ] {
            assert_eq!(yes_no(word), None, "{word}");
            assert_eq!(answer(word), None, "{word}");
        }
        assert_eq!(wants_no_more("X"), Some(true));
        assert_eq!(wants_no_more("-"), None);
    }
}
