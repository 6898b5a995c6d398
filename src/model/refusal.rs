//! A record that can't be used: bad input is data, not an error.

/// One quarantined record, whole, with what was wrong and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file as the settings name it.
    pub file: String,
    /// The line on which the record starts, from 1 (the header is line 1).
    pub line: u64,
    /// The column's name as the file has it; empty when the whole row is at fault.
    pub column: String,
    /// The value that can't be used, as it stood (cut to 200 characters).
    pub value: String,
    /// Why, and what would mend it, in one sentence.
    pub reason: String,
    /// The whole row, as it stood, so that nothing is lost.
    pub record: String,
    /// Whose record it says to be, as far as that can be read.
    pub of: Claims,
}

/// The ids that a record that can't be used has nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Its own.
    pub id: Option<String>,
    /// The customer's whom it is about: of a customer's record its own.
    pub customer: Option<String>,
    /// What it says plainly of a customer's wishes, which counts all the same.
    pub stops: Stops,
}

/// What keeps letters from somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stops {
    /// They want no more letters.
    pub unsubscribed: bool,
    /// They refused marketing.
    pub refuses: bool,
}

impl Stops {
    /// Whether there is anything to heed.
    pub const fn any(self) -> bool {
        self.unsubscribed || self.refuses
    }
}
