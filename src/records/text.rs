//! A file's bytes -> UTF-8, as its byte order mark or the settings say, with the digest of all bytes.
//!
//! Bytes that aren't of the encoding are an error with their place, never a stand-in sign. May not
//! know lines or columns.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use sha2::{Digest as _, Sha256};

use super::error::{Trouble, Wrong};

/// Bytes read at a time.
pub(super) const CHUNK: usize = 64 * 1024;
/// UTF-8 for one byte of any other encoding takes at most so many.
const GROWTH: usize = 3;

/// An open file of text.
pub(super) struct Text {
    file: File,
    digest: Sha256,
    decoder: Option<Decoder>,
    /// Bytes of the file that were decoded.
    decoded: u64,
    /// UTF-8 that nobody has taken yet, from `taken` on.
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

/// The bytes at this place aren't of the file's encoding.
#[derive(Debug)]
struct Undecodable {
    at: u64,
    encoding: &'static str,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it isn't {} at byte {}", self.encoding, self.at)
    }
}

impl std::error::Error for Undecodable {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").finish_non_exhaustive()
    }
}

/// The encoding of this name, as browsers know them (<https://encoding.spec.whatwg.org/#names-and-labels>).
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, Wrong> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(|| {
        Wrong::new(
            Trouble::Settings,
            format!("`encoding = {name:?}` is no encoding that is known"),
            "write `utf-8`, `windows-1252` (Excel in western Europe), `windows-1250`, `macintosh` \
             or another name that browsers know",
        )
    })
}

impl Text {
    /// `digest` goes on over the file's bytes. A byte order mark wins over `stated`.
    pub(super) fn new(
        file: File,
        digest: Sha256,
        stated: Option<&'static Encoding>,
    ) -> io::Result<Self> {
        let mut text = Self {
            file,
            digest,
            decoder: None,
            decoded: 0,
            ready: Vec::new(),
            taken: 0,
            ended: false,
        };
        let head = text.chunk()?;
        let (encoding, mark) = Encoding::for_bom(&head).unwrap_or((stated.unwrap_or(UTF_8), 0));
        if encoding == UTF_8 {
            text.ready = head;
            return Ok(text);
        }
        text.decoder = Some(encoding.new_decoder_without_bom_handling());
        text.decoded = u64::try_from(mark).unwrap_or_default();
        text.decode(head.get(mark..).unwrap_or_default())?;
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
        if self.decoder.is_some() {
            self.decode(&bytes)
        } else {
            self.ready.extend_from_slice(&bytes);
            Ok(())
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else {
            return Ok(());
        };
        let start = self.ready.len();
        self.ready.resize(start + (bytes.len() + 4) * GROWTH, 0);
        let room = self.ready.get_mut(start..).unwrap_or_default();
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(bytes, room, self.ended);
        self.ready.truncate(start + written);
        let read = u64::try_from(read).unwrap_or_default();
        self.decoded += read;
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(bad, after) => Err(io::Error::other(Undecodable {
                at: self
                    .decoded
                    .saturating_sub(u64::from(bad) + u64::from(after)),
                encoding: decoder.encoding().name(),
            })),
            DecoderResult::OutputFull => Err(io::Error::other("a character without end")),
        }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            if self.decoder.is_none() && !self.ended {
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
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Undecodable>());
    match inner {
        Some(undecodable) => Wrong::new(
            Trouble::Encoding,
            format!("{undecodable} of the file"),
            "set `encoding` to what it is, or save it as UTF-8",
        ),
        None => Wrong::from(error),
    }
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
        let mut text =
            Text::new(File::open(path).unwrap(), Sha256::new(), stated).map_err(problem)?;
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
}
