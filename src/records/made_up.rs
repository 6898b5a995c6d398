//! A made-up florist for `demo` and for trying things out: 200 customers whose dates lie around
//! a given day, as the two CSV files that a till would export. No real person.
//!
//! Pure: the day and the seed decide every byte. May not read a clock or a file.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;

/// How many customers can be used; a few more rows are there to be quarantined.
pub const CUSTOMERS: usize = 200;

/// Zones of those who are due today. At any moment of the day it is between nine and twenty
/// o'clock for at least three of them, so that a demonstration always has something to send.
const ZONES_OF_THE_DUE: [&str; 14] = [
    "Pacific/Auckland",
    "Pacific/Auckland",
    "Pacific/Auckland",
    "Australia/Brisbane",
    "Australia/Brisbane",
    "Australia/Brisbane",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "America/New_York",
    "America/New_York",
    "America/Los_Angeles",
    "America/Los_Angeles",
];
/// Everybody else's; most live near the shop.
const ZONES: &str = "\
    Europe/London Europe/London Europe/London Europe/London Europe/Dublin \
    Europe/Berlin Europe/Vienna Europe/Paris Europe/Brussels America/New_York";
const FIRST_EN: &str = "\
    Alice Oliver Grace Harry Maeve Noah Priya Samuel Chloë Idris Fiona Callum Ruth \
    Kwame Tess Owen";
const LAST_EN: &str = "\
    Ashdown Barlow Carrick Dunmore Elstow Farrow Gill Hartley O'Shea Jessop Kendal \
    Lowther Marsh Nair Okafor Pryce";
const FIRST_DE: &str =
    "Jörg Anneliese Lukas Käthe Moritz Greta Özlem Stefan Birgit Felix Ursula Tim";
const LAST_DE: &str =
    "Weiß Grünwald Köhler Brandt Lindner Sommer Yıldız Vogel Schäfer Hofer Kranz Lang";
const FIRST_FR: &str = "Zoé Étienne Margaux Luc Agnès Théo Inès Gaël Colette Rémi Amina Jean-Luc";
const LAST_FR: &str = "\
    Lefèvre Garnier Besson D'Arcy Chevalier Fontaine Marchand Noël Perrin Roussel \
    Diallo Vidal";
const FLOWERS: &str = "roses tulips peonies lilies dahlias anemones";

/// What a customer is there to show.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// A birthday so many days from today.
    Birthday(i64),
    /// The latest purchase so many days ago.
    Bought(i64),
    /// No contact since so many days.
    Silent(i64),
    /// A birthday today, but the person said no more.
    BirthdayUnsubscribed,
    /// A birthday today, but no consent.
    BirthdayNoConsent,
    /// A birthday today, but no address.
    BirthdayNoAddress,
    /// A purchase to give thanks for, but also an open complaint.
    BoughtAndComplained,
    /// Silent for 90 days, but for a purchase since.
    CameBack,
    /// Nothing in particular.
    Regular,
}

/// The two files of the florist: customers and events. Their columns bear the fields' names and
/// their dates are ISO, so that neither a mapping nor `dates` is needed.
///
/// Today at least a dozen birthdays, thank-yous (three days after a purchase) and we-miss-yous
/// (after 90 days of silence) come due; others yesterday, tomorrow and in the days after. Three
/// rows can't be used: two customers and one event.
pub fn business(today: Date, seed: u64) -> (String, String) {
    let mut dice = Dice(seed);
    let mut events = Vec::new();
    let mut customers = "id,email,first_name,last_name,language,timezone,birthday,joined_on,\
                         consent,unsubscribed,tags,attr.favourite\n"
        .to_owned();
    for (index, (part, turn)) in parts(&mut dice).into_iter().enumerate() {
        let id = format!("C{:03}", index + 1);
        let days = contacts(part, &mut dice);
        for &ago in &days {
            events.push(purchase_or_visit(&id, ago, part, &mut dice));
        }
        if matches!(part, Part::BoughtAndComplained) {
            events.push(Happening::new(&id, 1, "complaint-opened"));
        }
        let first_contact = days.iter().copied().max().unwrap_or_default();
        let joined_on = before(today, first_contact + dice.below(400));
        let person = Person {
            id,
            part,
            turn,
            joined_on,
        };
        person.write(today, &mut customers, &mut dice);
    }
    customers.push_str(
        "C201,ruby.moss@mail.example,Ruby,Moss,en,Europe/London,1990-02-31,,yes,no,,roses\n\
         C202,hugo at post.example,Hugo,Ems,de,Europe/Berlin,1984-06-17,,yes,no,,tulips\n",
    );
    (customers, written(events, today))
}

/// Who shows what, in the order of the ids, each with its turn among its like.
fn parts(dice: &mut Dice) -> Vec<(Part, usize)> {
    let mut parts = Vec::with_capacity(CUSTOMERS);
    for turn in 0..ZONES_OF_THE_DUE.len() {
        for part in [Part::Birthday(0), Part::Bought(3), Part::Silent(90)] {
            parts.push((part, turn));
        }
    }
    let soon = (1..=10).map(Part::Birthday);
    let lately = [-1, -1, -2].map(Part::Birthday);
    let bought = [0, 1, 1, 2, 2, 2, 4].map(Part::Bought);
    let silent = (80..90).chain([91, 93]).map(Part::Silent);
    let others = [
        Part::BirthdayUnsubscribed,
        Part::BirthdayNoConsent,
        Part::BirthdayNoAddress,
        Part::BoughtAndComplained,
        Part::CameBack,
        Part::CameBack,
    ];
    let shown = soon.chain(lately).chain(bought).chain(silent).chain(others);
    parts.extend(shown.map(|part| (part, 0)));
    parts.resize(CUSTOMERS, (Part::Regular, 0));
    for last in (1..parts.len()).rev() {
        parts.swap(last, dice.index(last + 1));
    }
    parts
}

/// How many days ago this customer was in contact, the latest first.
fn contacts(part: Part, dice: &mut Dice) -> Vec<i64> {
    let cadence = 10 + dice.below(50);
    let (latest, earlier) = match part {
        Part::Bought(ago) => (ago, dice.below(8)),
        Part::BoughtAndComplained => (3, 4),
        Part::Silent(ago) => (ago, 2 + dice.below(8)),
        Part::CameBack => (10, 1),
        // Some of the others are long gone, as in any shop.
        Part::Regular if dice.below(4) == 0 => (100 + dice.below(300), dice.below(6)),
        _ => (5 + dice.below(60), dice.below(9)),
    };
    let mut days = vec![latest];
    let mut ago = match part {
        Part::CameBack => 90,
        _ => latest + cadence + dice.below(9),
    };
    for _ in 0..earlier {
        days.push(ago);
        ago += cadence + dice.below(9);
    }
    days
}

#[derive(Debug)]
struct Happening {
    ago: i64,
    /// Empty for a bare day.
    time: String,
    customer: String,
    kind: &'static str,
    /// Amount, currency and quantity, as the file has them.
    worth: String,
}

impl Happening {
    fn new(customer: &str, ago: i64, kind: &'static str) -> Self {
        Self {
            ago,
            time: String::new(),
            customer: customer.to_owned(),
            kind,
            worth: ",,".to_owned(),
        }
    }
}

fn purchase_or_visit(customer: &str, ago: i64, part: Part, dice: &mut Dice) -> Happening {
    let plays_a_part = !matches!(part, Part::Regular);
    if !plays_a_part && dice.below(6) == 0 {
        return Happening::new(customer, ago, "visit");
    }
    let mut bought = Happening::new(customer, ago, "purchase");
    let flowers = 1 + dice.below(24);
    let pence = flowers * (180 + dice.below(240));
    bought.worth = format!("{}.{:02},GBP,{flowers}", pence / 100, pence % 100);
    // The last days stay bare days: a clock time might lie on another day where the customer is.
    if ago > 3 && dice.below(2) == 0 {
        bought.time = format!(" {:02}:{:02}", 10 + dice.below(7), dice.below(60));
    }
    bought
}

/// The events as a till numbers them: in the order in which they happened.
fn written(mut events: Vec<Happening>, today: Date) -> String {
    events.sort_by(|left, right| {
        let order = right.ago.cmp(&left.ago);
        order
            .then_with(|| left.time.cmp(&right.time))
            .then_with(|| left.customer.cmp(&right.customer))
    });
    let mut text = "id,customer_id,kind,at,amount,currency,quantity\n".to_owned();
    let mut number = 0;
    for event in events {
        number += 1;
        let day = before(today, event.ago);
        let Happening {
            time,
            customer,
            kind,
            worth,
            ..
        } = event;
        line(
            &mut text,
            format_args!("T{number:05},{customer},{kind},{day}{time},{worth}"),
        );
    }
    let day = before(today, 2);
    line(
        &mut text,
        format_args!("T{:05},C007,purchase,{day},\"12,50\",GBP,1", number + 1),
    );
    text
}

struct Person {
    id: String,
    part: Part,
    /// Its turn among those who show the same.
    turn: usize,
    joined_on: Date,
}

impl Person {
    fn write(&self, today: Date, text: &mut String, dice: &mut Dice) {
        let due = matches!(
            self.part,
            Part::Birthday(0) | Part::Bought(3) | Part::Silent(90)
        );
        let zone = if due {
            ZONES_OF_THE_DUE
                .get(self.turn)
                .copied()
                .unwrap_or("Europe/London")
        } else {
            dice.pick(ZONES)
        };
        let (language, first, last) = match zone {
            "Europe/Berlin" | "Europe/Vienna" => ("de", dice.pick(FIRST_DE), dice.pick(LAST_DE)),
            "Europe/Paris" | "Europe/Brussels" => ("fr", dice.pick(FIRST_FR), dice.pick(LAST_FR)),
            _ => ("en", dice.pick(FIRST_EN), dice.pick(LAST_EN)),
        };
        let email = match self.part {
            Part::BirthdayNoAddress => String::new(),
            _ => address(first, last, &self.id),
        };
        let birthday = self.birthday(today, dice);
        let consent = match (self.part, dice.below(20)) {
            (Part::BirthdayNoConsent, _) | (Part::Regular, 0) => "no",
            (Part::Regular, 1..6) => "unknown",
            _ => "yes",
        };
        let unsubscribed = match (self.part, dice.below(30)) {
            (Part::BirthdayUnsubscribed, _) | (Part::Regular, 0) => "yes",
            _ => "no",
        };
        let (id, joined_on) = (&self.id, self.joined_on);
        let tags = match dice.below(8) {
            0 => "vip",
            1 => "newsletter",
            2 => "wedding",
            3 => "vip;newsletter",
            _ => "",
        };
        let flower = dice.pick(FLOWERS);
        line(
            text,
            format_args!(
                "{id},{email},{first},{last},{language},{zone},{birthday},{joined_on},{consent},\
                 {unsubscribed},{tags},{flower}"
            ),
        );
    }

    /// As the file has it: with or without a year, or empty.
    fn birthday(&self, today: Date, dice: &mut Dice) -> String {
        let (day, may_be_empty) = match self.part {
            Part::Birthday(ahead) => (before(today, -ahead), false),
            Part::BirthdayUnsubscribed | Part::BirthdayNoConsent | Part::BirthdayNoAddress => {
                (today, false)
            }
            // Not near today, lest a rule's numbers blur.
            _ => (before(today, -(20 + dice.below(320))), true),
        };
        let (chance, age) = (dice.below(10), 20 + dice.below(60));
        if may_be_empty && chance == 0 {
            return String::new();
        }
        let year = i64::from(day.year()) - age;
        let born = i16::try_from(year).ok();
        // Every third of today's, and now and then another, keeps the year to itself.
        let silent_on_year = if may_be_empty {
            chance == 1
        } else {
            self.turn % 3 == 2
        };
        match born.and_then(|year| Date::new(year, day.month(), day.day()).ok()) {
            Some(born) if !silent_on_year => born.to_string(),
            // Nobody is born on 29 February of most years; without a year it can be said always.
            _ => format!("--{:02}-{:02}", day.month(), day.day()),
        }
    }
}

/// An address of plain letters at a domain that can't exist (RFC 2606).
fn address(first: &str, last: &str, id: &str) -> String {
    let plain: String = format!("{first}.{last}.{id}")
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            'ä' | 'à' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' => Some('e'),
            'ö' | 'ô' => Some('o'),
            'ü' => Some('u'),
            'ı' | 'ï' => Some('i'),
            'ß' => Some('s'),
            c => (c.is_ascii_alphanumeric() || c == '.').then_some(c),
        })
        .collect();
    format!("{plain}@mail.example")
}

fn before(today: Date, days: i64) -> Date {
    today.saturating_sub(days.days())
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    _ = writeln!(text, "{line}");
}

/// `SplitMix64`: small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `n`.
    fn below(&mut self, n: u32) -> i64 {
        // The remainder is below 2^32, so that it always fits.
        i64::try_from(self.roll() % u64::from(n.max(1))).unwrap_or_default()
    }

    /// A place among so many.
    fn index(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        usize::try_from(self.below(n)).unwrap_or_default()
    }

    /// One of these words.
    fn pick(&mut self, words: &'static str) -> &'static str {
        let index = self.index(words.split(' ').count());
        words.split(' ').nth(index).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use jiff::civil::date;

    use super::super::examples::{rows, source};
    use super::super::{Feeds, Row};
    use super::*;
    use crate::model::{Consent, Customer, Event, When};

    struct Shop {
        customers: Vec<Customer>,
        events: Vec<Event>,
        refused: usize,
    }

    fn shop(today: Date, seed: u64) -> Shop {
        let (customers, events) = business(today, seed);
        let folder = tempfile::tempdir().unwrap();
        let mut shop = Shop {
            customers: Vec::new(),
            events: Vec::new(),
            refused: 0,
        };
        for (text, feeds) in [(customers, Feeds::Customers), (events, Feeds::Events)] {
            let path = folder.path().join("made-up.csv");
            fs::write(&path, text).unwrap();
            for row in rows(&source(path, feeds)).unwrap() {
                match row {
                    Row::Customer(customer, _) => shop.customers.push(customer),
                    Row::Event(event) => shop.events.push(event),
                    Row::Refused(_) => shop.refused += 1,
                }
            }
        }
        shop
    }

    fn day(event: &Event) -> Date {
        match event.at {
            When::Day(day) => day,
            When::Instant(at) => jiff::tz::TimeZone::UTC.to_datetime(at).date(),
        }
    }

    impl Shop {
        fn latest(&self, customer: &Customer) -> Date {
            let own = self
                .events
                .iter()
                .filter(|event| event.customer_id == customer.id);
            own.map(day).max().unwrap()
        }

        fn willing(&self) -> impl Iterator<Item = &Customer> {
            self.customers
                .iter()
                .filter(|c| c.email.is_some() && !c.unsubscribed && c.consent == Consent::Yes)
        }
    }

    #[test]
    fn today_has_something_of_everything() {
        for today in [
            date(2027, 5, 2),
            date(2028, 2, 29),
            date(2027, 2, 28),
            date(2027, 1, 1),
        ] {
            let shop = shop(today, 7);
            assert_eq!(
                (shop.customers.len(), shop.refused),
                (CUSTOMERS, 3),
                "{today}"
            );
            let birthday = |c: &&Customer| {
                let born = c.birthday;
                born.is_some_and(|b| (b.month(), b.day()) == (today.month(), today.day()))
            };
            let due: Vec<_> = shop.willing().filter(birthday).collect();
            assert_eq!(due.len(), 14, "{today}");
            assert!(due.iter().any(|c| c.birthday.unwrap().year().is_none()));
            let zones: BTreeSet<_> = due.iter().filter_map(|c| c.timezone.clone()).collect();
            assert_eq!(zones.len(), 7, "{zones:?}");
            let unwilling = shop.customers.iter().filter(birthday).count() - due.len();
            assert_eq!(unwilling, 3, "unsubscribed, no consent, no address");
            let last = |ago: i64| {
                let that_day = before(today, ago);
                shop.willing()
                    .filter(|c| shop.latest(c) == that_day)
                    .count()
            };
            assert_eq!(last(3), 14, "to be thanked, {today}");
            assert_eq!(last(90), 14, "missed, {today}");
            assert!(
                last(89) > 0 && last(2) > 0 && last(1) > 0,
                "tomorrow and after"
            );
            assert!(shop.events.iter().all(|event| day(event) <= today));
            assert!(
                shop.events
                    .iter()
                    .any(|event| event.kind == "complaint-opened")
            );
        }
    }

    #[test]
    fn the_day_and_the_seed_decide_every_byte() {
        let today = date(2027, 5, 2);
        assert_eq!(business(today, 1), business(today, 1));
        assert_ne!(business(today, 1), business(today, 2));
        assert_ne!(business(today, 1), business(date(2027, 5, 3), 1));
    }

    #[test]
    fn people_are_varied_and_unreal() {
        let shop = shop(date(2027, 5, 2), 7);
        let languages: BTreeSet<_> = shop.customers.iter().map(|c| c.language.clone()).collect();
        assert_eq!(languages.len(), 3);
        let mut addresses: Vec<_> = shop
            .customers
            .iter()
            .filter_map(|c| c.email.as_deref())
            .collect();
        assert!(
            addresses
                .iter()
                .all(|address| address.ends_with(".example"))
        );
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), CUSTOMERS - 1, "one has no address");
        let gone = |event: &&Event| shop.customers.iter().all(|c| c.id != event.customer_id);
        assert_eq!(shop.events.iter().find(gone), None);
    }
}
