//! What makes a rule due: checked, typed, without spans.
//!
//! May not know how rule files are written; `parse_trigger` does.

use jiff::civil::Date;

use super::holiday::Holiday;
use super::usage::Usage;
use crate::model::{Period, Topic};

/// What makes a rule due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Every year on a date of the customer's.
    Anniversary(Anniversary),
    /// Once, around a date of the customer's.
    Date(OnDate),
    /// After something happened.
    Event(AfterEvent),
    /// When nothing happened for so long.
    Lapsed(Silence),
    /// When there is much less of something than usual, or much more.
    Usage(Usage),
    /// For everybody, around a holiday.
    Holiday(OnHoliday),
    /// For everybody on these dates; never empty, in order, each once.
    Fixed(Vec<Date>),
}

impl Trigger {
    /// The kind that customers choose its letters by, unless the rule says otherwise.
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Anniversary(_) | Self::Holiday(_) | Self::Fixed(_) => Topic::Greetings,
            Self::Event(_) => Topic::Thanks,
            Self::Lapsed(_) => Topic::Missing,
            Self::Date(_) => Topic::Reminders,
            Self::Usage(_) => Topic::Usage,
        }
    }
}

/// `[trigger.anniversary]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anniversary {
    /// The date.
    pub field: DateField,
    /// Days or months before (negative) or after.
    pub offset: Period,
    /// What becomes of 29 February in common years.
    pub feb29: Feb29,
    /// Which anniversaries, as years since the first time; empty for every year.
    pub years: Vec<i16>,
}

/// `[trigger.date]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDate {
    /// The date.
    pub field: DateField,
    /// Days or months before (negative) or after.
    pub offset: Period,
}

/// `[trigger.event]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterEvent {
    /// The kind of event.
    pub kind: String,
    /// How long after.
    pub delay: Delay,
    /// Which of a customer's events.
    pub which: Which,
}

/// How long after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// So long; never negative.
    After(Period),
    /// Drawn once per occasion from the first to the second, both included and neither negative.
    /// Both are civil, or both are exact.
    Between(Period, Period),
}

impl Delay {
    /// The least and the most civil days: for bounds of queries.
    pub fn days_between(self) -> (i32, i32) {
        match self {
            Self::After(period) => period.days_between(),
            Self::Between(least, most) => (least.days_between().0, most.days_between().1),
        }
    }
}

/// Which of a customer's events of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// All of them.
    #[default]
    Every,
    /// The n-th in the order in which they happened, from 1.
    Nth(u32),
}

/// `[trigger.lapsed]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The kinds of event that count as a contact.
    pub contact: Vec<String>,
    /// After which silence the first step comes.
    pub after: Patience,
    /// Distinct contact days before anybody is missed, at least 1.
    pub min_contacts: u32,
    /// Civil days from one step to the next, at least 1.
    pub repeat_days: i32,
    /// Steps, at least 1.
    pub times: u32,
}

/// After which silence somebody is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The same civil days for everybody, at least 1.
    Days(i32),
    /// As their own cadence has it.
    Cadences(Cadences),
    /// When it is likely enough that they stay away.
    Sure(Sure),
}

/// `after = "2 cadences"`: so many times a customer's own cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadences {
    /// Tenths of a cadence, at least 1.
    pub tenths: u32,
    /// Civil days while the cadence isn't known, at least 1.
    pub otherwise_days: i32,
    /// Civil days, however short the cadence, at least 1.
    pub at_least_days: i32,
    /// Civil days, however long the cadence.
    pub at_most_days: i32,
}

/// `after = "80% sure"`: as soon as it is so likely that a customer doesn't come by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sure {
    /// The wanted chance in percent, from 1 to 99.
    pub percent: u32,
    /// Of no contact in so many coming civil days, at least 1.
    pub horizon_days: i32,
    /// Civil days for whom a cadence isn't known, at least 1; without it they are judged as well.
    pub otherwise_days: Option<i32>,
    /// Civil days, however sure it is, at least 1.
    pub at_least_days: i32,
    /// Civil days, however unsure it is; without it, whoever never becomes so likely to stay away
    /// is never missed.
    pub at_most_days: Option<i32>,
}

impl Sure {
    /// The horizon where a rule names none, in civil days.
    pub const USUAL_HORIZON: i32 = 90;
}

impl Silence {
    /// Every step with its civil days since the last contact, the first first.
    pub fn steps(&self, first_days: i32) -> impl Iterator<Item = (u32, i32)> + use<> {
        let repeat = self.repeat_days;
        (1..=self.times).scan(first_days, move |days, step| {
            let this = *days;
            *days = this.saturating_add(repeat);
            Some((step, this))
        })
    }
}

/// `[trigger.holiday]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnHoliday {
    /// The holiday.
    pub holiday: Holiday,
    /// Days or months before (negative) or after.
    pub offset: Period,
}

/// A date of the customer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateField {
    /// `birthday`
    Birthday,
    /// `joined_on`
    JoinedOn,
    /// `attr.<name>`
    Attr(String),
}

impl DateField {
    /// As rules and the store name it: `birthday`, `joined_on`, `attr.wedding`.
    pub fn name(&self) -> String {
        match self {
            Self::Birthday => "birthday".to_owned(),
            Self::JoinedOn => "joined_on".to_owned(),
            Self::Attr(name) => format!("attr.{name}"),
        }
    }
}

/// What becomes of a 29 February in a common year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Feb29 {
    /// 28 February.
    #[default]
    Feb28,
    /// 1 March.
    Mar1,
    /// Nothing that year.
    Skip,
}
