//! The built-in holidays by name.
//!
//! What is here has one date that can be computed and that people agree on, or says whose date it
//! is. What has none (Diwali, Tết, local feasts) is left to the business's own files.

use jiff::civil::{Date, Weekday};

use super::by_country::BY_COUNTRY;
use super::moving::Day;

/// A holiday of the built-in calendar.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// As rules name it.
    pub name: &'static str,
    /// When it is, for people.
    pub when: &'static str,
    day: Day,
}

impl BuiltIn {
    /// All of them, in the order of the page that lists them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        HOLIDAYS.iter().chain(BY_COUNTRY)
    }

    /// The holiday of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|holiday| holiday.name == name)
    }

    /// Its dates within this year, the earliest first.
    pub fn in_year(&self, year: i16) -> Vec<Date> {
        self.day.in_year(year)
    }
}

pub(super) const fn holiday(name: &'static str, when: &'static str, day: Day) -> BuiltIn {
    BuiltIn { name, when, day }
}

use Day::{Chinese, Easter, From, Hebrew, Julian, Korean, On, OrthodoxEaster, Persian, UmmAlQura};
use Weekday::Sunday;

/// Those that are the same in every country that keeps them, and some national days.
const HOLIDAYS: &[BuiltIn] = &[
    // On the same day every year.
    holiday("new-year", "1 January", On(1, 1)),
    holiday("epiphany", "6 January", On(1, 6)),
    holiday("candlemas", "2 February", On(2, 2)),
    holiday("valentines", "14 February", On(2, 14)),
    holiday("womens-day", "8 March", On(3, 8)),
    holiday("st-patricks", "17 March", On(3, 17)),
    holiday("st-georges", "23 April", On(4, 23)),
    holiday("labour-day", "1 May", On(5, 1)),
    holiday("europe-day", "9 May", On(5, 9)),
    holiday("midsummer", "24 June, St John's", On(6, 24)),
    holiday("canada-day", "1 July", On(7, 1)),
    holiday("independence-day-us", "4 July", On(7, 4)),
    holiday("bastille-day", "14 July", On(7, 14)),
    holiday("national-day-ch", "1 August", On(8, 1)),
    holiday("assumption", "15 August", On(8, 15)),
    holiday("unity-day-de", "3 October", On(10, 3)),
    holiday("national-day-at", "26 October", On(10, 26)),
    holiday("halloween", "31 October", On(10, 31)),
    holiday("reformation-day", "31 October", On(10, 31)),
    holiday("all-saints", "1 November", On(11, 1)),
    holiday("all-souls", "2 November", On(11, 2)),
    holiday("guy-fawkes", "5 November", On(11, 5)),
    holiday("st-martins", "11 November", On(11, 11)),
    holiday("st-andrews", "30 November", On(11, 30)),
    holiday("st-nicholas", "6 December", On(12, 6)),
    holiday("st-lucys", "13 December", On(12, 13)),
    holiday("christmas-eve", "24 December", On(12, 24)),
    holiday("christmas", "25 December", On(12, 25)),
    holiday("boxing-day", "26 December", On(12, 26)),
    holiday("new-years-eve", "31 December", On(12, 31)),
    // Around the western Easter.
    holiday(
        "shrove-monday",
        "48 days before Easter, Rosenmontag",
        Easter(-48),
    ),
    holiday(
        "shrove-tuesday",
        "47 days before Easter, Mardi Gras",
        Easter(-47),
    ),
    holiday("ash-wednesday", "46 days before Easter", Easter(-46)),
    holiday("palm-sunday", "7 days before Easter", Easter(-7)),
    holiday("maundy-thursday", "3 days before Easter", Easter(-3)),
    holiday("good-friday", "2 days before Easter", Easter(-2)),
    holiday("easter", "Easter Sunday", Easter(0)),
    holiday("easter-monday", "the day after Easter", Easter(1)),
    holiday("ascension", "39 days after Easter", Easter(39)),
    holiday("pentecost", "49 days after Easter, Whit Sunday", Easter(49)),
    holiday("whit-monday", "50 days after Easter", Easter(50)),
    holiday("trinity-sunday", "56 days after Easter", Easter(56)),
    holiday("corpus-christi", "60 days after Easter", Easter(60)),
    holiday(
        "advent-1",
        "the fourth Sunday before Christmas",
        From(Sunday, 11, 27),
    ),
    holiday(
        "advent-2",
        "the third Sunday before Christmas",
        From(Sunday, 12, 4),
    ),
    holiday(
        "advent-3",
        "the second Sunday before Christmas",
        From(Sunday, 12, 11),
    ),
    holiday(
        "advent-4",
        "the last Sunday before Christmas",
        From(Sunday, 12, 18),
    ),
    // As the orthodox churches keep them.
    holiday(
        "orthodox-christmas",
        "25 December of the Julian calendar: 7 January until 2100",
        Julian(12, 25),
    ),
    holiday(
        "clean-monday",
        "48 days before orthodox Easter",
        OrthodoxEaster(-48),
    ),
    holiday(
        "orthodox-palm-sunday",
        "7 days before orthodox Easter",
        OrthodoxEaster(-7),
    ),
    holiday(
        "orthodox-good-friday",
        "2 days before orthodox Easter",
        OrthodoxEaster(-2),
    ),
    holiday(
        "orthodox-easter",
        "orthodox Easter Sunday",
        OrthodoxEaster(0),
    ),
    holiday(
        "orthodox-easter-monday",
        "the day after orthodox Easter",
        OrthodoxEaster(1),
    ),
    holiday(
        "orthodox-ascension",
        "39 days after orthodox Easter",
        OrthodoxEaster(39),
    ),
    holiday(
        "orthodox-pentecost",
        "49 days after orthodox Easter",
        OrthodoxEaster(49),
    ),
    holiday(
        "orthodox-whit-monday",
        "50 days after orthodox Easter",
        OrthodoxEaster(50),
    ),
    // Jewish feasts, each with its day; they begin on the evening before.
    holiday("purim", "14 Adar (in leap years Adar II)", Hebrew(6, 14)),
    holiday(
        "passover",
        "15 Nisan, the first day; the Seder is the evening before",
        Hebrew(7, 15),
    ),
    holiday("shavuot", "6 Sivan, the first day", Hebrew(9, 6)),
    holiday(
        "rosh-hashanah",
        "1 Tishri, the first day; it begins the evening before",
        Hebrew(1, 1),
    ),
    holiday(
        "yom-kippur",
        "10 Tishri; it begins the evening before",
        Hebrew(1, 10),
    ),
    holiday("sukkot", "15 Tishri, the first day", Hebrew(1, 15)),
    holiday(
        "hanukkah",
        "25 Kislev, the first day; the first candle is lit the evening before",
        Hebrew(3, 25),
    ),
    // Islamic feasts by Saudi Arabia's calendar; elsewhere the moon may be seen a day later.
    holiday(
        "islamic-new-year",
        "1 Muharram, by Umm al-Qura",
        UmmAlQura(1, 1),
    ),
    holiday(
        "mawlid",
        "12 Rabi' al-awwal, by Umm al-Qura",
        UmmAlQura(3, 12),
    ),
    holiday(
        "ramadan",
        "1 Ramadan, the first day of fasting, by Umm al-Qura",
        UmmAlQura(9, 1),
    ),
    holiday(
        "eid-al-fitr",
        "1 Shawwal, the first day, by Umm al-Qura",
        UmmAlQura(10, 1),
    ),
    holiday(
        "eid-al-adha",
        "10 Dhu al-Hijjah, the first day, by Umm al-Qura",
        UmmAlQura(12, 10),
    ),
    // By the moon in East Asia, and by the sun in Iran.
    holiday(
        "lunar-new-year",
        "the first day of the Chinese year",
        Chinese(1, 1),
    ),
    holiday(
        "lantern-festival",
        "the 15th of the first Chinese month",
        Chinese(1, 15),
    ),
    holiday(
        "dragon-boat",
        "the 5th of the fifth Chinese month",
        Chinese(5, 5),
    ),
    holiday(
        "qixi",
        "the 7th of the seventh Chinese month",
        Chinese(7, 7),
    ),
    holiday(
        "mid-autumn",
        "the 15th of the eighth Chinese month",
        Chinese(8, 15),
    ),
    holiday(
        "double-ninth",
        "the 9th of the ninth Chinese month",
        Chinese(9, 9),
    ),
    holiday("seollal", "the first day of the Korean year", Korean(1, 1)),
    holiday(
        "chuseok",
        "the 15th of the eighth Korean month",
        Korean(8, 15),
    ),
    holiday(
        "nowruz",
        "1 Farvardin, the first day of the Persian year",
        Persian(1, 1),
    ),
];
