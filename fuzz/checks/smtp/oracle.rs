//! Reads a conversation by its bytes, with a reader of its own, and says what the verdict has to be.

use fondly::deliver::Verdict;

use super::peer::Event;

/// The longest line of a reply, the most lines, and the most bytes that are taken.
const LINE: usize = 2_048;
const LINES: usize = 128;
const REPLY: usize = 16_384;

/// What is known of a delivery besides its bytes.
pub(super) struct Seen<'a> {
    /// What the commit said, if it was asked.
    pub(super) committed: Option<bool>,
    /// Whether it may talk without TLS.
    pub(super) in_the_clear: bool,
    pub(super) letter: &'a [u8],
}

/// Holds the verdict against what went over the wire; none is for a commit that failed.
pub(super) fn verdict_is_true(seen: &Seen<'_>, verdict: Option<&Verdict>, visits: &[Vec<Event>]) {
    if !seen.in_the_clear {
        assert_eq!(seen.committed, None, "no TLS, and yet it came to the dot");
        for visit in visits {
            let said = String::from_utf8_lossy(&wrote(visit)).into_owned();
            assert!(!said.contains("MAIL FROM"), "in the clear: {said}");
        }
    }
    let Some(allowed) = seen.committed else {
        let fits = matches!(
            verdict,
            Some(Verdict::Deferred { .. } | Verdict::Rejected { .. } | Verdict::Stopped { .. })
        );
        assert!(fits, "it never came to the dot: {verdict:?}");
        let before = usize::from(visits.first().is_some_and(|v| v.contains(&Event::Letter)));
        for (n, visit) in visits.iter().enumerate() {
            let since = if n < before {
                since_letter(visit)
            } else {
                visit
            };
            assert!(!has_dot(&wrote(since)), "a dot without a commit");
        }
        return;
    };
    let visit = visits.last().unwrap();
    let commit = visit.iter().rposition(|e| *e == Event::Commit).unwrap();
    let (before, after) = visit.split_at(commit);
    if !allowed {
        assert!(
            matches!(verdict, None | Some(Verdict::Withdrawn)),
            "{verdict:?}"
        );
        assert_eq!(wrote(after), b"", "something was said after a no");
        return;
    }
    let begun = after
        .iter()
        .position(|e| matches!(e, Event::Wrote(_) | Event::Tried));
    let Some(begun) = begun else {
        let fits = matches!(
            verdict,
            Some(Verdict::Deferred { .. } | Verdict::Rejected { .. } | Verdict::Stopped { .. })
        );
        assert!(fits, "no dot was said: {verdict:?}");
        return;
    };
    let dot = wrote(after);
    assert!(b".\r\n".starts_with(&dot), "{dot:?} for a dot");
    let answer = read(&after[begun..]);
    let whole = dot == b".\r\n";
    match verdict.unwrap() {
        Verdict::Accepted { .. } => {
            assert!(whole, "half a dot");
            assert_eq!(reply(&answer).map(|r| r.0), Some(250), "{answer:?}");
            everything_was_answered(before, &answer, seen.letter);
        }
        Verdict::Deferred { .. } | Verdict::Rejected { .. } | Verdict::Stopped { .. } => {
            let code = reply(&answer).map(|r| r.0);
            assert!(code.is_some_and(|code| code >= 400), "{answer:?}");
        }
        Verdict::Unknown { .. } => {
            let code = reply(&answer).map(|r| r.0);
            let clear = code.is_some_and(|code| code == 250 || code >= 400);
            assert!(!whole || !clear, "{answer:?}");
        }
        Verdict::Withdrawn => panic!("withdrawn after a yes"),
    }
}

/// Every command up to the dot had its own answer, and the right one.
fn everything_was_answered(before: &[Event], answer: &[u8], letter: &[u8]) {
    let heard = [read(before), answer.to_vec()].concat();
    let mut rest = heard.as_slice();
    let mut expect = |what: &str, codes: &[u16]| {
        let (code, length) = reply(rest).unwrap_or_else(|| panic!("no answer to {what}"));
        assert!(codes.contains(&code), "{code} to {what}");
        rest = &rest[length..];
    };
    expect("nothing", &[220]);
    let said = wrote(before);
    let mut lines = said.split_inclusive(|b| *b == b'\n').peekable();
    let mut body = Vec::new();
    while let Some(line) = lines.next() {
        let text = String::from_utf8_lossy(line);
        let codes: &[u16] = match text.split([' ', ':', '\r']).next().unwrap() {
            "EHLO" | "MAIL" => &[250],
            "RCPT" => &[250, 251],
            "DATA" => &[354],
            // A login: its last step has 235, each before it 334.
            _ if lines.peek().is_some_and(|next| next.starts_with(b"MAIL")) => &[235],
            _ => &[334],
        };
        expect(&text, codes);
        if line != b"DATA\r\n" {
            continue;
        }
        body.clear();
        let mut ended = false;
        for line in lines.by_ref() {
            if line == b".\r\n" {
                ended = true;
                break;
            }
            body.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        if ended {
            expect("an earlier dot", &[250]);
        }
    }
    expect("the dot", &[250]);
    let mut letter = letter.to_vec();
    if !letter.ends_with(b"\r\n") {
        letter.extend_from_slice(b"\r\n");
    }
    assert_eq!(body, letter);
}

/// The first whole reply: its code, and how many bytes it has.
fn reply(bytes: &[u8]) -> Option<(u16, usize)> {
    let (mut length, mut counted, mut first) = (0, 0, None);
    for (n, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        length += line.len();
        let line = line.strip_suffix(b"\n")?;
        if line.len() > LINE || n >= LINES {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        counted += line.len();
        let code = line.get(..3)?;
        let is_code = code.iter().all(u8::is_ascii_digit) && (b'2'..=b'5').contains(&code[0]);
        if !is_code || counted > REPLY || *first.get_or_insert(code) != code {
            return None;
        }
        match line.get(3) {
            Some(b'-') => {}
            Some(b' ') | None => {
                let code = std::str::from_utf8(code).unwrap().parse().unwrap();
                return Some((code, length));
            }
            Some(_) => return None,
        }
    }
    None
}

fn since_letter(visit: &[Event]) -> &[Event] {
    let from = visit.iter().rposition(|e| *e == Event::Letter).unwrap_or(0);
    &visit[from..]
}

fn has_dot(said: &[u8]) -> bool {
    said.windows(5).any(|five| five == b"\r\n.\r\n")
}

fn wrote(events: &[Event]) -> Vec<u8> {
    let all = events.iter().filter_map(|event| match event {
        Event::Wrote(bytes) => Some(bytes.as_slice()),
        Event::Letter | Event::Read(_) | Event::Tried | Event::Commit => None,
    });
    all.collect::<Vec<_>>().concat()
}

fn read(events: &[Event]) -> Vec<u8> {
    let all = events.iter().filter_map(|event| match event {
        Event::Read(bytes) => Some(bytes.as_slice()),
        Event::Letter | Event::Wrote(_) | Event::Tried | Event::Commit => None,
    });
    all.collect::<Vec<_>>().concat()
}
