//! The mark: up to where a source has been read, and from where it is read the next time.
//!
//! Pure: the database's clock comes as a value. A row can be committed after others that were
//! stamped later, by whoever was faster, so the mark always stays behind by an overlap; what is
//! read twice is recognised by its hash. The mark is never ahead of the database's own clock at the
//! start of the reading, so that a date in the far future doesn't hide what comes before it. Times
//! without a zone go back and forth with daylight saving, and may be of a zone that nobody stated:
//! for them that clock is set back far enough to be right in any case.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// How far behind UTC a clock on the wall can be.
const FURTHEST_WEST: SignedDuration = SignedDuration::from_hours(12);
/// How far ahead the zone's next change can matter.
const CHANGE_AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// The overlap of times, unless the settings state one.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// The overlap of numbers, unless the settings state one.
const OVERLAP_COUNT: i64 = 1_000;

/// How far the next reading goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Of times.
    Time(SignedDuration),
    /// Of numbers.
    Count(i64),
}

/// Up to where a source has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A whole number.
    Whole(i64),
    /// A moment.
    Moment(Timestamp),
    /// A time without a zone, and what stands between its day and its time of day.
    Local(DateTime, char),
    /// A day.
    Day(Date),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(n) => write!(f, "{n}"),
            Self::Moment(at) => write!(f, "{at:.6}"),
            Self::Local(at, between) => write!(f, "{}{between}{:.0}", at.date(), at.time()),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

impl Mark {
    /// Reads what the store kept.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let moment = text.strip_suffix('Z').and_then(|_| Self::moment(text));
        moment.or_else(|| Self::of(text))
    }

    /// Reads what a column holds. A time of day counts without its fraction and its offset: as
    /// text it stands before the same with them.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && let Some(n) = whole(text)
        {
            return Some(Self::Whole(n));
        }
        let (day, rest) = text.split_at_checked(10)?;
        let day: Date = day.parse().ok()?;
        let mut signs = rest.chars();
        let Some(between) = signs.next() else {
            return Some(Self::Day(day));
        };
        let time = signs.as_str().get(..8)?.parse().ok()?;
        matches!(between, 'T' | ' ').then_some(Self::Local(day.to_datetime(time), between))
    }

    /// Reads what a column of moments holds, with whatever offset.
    pub(super) fn moment(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::Moment)
    }

    /// As its bare number, where it is one.
    pub(super) const fn number(&self) -> Option<i64> {
        match self {
            Self::Whole(n) => Some(*n),
            Self::Moment(_) | Self::Local(..) | Self::Day(_) => None,
        }
    }

    /// The later of two of one sort.
    pub(super) fn later(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(Self::Whole(a.max(b))),
            (Self::Moment(a), Self::Moment(b)) => Some(Self::Moment(a.max(b))),
            (Self::Local(a, between), Self::Local(b, _)) => Some(Self::Local(a.max(b), between)),
            (Self::Day(a), Self::Day(b)) => Some(Self::Day(a.max(b))),
            _ => None,
        }
    }

    /// Never further than the database's clock, and behind that by the overlap.
    ///
    /// # Errors
    /// A sentence, when the overlap isn't of the mark's sort.
    pub(super) fn held_back(self, clock: &Clock, overlap: Option<Overlap>) -> Result<Self, String> {
        let count = match overlap {
            None => OVERLAP_COUNT,
            Some(Overlap::Count(n)) => n,
            Some(Overlap::Time(_)) if self.number().is_some() => {
                return Err(
                    "`overlap` is a time, but the column of `since` holds numbers; write how far \
                     to go back as a number, such as `overlap = 1000`"
                        .to_owned(),
                );
            }
            Some(Overlap::Time(_)) => 0,
        };
        let time = match overlap {
            None => OVERLAP,
            Some(Overlap::Time(time)) => time,
            Some(Overlap::Count(_)) if self.number().is_none() => {
                return Err(
                    "`overlap` is a number, but the column of `since` holds times; write how far \
                     to go back as a time, such as `overlap = \"15 minutes\"`"
                        .to_owned(),
                );
            }
            Some(Overlap::Count(_)) => SignedDuration::ZERO,
        };
        let local = |at: DateTime| at.checked_sub(time).unwrap_or(DateTime::MIN);
        Ok(match self {
            Self::Whole(n) => Self::Whole(n.saturating_sub(count)),
            Self::Moment(at) => {
                let at = at.min(clock.now).checked_sub(time);
                Self::Moment(at.unwrap_or(Timestamp::MIN))
            }
            Self::Local(at, between) => Self::Local(local(at.min(clock.local())), between),
            Self::Day(day) => {
                let day = day
                    .min(clock.local().date())
                    .to_datetime(jiff::civil::Time::MIN);
                // More may come on that very day.
                Self::Day(local(day).date().checked_sub(1.day()).unwrap_or(Date::MIN))
            }
        })
    }
}

/// A whole number, also when it is written with a fraction.
fn whole(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    whole.parse().ok()
}

/// The database's clock at the start of the reading, and the zone of its times without one.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    /// Where the settings state it.
    pub(super) zone: Option<TimeZone>,
}

impl Clock {
    /// The earliest that times without a zone can show from now on.
    pub(super) fn local(&self) -> DateTime {
        let utc = TimeZone::UTC.to_datetime(self.now);
        let Some(zone) = &self.zone else {
            return utc.checked_sub(FURTHEST_WEST).unwrap_or(DateTime::MIN);
        };
        let soon = self.now.checked_add(CHANGE_AHEAD).unwrap_or(self.now);
        // Clocks that are put back show an hour a second time.
        let offset = zone.to_offset(self.now).min(zone.to_offset(soon));
        offset.to_datetime(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str, zone: Option<&str>) -> Clock {
        Clock {
            now: now.parse().unwrap(),
            zone: zone.map(|name| TimeZone::get(name).unwrap()),
        }
    }

    fn next(text: &str, clock: &Clock, overlap: Option<Overlap>) -> String {
        let mark = Mark::parse(text).unwrap();
        mark.held_back(clock, overlap).unwrap().to_string()
    }

    #[test]
    fn a_mark_keeps_the_look_of_its_column() {
        let far = clock("2027-01-01T00:00:00Z", Some("UTC"));
        for (text, mark) in [
            ("4711", "3711"),
            ("-5", "-1005"),
            ("1764379109.75", "1764378109"),
            ("2026-11-29T01:18:29.5Z", "2026-11-29T01:03:29.500000Z"),
            ("2026-11-29 01:18:29.123456", "2026-11-29 01:03:29"),
            ("2026-11-29T01:18:29+01:00", "2026-11-29T01:03:29"),
            ("2026-11-29", "2026-11-27"),
        ] {
            assert_eq!(next(text, &far, None), mark, "{text}");
            let kept = Mark::parse(mark).unwrap();
            assert_eq!(kept.to_string(), mark, "it reads back");
        }
        for odd in [
            "",
            "yesterday",
            "29/11/2026",
            "2026-11-29 soon",
            "1.2.3",
            "12e5",
        ] {
            assert_eq!(Mark::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_date_in_the_far_future_hides_nothing() {
        let now = clock("2026-11-29T12:00:00Z", Some("Europe/London"));
        assert_eq!(
            next("2999-01-01T00:00:00Z", &now, None),
            "2026-11-29T11:45:00.000000Z"
        );
        assert_eq!(
            next("2999-01-01 00:00:00", &now, None),
            "2026-11-29 11:45:00"
        );
        assert_eq!(next("2999-01-01", &now, None), "2026-11-27");
    }

    #[test]
    fn times_of_a_zone_that_nobody_stated_are_right_in_every_zone() {
        let now = clock("2026-11-29T12:00:00Z", None);
        assert_eq!(
            next("2026-11-29 11:59:00", &now, None),
            "2026-11-28 23:45:00"
        );
    }

    /// At 2 o'clock on 25 October the clocks in London go back to 1 o'clock: what is stamped 1:10
    /// afterwards came later than what was stamped 1:59.
    #[test]
    fn the_hour_that_comes_twice_is_read_twice() {
        let now = clock("2026-10-25T00:59:00Z", Some("Europe/London"));
        assert_eq!(
            next("2026-10-25 01:59:00", &now, None),
            "2026-10-25 00:44:00"
        );
    }

    #[test]
    fn the_overlap_is_of_the_columns_sort() {
        let now = clock("2026-11-29T12:00:00Z", None);
        let hour = Some(Overlap::Time(SignedDuration::from_hours(1)));
        assert_eq!(
            next("2026-11-29T11:00:00Z", &now, hour),
            "2026-11-29T10:00:00.000000Z"
        );
        assert_eq!(next("4711", &now, Some(Overlap::Count(11))), "4700");
        let number = Mark::Whole(1).held_back(&now, hour);
        assert!(number.unwrap_err().contains("overlap = 1000"));
        let time = Mark::parse("2026-11-29").unwrap();
        let time = time.held_back(&now, Some(Overlap::Count(1)));
        assert!(time.unwrap_err().contains("15 minutes"));
    }

    #[test]
    fn only_marks_of_one_sort_can_be_compared() {
        let mark = |text| Mark::parse(text).unwrap();
        assert_eq!(mark("3").later(mark("12")), Some(Mark::Whole(12)));
        let (a, b) = (mark("2026-11-29 01:00:00"), mark("2026-11-29T02:00:00"));
        assert_eq!(a.later(b).unwrap().to_string(), "2026-11-29 02:00:00");
        assert_eq!(mark("3").later(mark("2026-11-29")), None);
    }
}
