//! Signs in what somebody wrote that would do more than stand there: turn the writing direction, hide, or
//! pile up; and how words are shown without them.
//!
//! May not know where words are shown. Names in any script stay as their owners write them.

use unicode_normalization::char::is_combining_mark;

/// Marks on one sign, as a name may need them; more only climb over what stands above (Unicode TS 39, 5.4).
const MOST_MARKS: u32 = 4;
/// First-strong isolate and its end: what stands between them turns nothing around.
const APART: (char, char) = ('\u{2068}', '\u{2069}');

/// Whether this sign only plays tricks: it turns the writing direction, or is unseen. Joiners are none, since
/// Persian and families of emoji need them.
pub const fn is_trick(c: char) -> bool {
    matches!(c,
        '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{180E}'
        | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{206A}'..='\u{206F}'
        | '\u{115F}' | '\u{3164}' | '\u{FFA0}' | '\u{E0000}'..='\u{E007F}'
        | '\u{FDD0}'..='\u{FDEF}')
        || (c as u32) & 0xFFFE == 0xFFFE
}

/// Whether nobody sees any of it.
pub fn shows_nothing(text: &str) -> bool {
    let unseen = |c: char| {
        if c.is_ascii_graphic() {
            return false;
        }
        matches!(c, '\u{AD}' | '\u{200C}' | '\u{200D}' | '\u{2800}')
            || c.is_whitespace()
            || c.is_control()
            || is_trick(c)
            || is_combining_mark(c)
    };
    text.chars().all(unseen)
}

/// The same signs without tricks, and without marks that pile up.
pub fn calm(text: &str) -> impl Iterator<Item = char> {
    let mut marks = 0;
    text.chars().filter(move |c| {
        if !c.is_ascii() && is_combining_mark(*c) {
            marks += 1;
        } else {
            marks = 0;
        }
        marks <= MOST_MARKS && !is_trick(*c)
    })
}

/// The same; but what is kept [`apart`] on its line stays so.
pub fn calm_but_apart(text: &str) -> String {
    let (begin, end) = APART;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(begin) {
        out.extend(calm(before));
        let ends = |c: char| c == '\n' || is_trick(c);
        let (inside, more) = after.split_at(after.find(ends).unwrap_or(after.len()));
        rest = match more.strip_prefix(end) {
            Some(more) => {
                out.push(begin);
                out.extend(calm(inside));
                out.push(end);
                more
            }
            None => after,
        };
    }
    out.extend(calm(rest));
    out
}

/// Signs of a name, wherever there is room for a whole line of it.
pub const MOST_OF_A_NAME: usize = 100;

/// The same without tricks, on one line where it was, and no longer than this: for lists, where many stand
/// above each other, and for terminals, which would obey a control sign.
pub fn brief(text: &str, most: usize) -> String {
    let one_line = |c: char| if ends_line(c) { ' ' } else { c };
    let mut signs = calm(text).map(one_line);
    let mut short: String = signs.by_ref().take(most).collect();
    if signs.next().is_some() {
        short.truncate(short.trim_end().len());
        short.push('…');
    }
    short
}

/// Lines as a terminal may show them: nothing in them commands it, or turns round what stands there.
pub fn for_terminal(text: &str) -> String {
    let fine = |c: char| matches!(c, '\n' | '\t') || !ends_line(c);
    let signs = calm(text).filter(|c| *c != '\r');
    signs.map(|c| if fine(c) { c } else { ' ' }).collect()
}

/// Control signs, and what ends a line without being one.
fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether anything in it is written from right to left.
pub fn turns(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c,
            '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
            | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
    })
}

/// The same, kept apart where it is written from right to left: otherwise a number beside it would change
/// sides.
pub fn apart(text: String) -> String {
    if turns(&text) {
        format!("{}{text}{}", APART.0, APART.1)
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are_written() {
        for name in [
            "Zoë",
            "נועה",
            "שָׁלוֹם",
            "محمد",
            "می\u{200C}خواهم",
            "प्रिया",
            "กิตติ์",
            "Nguyễn",
            "Kim 👩\u{200D}👧",
            "葛\u{E0100}城",
            "O'Brien",
        ] {
            assert_eq!(calm(name).collect::<String>(), name);
            assert_eq!(brief(name, 40), name);
            assert_eq!(for_terminal(name), name);
            assert!(!shows_nothing(name));
        }
    }

    #[test]
    fn tricks_and_piles_go() {
        let calm = |text: &str| calm(text).collect::<String>();
        assert_eq!(calm("a\u{202E}b\u{2067}c\u{E0041}"), "abc");
        assert_eq!(
            calm(&format!("o{}!", "\u{301}".repeat(500))),
            "o\u{301}\u{301}\u{301}\u{301}!"
        );
        assert_eq!(brief(&"W".repeat(99), 5), "WWWWW…");
        assert_eq!(brief("Ann \u{1b}[31m Lee", 4), "Ann…");
        assert_eq!(
            for_terminal("a\u{1b}[2Jb\r\nc\u{9b}d\u{2028}e"),
            "a [2Jb\nc d e"
        );
    }

    #[test]
    fn what_nobody_sees_is_nothing() {
        for text in [
            "",
            " \u{a0}",
            "\u{200B}\u{202E}",
            "\u{3164}\u{115F}",
            "\u{200D}\u{AD}",
            "\u{301}",
        ] {
            assert!(shows_nothing(text), "{text:?}");
        }
        assert!(!shows_nothing("\u{200B}."));
    }

    #[test]
    fn only_what_turns_is_kept_apart() {
        assert_eq!(apart("Zoë 12".to_owned()), "Zoë 12");
        let name = apart("נועה".to_owned());
        assert_eq!(name, "\u{2068}נועה\u{2069}");
        assert_eq!(
            calm_but_apart(&format!("a {name} 12")),
            format!("a {name} 12")
        );
        for open in [
            "\u{2068}x",
            "\u{2068}x\n\u{2069}",
            "\u{2068}\u{202E}x\u{2069}",
        ] {
            let shown = calm_but_apart(open);
            assert!(
                !shown.contains('\u{2068}') && !shown.contains('\u{2069}'),
                "{open:?}"
            );
        }
    }
}
