//! Holidays: the built-in calendar, and the business's own dates beside it.
//!
//! Names in, civil dates out. May not know who celebrates what. The dates are those of the
//! Gregorian calendar, as they stand on a wall.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

mod built_in;
mod by_country;
mod moving;
mod own;

pub use built_in::BuiltIn;
pub(super) use own::load;
pub use own::{OwnDays, OwnHoliday};

use crate::model::tables::{nearest, plain_name};

/// A day that isn't a customer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holiday {
    /// Of the built-in calendar.
    BuiltIn(&'static BuiltIn),
    /// Of the business's own, from `holidays/<name>.toml`.
    Own(Arc<OwnHoliday>),
}

impl Holiday {
    /// As rules name it: `christmas`.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(holiday) => holiday.name,
            Self::Own(holiday) => &holiday.name,
        }
    }

    /// Its dates within this year, the earliest first: mostly one. A holiday of the Islamic year
    /// comes twice in some years; one of the business's own may not come at all.
    pub fn in_year(&self, year: i16) -> Vec<Date> {
        match self {
            Self::BuiltIn(holiday) => holiday.in_year(year),
            Self::Own(holiday) => holiday.in_year(year),
        }
    }
}

/// The business's own holidays, by name.
#[derive(Debug, Clone, Default)]
pub struct OwnHolidays(BTreeMap<String, Arc<OwnHoliday>>);

impl OwnHolidays {
    /// Only this one, from the text of its file.
    pub(super) fn one(name: &str, text: String) -> Self {
        let holiday = own::again(name, text);
        Self(BTreeMap::from([(name.to_owned(), Arc::new(holiday))]))
    }

    /// The holiday of this name: the business's own, or else one of the built-in calendar.
    ///
    /// # Errors
    /// What is wrong with the name; what to write instead.
    pub fn find(&self, name: &str) -> Result<Holiday, String> {
        if let Some(own) = self.0.get(name) {
            return Ok(Holiday::Own(Arc::clone(own)));
        }
        if let Some(holiday) = BuiltIn::find(name) {
            return Ok(Holiday::BuiltIn(holiday));
        }
        Err(self.unknown(name))
    }

    fn unknown(&self, name: &str) -> String {
        let mut known: Vec<&str> = self.0.keys().map(String::as_str).collect();
        known.extend(BuiltIn::all().map(|holiday| holiday.name));
        let mut regional: Vec<String> = known
            .iter()
            .filter(|known| known.strip_prefix(name).is_some_and(|r| r.starts_with('-')))
            .map(|known| format!("`{known}`"))
            .collect();
        regional.sort_unstable();
        if regional.len() > 1 {
            let all = regional.join(", ");
            return format!("`{name}` isn't one holiday; choose from {all}");
        }
        let help = match (nearest(name, known), plain_name(name)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Ok(name)) => format!(
                "holidays/README.md lists all; others are files of yours, here `holidays/{name}.toml`"
            ),
            (None, Err(_)) => "holidays/README.md lists all, such as `christmas`".to_owned(),
        };
        format!("there is no holiday `{name}`; {help}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_built_in_holiday_comes_every_year_and_is_named_once() {
        let names: BTreeSet<&str> = BuiltIn::all().map(|holiday| holiday.name).collect();
        assert_eq!(names.len(), BuiltIn::all().count());
        for name in names {
            let holiday = OwnHolidays::default().find(name).unwrap();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(holiday.name() == name && name.chars().all(plain), "{name}");
            let mut last: Option<Date> = None;
            for year in 1900..=2100 {
                let days = holiday.in_year(year);
                assert!((1..=2).contains(&days.len()), "{name} {year}: {days:?}");
                for day in days {
                    assert_eq!(day.year(), year, "{name}");
                    if let Some(last) = last {
                        let gap = last.until(day).unwrap().get_days();
                        // The longest lunar year has 385 days, the shortest 353.
                        assert!((319..=400).contains(&gap), "{name}: {last} to {day}");
                    }
                    last = Some(day);
                }
            }
        }
    }

    #[test]
    fn a_name_that_isnt_known_is_answered_with_one_that_is() {
        let unknown = |name| OwnHolidays::default().find(name).unwrap_err();
        assert!(unknown("chrismas").ends_with("did you mean `christmas`?"));
        assert!(unknown("easter-sunday").ends_with("did you mean `easter`?"));
        assert!(
            unknown("thanksgiving").contains("choose from `thanksgiving-ca`, `thanksgiving-us`")
        );
        assert!(unknown("mothers-day").contains("`mothers-day-fr`"));
        assert!(unknown("independence-day").ends_with("did you mean `independence-day-us`?"));
        assert!(unknown("diwali").contains("`holidays/diwali.toml`"));
        assert!(unknown("the day").contains("holidays/README.md"));
    }

    /// The page that people find the names on is this table.
    #[test]
    fn the_page_of_holidays_lists_exactly_the_built_in_ones() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/holidays/README.md");
        let page = std::fs::read_to_string(path).unwrap();
        let listed: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let wanted: Vec<String> = BuiltIn::all()
            .map(|holiday| format!("| `{}` | {} |", holiday.name, holiday.when))
            .collect();
        assert_eq!(listed, wanted);
    }
}
