//! `holidays/<name>.toml` -> the business's own dates.
//!
//! Only `load` reads files. May not know what stands in rules.

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

use super::OwnHolidays;
use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::tables::{Notes, Table, parse_toml, plain_name};
use crate::rules::load::toml_files;
use crate::rules::parse_trigger::days;

/// A day of the business's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHoliday {
    /// The file's stem, as rules name it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// When it is.
    pub days: OwnDays,
    /// The file's text: rules that name the holiday change with it.
    pub text: String,
}

/// When a day of the business's own is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnDays {
    /// On these dates, in order.
    On(Vec<Date>),
    /// Every year on this month and day, which every year has.
    Yearly(i8, i8),
}

impl OwnHoliday {
    /// Its dates within this year, the earliest first.
    pub fn in_year(&self, year: i16) -> Vec<Date> {
        match &self.days {
            OwnDays::On(days) => {
                let within = days.iter().filter(|day| day.year() == year);
                within.copied().collect()
            }
            OwnDays::Yearly(month, day) => Date::new(year, *month, *day).ok().into_iter().collect(),
        }
    }

    /// The day after which it has no date any more.
    pub fn last(&self) -> Option<Date> {
        match &self.days {
            OwnDays::On(days) => days.last().copied(),
            OwnDays::Yearly(..) => None,
        }
    }
}

/// Reads every `*.toml` of the folder. Without the folder there are none.
pub(in crate::rules) fn load(dir: &Path) -> (OwnHolidays, Vec<Finding>) {
    let mut own = OwnHolidays::default();
    let mut findings = Vec::new();
    let files = match toml_files(dir) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (own, findings),
        // A day of the business's own may bear the name of a built-in one, which isn't meant then.
        Err(error) => return (own, vec![unreadable(dir, &error)]),
    };
    for (id, file) in files {
        match file {
            Ok(source) => {
                let (holiday, found) = parse(&source, &id);
                findings.extend(found);
                own.0.insert(id, Arc::new(holiday));
            }
            Err(finding) => findings.push(finding),
        }
    }
    (own, findings)
}

/// The folder is there, and nobody knows what is in it.
fn unreadable(dir: &Path, error: &io::Error) -> Finding {
    let source = Arc::new(SourceText {
        name: dir.display().to_string(),
        text: String::new(),
    });
    let message = format!("the folder of holidays can't be read: {error}");
    Finding::new(&source, 0..0, message)
        .with_help("let the user that runs fondly read it, or move it elsewhere")
}

/// Reads a text that was read before.
pub(super) fn again(name: &str, text: String) -> OwnHoliday {
    let source = SourceText {
        name: format!("{name}.toml"),
        text,
    };
    parse(&Arc::new(source), name).0
}

/// A file with findings still gives a holiday, without dates, so that the rules that name it
/// aren't found wrong on top.
fn parse(source: &Arc<SourceText>, id: &str) -> (OwnHoliday, Vec<Finding>) {
    let mut holiday = OwnHoliday {
        name: id.to_owned(),
        title: id.to_owned(),
        days: OwnDays::On(Vec::new()),
        text: source.text.clone(),
    };
    let mut findings = Vec::new();
    if let Err(why) = plain_name(id) {
        let message = format!("a holiday's name is its file's, and {why}");
        let (what, help) = message.split_once("; ").unwrap_or((&message, ""));
        findings.push(Finding::new(source, 0..0, what).with_help(help));
    }
    match parse_toml(source, 0..source.text.len()) {
        Ok(item) => {
            let notes = Notes::new(&[]);
            read(Table::root(&item, &notes), &mut holiday);
            findings.extend(notes.into_findings());
        }
        Err(found) => findings.extend(found),
    }
    (holiday, findings)
}

fn read(mut top: Table<'_>, holiday: &mut OwnHoliday) {
    let title = top.require("title", "\"Summer fair\"");
    if let Some(title) = title.and_then(|v| v.text()) {
        title.trim().clone_into(&mut holiday.title);
    }
    let dates = top.get("dates");
    let month = top.get("month");
    let day = top.get("day");
    match (&dates, &month, &day) {
        (Some(dates), None, None) => {
            if let Some(days) = days(dates) {
                holiday.days = OwnDays::On(days);
            }
        }
        (None, Some(month), Some(day)) => {
            let number = month.whole(1..=12).zip(day.whole(1..=31));
            if let Some((m, d)) = number {
                match yearly(m, d) {
                    Some(days) => holiday.days = days,
                    None => day.complain(
                        "not every year has this day",
                        Some("write each date into `dates`, such as `dates = [2028-02-29]`".into()),
                    ),
                }
            }
        }
        (None, None, None) => top.complain(
            "it isn't said when it is",
            "add `dates = [2027-06-01, 2028-05-30]`, or `month = 6` and `day = 1` for every year",
        ),
        (None, Some(one), None) | (None, None, Some(one)) => one.complain_of_key(
            "`month` and `day` belong together",
            "write both, such as `month = 6` and `day = 1`",
        ),
        (Some(dates), ..) => dates.complain_of_key(
            "`dates` and a day of every year can't both be",
            "keep `dates`, or `month` and `day`",
        ),
    }
    top.finish(&[]);
}

/// A month and day that every year has.
fn yearly(month: u32, day: u32) -> Option<OwnDays> {
    /// Not a leap year.
    const COMMON: i16 = 2001;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(COMMON, month, day).ok()?;
    Some(OwnDays::Yearly(month, day))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read(text: &str) -> (OwnHoliday, Vec<Finding>) {
        let source = SourceText {
            name: "holidays/fair.toml".to_owned(),
            text: text.to_owned(),
        };
        parse(&Arc::new(source), "fair")
    }

    #[test]
    fn a_holiday_has_dates_or_a_day_of_every_year() {
        let (fair, findings) = read("title = \"Fair\"\ndates = [2028-05-30, 2027-06-01]");
        assert_eq!(findings, []);
        assert_eq!((fair.name.as_str(), fair.title.as_str()), ("fair", "Fair"));
        assert_eq!(fair.in_year(2027), [date(2027, 6, 1)]);
        assert!(fair.in_year(2029).is_empty());
        assert_eq!(fair.last(), Some(date(2028, 5, 30)));
        let (founding, findings) = read("title = \"Founding\"\nmonth = 5\nday = 2");
        assert_eq!(findings, []);
        assert_eq!(founding.in_year(2029), [date(2029, 5, 2)]);
        assert_eq!(founding.last(), None);
    }

    #[test]
    fn every_file_of_the_folder_is_a_holiday_even_a_wrong_one() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text| std::fs::write(folder.path().join(name), text).unwrap();
        write("fair.toml", "title = \"Fair\"\nmonth = 6\nday = 1");
        write("wrong.toml", "title = \"Wrong\"");
        let (own, findings) = load(folder.path());
        assert_eq!(findings.len(), 1, "{findings:?}");
        let fair = own.find("fair").unwrap();
        assert_eq!(fair.in_year(2027), [date(2027, 6, 1)]);
        assert!(own.find("wrong").unwrap().in_year(2027).is_empty());
        let (none, findings) = load(&folder.path().join("none"));
        assert!(none.find("fair").is_err() && findings.is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let holidays = folder.path().join("holidays");
        std::fs::write(&holidays, "no folder").unwrap();
        let (_, findings) = load(&holidays);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let told = &findings[0];
        assert!(told.source.name.ends_with("holidays"), "{told:?}");
        assert!(told.message.contains("can't be read"), "{told:?}");
        assert!(told.help.is_some());
    }

    #[test]
    fn what_isnt_a_holiday_is_told_with_its_place() {
        for (text, line) in [
            ("dates = [2027-06-01]", 1),
            ("title = \"F\"", 1),
            ("title = \"F\"\nmonth = 2\nday = 29", 3),
            ("title = \"F\"\nmonth = 2", 2),
            ("title = \"F\"\nmonth = 2\nday = 1\ndates = [2027-06-01]", 4),
            ("title = \"F\"\ndates = []", 2),
            ("title = \"F\"\ndates = [2027-06-01]\nyear = 2027", 3),
        ] {
            let (_, findings) = read(text);
            assert_eq!(findings.len(), 1, "{text}: {findings:?}");
            assert_eq!(findings[0].position().0, line, "{text}");
            assert!(findings[0].help.is_some(), "{text}");
        }
    }
}
