//! A date as address books write it -> a date, with or without its year.
//!
//! RFC 6350 leaves no order to guess. What isn't of its forms is left to the source's `dates`.

use jiff::civil::Date;

use super::content::Property;
use crate::model::PartialDate;

/// What a property's value is as a date.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Date(PartialDate),
    /// Not of a form that address books have.
    Text,
    Unusable(&'static str),
}

/// Reads the value of a property that is a date.
pub(super) fn read(property: &Property) -> Read {
    let is = |name: &str, word: &str| {
        property
            .param(name)
            .any(|value| value.eq_ignore_ascii_case(word))
    };
    if is("VALUE", "text") {
        return Read::Unusable("it is written in words; write the date as 1990-04-23 or --04-23");
    }
    if property
        .param("CALSCALE")
        .any(|scale| !scale.eq_ignore_ascii_case("gregorian"))
    {
        return Read::Unusable("it is of another calendar; write it as 1990-04-23");
    }
    let omitted = property
        .param("X-APPLE-OMIT-YEAR")
        .find_map(|year| year.parse::<i16>().ok());
    match written(property.text().trim()) {
        Read::Date(date) if omitted.is_some() && date.year() == omitted => {
            match PartialDate::new(None, date.month(), date.day()) {
                Some(date) => Read::Date(date),
                None => Read::Unusable(NO_SUCH_DAY),
            }
        }
        read => read,
    }
}

const NO_SUCH_DAY: &str = "there is no such day in the calendar; mend it";
const NOT_WHOLE: &str = "it doesn't say the day and the month; write it as 1990-04-23 or --04-23";

fn written(text: &str) -> Read {
    let (day, time) = text.split_once(['T', 't']).unwrap_or((text, "0"));
    let is_time = !time.is_empty()
        && time
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '+' | '-' | 'Z' | 'z'));
    if !is_time {
        return Read::Text;
    }
    let shape: String = day
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let number = |from: usize, to: usize| day.get(from..to).and_then(|n| n.parse::<i8>().ok());
    let year = day.get(..4).and_then(|year| year.parse::<i16>().ok());
    let (year, month, date) = match shape.as_str() {
        "99999999" => (year, number(4, 6), number(6, 8)),
        "9999-99-99" => (year, number(5, 7), number(8, 10)),
        "--9999" => (None, number(2, 4), number(4, 6)),
        "--99-99" => (None, number(2, 4), number(5, 7)),
        "---99" | "--99" | "9999-99" | "9999" | "" => return Read::Unusable(NOT_WHOLE),
        _ => return Read::Text,
    };
    let (Some(month), Some(date)) = (month, date) else {
        return Read::Text;
    };
    let real = match year {
        Some(year) => Date::new(year, month, date).is_ok(),
        None => true,
    };
    match PartialDate::new(year, month, date).filter(|_| real) {
        Some(date) => Read::Date(date),
        None => Read::Unusable(NO_SUCH_DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::{Card, properties};
    use super::*;

    fn said(line: &str) -> String {
        let card = Card {
            line: 1,
            text: format!("BEGIN:VCARD\nVERSION:4.0\n{line}\nEND:VCARD\n"),
            fault: None,
        };
        let all = properties(&card).unwrap();
        match read(&all[2]) {
            Read::Date(date) => date.to_string(),
            Read::Text => "text".to_owned(),
            Read::Unusable(why) => why.to_owned(),
        }
    }

    #[test]
    fn every_form_of_the_standard_is_read_or_refused() {
        for (line, date) in [
            ("BDAY:1996-04-15", "1996-04-15"),
            ("BDAY:19960415", "1996-04-15"),
            ("BDAY;VALUE=date:1996-04-15", "1996-04-15"),
            ("BDAY:1953-10-15T23:10:00Z", "1953-10-15"),
            ("BDAY:19531015T231000Z", "1953-10-15"),
            ("BDAY:1987-09-27T08:30:00-06:00", "1987-09-27"),
            ("BDAY:--0229", "--02-29"),
            ("BDAY:--02-29", "--02-29"),
            ("BDAY:--1222T1400", "--12-22"),
            ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29", "--02-29"),
            (
                "BDAY;VALUE=date;X-APPLE-OMIT-YEAR=1604:1985-02-28",
                "1985-02-28",
            ),
        ] {
            assert_eq!(said(line), date, "{line}");
        }
        for line in [
            "BDAY:---15",
            "BDAY:--04",
            "BDAY:1996-04",
            "BDAY:1996",
            "BDAY:T102200",
        ] {
            assert_eq!(said(line), NOT_WHOLE, "{line}");
        }
        for line in [
            "BDAY:19960231",
            "BDAY:1995-02-29",
            "BDAY:--0230",
            "BDAY:1996-13-01",
        ] {
            assert_eq!(said(line), NO_SUCH_DAY, "{line}");
        }
        assert!(said("BDAY;VALUE=text:circa 1800").contains("in words"));
        assert!(said("BDAY;CALSCALE=hebrew:57560415").contains("calendar"));
        for line in [
            "BDAY:03/04/1990",
            "BDAY:15.4.1996",
            "BDAY:960415",
            "BDAY:April 15",
            "BDAY:1996-4-15",
        ] {
            assert_eq!(said(line), "text", "{line}");
        }
    }
}
