//! What a clean business hears, and what a dirty one.

use jiff::ToSpan as _;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::model::PartialDate;

fn languages() -> Languages {
    Languages {
        of_letters: vec!["en".to_owned(), "de".to_owned()],
        own: "en".to_owned(),
    }
}

/// Somebody of whom all is well.
fn person(n: u32) -> Customer {
    let born = date(1945, 1, 1)
        .checked_add((i64::from(n) * 7_919 % 21_000).days())
        .unwrap();
    Customer {
        id: format!("c{n}"),
        email: Some(format!("person{n}@gmail.com")),
        first_name: Some(format!("Ann{n}")),
        last_name: Some("Okafor".to_owned()),
        language: Some("de-AT".to_owned()),
        timezone: Some("Europe/Vienna".to_owned()),
        birthday: Some(born.into()),
        joined_on: Some(date(2020, 3, 14)),
        ..Customer::default()
    }
}

fn judged(people: impl IntoIterator<Item = Customer>) -> Quality {
    let mut inspector = Inspector::new(date(2026, 11, 28), languages());
    for one in people {
        inspector.see(&one);
    }
    inspector.judge(Twins::default())
}

fn kinds(quality: &Quality) -> Vec<(&'static str, u64)> {
    let all = quality.findings.iter();
    all.map(|one| (one.kind, one.customers)).collect()
}

#[test]
fn a_clean_shop_hears_nothing_whatever_its_size() {
    for size in [0, 1, 39, 40, 200, 20_000] {
        let quality = judged((0..size).map(person));
        assert_eq!(quality.findings, [], "{size}");
        assert_eq!(quality.known.customers, u64::from(size));
        assert_eq!(quality.known.birth_year, u64::from(size));
    }
}

#[test]
fn a_date_that_stands_for_unknown_is_told() {
    let unknown = PartialDate::new(Some(1970), 1, 1);
    let people = (0..2_000).map(|n| Customer {
        birthday: if n % 9 == 0 {
            unknown
        } else {
            person(n).birthday
        },
        ..person(n)
    });
    let quality = judged(people);
    assert_eq!(kinds(&quality), [("birthday-spike", 223)]);
    let told = &quality.findings[0];
    assert!(
        told.words.starts_with("were born on 1 January 1970"),
        "{}",
        told.words
    );
    assert_eq!(told.examples, ["c0", "c9", "c18", "c27", "c36"]);
}

#[test]
fn days_and_months_that_were_swapped_show_in_all_of_them() {
    let born = |year: i16, month: u32, day: u32| {
        let [month, day] = [month, day].map(|n| i8::try_from(n).unwrap());
        PartialDate::new(Some(year), month, day)
    };
    let people = (0..200).map(|n| Customer {
        birthday: born(1950, 1 + n % 12, 1 + n % 11),
        ..person(n)
    });
    assert!(kinds(&judged(people)).contains(&("days-and-months-swapped", 200)));
    let first = (0..200).map(|n| Customer {
        birthday: born(i16::try_from(1950 + n / 4).unwrap(), 1 + n % 12, 1),
        ..person(n)
    });
    assert_eq!(kinds(&judged(first)), [("birthdays-on-the-first", 200)]);
}

#[test]
fn what_cannot_be_true_is_told() {
    let mut people: Vec<Customer> = (0..8).map(person).collect();
    people[0].birthday = PartialDate::new(Some(2027), 1, 1);
    people[1].birthday = PartialDate::new(Some(1901), 2, 3);
    people[2].joined_on = Some(date(2026, 11, 29));
    people[3].joined_on = Some(date(1940, 1, 1));
    people[4].email = Some("Ann@Shop.test".to_owned());
    people[5].email = Some("no-reply@shop.de".to_owned());
    people[6].timezone = Some("Europe/Viena".to_owned());
    people[7].language = Some("pl".to_owned());
    people[7].first_name = Some("unknown".to_owned());
    people[7].last_name = None;
    let mut found = kinds(&judged(people));
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("address-leads-nowhere", 1),
            ("address-unread", 1),
            ("birthday-ahead", 1),
            ("joined-ahead", 1),
            // Whoever isn't born yet can't have joined.
            ("joined-before-born", 2),
            ("no-letter-in-language", 1),
            ("stand-in-name", 1),
            ("too-old", 1),
            ("unknown-zone", 1),
        ]
    );
}

#[test]
fn a_slip_is_a_slip_only_while_it_is_rare() {
    let ends_with = |n: u32, domain: &str| Customer {
        email: Some(format!("person{n}@{domain}")),
        ..person(n)
    };
    let few = (0..100).map(|n| ends_with(n, if n < 3 { "gmial.com" } else { "gmail.com" }));
    assert_eq!(kinds(&judged(few)), [("address-slip", 3)]);
    // A firm of that name, all of whose people are customers.
    let many = (0..100).map(|n| ends_with(n, if n < 50 { "gmall.com" } else { "gmail.com" }));
    assert_eq!(kinds(&judged(many)), []);
}

proptest! {
    /// Birthdays as chance deals them are never called wrong.
    #[test]
    fn chance_is_not_suspicious(seed in any::<u64>(), size in 40_u64..3_000) {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let people: Vec<Customer> = (0..size)
            .map(|n| {
                let days = i64::try_from(next() % 20_000).unwrap();
                let born = date(1946, 1, 1).checked_add(days.days()).unwrap();
                Customer {
                    birthday: Some(born.into()),
                    ..person(u32::try_from(n).unwrap())
                }
            })
            .collect();
        prop_assert_eq!(judged(people).findings, []);
    }
}
