//! What a file's bytes say of its encoding, against what the settings say.
//!
//! Only what is practically certain is said: whoever is told so must be able to believe it. Bytes in,
//! evidence out. May not know files, columns or what is in them.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_874};

/// Signs beyond ASCII from which on chance is out of the question, whatever they are.
const ENOUGH: u32 = 10;

/// Looks whether bytes that are said to be of another encoding are UTF-8 after all.
///
/// UTF-8 has a form that other texts hardly ever have: a sign beyond ASCII is a byte from C2 on, and then
/// one to three from 80 to BF. In windows-1252 that is a capital with an accent and a currency sign or the
/// like after it. Measured on the translations that come with a desktop Linux, text by text: of 261,676
/// German, French, Spanish, Portuguese, Italian, Dutch and Nordic texts with such signs, 155 were UTF-8 as a
/// whole when written in windows-1252, of which 153 had been garbled before (`Ã¨` for `è` in translations
/// of gdb), and two (`SECCIÓ…`) are told by `likely`. It was 3 of 120,431 in windows-1250, 4 of 191,185
/// in windows-1251, 187 of 162,405 in macintosh (`l’état`), all told likewise; koi8-r, Greek, Turkish,
/// Baltic, Hebrew and Arabic ones had none. Of 139,000 records of names and towns made up in 30 of those
/// languages, seven. Two bytes for each sign are another matter, where single words may fit: gbk had 166
/// of 47,244, none of more than 5 signs, euc-kr 16 of 35,652, `shift_jis` none of 39,126. There, and in
/// Thai, only many signs are believed.
#[derive(Debug)]
pub(super) struct Watch {
    /// Whether it can still be UTF-8.
    possible: bool,
    /// The first bytes of a sign whose others are yet to come.
    torn: Vec<u8>,
    line: u64,
    /// Signs before the next on this line.
    column: u64,
    after_cr: bool,
    first: Option<Spot>,
    /// Signs beyond ASCII, as far as they are counted.
    signs: u32,
    latin: u32,
    other: u32,
}

/// Where a sign stands, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) sign: char,
}

impl Watch {
    pub(super) const fn new() -> Self {
        Self {
            possible: true,
            torn: Vec::new(),
            line: 1,
            column: 0,
            after_cr: false,
            first: None,
            signs: 0,
            latin: 0,
            other: 0,
        }
    }

    /// Takes the next bytes in. Real text of another encoding is known by its first sign.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        if !self.possible {
            return;
        }
        if self.torn.is_empty() {
            self.look(bytes);
        } else {
            let mut all = std::mem::take(&mut self.torn);
            all.extend_from_slice(bytes);
            self.look(&all);
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.count(text),
            Err(error) if error.error_len().is_none() => {
                let (good, torn) = bytes
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or((bytes, &[]));
                self.count(std::str::from_utf8(good).unwrap_or_default());
                torn.clone_into(&mut self.torn);
            }
            Err(_) => self.possible = false,
        }
    }

    fn count(&mut self, text: &str) {
        if self.signs >= ENOUGH {
            return;
        }
        for sign in text.chars() {
            self.column += 1;
            if sign.is_ascii() {
                let ends = sign == '\r' || sign == '\n' && !self.after_cr;
                self.line += u64::from(ends);
                if sign == '\r' || sign == '\n' {
                    self.column = 0;
                }
                self.after_cr = sign == '\r';
                continue;
            }
            self.after_cr = false;
            self.first.get_or_insert(Spot {
                line: self.line,
                column: self.column,
                sign,
            });
            self.signs += 1;
            self.latin += u32::from(is_latin(sign));
            self.other += u32::from(is_of_another_script(sign));
            if self.signs >= ENOUGH {
                return;
            }
        }
    }

    /// The first sign beyond ASCII, if all bytes so far are UTF-8 and hardly of this encoding.
    pub(super) fn found(&self, encoding: &'static Encoding) -> Option<Spot> {
        let certain = self.signs >= ENOUGH || is_told_by_few(encoding) && self.likely();
        self.first.filter(|_| self.possible && certain)
    }

    /// The same for all bytes of a file.
    pub(super) fn found_at_end(&self, encoding: &'static Encoding) -> Option<Spot> {
        self.found(encoding).filter(|_| self.torn.is_empty())
    }

    /// Whether the few signs that there are would be those of a real text: `MATÚŠ` is one Arabic letter
    /// among Latin ones, if it is taken for UTF-8.
    fn likely(&self) -> bool {
        self.signs > 0 && self.latin + self.other == self.signs && self.other != 1
    }
}

fn is_told_by_few(encoding: &'static Encoding) -> bool {
    encoding.is_single_byte() && encoding != WINDOWS_874
}

const fn is_latin(sign: char) -> bool {
    matches!(sign, '\u{c0}'..='\u{17f}' | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{203a}' | '€' | '™')
        && !matches!(sign, '×' | '÷')
}

/// Greek, Cyrillic, Hebrew, Arabic, Thai, Japanese, Chinese and Korean letters.
const fn is_of_another_script(sign: char) -> bool {
    matches!(sign,
        '\u{370}'..='\u{4ff}' | '\u{5d0}'..='\u{6ff}' | '\u{e00}'..='\u{e7f}' | '\u{3041}'..='\u{30ff}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Which bytes mean nothing in an encoding of one byte each. Browsers read them as control signs, which
/// no text of people holds; a file that has one is of another encoding. They are common where it really is
/// `shift_jis`: made-up Japanese names and towns had one in 82% of single records, 99.5% of three, and
/// all of ten. A German or French file of DOS or of an old Mac mostly has one within some fifty.
#[derive(Debug)]
pub(super) struct Meaningless {
    is_one: [bool; 256],
    any: bool,
}

impl Meaningless {
    pub(super) fn of(encoding: &'static Encoding) -> Self {
        let mut is_one = [false; 256];
        if encoding.is_single_byte() {
            for (byte, is_one) in (0..=u8::MAX).zip(&mut is_one) {
                let byte = [byte];
                let (sign, _) = encoding.decode_without_bom_handling(&byte);
                *is_one = sign
                    .chars()
                    .any(|sign| ('\u{80}'..='\u{9f}').contains(&sign));
            }
        }
        Self {
            any: is_one.contains(&true),
            is_one,
        }
    }

    /// Where the first of them stands, from 0.
    pub(super) fn within(&self, bytes: &[u8]) -> Option<usize> {
        let is_one = |byte: &u8| self.is_one.get(usize::from(*byte)) == Some(&true);
        bytes.iter().position(is_one).filter(|_| self.any)
    }
}

/// Which UTF-16 it is, if it looks like one. `head` are a file's first bytes.
pub(super) fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.get(..64).unwrap_or(head).chunks_exact(2);
    let (mut little, mut big, all) = (0, 0, pairs.len());
    for pair in pairs {
        little += usize::from(matches!(pair, [text, 0] if *text != 0));
        big += usize::from(matches!(pair, [0, text] if *text != 0));
    }
    let order = [(little, UTF_16LE), (big, UTF_16BE)];
    let mostly_ascii = order
        .into_iter()
        .find(|(n, _)| all >= 2 && n * 4 >= all * 3);
    mostly_ascii.map_or_else(|| utf16_by_line_ends(head), |(_, encoding)| Some(encoding))
}

/// Text of other scripts shows UTF-16 by its line ends, and by zeros that all stand on one side.
fn utf16_by_line_ends(head: &[u8]) -> Option<&'static Encoding> {
    let (mut even, mut odd, mut little, mut big, mut bare) = (0_usize, 0_usize, 0, 0, 0);
    for pair in head.chunks_exact(2) {
        match pair {
            [b'\n', 0] => little += 1,
            [0, b'\n'] => big += 1,
            [b'\n', _] | [_, b'\n'] => bare += 1,
            _ => {}
        }
        even += usize::from(pair.first() == Some(&0));
        odd += usize::from(pair.last() == Some(&0));
    }
    let ends = |ends: usize, others: usize| ends > bare && others == 0;
    if ends(little, even) {
        Some(UTF_16LE)
    } else if ends(big, odd) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// What a file is that is said to be of one UTF-16 and isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// The other UTF-16.
    Of(&'static Encoding),
    /// Any other encoding.
    Unknown,
}

/// What it is instead, if a file that is said to be of this UTF-16 isn't: any text of lines has zeros in
/// UTF-16, and they stand on one side.
pub(super) fn not_utf16(head: &[u8], stated: &'static Encoding) -> Option<Instead> {
    if let Some(other) = utf16(head) {
        return (other != stated).then_some(Instead::Of(other));
    }
    (!head.is_empty() && !head.contains(&0)).then_some(Instead::Unknown)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{EUC_KR, GBK, ISO_8859_2, KOI8_R, MACINTOSH, SHIFT_JIS, WINDOWS_1252};

    use super::*;

    fn watched(parts: &[&[u8]]) -> Watch {
        let mut watch = Watch::new();
        for part in parts {
            watch.pass(part);
        }
        watch
    }

    fn found(bytes: &[u8], encoding: &'static Encoding) -> Option<(u64, u64, char)> {
        let spot = watched(&[bytes]).found_at_end(encoding)?;
        Some((spot.line, spot.column, spot.sign))
    }

    #[test]
    fn a_single_sign_shows_utf_8_with_its_place() {
        let text = "id,first_name\r\n1,Ann\n\r2,Jürgen\n".as_bytes();
        assert_eq!(found(text, WINDOWS_1252), Some((4, 4, 'ü')));
        assert_eq!(found(text, MACINTOSH), Some((4, 4, 'ü')));
        assert_eq!(found("7,Иван".as_bytes(), KOI8_R), Some((1, 3, 'И')));
        assert_eq!(found("O’Neill".as_bytes(), WINDOWS_1252), Some((1, 2, '’')));
        assert_eq!(found(b"id\n1\n", WINDOWS_1252), None);
        assert_eq!(found(b"M\xfcller", WINDOWS_1252), None);
        // One row of another encoding among them is enough to doubt it.
        assert_eq!(found(b"J\xc3\xbcrgen\nM\xfcller", WINDOWS_1252), None);
    }

    #[test]
    fn signs_may_be_torn_anywhere() {
        let text = "1,Zoë\n2,山田\n3,😀\n4,Nguyễn".as_bytes();
        for cut in 0..text.len() {
            let (before, after) = text.split_at(cut);
            let watch = watched(&[before, after]);
            let spot = watch.found_at_end(WINDOWS_1252);
            assert_eq!(spot, None, "a smiling face alone is no letter");
            assert_eq!((watch.signs, watch.possible), (5, true), "{cut}");
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(watched(&bytes).signs, 5);
        }
        let torn = watched(&["Zoë und André".as_bytes(), b"\xc3"]);
        assert!(torn.found(WINDOWS_1252).is_some());
        assert_eq!(torn.found_at_end(WINDOWS_1252), None);
    }

    /// The few real words that are UTF-8 by chance.
    #[test]
    fn words_that_happen_to_fit_are_not_taken_for_utf_8() {
        for (word, encoding) in [
            ("MATÚŠ", WINDOWS_1252),
            ("JÍŠA", WINDOWS_1252),
            ("Gruß…", WINDOWS_1252),
            ("CAFÉ®", WINDOWS_1252),
            ("L’Élan", MACINTOSH),
            ("KAPCSOLÓ…", encoding_rs::WINDOWS_1250),
            ("Ні", encoding_rs::WINDOWS_1251),
            ("系统", GBK),
            ("位图", GBK),
            ("키", EUC_KR),
            ("체크", EUC_KR),
        ] {
            let (bytes, _, unmappable) = encoding.encode(word);
            assert!(!unmappable, "{word}");
            assert_eq!(found(&bytes, encoding), None, "{word}");
        }
        let fits = |word| std::str::from_utf8(&WINDOWS_1252.encode(word).0).is_ok();
        assert!(fits("MATÚŠ") && fits("Gruß…"), "or this shows nothing");
        let many = "체크키홈카톡친구들이왔다";
        assert!(found(many.as_bytes(), EUC_KR).is_some());
        assert!(found(many.as_bytes(), SHIFT_JIS).is_some());
    }

    #[test]
    fn bytes_that_mean_nothing_are_found() {
        let of = |encoding, bytes: &[u8]| Meaningless::of(encoding).within(bytes);
        assert_eq!(of(WINDOWS_1252, b"Ann \x80 \x9d"), Some(6));
        let kobayashi = SHIFT_JIS.encode("小林,花子").0;
        assert_eq!(of(WINDOWS_1252, &kobayashi), Some(0));
        // ISO 8859 has no Š where windows-1250 has it.
        assert_eq!(of(ISO_8859_2, b"\x8akoda"), Some(0));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(of(MACINTOSH, &all), None);
        assert_eq!(of(KOI8_R, &all), None);
        assert_eq!(of(GBK, &all), None);
    }

    #[test]
    fn utf_16_is_known_by_its_zeros() {
        let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        for text in [
            "id,first_name\n1,Zoë\n",
            "Номер;Имя;Фамилия;Город\n1;Иван;Петров;Москва\n",
            "番号,名前\n1,山田\n2,Ёлкин Ѝ Ѝ\n",
        ] {
            let (little, big) = (wide(text, u16::to_le_bytes), wide(text, u16::to_be_bytes));
            assert_eq!(utf16(&little), Some(UTF_16LE), "{text}");
            assert_eq!(utf16(&big), Some(UTF_16BE), "{text}");
            assert_eq!(not_utf16(&little, UTF_16LE), None);
            assert_eq!(not_utf16(&little, UTF_16BE), Some(Instead::Of(UTF_16LE)));
            assert_eq!(utf16(text.as_bytes()), None);
            assert_eq!(not_utf16(text.as_bytes(), UTF_16LE), Some(Instead::Unknown));
        }
        // A damaged file of other text.
        for text in ["id,name\n1,An\0n\n2,Bob\n", "id\n\0a\n2\n", "", "a", "\0"] {
            assert_eq!(utf16(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(not_utf16(b"", UTF_16LE), None);
    }
}
