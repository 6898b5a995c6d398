//! How a holiday finds its day in a year.
//!
//! The calendars are those of the library `icu_calendar` (Unicode's ICU4X); nothing here is a
//! table of dates. May not know any holiday's name.

use std::ops::RangeInclusive;

use icu_calendar::cal::{
    ChineseTraditional, Gregorian, Hebrew, Hijri, Julian, KoreanTraditional, Persian,
};
use icu_calendar::types::Month;
use icu_calendar::{AsCalendar, Date as IcuDate};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

/// A rule for a day of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// Month and day.
    On(i8, i8),
    /// The n-th such weekday of the month; from its end where negative.
    Nth(i8, Weekday, i8),
    /// The first such weekday on or after month and day.
    From(Weekday, i8, i8),
    /// Days after Easter as the western churches keep it.
    Easter(i32),
    /// Days after Easter as the orthodox churches keep it.
    OrthodoxEaster(i32),
    /// The last Sunday of May, or the first of June where that is Pentecost.
    MayUnlessPentecost,
    /// Month and day of the Julian calendar.
    Julian(u8, u8),
    /// Month (Tishri is 1, Nisan 7) and day of the Hebrew calendar.
    Hebrew(u8, u8),
    /// Month and day of the Islamic calendar of Umm al-Qura, Saudi Arabia's.
    UmmAlQura(u8, u8),
    /// Month and day of the Chinese calendar (GB/T 33661-2017).
    Chinese(u8, u8),
    /// Month and day of the Korean calendar.
    Korean(u8, u8),
    /// Month and day of the Persian calendar.
    Persian(u8, u8),
}

impl Day {
    /// The dates within this year of the Gregorian calendar, the earliest first.
    pub(super) fn in_year(self, year: i16) -> Vec<Date> {
        let y = i32::from(year);
        // Years of other calendars that may have a part in this one, generously.
        match self {
            Self::On(month, day) => Date::new(year, month, day).ok().into_iter().collect(),
            Self::Nth(n, weekday, month) => nth(year, n, weekday, month).into_iter().collect(),
            Self::From(weekday, month, day) => {
                from(year, weekday, month, day).into_iter().collect()
            }
            Self::Easter(days) => after(civil(&Gregorian::easter(y)), days),
            Self::OrthodoxEaster(days) => after(civil(&Julian::easter(y)), days),
            Self::MayUnlessPentecost => may_unless_pentecost(year).into_iter().collect(),
            Self::Julian(month, day) => of(y - 1..=y, (month, day), Julian, year),
            Self::Hebrew(month, day) => of(y + 3759..=y + 3762, (month, day), Hebrew, year),
            Self::UmmAlQura(month, day) => {
                // A year of the Hijra has 354.367 days, of which 1.0307 make a year.
                let middle = (y - 622) * 10_307 / 10_000;
                let calendar = Hijri::new_umm_al_qura();
                of(middle - 1..=middle + 2, (month, day), calendar, year)
            }
            Self::Chinese(month, day) => {
                of(y - 1..=y, (month, day), ChineseTraditional::new(), year)
            }
            Self::Korean(month, day) => of(y - 1..=y, (month, day), KoreanTraditional::new(), year),
            Self::Persian(month, day) => of(y - 622..=y - 621, (month, day), Persian, year),
        }
    }
}

fn nth(year: i16, n: i8, weekday: Weekday, month: i8) -> Option<Date> {
    let first = Date::new(year, month, 1).ok()?;
    first.nth_weekday_of_month(n, weekday).ok()
}

fn from(year: i16, weekday: Weekday, month: i8, day: i8) -> Option<Date> {
    let first = Date::new(year, month, day).ok()?;
    first.yesterday().ok()?.nth_weekday(1, weekday).ok()
}

fn after(easter: Option<Date>, days: i32) -> Vec<Date> {
    let day = easter.and_then(|easter| easter.checked_add(days.days()).ok());
    day.into_iter().collect()
}

fn may_unless_pentecost(year: i16) -> Option<Date> {
    let sunday = nth(year, -1, Weekday::Sunday, 5)?;
    if Day::Easter(49).in_year(year).contains(&sunday) {
        return nth(year, 1, Weekday::Sunday, 6);
    }
    Some(sunday)
}

/// This month and day in these years of a calendar, as far as they lie in that Gregorian year.
fn of<C: AsCalendar + Copy>(
    years: RangeInclusive<i32>,
    (month, day): (u8, u8),
    calendar: C,
    within: i16,
) -> Vec<Date> {
    years
        .filter_map(|year| IcuDate::try_new(year.into(), Month::new(month), day, calendar).ok())
        .filter_map(|date| civil(&date))
        .filter(|date| date.year() == within)
        .collect()
}

fn civil<C: AsCalendar>(date: &IcuDate<C>) -> Option<Date> {
    let date = date.to_calendar(Gregorian);
    let year = i16::try_from(date.year().extended_year()).ok()?;
    let month = i8::try_from(date.month().number()).ok()?;
    let day = i8::try_from(date.day_of_month().0).ok()?;
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_last_sunday_in_may_gives_way_to_pentecost() {
        let in_year = |year| Day::MayUnlessPentecost.in_year(year);
        assert_eq!(in_year(2026), [date(2026, 5, 31)]);
        assert_eq!(in_year(2020), [date(2020, 6, 7)]);
    }

    /// The end of a year that began in the one before.
    #[test]
    fn a_day_in_january_belongs_to_an_older_year_elsewhere() {
        for day in [
            Day::Chinese(12, 8),
            Day::Korean(12, 8),
            Day::Persian(10, 20),
            Day::Julian(12, 25),
        ] {
            let found = day.in_year(2027);
            assert!(found.len() == 1 && found[0].month() == 1, "{found:?}");
        }
    }
}
