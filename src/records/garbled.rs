//! Text that was garbled before it came here: UTF-8 that somebody read as windows-1252 and wrote down
//! again, so that Jürgen is `JÃ¼rgen`.
//!
//! A record may be refused for what is said here, so it is said only where no name that people bear can
//! be meant; what might be one passes. Pure. May not know fields.

/// The signs of the bytes 80 to 9F in windows-1252; where it has none, the control sign that programs
/// put there.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];
/// What never stands behind a letter in a name. What may (dashes, quotes, an accent typed by itself, the
/// blank that doesn't break, a footnote's number …) needs lower case around it to tell.
const NEVER_BEHIND: &str = "€„‰˜¢£¤¥¦§¬¯±µ¶¸¼½¾";
/// Letters of other languages, which no language that has Ã has.
const NEVER_BEHIND_A_TILDE: &str = "ŠšŽžŒœŸƒˆ";

/// What was garbled, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Garbled {
    /// As it stands: `Ã¼`.
    pub(super) stands: String,
    /// What it was meant to be, where that can be told: `ü`.
    pub(super) meant: Option<char>,
}

impl Garbled {
    /// Why a value can't be used.
    pub(super) fn reason(&self) -> String {
        const MEND: &str = "mend it where it comes from, or export it anew in the right encoding";
        match self.meant {
            Some(meant) => format!(
                "its letters were garbled before they came here (`{}` was `{meant}`); {MEND}",
                self.stands
            ),
            None => format!("it holds a control sign where a letter got lost; {MEND}"),
        }
    }
}

/// The first part of a text that was garbled for certain.
pub(super) fn find(text: &str) -> Option<Garbled> {
    // Nearly all text is told to be sound by one look at its bytes or its pairs of signs.
    if text.is_ascii() || !is_suspicious(text) {
        return None;
    }
    let signs: Vec<char> = text.chars().collect();
    let pairs = (0..signs.len()).find_map(|at| at_sign(&signs, at));
    pairs.or_else(|| {
        let control = signs.iter().find(|sign| is_lost(**sign))?;
        Some(Garbled {
            stands: control.to_string(),
            meant: None,
        })
    })
}

/// Whether any two signs could be the bytes of one, or one is a control sign.
fn is_suspicious(text: &str) -> bool {
    let mut before = ' ';
    text.chars().any(|sign| {
        let starts = matches!(before, '\u{c2}'..='\u{f4}');
        before = sign;
        is_lost(sign) || starts && is_trail(sign)
    })
}

/// A control sign of 80 to 9F, which nobody types; the one for a new line (85) old machines wrote.
const fn is_lost(sign: char) -> bool {
    matches!(sign, '\u{80}'..='\u{9f}') && sign != '\u{85}'
}

fn is_trail(sign: char) -> bool {
    byte(sign).is_some_and(|byte| (0x80..0xc0).contains(&byte))
}

/// The byte that stands for a sign in windows-1252.
fn byte(sign: char) -> Option<u8> {
    let high = || (0x80..=0x9f).zip(HIGH).find(|(_, known)| *known == sign);
    match u8::try_from(sign) {
        Ok(byte) if byte >= 0x80 => Some(byte),
        Ok(_) => None,
        Err(_) => high().map(|(byte, _)| byte),
    }
}

/// The sign whose UTF-8 bytes stand here as signs of their own, and how many they are.
fn undone(signs: &[char], at: usize) -> Option<(char, usize)> {
    let length = match byte(*signs.get(at)?)? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let bytes: Option<Vec<u8>> = signs
        .get(at..at + length)?
        .iter()
        .map(|sign| byte(*sign))
        .collect();
    let meant = std::str::from_utf8(&bytes?).ok()?.chars().next()?;
    Some((meant, length))
}

/// What was garbled at this sign, if that is certain.
fn at_sign(signs: &[char], at: usize) -> Option<Garbled> {
    let (meant, length) = undone(signs, at)?;
    let around = Around::of(signs, at, length);
    let letter_after = || signs.get(at + length).is_some_and(|it| it.is_alphabetic());
    let follows = || undone(signs, at + length);
    let is_certain = match meant {
        // Ä, Ö and Ü, à to ÿ, Latin of central Europe and Turkey; a blank, a degree, an accent.
        '\u{a0}'..='\u{17f}' => around.is_certain(signs.get(at), signs.get(at + 1)),
        // Romanian, Azeri and Vietnamese letters, and marks that stand on the letter before.
        '\u{180}'..='\u{24f}' | '\u{259}' | '\u{300}'..='\u{36f}' => around.after_lower,
        // The other letters of Vietnamese, of which the first sign is a lower case á.
        // In «Papá»–Marie it ends a quote.
        '\u{1e00}'..='\u{1eff}' => {
            let quoted = signs.iter().take(at).any(|sign| *sign == '«');
            !quoted && (letter_after() || follows().is_some())
        }
        // Dashes, quotes, the euro, trade marks, pictures: `â€™`, `ðŸ˜€`. Nothing begins so.
        '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{214f}' | '\u{1f000}'..='\u{1faff}' => true,
        // Letters of other scripts come in company.
        _ if meant.is_alphabetic() => follows().is_some_and(|(next, _)| {
            let far = |sign: char| sign >= '\u{370}' && sign.is_alphabetic();
            far(meant) && far(next)
        }),
        _ => false,
    };
    is_certain.then(|| Garbled {
        stands: signs
            .get(at..at + length)
            .unwrap_or_default()
            .iter()
            .collect(),
        meant: Some(meant),
    })
}

/// What stands around.
struct Around {
    after_lower: bool,
    /// At a word's first or second sign, with two lower case letters behind: `Ã–zlem`, `CÃ´me`.
    begins_a_word: bool,
    /// At its first.
    starts: bool,
}

impl Around {
    fn of(signs: &[char], at: usize, length: usize) -> Self {
        let before = |steps: usize| at.checked_sub(steps).and_then(|at| signs.get(at)).copied();
        let is_letter = |sign: Option<char>| sign.is_some_and(char::is_alphabetic);
        let after = |steps: usize| signs.get(at + length + steps).copied();
        // One may be the s in the name of a shop: `Å’s`, after the Norwegian village.
        let lower_after = [after(0), after(1)]
            .into_iter()
            .all(|sign| sign.is_some_and(char::is_lowercase));
        let starts = !is_letter(before(1));
        Self {
            after_lower: before(1).is_some_and(char::is_lowercase),
            begins_a_word: lower_after && (starts || !is_letter(before(2))),
            starts: starts && lower_after,
        }
    }

    /// Whether a capital of these (Â, Ã, Ä or Å) with this behind it is no writing of anybody's.
    fn is_certain(&self, lead: Option<&char>, trail: Option<&char>) -> bool {
        let (Some(&lead), Some(&trail)) = (lead, trail) else {
            return false;
        };
        if NEVER_BEHIND.contains(trail) || is_lost(trail) {
            return true;
        }
        if !NEVER_BEHIND_A_TILDE.contains(trail) {
            // In Guaraní the apostrophe is a letter: Ã’yu.
            return self.after_lower || self.begins_a_word && trail != '’';
        }
        match lead {
            'Ã' => true,
            // Şevket, Śliwa and Čapek. Skolt Sami has Å and ž, but begins no name so; nobody has Ä and Œ.
            'Å' => self.after_lower || self.starts,
            'Ä' if trail == 'Œ' => self.after_lower || self.starts,
            _ => self.after_lower,
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, WINDOWS_1252};

    use super::*;

    const GARBLED: &str = "\
        Jürgen Jörg Käthe Größe Strauß Özlem Ärmel Übler Émile André Zoë Chloé Hélène Côme François \
        Joël Aloïs Benoît Noémie José Peña Ángel Íñigo Núñez João Conceição Magalhães Antônio Åsa \
        Björn Søren Æsa Þór Guðrún Mäkelä Łukasz Paweł Jędrzej Grażyna Śliwa Żaneta Jiří Zdeněk \
        Lukáš Řehoř Čapek Růžena Şevket Erdoğan Yıldız İbrahim Ionuț Nguyễn Phạm Trần Мария Ёлкин \
        Ελένη דוד محمد 山田 花子 민준 สมชาย O’Neill Ann–Marie BÄCKER MÜLLER 😀😀";

    /// As a program garbles it that takes UTF-8 for windows-1252.
    fn garbled(text: &str) -> String {
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(text.as_bytes());
        text.into_owned()
    }

    #[test]
    fn what_was_garbled_is_told_with_what_it_was() {
        let told = |text| find(text).map(|it| (it.stands, it.meant));
        let owned = |stands: &str, meant| Some((stands.to_owned(), meant));
        assert_eq!(told("JÃ¼rgen"), owned("Ã¼", Some('ü')));
        assert_eq!(told("Oâ€™Neill"), owned("â€™", Some('’')));
        assert_eq!(told("O\u{92}Neill"), owned("\u{92}", None));
        assert_eq!(told("Jürgen O’Neill"), None);
    }

    #[test]
    fn names_of_many_languages_are_known_when_they_were_garbled() {
        for name in GARBLED.split(' ') {
            let text = garbled(name);
            assert!(find(&text).is_some(), "{name}: {text}");
            assert_eq!(find(name), None, "{name}");
        }
    }

    /// Whatever is said here keeps a customer from being written to.
    #[test]
    fn nobody_is_refused_for_a_name_that_people_bear() {
        for name in include_str!("../../tests/data/names.txt").lines() {
            assert_eq!(find(name), None, "{name}");
            for text in [
                name.to_uppercase(),
                name.to_lowercase(),
                format!("“{name}”"),
                format!("„{name}“"),
                format!("«{name}»"),
                format!("»{name}«"),
                format!("{name}…"),
                format!("{name}™ & {name}®"),
                format!("{name}’s"),
                format!("{name}\u{a0}{name}"),
                format!("{name}–{name}"),
                format!("{name}—{name}"),
                format!("{name}·{name}"),
                format!("{name}¹ {name}² {name}³"),
                format!("{name}ª {name}º {name}°"),
                format!("{name}´{name}"),
                format!("{name}\u{ad}{name}"),
                format!("{name}†, {name}*"),
            ] {
                assert_eq!(find(&text), None, "{text}");
                let upper = text.to_uppercase();
                assert_eq!(find(&upper), None, "{upper}");
            }
        }
    }

    #[test]
    fn whatever_is_found_is_utf_8_when_its_bytes_are_put_together() {
        for sign in ('\u{a0}'..='\u{ffff}').filter(|sign| sign.is_alphabetic()) {
            let text = garbled(&format!("a{sign}{sign}n"));
            let (bytes, ..) = WINDOWS_1252.encode(&text);
            assert_eq!(UTF_8.decode(&bytes).0, format!("a{sign}{sign}n"));
            if let Some(Garbled {
                stands,
                meant: Some(meant),
            }) = find(&text)
            {
                assert_eq!(garbled(&meant.to_string()), stands);
            }
        }
    }
}
