//! Built-in holidays that are kept on different days in different countries.
//!
//! The ending is the country's code (ISO 3166, but `uk` as people write it).

use jiff::civil::Weekday;

use super::built_in::{BuiltIn, holiday};
use super::moving::Day;

use Day::{Easter, From, MayUnlessPentecost, Nth, On};
use Weekday::{Friday, Monday, Sunday, Thursday};

pub(super) const BY_COUNTRY: &[BuiltIn] = &[
    holiday(
        "memorial-day-us",
        "the last Monday of May",
        Nth(-1, Monday, 5),
    ),
    holiday(
        "labor-day-us",
        "the first Monday of September",
        Nth(1, Monday, 9),
    ),
    holiday(
        "thanksgiving-ca",
        "the second Monday of October",
        Nth(2, Monday, 10),
    ),
    holiday(
        "thanksgiving-us",
        "the fourth Thursday of November",
        Nth(4, Thursday, 11),
    ),
    holiday(
        "black-friday",
        "the day after `thanksgiving-us`",
        From(Friday, 11, 23),
    ),
    holiday(
        "mothers-day-at",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-au",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-be",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-br",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-ca",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-ch",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-cz",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-de",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-dk",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-es",
        "the first Sunday of May",
        Nth(1, Sunday, 5),
    ),
    holiday(
        "mothers-day-fi",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-fr",
        "the last Sunday of May, or the first of June where that is Pentecost",
        MayUnlessPentecost,
    ),
    holiday(
        "mothers-day-ie",
        "21 days before Easter, Mothering Sunday",
        Easter(-21),
    ),
    holiday(
        "mothers-day-it",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-lt",
        "the first Sunday of May",
        Nth(1, Sunday, 5),
    ),
    holiday(
        "mothers-day-lv",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday("mothers-day-mx", "10 May", On(5, 10)),
    holiday(
        "mothers-day-nl",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "mothers-day-no",
        "the second Sunday of February",
        Nth(2, Sunday, 2),
    ),
    holiday(
        "mothers-day-nz",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday("mothers-day-pl", "26 May", On(5, 26)),
    holiday(
        "mothers-day-pt",
        "the first Sunday of May",
        Nth(1, Sunday, 5),
    ),
    holiday(
        "mothers-day-se",
        "the last Sunday of May",
        Nth(-1, Sunday, 5),
    ),
    holiday(
        "mothers-day-uk",
        "21 days before Easter, Mothering Sunday",
        Easter(-21),
    ),
    holiday(
        "mothers-day-us",
        "the second Sunday of May",
        Nth(2, Sunday, 5),
    ),
    holiday(
        "fathers-day-at",
        "the second Sunday of June",
        Nth(2, Sunday, 6),
    ),
    holiday(
        "fathers-day-au",
        "the first Sunday of September",
        Nth(1, Sunday, 9),
    ),
    holiday(
        "fathers-day-be",
        "the second Sunday of June",
        Nth(2, Sunday, 6),
    ),
    holiday(
        "fathers-day-br",
        "the second Sunday of August",
        Nth(2, Sunday, 8),
    ),
    holiday(
        "fathers-day-ca",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday(
        "fathers-day-ch",
        "the first Sunday of June",
        Nth(1, Sunday, 6),
    ),
    holiday("fathers-day-de", "Ascension Day", Easter(39)),
    holiday("fathers-day-dk", "5 June", On(6, 5)),
    holiday("fathers-day-es", "19 March", On(3, 19)),
    holiday(
        "fathers-day-fi",
        "the second Sunday of November",
        Nth(2, Sunday, 11),
    ),
    holiday(
        "fathers-day-fr",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday(
        "fathers-day-ie",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday("fathers-day-it", "19 March", On(3, 19)),
    holiday(
        "fathers-day-lt",
        "the first Sunday of June",
        Nth(1, Sunday, 6),
    ),
    holiday(
        "fathers-day-mx",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday(
        "fathers-day-nl",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday(
        "fathers-day-no",
        "the second Sunday of November",
        Nth(2, Sunday, 11),
    ),
    holiday(
        "fathers-day-nz",
        "the first Sunday of September",
        Nth(1, Sunday, 9),
    ),
    holiday("fathers-day-pl", "23 June", On(6, 23)),
    holiday("fathers-day-pt", "19 March", On(3, 19)),
    holiday(
        "fathers-day-se",
        "the second Sunday of November",
        Nth(2, Sunday, 11),
    ),
    holiday(
        "fathers-day-uk",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
    holiday(
        "fathers-day-us",
        "the third Sunday of June",
        Nth(3, Sunday, 6),
    ),
];
