//! What customers say themselves, by the pages behind a letter's links: which letters they want, how
//! many, in which language, and when their birthday is.
//!
//! Kept apart from the records, which never overwrite it. May not know pages, letters or the store.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::PartialDate;

/// What a rule's letters are about, in the words in which customers choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Birthdays, anniversaries, holidays.
    Greetings,
    /// Thanks, and whatever else answers something that happened.
    Thanks,
    /// "We haven't seen you for a while."
    Missing,
    /// A date that comes closer.
    Reminders,
    /// How much they use what they have.
    Usage,
}

impl Topic {
    /// All of them, in the order in which people see them.
    pub const ALL: [Self; 5] = [
        Self::Greetings,
        Self::Thanks,
        Self::Missing,
        Self::Reminders,
        Self::Usage,
    ];

    /// As rules, forms and the store write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greetings => "greetings",
            Self::Thanks => "thanks",
            Self::Missing => "missing",
            Self::Reminders => "reminders",
            Self::Usage => "usage",
        }
    }

    /// Reads back what [`Topic::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

/// Everything that one customer said. By default, nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// The language of letters, as a BCP 47 tag.
    pub language: Option<String>,
    /// They want fewer letters.
    pub fewer: bool,
    /// What they want no letters about.
    pub without: BTreeSet<Topic>,
    /// The first civil day, where they live, on which letters may go again.
    pub pause_until: Option<Date>,
    /// Their birthday.
    pub birthday: Option<ToldBirthday>,
}

impl Wishes {
    /// Until when they want a pause, if this moment is before that.
    pub fn paused(&self, at: Timestamp, zone: &TimeZone) -> Option<Date> {
        let day = zone.to_datetime(at).date();
        self.pause_until.filter(|until| day < *until)
    }
}

/// A birthday as a customer told it: the year isn't asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldBirthday {
    /// Day and month.
    pub day: PartialDate,
    /// What their record said when they told it.
    pub record_was: Option<PartialDate>,
}

impl ToldBirthday {
    /// The birthday that counts, where the record says this: of the customer's word and the record's,
    /// the later one. So a record that has changed since they told it counts again. The year is the
    /// record's, where there can be such a day in it.
    pub fn over(self, record: Option<PartialDate>) -> Option<PartialDate> {
        if record.is_some() && record != self.record_was {
            return record;
        }
        let year = record.and_then(PartialDate::year);
        PartialDate::new(year, self.day.month(), self.day.day()).or(Some(self.day))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(text: &str) -> PartialDate {
        text.parse().unwrap()
    }

    #[test]
    fn topics_read_back() {
        assert!(
            Topic::ALL
                .iter()
                .all(|t| Topic::parse(t.as_str()) == Some(*t))
        );
        assert_eq!(Topic::parse("offers"), None);
    }

    #[test]
    fn of_a_told_birthday_and_the_record_the_later_word_counts() {
        let told = |record_was: Option<&str>| ToldBirthday {
            day: day("--02-29"),
            record_was: record_was.map(day),
        };
        let over = |told: ToldBirthday, record: Option<&str>| {
            told.over(record.map(day)).map(|day| day.to_string())
        };
        // Nobody knew it, or knows it now.
        assert_eq!(over(told(None), None).as_deref(), Some("--02-29"));
        assert_eq!(
            over(told(Some("1984-03-01")), None).as_deref(),
            Some("--02-29")
        );
        // They corrected the record, which keeps its year.
        let corrects = told(Some("1984-03-01"));
        assert_eq!(
            over(corrects, Some("1984-03-01")).as_deref(),
            Some("1984-02-29")
        );
        // There was no such day in that year.
        let corrects = told(Some("1985-03-01"));
        assert_eq!(
            over(corrects, Some("1985-03-01")).as_deref(),
            Some("--02-29")
        );
        // The record was changed since.
        assert_eq!(
            over(corrects, Some("1985-03-02")).as_deref(),
            Some("1985-03-02")
        );
        assert_eq!(
            over(told(None), Some("--05-01")).as_deref(),
            Some("--05-01")
        );
    }

    #[test]
    fn a_pause_ends_with_its_day_where_the_customer_lives() {
        let wishes = Wishes {
            pause_until: Some(date(2027, 3, 1)),
            ..Wishes::default()
        };
        let sydney = TimeZone::get("Australia/Sydney").unwrap();
        let paused = |now: &str, zone: &TimeZone| wishes.paused(now.parse().unwrap(), zone);
        assert_eq!(paused("2027-02-28T12:59:59Z", &sydney), wishes.pause_until);
        assert_eq!(paused("2027-02-28T13:00:00Z", &sydney), None);
        assert_eq!(
            paused("2027-02-28T23:59:59Z", &TimeZone::UTC),
            wishes.pause_until
        );
        assert_eq!(
            Wishes::default().paused(Timestamp::UNIX_EPOCH, &sydney),
            None
        );
    }
}
