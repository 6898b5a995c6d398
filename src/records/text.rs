//! A file's bytes -> UTF-8, as its byte order mark or the settings say, with the digest of all bytes.
//!
//! Bytes that aren't of the encoding are an error with their place, never a stand-in sign. May not
//! know lines or columns.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest as _, Sha256};

use super::error::{Trouble, Wrong};
use super::mistaken::{self, Instead, Meaningless, Spot, Watch};

/// Bytes read at a time.
pub(super) const CHUNK: usize = 64 * 1024;
/// UTF-8 for one byte of any other encoding takes at most so many.
const GROWTH: usize = 3;

/// An open file of text.
pub(super) struct Text {
    file: File,
    digest: Sha256,
    decoding: Option<Decoding>,
    /// UTF-8 that nobody has taken yet, from `taken` on.
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

/// What turns bytes of another encoding into UTF-8.
struct Decoding {
    decoder: Decoder,
    /// As the settings name it; nothing where the file itself did.
    label: Option<String>,
    /// Bytes of the file that were decoded.
    decoded: u64,
    /// Looks whether it isn't UTF-8 after all.
    watch: Watch,
    meaningless: Meaningless,
}

/// An encoding, and how the settings call it.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    encoding: &'static Encoding,
    label: String,
}

/// The bytes aren't of the file's encoding.
#[derive(Debug)]
enum Mistake {
    /// Those at this place aren't.
    Undecodable { at: u64, encoding: &'static str },
    /// It is UTF-8, as shows from here on, and read as what the settings say a sign would look so.
    IsUtf8 {
        label: String,
        spot: Spot,
        misread: String,
    },
    /// This byte, at this place, means nothing in it.
    Meaningless { at: u64, byte: u8, label: String },
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable { at, encoding } => {
                write!(f, "it isn't {encoding} at byte {at} of the file")
            }
            Self::IsUtf8 {
                label,
                spot,
                misread,
            } => write!(
                f,
                "it is UTF-8, where the settings say `encoding = {label:?}`: its {:?} would be read as \
                 {misread:?}",
                spot.sign.to_string()
            ),
            Self::Meaningless { at, byte, label } => write!(
                f,
                "it isn't {label}, which has no sign for the byte {byte:02X} at byte {at} of the file"
            ),
        }
    }
}

impl std::error::Error for Mistake {}

impl Mistake {
    fn wrong(&self) -> Wrong {
        let wrong = |mend: &str| Wrong::new(Trouble::Encoding, self.to_string(), mend);
        match self {
            Self::Undecodable { .. } => wrong("set `encoding` to what it is, or save it as UTF-8"),
            Self::IsUtf8 { spot, .. } => {
                wrong("take `encoding` out of the source's settings, since UTF-8 needs none")
                    .on(spot.line, spot.column)
            }
            Self::Meaningless { .. } => wrong(
                "set `encoding` to what it is, such as `shift_jis` from Japan or `macintosh` from an \
                 old Mac, or export it anew as UTF-8",
            ),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").finish_non_exhaustive()
    }
}

/// The encoding of this name, as browsers know them (<https://encoding.spec.whatwg.org/#names-and-labels>).
pub(super) fn encoding(name: &str) -> Result<Stated, Wrong> {
    let known = Encoding::for_label_no_replacement(name.as_bytes());
    let encoding = known.ok_or_else(|| {
        Wrong::new(
            Trouble::Settings,
            format!("`encoding = {name:?}` is no encoding that is known"),
            "write `utf-8`, `windows-1252` (Excel in western Europe), `windows-1250`, `macintosh` \
             or another name that browsers know",
        )
    })?;
    Ok(Stated {
        encoding,
        label: name.trim().to_owned(),
    })
}

impl Text {
    /// `digest` goes on over the file's bytes. A byte order mark wins over `stated`. Where the first
    /// bytes are to be decoded, `another_kind` says before whether they are no text at all.
    pub(super) fn new(
        file: File,
        digest: Sha256,
        stated: Option<&Stated>,
        another_kind: fn(&[u8]) -> Option<Wrong>,
    ) -> Result<Self, Wrong> {
        let mut text = Self {
            file,
            digest,
            decoding: None,
            ready: Vec::new(),
            taken: 0,
            ended: false,
        };
        let head = text.chunk()?;
        let marked = Encoding::for_bom(&head);
        let (encoding, mark) =
            marked.unwrap_or((stated.map_or(UTF_8, |stated| stated.encoding), 0));
        if encoding == UTF_8 {
            text.ready = head;
            return Ok(text);
        }
        let label = stated
            .filter(|_| marked.is_none())
            .map(|it| it.label.clone());
        if let Some(label) = &label {
            let wrong = if encoding == UTF_16LE || encoding == UTF_16BE {
                mistaken::not_utf16(&head, encoding).map(|it| not_utf16(label, it))
            } else {
                another_kind(&head)
            };
            wrong.map_or(Ok(()), Err)?;
        }
        text.decoding = Some(Decoding {
            decoder: encoding.new_decoder_without_bom_handling(),
            label,
            decoded: u64::try_from(mark).unwrap_or_default(),
            watch: Watch::new(),
            meaningless: Meaningless::of(encoding),
        });
        text.decode(head.get(mark..).unwrap_or_default())
            .map_err(trouble)?;
        Ok(text)
    }

    /// The first bytes of the text, at least so many where there are so many; they are read again
    /// by whoever reads. Also, whether this is all there is.
    pub(super) fn sample(&mut self, bytes: usize) -> io::Result<(&[u8], bool)> {
        while self.ready.len() < bytes && !self.ended {
            self.more()?;
        }
        Ok((self.ready.get(self.taken..).unwrap_or_default(), self.ended))
    }

    /// The digest over the bytes read so far.
    pub(super) fn digest(&self) -> Sha256 {
        self.digest.clone()
    }

    fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(CHUNK);
        // A pipe gives what it has; a byte order mark must not be torn.
        let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        self.file.by_ref().take(limit).read_to_end(&mut bytes)?;
        self.digest.update(&bytes);
        self.ended = bytes.is_empty();
        Ok(bytes)
    }

    fn more(&mut self) -> io::Result<()> {
        let bytes = self.chunk()?;
        if self.decoding.is_some() {
            self.decode(&bytes)
        } else {
            self.ready.extend_from_slice(&bytes);
            Ok(())
        }
    }

    /// What is wrong with the encoding as far as the file was read, where it is practically certain
    /// that something is; more certain than what can't be found in a header that was misread.
    pub(super) fn suspicion(&self) -> Option<Wrong> {
        let decoding = self.decoding.as_ref()?;
        let spot = decoding.watch.found(decoding.decoder.encoding())?;
        decoding.is_utf8(spot).map(|mistake| mistake.wrong())
    }

    fn decode(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(decoding) = &mut self.decoding else {
            return Ok(());
        };
        if let Some(mistake) = decoding.look(bytes, self.ended) {
            return Err(io::Error::other(mistake));
        }
        let start = self.ready.len();
        self.ready.resize(start + (bytes.len() + 4) * GROWTH, 0);
        let room = self.ready.get_mut(start..).unwrap_or_default();
        let decoder = &mut decoding.decoder;
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(bytes, room, self.ended);
        self.ready.truncate(start + written);
        let read = u64::try_from(read).unwrap_or_default();
        decoding.decoded += read;
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(bad, after) => Err(io::Error::other(
                decoding.undecodable(
                    decoding
                        .decoded
                        .saturating_sub(u64::from(bad) + u64::from(after)),
                ),
            )),
            DecoderResult::OutputFull => Err(io::Error::other("a character without end")),
        }
    }
}

impl Decoding {
    /// What is wrong with the next bytes, which are decoded after this look.
    fn look(&mut self, bytes: &[u8], ended: bool) -> Option<Mistake> {
        let label = self.label.as_ref()?;
        let encoding = self.decoder.encoding();
        self.watch.pass(bytes);
        if let Some(place) = self.meaningless.within(bytes) {
            let meaningless = Mistake::Meaningless {
                at: self.decoded + u64::try_from(place).unwrap_or_default(),
                byte: bytes.get(place).copied().unwrap_or_default(),
                label: label.clone(),
            };
            let utf8 = self.watch.found(encoding);
            return utf8
                .and_then(|spot| self.is_utf8(spot))
                .or(Some(meaningless));
        }
        let spot = self.watch.found_at_end(encoding).filter(|_| ended)?;
        self.is_utf8(spot)
    }

    fn undecodable(&self, at: u64) -> Mistake {
        let encoding = self.decoder.encoding();
        let utf8 = self.watch.found(encoding);
        let is_utf8 = utf8.and_then(|spot| self.is_utf8(spot));
        is_utf8.unwrap_or(Mistake::Undecodable {
            at,
            encoding: encoding.name(),
        })
    }

    fn is_utf8(&self, spot: Spot) -> Option<Mistake> {
        let sign = spot.sign.to_string();
        let (misread, _) = self
            .decoder
            .encoding()
            .decode_without_bom_handling(sign.as_bytes());
        Some(Mistake::IsUtf8 {
            label: self.label.clone()?,
            spot,
            misread: misread.into_owned(),
        })
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            if self.decoding.is_none() && !self.ended {
                // The way of most files: straight into the reader's buffer.
                let read = self.file.read(buffer)?;
                self.digest.update(buffer.get(..read).unwrap_or_default());
                self.ended = read == 0;
                return Ok(read);
            }
            while self.ready.is_empty() && !self.ended {
                self.more()?;
            }
        }
        let left = self.ready.get(self.taken..).unwrap_or_default();
        let n = left.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(left) {
            *to = *from;
        }
        self.taken += n;
        Ok(n)
    }
}

/// What is wrong with a file that couldn't be read.
pub(super) fn trouble(error: io::Error) -> Wrong {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<Mistake>()) {
        Some(mistake) => mistake.wrong(),
        None => Wrong::from(error),
    }
}

/// The settings say UTF-16, and it is none, or the other one.
fn not_utf16(label: &str, other: Instead) -> Wrong {
    let problem = format!("it isn't what `encoding = {label:?}` says: ");
    let (what, mend) = match other {
        Instead::Of(other) => (
            format!("it looks like {}", other.name()),
            format!("set `encoding = \"{}\"`", other.name().to_lowercase()),
        ),
        Instead::Unknown => (
            "it has no zero bytes, as the line ends of UTF-16 are half of".to_owned(),
            "take `encoding` out of the source's settings if it is UTF-8, or set it to what it is"
                .to_owned(),
        ),
    };
    Wrong::new(Trouble::Encoding, problem + &what, mend)
}

/// UTF-8 was expected and isn't there.
pub(super) fn not_utf8(offset: u64) -> Wrong {
    Wrong::new(
        Trouble::Encoding,
        format!("it isn't UTF-8 at byte {offset} of the file"),
        "save or export it as UTF-8 (in Excel: \"CSV UTF-8\"), or say what it is, such as \
         `encoding = \"windows-1252\"`",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(bytes: &[u8], stated: Option<&str>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.csv");
        fs::write(&path, bytes).unwrap();
        let stated = stated.map(|name| encoding(name).unwrap());
        let problem = |error| trouble(error).problem;
        let mut text = Text::new(
            File::open(path).unwrap(),
            Sha256::new(),
            stated.as_ref(),
            |_| None,
        )
        .map_err(|wrong| wrong.problem)?;
        text.sample(16).map_err(problem)?;
        let mut all = Vec::new();
        text.read_to_end(&mut all).map_err(problem)?;
        assert_eq!(text.digest().finalize(), Sha256::digest(bytes));
        Ok(String::from_utf8(all).unwrap())
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(order)
            .collect()
    }

    #[test]
    fn the_mark_tells_utf_16_and_wins_over_the_settings() {
        // Longer than a chunk, so that characters lie across its end.
        let text = "Zoë 😀;".repeat(20_000);
        for bytes in [
            utf16(&text, u16::to_le_bytes),
            utf16(&text, u16::to_be_bytes),
        ] {
            assert_eq!(read(&bytes, None).as_ref(), Ok(&text));
            assert_eq!(read(&bytes, Some("windows-1252")).as_ref(), Ok(&text));
        }
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        let read = read(&marked, Some("windows-1252")).unwrap();
        assert_eq!(read.trim_start_matches('\u{feff}'), text);
    }

    #[test]
    fn windows_1252_is_read_where_it_is_stated() {
        assert_eq!(
            read(b"M\xfcller \x80 5", Some("windows-1252")).as_deref(),
            Ok("Müller € 5")
        );
        assert_eq!(read(b"M\xfcller", Some("latin1")).as_deref(), Ok("Müller"));
        assert!(encoding("klingon").is_err());
    }

    #[test]
    fn what_is_not_of_the_encoding_is_told_with_its_place() {
        let mut torn = utf16("id;name\n1;Ann\n", u16::to_le_bytes);
        // Half of a pair, and nothing after it.
        torn.extend([0x3d, 0xd8, b'x', 0]);
        let problem = read(&torn, None).unwrap_err();
        assert!(
            problem.starts_with("it isn't UTF-16LE at byte 30"),
            "{problem}"
        );
        let odd = [utf16("id", u16::to_le_bytes), vec![b'x']].concat();
        assert!(read(&odd, None).unwrap_err().contains("at byte 6"));
        let sjis = read(b"ab\xff\xff", Some("shift_jis")).unwrap_err();
        assert!(sjis.contains("Shift_JIS at byte 2"), "{sjis}");
    }

    /// Nothing of a file may go in before all of it was seen, however long it is.
    #[test]
    fn a_file_of_utf_8_is_refused_at_its_end_where_something_else_is_stated() {
        let long = "1,Ann\n".repeat(30_000) + "2,Jürgen\n";
        for stated in [
            "windows-1252",
            "latin1",
            "macintosh",
            "koi8-r",
            "iso-8859-2",
        ] {
            let problem = read(long.as_bytes(), Some(stated)).unwrap_err();
            let says = format!("it is UTF-8, where the settings say `encoding = {stated:?}`");
            assert!(problem.starts_with(&says), "{problem}");
        }
        let real = [long.as_bytes(), b"3,M\xfcller\n"].concat();
        assert!(
            read(&real, Some("windows-1252"))
                .unwrap()
                .ends_with("3,Müller\n")
        );
        assert_eq!(read(long.as_bytes(), None).as_ref(), Ok(&long));
        assert_eq!(
            read(b"1,Ann\n", Some("windows-1252")).as_deref(),
            Ok("1,Ann\n")
        );
    }

    #[test]
    fn bytes_without_meaning_are_told_with_their_place() {
        let text = [b"1,Ann\n".repeat(30_000), b"2,\x8f\xac\x97\xd1".to_vec()].concat();
        let problem = read(&text, Some("cp1252")).err();
        assert_eq!(
            problem.as_deref(),
            Some("it isn't cp1252, which has no sign for the byte 8F at byte 180002 of the file"),
        );
        assert!(read(&text, Some("shift_jis")).unwrap().ends_with("2,小林"));
        // What is UTF-8 is better told to be it.
        let ines = "1,Inês\n2,Álvaro\n";
        let problem = read(ines.as_bytes(), Some("windows-1252")).unwrap_err();
        assert!(problem.starts_with("it is UTF-8"), "{problem}");
        // Two signs say little where every sign is two bytes; ten say enough.
        assert!(read(ines.as_bytes(), Some("euc-kr")).is_ok());
        let problem = read(ines.repeat(5).as_bytes(), Some("euc-kr")).unwrap_err();
        assert!(problem.starts_with("it is UTF-8"), "{problem}");
    }
}
