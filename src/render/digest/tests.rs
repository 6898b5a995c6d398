//! The letter as owners read it, in each language, and what hostile records make of it.

use std::fmt::Write as _;

use jiff::civil::date;

use super::*;
use crate::model::{Outcome, Reason};

/// A full week.
fn facts() -> Facts {
    let counts = |all: &[(&str, u64)]| -> Vec<(String, u64)> {
        all.iter()
            .map(|(what, n)| ((*what).to_owned(), *n))
            .collect()
    };
    Facts {
        business: "Thorn & Rose".to_owned(),
        days: (date(2026, 11, 23), date(2026, 11, 30)),
        console: None,
        sent: counts(&[
            ("Birthday greeting", 9),
            ("We miss you", 2),
            ("Thank you", 1),
        ]),
        not_sent: vec![(Why::CameAnyway, 2), (Why::Enough, 1_204)],
        idle: None,
        balance: (10, 2),
        back: vec![
            Back {
                title: "We miss you".to_owned(),
                within_days: 30,
                count: 5,
                names: ["Ann Ames", "Bob", "c17"].map(str::to_owned).to_vec(),
                compared: Some(Compared {
                    meant: (120, 43),
                    left_out: (14, 3),
                    told: Told::Unclear,
                }),
            },
            Back {
                title: "We still miss you".to_owned(),
                within_days: 30,
                count: 1,
                names: vec!["Zoë".to_owned()],
                compared: None,
            },
        ],
        missing: missing(),
        ahead: Some(Ahead {
            days: 7,
            known: true,
            letters: counts(&[("Birthday greeting", 4)]),
            held: 230,
        }),
        needs: needs(),
        broken: vec![
            Broken {
                what: Fault::Source("till".to_owned()),
                since: date(2026, 11, 28),
            },
            Broken {
                what: Fault::ManyRefusals,
                since: date(2026, 11, 30),
            },
        ],
    }
}

fn missing() -> Missing {
    Missing {
        count: 12,
        worth: vec![(4_300.4, "GBP".to_owned()), (80.0, "EUR".to_owned())],
        others: false,
        top: vec![
            Gone {
                name: "Carl Cox".to_owned(),
                silent_days: 58,
                usually: Some(30.5),
                worth: Some((1_420.0, "GBP".to_owned())),
            },
            Gone {
                name: "Dora".to_owned(),
                silent_days: 9,
                usually: Some(1.0),
                worth: None,
            },
        ],
    }
}

fn needs() -> Vec<Need> {
    vec![
        Need::Held {
            title: "New Year".to_owned(),
            rule: "new-year".to_owned(),
            day: date(2027, 1, 1),
            letters: 230,
        },
        Need::Unknown(1),
        Need::Quarantined(17),
        Need::ManyGone {
            name: "people".to_owned(),
            gone: 9,
            of: 1_040,
        },
        Need::Paused(date(2026, 11, 29)),
        Need::Other("Ann Ames is unhappy".to_owned()),
    ]
}

/// An empty week.
fn empty(idle: Idle) -> Facts {
    Facts {
        business: "Thorn & Rose".to_owned(),
        days: (date(2026, 11, 23), date(2026, 11, 30)),
        idle: Some(idle),
        ahead: Some(Ahead {
            days: 7,
            known: true,
            ..Ahead::default()
        }),
        ..Facts::default()
    }
}

#[test]
fn the_letter_reads_well_in_every_language() {
    let mut told = String::new();
    for language in ["en-GB", "de-AT", "fr"] {
        for facts in [facts(), empty(Idle::NothingDue)] {
            let letter = digest(&facts, language);
            writeln!(told, "# {}\n\n{}", letter.subject, letter.text).unwrap();
        }
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("digest", told);
    });
}

#[test]
fn with_a_console_decisions_are_a_tap_away() {
    let letter = digest(
        &Facts {
            console: Some("https://console.thorn.example".to_owned()),
            ..facts()
        },
        "en",
    );
    for link in ["/held/new-year/2027-01-01", "/held", "/sources", "/missing"] {
        let link = format!("<a href=\"https://console.thorn.example{link}\">");
        assert!(letter.html.contains(&link), "{link}: {}", letter.html);
    }
    assert!(!letter.text.contains("fondly approve"), "{}", letter.text);
    let letter = digest(&facts(), "en");
    assert!(!letter.html.contains("<a "), "{}", letter.html);
    assert!(
        letter
            .text
            .contains("fondly approve new-year --on 2027-01-01")
    );
}

/// Whatever a record, a rule's title or a source holds, it stays words.
#[test]
fn nothing_hostile_becomes_markup() {
    let nasty = "<script>alert(1)</script>\r\nBcc: x@evil.example\u{202E}[win](https://evil.example) \
                 **b** `c` # h {n} {title} www.evil.example";
    let with = |text: &str| {
        let mut all = facts();
        text.clone_into(&mut all.business);
        all.sent[0].0 = text.to_owned();
        all.back[0].title = text.to_owned();
        all.back[0].names[0] = text.to_owned();
        all.missing.top[0].name = text.to_owned();
        all.missing.top[0].worth = Some((5.0, text.to_owned()));
        all.missing.worth[0].1 = text.to_owned();
        all.ahead.as_mut().unwrap().letters[0].0 = text.to_owned();
        all.needs.push(Need::Other(text.to_owned()));
        all.needs[0] = Need::Held {
            title: text.to_owned(),
            rule: "new-year".to_owned(),
            day: date(2027, 1, 1),
            letters: 3,
        };
        all.broken[0].what = Fault::Source(text.to_owned());
        all.broken[1].what = Fault::Other(text.to_owned());
        all
    };
    let tags = |html: &str| {
        let starts = html.match_indices('<').map(|(at, _)| {
            let tag = html.get(at..).unwrap();
            tag.split(['>', ' ']).next().unwrap().to_owned()
        });
        starts.collect::<Vec<_>>()
    };
    for language in ["en", "de", "fr"] {
        let letter = digest(&with(nasty), language);
        let tame = digest(&with("plain"), language);
        assert_eq!(tags(&letter.html), tags(&tame.html), "{language}");
        for gone in ["href", "://", "\u{202E}", "www.evil"] {
            let (_, shown) = letter.html.split_once("</title>").unwrap();
            assert!(!shown.contains(gone), "{language} {gone}");
            assert!(!letter.text.contains(gone), "{language} {gone}");
        }
        assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
        let said = letter.text.matches("<script>alert(1)</script>").count();
        assert!(said >= 10, "{said}");
    }
}

#[test]
fn whoever_has_a_name_without_end_leaves_room_for_the_others() {
    let long = "W".repeat(10_000);
    let mut facts = facts();
    facts.sent[0].0.clone_from(&long);
    facts.missing.top[0].name.clone_from(&long);
    facts.missing.worth[0].1 = long;
    facts.missing.others = true;
    for (language, others) in [
        ("en", "and sums in other"),
        ("de", "und Beträge in"),
        ("fr", "et des sommes dans"),
    ] {
        let letter = digest(&facts, language);
        assert!(letter.text.len() < 5_000, "{}", letter.text);
        assert!(letter.text.contains("WWWWWWWW…"), "{}", letter.text);
        assert!(letter.text.contains(others), "{}", letter.text);
    }
}

#[test]
fn an_empty_week_says_why() {
    let told = |idle| digest(&empty(idle), "en").text;
    assert!(told(Idle::NothingDue).contains("Nothing was sent. It was nobody's day"));
    assert!(told(Idle::Paused).contains("Everything is paused."));
    assert!(told(Idle::NoRules).contains("No rule is switched on."));
    assert!(told(Idle::NoCustomers).contains("No customer is on record yet."));
    assert!(told(Idle::AllKept).contains("kept back"));
    let mut unknown = empty(Idle::NothingDue);
    unknown.ahead.as_mut().unwrap().known = false;
    assert!(
        digest(&unknown, "en")
            .text
            .contains("couldn't be worked out")
    );
}

/// Every reason has a kind that the owner is told of, and none says the same as another.
#[test]
fn every_reason_is_told_in_one_of_a_few_kinds() {
    for reason in Reason::ALL {
        let why = why(Outcome::Skipped, Some(reason)).unwrap();
        assert!(Why::ALL.contains(&why), "{reason}");
    }
    for outcome in Outcome::ALL {
        let kept = matches!(
            outcome,
            Outcome::Skipped | Outcome::Rejected | Outcome::Expired
        );
        assert_eq!(why(outcome, None).is_some(), kept, "{outcome}");
    }
    for language in ["en", "de", "fr"] {
        let phrases = phrases::of(language);
        let words: std::collections::BTreeSet<String> =
            Why::ALL.iter().map(|why| phrases.why(*why, 2)).collect();
        assert_eq!(words.len(), Why::ALL.len());
    }
}
