//! A rule's file, whatever stands in it: every finding points into the file and can be printed, and
//! a rule without a finding can be asked about people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use fondly::decide::gate::{Answer, Batch, Case, judge};
use fondly::decide::occasions;
use fondly::model::facts::{BusinessWords, build};
use fondly::model::tables::decode;
use fondly::model::view::moment;
use fondly::model::{Amount, AttrValue, Customer, Event, Occasion, Policy, View, When};
use fondly::rules::{OwnHolidays, Rule, Written, parse};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::findings::points_into_its_file;

/// The days that a rule is asked about: two changes of the clock, and a 29 February.
const FROM: Date = date(2028, 2, 20);
const UNTIL: Date = date(2028, 4, 10);

/// Reads the file, and works out whom the rule would write to.
pub(crate) fn check(data: &[u8]) {
    let source = match decode("config/rules/a.toml".to_owned(), data.to_vec()) {
        Ok(source) => source,
        Err(finding) => return points_into_its_file(&finding),
    };
    let (rule, findings) = parse(&source, "a", &OwnHolidays::default());
    assert_eq!(rule.is_none(), !findings.is_empty());
    findings.iter().for_each(points_into_its_file);
    let Some(rule) = rule else { return };
    let again = Written::rule(&rule.written.kept(), "a").unwrap();
    assert_eq!(again.version, rule.version);
    assert_eq!(again.trigger, rule.trigger);
    for view in views() {
        is_asked(&rule, view);
    }
}

/// Its occasions lie in the days that were asked for, each once; each gets an answer.
fn is_asked(rule: &Rule, view: &View) {
    let policy = policy();
    let found = occasions(rule, view, policy, FROM, UNTIL);
    let mut known = BTreeSet::new();
    for occasion in &found {
        assert!((FROM..=UNTIL).contains(&occasion.day), "{occasion:?}");
        assert!(known.insert(&occasion.key), "twice: {occasion:?}");
    }
    assert!(found.is_sorted_by_key(|occasion| occasion.due_at));
    for occasion in found.iter().take(8) {
        gets_an_answer(rule, (view, occasion), policy);
    }
}

fn gets_an_answer(rule: &Rule, (view, occasion): (&View, &Occasion), policy: &Policy) {
    let now = occasion.due_at;
    let answer = judge(&Case {
        rule: Some(rule),
        class: rule.class,
        audience: rule.audience,
        occasion,
        zone: &TimeZone::get(&occasion.zone).unwrap(),
        view,
        policy,
        batch: Batch::default(),
        now,
        facts: &|| {
            build(
                view,
                Some(occasion),
                &Arc::new(BusinessWords::default()),
                now,
            )
        },
    });
    if let Answer::Defer(until, _) | Answer::Hold(until, _) = answer {
        assert!(until > now, "{answer:?} at {now}");
    }
}

fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let zone = || TimeZone::get("Europe/London").unwrap();
    POLICY.get_or_init(|| Policy::new(zone(), "Europe/London"))
}

/// Somebody with a rich record and much behind them, and somebody of whom hardly anything is known.
fn views() -> &'static [View; 2] {
    static VIEWS: OnceLock<[View; 2]> = OnceLock::new();
    VIEWS.get_or_init(|| {
        let nobody = Customer {
            id: "2".to_owned(),
            ..Customer::default()
        };
        [full_view(), View::new(nobody, TimeZone::UTC, "UTC")]
    })
}

fn full_view() -> View {
    let attrs = [
        ("wedding", AttrValue::Date("2010-03-12".parse().unwrap())),
        ("size", AttrValue::Number(38.5)),
        ("friend", AttrValue::YesNo(true)),
        ("colour", AttrValue::Text("red".to_owned())),
    ];
    let customer = Customer {
        id: "1".to_owned(),
        email: Some("ada@mail.example".to_owned()),
        first_name: Some("Ada".to_owned()),
        birthday: "1984-02-29".parse().ok(),
        joined_on: Some(date(2020, 3, 31)),
        staff_email: Some("anna@thorn.example".to_owned()),
        tags: vec!["vip".to_owned()],
        attrs: attrs.map(|(name, value)| (name.to_owned(), value)).into(),
        ..Customer::default()
    };
    let zone = "Pacific/Apia";
    let kinds = [
        "visit",
        "purchase",
        "usage",
        "complaint-opened",
        "complaint-closed",
        "call",
    ];
    let events = (0..40_i64).map(|n| {
        let at = Timestamp::from_second(1_780_000_000 + n * n * 40_000).unwrap();
        let kind = kinds[usize::try_from(n).unwrap() % kinds.len()];
        Event {
            id: format!("e{n}"),
            customer_id: "1".to_owned(),
            kind: kind.to_owned(),
            at: if n % 3 == 0 {
                When::Day(TimeZone::UTC.to_datetime(at).date())
            } else {
                When::Instant(at)
            },
            amount: Amount::parse("12.5"),
            currency: Some("GBP".to_owned()),
            quantity: Amount::parse("3"),
            attrs: BTreeMap::new(),
        }
    });
    let mut view = View::new(customer, TimeZone::get(zone).unwrap(), zone);
    view.events = events.collect();
    view.events.sort_by_key(|event| moment(event, &view.zone));
    view
}
