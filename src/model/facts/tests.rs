//! Facts, asked the way letters and conditions ask.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, context};

use super::*;
use crate::model::Consent;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn event(id: &str, kind: &str, when: When, amount: Option<(&str, &str)>) -> Event {
    Event {
        id: id.to_owned(),
        customer_id: "7".to_owned(),
        kind: kind.to_owned(),
        at: when,
        amount: amount.map(|(n, _)| Amount::parse(n).unwrap()),
        currency: amount.map(|(_, c)| c.to_owned()),
        quantity: Amount::parse("2"),
        attrs: BTreeMap::from([("size".to_owned(), AttrValue::Text("XL".to_owned()))]),
    }
}

/// A customer in Auckland, where it is already 2 May when London still has 1 May.
fn view() -> View {
    View {
        customer: Customer {
            id: "7".to_owned(),
            first_name: Some("Aroha".to_owned()),
            last_name: Some(" ".to_owned()),
            birthday: Some("2000-02-29".parse().unwrap()),
            joined_on: Some(day("2017-05-03")),
            tags: vec!["vip".to_owned(), "club".to_owned()],
            consent: Consent::Yes,
            attrs: BTreeMap::from([
                ("points".to_owned(), AttrValue::Number(120.0)),
                (
                    "wedding".to_owned(),
                    AttrValue::Date("--06-01".parse().unwrap()),
                ),
                ("blank".to_owned(), AttrValue::Text(String::new())),
                ("member".to_owned(), AttrValue::YesNo(true)),
            ]),
            ..Customer::default()
        },
        erased: false,
        gone: false,
        suppressed: false,
        revision: 1,
        zone: TimeZone::get("Pacific/Auckland").unwrap(),
        zone_name: "Pacific/Auckland".to_owned(),
        past: Vec::new(),
        events: vec![
            event(
                "a",
                "purchase",
                When::Day(day("2026-05-02")),
                Some(("100", "NZD")),
            ),
            event(
                "b",
                "purchase",
                When::Day(day("2026-05-03")),
                Some(("10.25", "NZD")),
            ),
            event("c", "visit", When::Day(day("2027-04-30")), None),
            event(
                "d",
                "purchase",
                When::Instant(at("2027-05-01T13:00:00Z")),
                Some(("2", "NZD")),
            ),
            event(
                "e",
                "purchase",
                When::Instant(at("2027-05-01T20:00:00Z")),
                Some(("50", "EUR")),
            ),
        ],
        sent: Vec::new(),
    }
}

/// 02:00 on 2 May in Auckland.
const NOW: &str = "2027-05-01T14:00:00Z";

fn occasion() -> Occasion {
    Occasion {
        key: "d".to_owned(),
        day: day("2027-05-04"),
        due_at: at("2027-05-03T21:00:00Z"),
        zone: "Pacific/Auckland".to_owned(),
        anchor: day("2027-05-02"),
        years: None,
        event: Some("d".to_owned()),
    }
}

fn ask(expression: &str) -> Result<Value, minijinja::Error> {
    ask_of(expression, &view(), Some(&occasion()), NOW)
}

fn ask_of(
    expression: &str,
    view: &View,
    occasion: Option<&Occasion>,
    now: &str,
) -> Result<Value, minijinja::Error> {
    let business = Arc::new(BusinessWords {
        name: "Thorn & Rose".to_owned(),
        language: "en".to_owned(),
        ..BusinessWords::default()
    });
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let change = occasion.map(|_| Change {
        used: Amount::parse("14").unwrap(),
        usual: Amount::parse("20.6667").unwrap(),
        percent: -32,
        days: 30,
    });
    let facts = build_with(view, (occasion, change), &business, at(now));
    env.compile_expression(expression)?.eval(facts)
}

#[track_caller]
fn is(expression: &str, expected: impl Into<Value>) {
    assert_eq!(ask(expression).unwrap(), expected.into(), "{expression}");
}

#[test]
fn fields_have_their_values() {
    is("customer.id", "7");
    is("customer.name", "Aroha");
    is("customer.birthday", "2000-02-29");
    is("customer.joined_on", "2017-05-03");
    is("customer.consent", "yes");
    is("customer.unsubscribed", false);
    is("customer.attr.points", 120);
    is("customer.attr.wedding", "--06-01");
    is("customer.attr.member", true);
    is(
        "'vip' in customer.tags and customer.tags | length == 2",
        true,
    );
    is("customer['first_name']", "Aroha");
    is("business.name", "Thorn & Rose");
    is("event.id ~ event.kind", "dpurchase");
    is("event.date", "2027-05-02");
    is("event.at", "2027-05-01T13:00:00Z");
    is("event.amount == 2 and event.amount < 2.5", true);
    is("event.quantity", 2);
    is("event.attr.size", "XL");
    is(
        "occasion.date ~ ' ' ~ occasion.day",
        "2027-05-02 2027-05-04",
    );
    is("occasion.days_silent", 2);
}

#[test]
fn missing_values_have_defaults_and_nothing_else() {
    for field in [
        "customer.last_name",
        "customer.email",
        "customer.staff_name",
        "customer.attr.blank",
        "customer.attr.never_heard_of",
        "occasion.years",
        "business.postal_address",
        "customer.last('call')",
    ] {
        is(&format!("{field} | default('x')"), "x");
        is(&format!("{field} is defined"), false);
        assert!(ask(&format!("'Dear ' ~ {field}")).is_err(), "{field}");
        assert!(ask(&format!("{field} > 3")).is_err(), "{field}");
    }
}

#[test]
fn unknown_names_are_errors_even_with_a_default() {
    for (field, near) in [
        ("customer.frist_name", "`first_name`"),
        ("customer.birthdy", "`birthday`"),
        ("event.ammount", "`amount`"),
        ("occasion.yaers", "`years`"),
        ("business.nam", "`name`"),
        ("customer.spent('1 year')", "`spend`"),
    ] {
        let error = ask(&format!("{field} | default('x')")).unwrap_err();
        let detail = error.detail().unwrap();
        assert!(detail.contains(near), "{field}: {detail}");
    }
    let error = ask("customer.shoe_size").unwrap_err();
    assert!(error.detail().unwrap().contains("customer.attr.shoe_size"));
}

#[test]
fn every_name_that_exists_is_known_and_answered() {
    let mut view = view();
    let some = Some("x".to_owned());
    view.customer.last_name.clone_from(&some);
    view.customer.email.clone_from(&some);
    view.customer.salutation.clone_from(&some);
    view.customer.language.clone_from(&some);
    view.customer.timezone.clone_from(&some);
    view.customer.staff_email.clone_from(&some);
    view.customer.staff_name.clone_from(&some);
    view.customer.consent_at = Some(at(NOW));
    let mut occasion = occasion();
    occasion.years = Some(3);
    for top in ["customer", "event", "occasion"] {
        for field in names::fields(top).filter(|f| !["spend", "count", "last"].contains(f)) {
            let name = format!("{top}.{field}");
            assert!(check_name(&name).is_ok(), "{name}");
            let value = ask_of(&name, &view, Some(&occasion), NOW).unwrap();
            assert!(!value.is_undefined(), "{name}");
        }
    }
    assert!(check_name("customer.attr.anything").is_ok());
    assert!(check_name("range").is_ok());
    let unknown = check_name("custmer.first_name").unwrap_err();
    assert_eq!(unknown.help, "did you mean `customer`?");
}

#[test]
fn a_change_in_use_has_its_figures_and_other_occasions_have_none() {
    is("occasion.used", 14);
    is("occasion.usual", 20.6667);
    is("occasion.percent", 32);
    is("occasion.window_days", 30);
    let facts = build(
        &view(),
        Some(&occasion()),
        &Arc::new(BusinessWords::default()),
        at(NOW),
    );
    let occasion = facts.get_attr("occasion").unwrap();
    assert!(occasion.get_attr("used").unwrap().is_undefined());
}

#[test]
fn nothing_later_than_now_is_seen() {
    is("customer.purchases", 3);
    is("customer.last('purchase')", "2027-05-02");
    is("customer.last_contact", "2027-05-02");
    is("customer.count('visit')", 1);
    let early = "2027-05-01T12:59:59Z";
    let view = view();
    let occasion = occasion();
    for (expression, expected) in [
        ("customer.purchases", Value::from(2)),
        ("event is defined", Value::from(false)),
        ("customer.last_contact", Value::from("2027-04-30")),
    ] {
        let value = ask_of(expression, &view, Some(&occasion), early).unwrap();
        assert_eq!(value, expected, "{expression}");
    }
    assert!(ask_of("event.amount", &view, Some(&occasion), early).is_err());
}

#[test]
fn the_latest_contacts_come_first_and_are_few() {
    let told = "customer.last_contacts | map(attribute='date') | join(' ')";
    is(told, "2027-05-02 2027-04-30 2026-05-03 2026-05-02");
    is("customer.last_contacts[0].amount", 2);
    is(
        "customer.last_contacts[0].kind ~ customer.last_contacts[0].currency",
        "purchaseNZD",
    );
    is("customer.last_contacts[1].kind", "visit");
    is("customer.last_contacts[1].amount is defined", false);
    let error = ask("customer.last_contacts[0].ammount | default('x')").unwrap_err();
    assert!(error.detail().unwrap().contains("`amount`"), "{error}");

    let mut busy = view();
    for n in 0..9 {
        let kind = if n == 8 { "complaint-opened" } else { "call" };
        busy.events
            .push(event("f", kind, When::Day(day("2027-05-02")), None));
    }
    let calls = "customer.last_contacts | map(attribute='kind') | join(' ')";
    let calls = ask_of(calls, &busy, None, NOW).unwrap();
    assert_eq!(calls, Value::from("call call call call call"));
}

#[test]
fn periods_are_civil_and_end_now() {
    // 2 May 2026 is exactly 12 months ago, and no longer counts.
    is("customer.spend('12 months')", 12.25);
    is("customer.spend('366 days')", 112.25);
    is("customer.spend()", 112.25);
    is("customer.count('purchase', '12 months')", 2);
    is("customer.count('purchase', '1 day')", 1);
    is("customer.count('purchase', '30 minutes')", 0);
    is("customer.count('purchase', '2 hours')", 1);
    for bad in ["'12 monts'", "'-3 days'", "12"] {
        assert!(ask(&format!("customer.spend({bad})")).is_err(), "{bad}");
    }
}

#[test]
fn currencies_are_never_mixed() {
    let view = view();
    let later = "2027-05-02T00:00:00Z";
    let error = ask_of("customer.spend('12 months')", &view, None, later).unwrap_err();
    assert!(
        error.detail().unwrap().contains("in NZD and in EUR"),
        "{error}"
    );
    let euros = ask_of("customer.spend('12 months', 'eur')", &view, None, later).unwrap();
    assert_eq!(euros, Value::from(50));
}

#[test]
fn ages_are_those_of_the_occasion() {
    is("customer.age", 27);
    is("customer.years_with_us", 10);
    let view = view();
    let on = |anchor: &str, due: &str| {
        let occasion = Occasion {
            anchor: day(anchor),
            day: day(due),
            ..occasion()
        };
        ask_of("customer.age", &view, Some(&occasion), NOW).unwrap()
    };
    assert_eq!(on("2027-02-28", "2027-02-28"), Value::from(27));
    assert_eq!(on("2027-02-27", "2027-02-27"), Value::from(26));
    assert_eq!(on("2028-02-28", "2028-02-28"), Value::from(27));
    // A greeting a week ahead speaks of the new age, one about a silence of today's.
    assert_eq!(on("2028-02-29", "2028-02-22"), Value::from(28));
    assert_eq!(on("2026-12-01", "2027-03-01"), Value::from(27));
    let today = ask_of(
        "customer.age ~ '/' ~ customer.years_with_us",
        &view,
        None,
        NOW,
    );
    assert_eq!(today.unwrap(), Value::from("27/9"));
}

#[test]
fn a_record_never_prints_whole() {
    let env = Environment::new();
    let facts = build(
        &view(),
        Some(&occasion()),
        &Arc::new(BusinessWords::default()),
        at(NOW),
    );
    let customer = facts.get_attr("customer").unwrap();
    let shown = env
        .render_str("{{ c }}", context! { c => customer })
        .unwrap();
    assert_eq!(shown, "customer");
}
