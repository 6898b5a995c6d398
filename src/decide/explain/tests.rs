//! Every trigger, reason and outcome in its sentence.

mod ahead;
mod quiet;
mod reasons;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::civil::date as day;

use quiet::{of_silences, of_use};

use super::*;
use crate::decide::gate::{Answer, Batch, Case, judge};
use crate::decide::occasions;
use crate::model::customer::Consent;
use crate::model::finding::SourceText;
use crate::model::policy::{Audience, Cap, Class, Learnt, MarketingBasis, QuietHours};
use crate::model::view::Sent;
use crate::model::{
    AttrValue, Customer, Event, Occasion, Outcome, Policy, Reason, Topic, View, When,
};
use crate::rhythm::pattern::Once;
use crate::rhythm::{Pattern, Scale};
use crate::rules::{OwnHolidays, Rule, parse};

const BERLIN: &str = "Europe/Berlin";

fn zone() -> TimeZone {
    TimeZone::get(BERLIN).unwrap()
}

fn at(text: &str) -> Timestamp {
    zone().to_timestamp(text.parse().unwrap()).unwrap()
}

/// A rule as people write it, but for what every rule has.
fn rule(text: &str) -> Rule {
    let class = if text.contains("class") {
        ""
    } else {
        "class = \"marketing\"\n"
    };
    let audience = if text.contains("audience") {
        ""
    } else {
        "audience = \"customer\"\n"
    };
    let text = format!("title = \"R\"\ntemplate = \"t\"\n{class}{audience}{text}");
    let source = SourceText {
        name: "r.toml".to_owned(),
        text,
    };
    let (rule, findings) = parse(&Arc::new(source), "r", &OwnHolidays::default());
    assert_eq!(findings, []);
    rule.unwrap()
}

fn view() -> View {
    View::new(
        Customer {
            id: "1".to_owned(),
            email: Some("ann@mail.example".to_owned()),
            birthday: Some("1984-02-29".parse().unwrap()),
            joined_on: Some(day(2022, 5, 3)),
            ..Customer::default()
        },
        zone(),
        BERLIN,
    )
}

fn policy() -> Policy {
    Policy {
        quiet: Some(QuietHours {
            from: jiff::civil::time(20, 0, 0, 0),
            until: jiff::civil::time(8, 0, 0, 0),
        }),
        caps: vec![
            Cap {
                class: Some(Class::Marketing),
                count: 1,
                days: 14,
            },
            Cap {
                class: None,
                count: 2,
                days: 3,
            },
        ],
        learnt: vec![learnt()],
        ..Policy::new(TimeZone::get("Europe/London").unwrap(), "Europe/London")
    }
}

/// Three hundred customers who come about every twenty days.
fn learnt() -> Learnt {
    Learnt {
        contact: vec!["purchase".to_owned(), "visit".to_owned()],
        since: day(2026, 1, 1),
        customers: 300,
        pattern: Pattern {
            scale: Scale::Log,
            centre: 3.0,
            weight: 2.0,
            shape: 3.0,
            spread: 0.5,
            stopping: 0.5,
            staying: 3.0,
            change: 0.001,
            once: Once {
                centre: 4.0,
                spread: 1.2,
                stop: 0.4,
            },
        },
    }
}

fn with_events(events: &[(&str, &str)]) -> View {
    let mut view = view();
    let event = |(n, (kind, on)): (usize, &(&str, &str))| Event {
        id: format!("e{n}"),
        customer_id: "1".to_owned(),
        kind: (*kind).to_owned(),
        at: When::Day(on.parse().unwrap()),
        amount: None,
        currency: None,
        quantity: None,
        attrs: std::collections::BTreeMap::default(),
    };
    view.events = events.iter().enumerate().map(event).collect();
    view
}

fn with_attr(name: &str, value: &str) -> View {
    let mut view = view();
    let value = AttrValue::Date(value.parse().unwrap());
    view.customer.attrs.insert(name.to_owned(), value);
    view
}

fn first(rule: &Rule, view: &View) -> Option<Occasion> {
    let (from, to) = (day(2027, 1, 1), day(2035, 1, 1));
    occasions(rule, view, &policy(), from, to)
        .into_iter()
        .next()
}

/// A rule and somebody to hold it against.
type Example = (&'static str, View);

fn nameless() -> View {
    View {
        customer: Customer::default(),
        ..view()
    }
}

fn shopped() -> View {
    with_events(&[
        ("purchase", "2027-03-01"),
        ("visit", "2027-04-02"),
        ("visit", "2027-05-03"),
    ])
}

fn no_year() -> View {
    let mut view = with_attr("wedding", "--05-02");
    view.customer.birthday = Some("--02-29".parse().unwrap());
    view
}

fn of_the_calendar() -> Vec<Example> {
    vec![
        ("[trigger.anniversary]\nfield = \"birthday\"", view()),
        (
            "[trigger.anniversary]\nfield = \"birthday\"\nfeb29 = \"mar1\"\noffset = \"-7 days\"",
            no_year(),
        ),
        (
            "[trigger.anniversary]\nfield = \"birthday\"\nfeb29 = \"skip\"",
            view(),
        ),
        (
            "[trigger.anniversary]\nfield = \"joined_on\"\nyears = [5, 10]\n[send]\nzone = \"business\"",
            view(),
        ),
        (
            "[trigger.anniversary]\nfield = \"joined_on\"\nyears = [1]",
            view(),
        ),
        (
            "[trigger.anniversary]\nfield = \"attr.wedding\"\nyears = [1]",
            no_year(),
        ),
        ("[trigger.anniversary]\nfield = \"birthday\"", nameless()),
        (
            "[trigger.date]\nfield = \"attr.renewal\"\noffset = \"-1 month\"",
            with_attr("renewal", "2027-03-31"),
        ),
        (
            "[trigger.date]\nfield = \"attr.renewal\"",
            with_attr("renewal", "2026-03-31"),
        ),
        ("[trigger.date]\nfield = \"attr.wedding\"", no_year()),
        ("[trigger.date]\nfield = \"attr.renewal\"", view()),
        ("[trigger.date]\nfield = \"joined_on\"", nameless()),
        (
            "[trigger.holiday]\nholiday = \"easter\"\noffset = \"-1 week\"",
            view(),
        ),
        ("[trigger.holiday]\nholiday = \"easter\"", nameless()),
        ("[trigger.fixed]\non = [2027-06-01, 2028-05-30]", view()),
        ("[trigger.fixed]\non = [2026-06-01]", view()),
    ]
}

fn of_what_happened() -> Vec<Example> {
    vec![
        (
            "[trigger.event]\nevent = \"purchase\"\nafter = \"3 days\"",
            shopped(),
        ),
        (
            "[trigger.event]\nevent = \"purchase\"\nafter = \"2 hours\"",
            shopped(),
        ),
        (
            "[trigger.event]\nevent = \"visit\"\nbetween = [\"10 days\", \"40 days\"]\nwhich = 2\n[send]\nspread = \"3 hours\"",
            shopped(),
        ),
        (
            "[trigger.event]\nevent = \"visit\"\nafter = \"1 day\"\nwhich = 3",
            shopped(),
        ),
        (
            "[trigger.event]\nevent = \"call\"\nafter = \"1 day\"",
            shopped(),
        ),
        (
            "[trigger.event]\nevent = \"call\"\nafter = \"1 day\"",
            with_events(&[("call", "2026-05-01")]),
        ),
        (
            "[trigger.event]\nevent = \"call\"\nafter = \"1 day\"\nwhich = \"first\"",
            with_events(&[("call", "2026-05-01")]),
        ),
    ]
}

/// The days on which nothing comes of it, each for another reason.
#[test]
fn why_a_change_in_use_isnt_told() {
    let mut told = String::new();
    for (n, (text, view)) in of_use().into_iter().enumerate() {
        let rule = rule(text);
        for on in [
            day(2027, 1, 20),
            day(2027, 5, 20),
            day(2027, 6, 5),
            day(2027, 6, 30),
            day(2028, 3, 1),
        ] {
            let words = nothing(&rule, &view, &policy(), on);
            if told.contains(&words) {
                continue;
            }
            writeln!(told, "{n} on {on}\n    {words}").unwrap();
        }
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("explain_use", told);
    });
}

/// Every trigger's arithmetic, and why it gives nothing.
#[test]
fn how_occasions_come_about() {
    let mut told = String::new();
    let all = of_the_calendar().into_iter().chain(of_what_happened());
    for (text, view) in all.chain(of_silences()).chain(of_use()) {
        let rule = rule(text);
        let words = first(&rule, &view).map_or_else(
            || nothing(&rule, &view, &policy(), day(2027, 1, 1)),
            |occasion| arises(&rule, &view, &policy(), &occasion),
        );
        writeln!(told, "{}\n    {words}", text.replace('\n', " ")).unwrap();
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("explain_occasions", told);
    });
}

/// What the ledger tells: every outcome, with a reason that it can have.
#[test]
fn every_outcome_is_a_sentence() {
    let mut told = String::new();
    for outcome in Outcome::ALL {
        let (reason, reply) = match outcome {
            Outcome::Planned | Outcome::Sending => (None, None),
            Outcome::Held => (Some(Reason::TooLate), None),
            Outcome::Deferred => (
                Some(Reason::TemporaryRefusal),
                Some("451 4.7.1 try again later"),
            ),
            Outcome::Sent => (Some(Reason::Accepted), Some("250 2.0.0 Ok: queued as 4711")),
            Outcome::Skipped => (Some(Reason::NoConsent), None),
            Outcome::Rejected => (Some(Reason::BadAddress), Some("550 5.1.1 no such user")),
            Outcome::Expired => (Some(Reason::RelayTrouble), Some("connection refused")),
            Outcome::Unknown => (Some(Reason::ReplyLost), Some("the connection ended")),
        };
        let words = settled(&Settled {
            outcome,
            reason,
            at: Some(at("2027-05-02T09:00")),
            next: Some(at("2027-05-02T09:15")),
            zone: &zone(),
            reply,
        });
        writeln!(told, "{outcome}\n    {words}").unwrap();
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("explain_outcomes", told);
    });
}

#[test]
fn numbers_are_counted_as_people_do() {
    let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).to_vec();
    assert_eq!(
        said,
        [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"
        ]
    );
    assert_eq!(counted(1, "day"), "1 day");
}
