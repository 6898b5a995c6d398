//! Why a file can't be used as a whole: what, where, and the mend.
//!
//! A single bad row is never one of these; it is a `Refusal`. May not know the store.

use std::fmt;

/// A file of a source that can't be used as a whole. Nothing of it may be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The file as the settings name it.
    pub file: String,
    /// The line at fault, from 1, where it is one line's.
    pub line: Option<u64>,
    /// The sign on that line, from 1, where it is one sign's.
    pub column: Option<u64>,
    /// What sort of trouble it is.
    pub trouble: Trouble,
    /// What is wrong, without a full stop.
    pub problem: String,
    /// What would mend it, without a full stop.
    pub mend: String,
}

/// The sorts of trouble with a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The file or folder isn't there.
    Missing,
    /// The operating system refuses to read it.
    Unreadable,
    /// The source's own settings can't be followed.
    Settings,
    /// The header doesn't give what the settings ask for.
    Header,
    /// The file isn't of the encoding that is stated, or isn't UTF-8 where none is.
    Encoding,
    /// Where one record ends and the next begins is uncertain.
    Malformed,
    /// The file was written to while it was read; reading it again later helps.
    Changed,
    /// A database can't be reached, doesn't let us in, or takes too long.
    Away,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}; {}", self.problem, self.mend)
    }
}

impl std::error::Error for SourceError {}

/// Trouble whose file and line are filled in by who knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) trouble: Trouble,
    pub(super) problem: String,
    pub(super) mend: String,
    /// The line and the sign on it, where only whoever found the trouble knows them.
    pub(super) spot: Option<(u64, u64)>,
}

impl Wrong {
    pub(super) fn new(
        trouble: Trouble,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            trouble,
            problem: problem.into(),
            mend: mend.into(),
            spot: None,
        }
    }

    /// It is this sign of this line, both from 1.
    pub(super) fn on(self, line: u64, column: u64) -> Self {
        Self {
            spot: Some((line, column)),
            ..self
        }
    }

    pub(super) fn at(self, file: &str, line: Option<u64>) -> SourceError {
        SourceError {
            file: file.to_owned(),
            line: self.spot.map(|(line, _)| line).or(line),
            column: self.spot.map(|(_, column)| column),
            trouble: self.trouble,
            problem: self.problem,
            mend: self.mend,
        }
    }
}

impl From<std::io::Error> for Wrong {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::new(
                Trouble::Missing,
                "there is no such file or folder",
                "mend the source's `path` (relative paths start at the folder of fondly.toml)",
            );
        }
        Self::new(
            Trouble::Unreadable,
            format!("it can't be read ({error})"),
            "see that fondly may read the file, and that its folder too may be entered",
        )
    }
}
