//! What becomes of the files that other programs drop into a source's folder.
//!
//! Text in, values out: whether there is a folder is for `records` to see.

use jiff::SignedDuration;

use crate::model::Period;
use crate::model::tables::Table;

/// Longer than programs pause that write a file piece by piece.
const COMPLETE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// How files of a folder are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// For how long a file must have been left alone before it is read.
    pub complete_after: SignedDuration,
    /// What becomes of a file that was read.
    pub after: After,
}

/// What becomes of a file of a folder that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum After {
    /// It stays, and is known again.
    #[default]
    Keep,
    /// It goes into the folder `done` below.
    Move,
}

impl After {
    /// As settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Move => "move",
        }
    }
}

/// Reads the keys of sources that have a path.
pub(super) fn dropped(table: &mut Table<'_>) -> Dropped {
    let complete_after = table.get("complete_after").and_then(|v| v.read(seconds));
    let after = table
        .get("after")
        .and_then(|v| v.one_of(&[("keep", After::Keep), ("move", After::Move)]));
    Dropped {
        complete_after: complete_after.unwrap_or(COMPLETE_AFTER),
        after: after.unwrap_or_default(),
    }
}

/// `10 seconds`, or whatever else is an exact length of time.
fn seconds(text: &str) -> Result<SignedDuration, String> {
    let wanted = || {
        format!(
            "`{text}` is no length of time; write a number of seconds or minutes, such as \
             `10 seconds`"
        )
    };
    let number = ["seconds", "second"]
        .iter()
        .find_map(|unit| text.trim().strip_suffix(unit));
    let length = match number.map(|number| number.trim().parse::<u16>()) {
        Some(number) => Some(SignedDuration::from_secs(
            number.map_err(|_| wanted())?.into(),
        )),
        None => Period::parse(text).ok().and_then(Period::exact),
    };
    let length = length.filter(|length| !length.is_negative());
    length.ok_or_else(wanted)
}
