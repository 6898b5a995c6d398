//! What happened, line by line: hashed as a whole, so that two runs can be held against each other,
//! and kept for whoever looks into a violation. May not decide anything.

use std::collections::BTreeMap;
use std::collections::VecDeque;

/// Lines kept for a violation.
const KEPT: usize = 60;

/// The lines of one world.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: u64,
    last: VecDeque<String>,
    aloud: bool,
    /// Faults and other events, by kind.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Trace {
    pub(crate) fn new(aloud: bool) -> Self {
        Self {
            // FNV-1a, 64 bits.
            hash: 0xcbf2_9ce4_8422_2325,
            lines: 0,
            last: VecDeque::new(),
            aloud,
            counts: BTreeMap::new(),
        }
    }

    /// Notes a line.
    pub(crate) fn say(&mut self, line: String) {
        for byte in line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines += 1;
        if self.aloud {
            super::aloud(&line);
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// The hash over all lines, and how many there are.
    pub(crate) fn print(&self) -> String {
        format!("{:016x}/{}", self.hash, self.lines)
    }

    /// The latest lines.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}
