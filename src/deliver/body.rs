//! The body as it goes over the wire: CRLF line ends only, lines with a leading dot doubled, no
//! NUL (RFC 5321 §2.3.8 and §4.5.2).
//!
//! Line ends are put right *before* dots are doubled. The other way round, a bare LF followed by
//! a lone dot would pass, and a server that takes bare LF for a line end would see two messages
//! where we sent one (SMTP smuggling). Pure; knows no socket.

/// Takes a message apart into lines and writes them out safely, a block at a time.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    has_nul: bool,
}

impl<'a> Lines<'a> {
    /// Starts at the top of `message`.
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            has_nul: message.contains(&0),
        }
    }

    /// Appends whole lines to `block` until it holds at least `size` bytes; false when nothing
    /// was left to append.
    pub(super) fn fill(&mut self, block: &mut Vec<u8>, size: usize) -> bool {
        let mut any = false;
        while block.len() < size && !self.rest.is_empty() {
            let line = self.next_line();
            // A NUL could hide a leading dot, so it goes first.
            if self.has_nul {
                let clean: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0).collect();
                push_line(block, &clean);
            } else {
                push_line(block, line);
            }
            any = true;
        }
        any
    }

    /// The next line without its end; CRLF, CR and LF all end a line.
    fn next_line(&mut self) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'))
            .unwrap_or(self.rest.len());
        let (line, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = tail
            .strip_prefix(b"\r\n")
            .or_else(|| tail.strip_prefix(b"\r"))
            .or_else(|| tail.strip_prefix(b"\n"))
            .unwrap_or(tail);
        line
    }
}

fn push_line(block: &mut Vec<u8>, line: &[u8]) {
    if line.first() == Some(&b'.') {
        block.push(b'.');
    }
    block.extend_from_slice(line);
    block.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(message: &[u8], size: usize) -> Vec<u8> {
        let mut lines = Lines::new(message);
        let mut all = Vec::new();
        let mut block = Vec::new();
        while lines.fill(&mut block, size) {
            all.append(&mut block);
        }
        all
    }

    /// What a strict server makes of it.
    fn decoded(wire: &[u8]) -> Vec<Vec<u8>> {
        let text = wire.strip_suffix(b"\r\n").unwrap_or(wire);
        if wire.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Vec::new()];
        let mut at = 0;
        while at < text.len() {
            if text[at..].starts_with(b"\r\n") {
                lines.push(Vec::new());
                at += 2;
            } else {
                lines.last_mut().unwrap().push(text[at]);
                at += 1;
            }
        }
        for line in &mut lines {
            if line.first() == Some(&b'.') {
                line.remove(0);
            }
        }
        lines
    }

    #[test]
    fn leading_dots_are_doubled_and_nothing_else() {
        assert_eq!(
            encoded(b".\r\n..\r\na.b\r\n.c\r\n", 1 << 16),
            b"..\r\n...\r\na.b\r\n..c\r\n"
        );
    }

    #[test]
    fn a_bare_line_end_can_t_smuggle_a_second_message() {
        let wire = encoded(b"a\n.\nMAIL FROM:<x@y>\r.\r\n\r.\n", 1 << 16);
        assert_eq!(
            wire,
            b"a\r\n..\r\nMAIL FROM:<x@y>\r\n..\r\n\r\n..\r\n".as_slice()
        );
    }

    #[test]
    fn a_nul_can_t_hide_a_dot() {
        assert_eq!(encoded(b"\0.\r\nx\0y", 1 << 16), b"..\r\nxy\r\n");
    }

    #[test]
    fn an_unfinished_last_line_is_finished() {
        assert_eq!(encoded(b"hello", 1 << 16), b"hello\r\n");
        assert_eq!(encoded(b"", 1 << 16), b"");
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out_as_the_same_lines(
            message in proptest::collection::vec(
                prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(0), Just(b'a'), any::<u8>()],
                0..200,
            ),
            size in 1_usize..64,
        ) {
            let wire = encoded(&message, size);
            prop_assert!(!wire.contains(&0));
            prop_assert!(wire.is_empty() || wire.ends_with(b"\r\n"));
            for (at, byte) in wire.iter().enumerate() {
                if *byte == b'\n' {
                    prop_assert_eq!(wire[at - 1], b'\r');
                }
                if *byte == b'\r' {
                    prop_assert_eq!(wire[at + 1], b'\n');
                }
            }
            prop_assert!(!wire.starts_with(b".\r\n"));
            prop_assert!(!wire.windows(5).any(|five| five == b"\r\n.\r\n"));
            let clean: Vec<u8> = message.iter().copied().filter(|b| *b != 0).collect();
            // A NUL between CR and LF keeps them apart, so only NUL-free input has the same lines.
            if clean.len() == message.len() {
                prop_assert_eq!(decoded(&wire), decoded(&encoded(&clean, 1 << 16)));
                let text: Vec<u8> = decoded(&wire).concat();
                let plain: Vec<u8> = message.iter().copied()
                    .filter(|b| !matches!(b, b'\r' | b'\n')).collect();
                prop_assert_eq!(text, plain);
            }
        }
    }
}
