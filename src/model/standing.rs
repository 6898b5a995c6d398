//! How a way out (a mail server, or the folder of the files) stands.
//!
//! Plain data: the store keeps it, and only the breaker changes it.

use jiff::Timestamp;

/// Whether a way out is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// It takes letters, as far as anybody knows.
    #[default]
    Works,
    /// It made trouble several times in a row: one letter now and then asks whether it is back.
    Away,
    /// It refuses us, whatever the letter: a person has to do something.
    RefusesUs,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Works, Self::Away, Self::RefusesUs];

    /// As the store writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Away => "away",
            Self::RefusesUs => "refuses-us",
        }
    }

    /// Reads back what [`State::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What is known of a way out. By default nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is used.
    pub state: State,
    /// Troubles in a row, with nothing delivered in between.
    pub troubles: u32,
    /// When the first of them was.
    pub since: Option<Timestamp>,
    /// No letter goes there before, unless it works.
    pub next_try: Option<Timestamp>,
    /// What it said at the last trouble.
    pub words: String,
    /// A fingerprint of its settings: with others, it is another way.
    pub print: String,
}

impl Standing {
    /// Nothing is wrong with a way that has these settings.
    pub fn new(print: impl Into<String>) -> Self {
        Self {
            print: print.into(),
            ..Self::default()
        }
    }

    /// Whether there is nothing to remember.
    pub const fn is_fine(&self) -> bool {
        matches!(self.state, State::Works) && self.troubles == 0
    }
}
