//! The simulation's own calendar, by another library than the program's. May not know what is
//! simulated.

use chrono::{
    DateTime, Datelike as _, Days, Duration, LocalResult, Months, NaiveDate, NaiveDateTime,
    Offset as _, TimeZone as _, Timelike as _,
};
use chrono_tz::Tz;

pub(crate) use chrono::NaiveDate as Day;

/// Milliseconds of a minute, an hour and a day.
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Zones with something odd about them: half hours, a day left out, clocks that change at midnight
/// or by half an hour, both ends of the world.
pub(crate) const ZONES: &[Tz] = &[
    Tz::Europe__London,
    Tz::Europe__Berlin,
    Tz::Europe__Dublin,
    Tz::America__New_York,
    Tz::America__Sao_Paulo,
    Tz::America__St_Johns,
    Tz::Asia__Kathmandu,
    Tz::Asia__Tehran,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::Pacific__Auckland,
    Tz::Pacific__Chatham,
    Tz::Pacific__Kiritimati,
    Tz::Pacific__Pago_Pago,
    Tz::UTC,
];

/// What the clock on the wall shows.
pub(crate) fn wall(zone: Tz, ms: i64) -> NaiveDateTime {
    let utc = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    utc.with_timezone(&zone).naive_local()
}

/// The civil day.
pub(crate) fn day(zone: Tz, ms: i64) -> Day {
    wall(zone, ms).date()
}

/// Minutes since midnight, by the clock on the wall.
pub(crate) fn minute_of_day(zone: Tz, ms: i64) -> u32 {
    let wall = wall(zone, ms);
    wall.hour() * 60 + wall.minute()
}

/// From 0 for Monday to 6.
pub(crate) fn weekday(zone: Tz, ms: i64) -> usize {
    day(zone, ms).weekday().num_days_from_monday() as usize
}

/// This minute of this civil day: the first where there are two, and as much later as the clock was
/// put forward where there is none.
pub(crate) fn instant(zone: Tz, day: Day, minute: u32) -> i64 {
    let naive = day.and_time(chrono::NaiveTime::MIN) + Duration::minutes(i64::from(minute));
    match zone.from_local_datetime(&naive) {
        LocalResult::Single(at) => at.timestamp_millis(),
        LocalResult::Ambiguous(one, other) => one.timestamp_millis().min(other.timestamp_millis()),
        LocalResult::None => {
            // The clock as it went before: at most a whole day is left out.
            let before = (1..=100).find_map(|quarters| {
                let earlier = naive - Duration::minutes(15 * quarters);
                zone.from_local_datetime(&earlier).latest()
            });
            let offset = before.map_or(0, |at| at.offset().fix().local_minus_utc());
            naive.and_utc().timestamp_millis() - i64::from(offset) * 1_000
        }
    }
}

/// So many days later, or earlier.
pub(crate) fn plus_days(day: Day, days: i32) -> Day {
    let many = Days::new(u64::from(days.unsigned_abs()));
    let moved = if days < 0 {
        day.checked_sub_days(many)
    } else {
        day.checked_add_days(many)
    };
    moved.unwrap_or(day)
}

/// So many months later; the last of the month where it has no such day.
pub(crate) fn plus_months(day: Day, months: u32) -> Day {
    day.checked_add_months(Months::new(months)).unwrap_or(day)
}

/// This month and day in a year.
pub(crate) fn in_year(year: i32, month: u32, of_month: u32) -> Option<Day> {
    NaiveDate::from_ymd_opt(year, month, of_month)
}

pub(crate) fn year_of(day: Day) -> i32 {
    day.year()
}

pub(crate) fn month_of(day: Day) -> u32 {
    day.month()
}

pub(crate) fn day_of_month(day: Day) -> u32 {
    day.day()
}

/// The last civil day that has begun anywhere (UTC+14).
pub(crate) fn furthest(ms: i64) -> Day {
    day(Tz::UTC, ms + 14 * HOUR)
}

/// For people.
pub(crate) fn shown(ms: i64) -> String {
    let utc = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    utc.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
