//! How alerts read: every matter in every language, and with words of one's own.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::date;

use super::*;
use crate::render::Phrases;

fn at() -> Timestamp {
    "2027-03-02T09:00:00Z".parse().unwrap()
}

/// Every matter, and whatever changes its words.
fn matters() -> Vec<Matter> {
    let standstills = doubts()
        .into_iter()
        .map(|doubt| Matter::Standstill { doubt });
    let all = letters().into_iter().chain(standstills);
    all.chain(ways_and_sources()).chain(others()).collect()
}

fn letters() -> Vec<Matter> {
    let held = |why| Matter::Held {
        rule: "new-year".to_owned(),
        day: date(2027, 1, 1),
        why,
    };
    let findings = "rules/a.toml:3:1: there is no key `titel`\n    did you mean ```title```?";
    vec![
        held(Some(Wait::TooMany)),
        held(Some(Wait::First)),
        held(None),
        Matter::Edit {
            findings: findings.to_owned(),
        },
        Matter::Unknown { letters: 1 },
        Matter::Unknown { letters: 3 },
        Matter::Refusals {
            answers: 20,
            refused: 2,
        },
        Matter::Unwritten {
            rule: "new-year".to_owned(),
            letters: 1,
        },
        Matter::Unwritten {
            rule: "new-year".to_owned(),
            letters: 12,
        },
    ]
}

fn doubts() -> Vec<Doubt> {
    let older = |seen, letters| Doubt::Older { seen, letters };
    vec![
        Doubt::BeforeBuild { built: at() },
        Doubt::FarAhead { built: at() },
        Doubt::Behind { seen: at() },
        Doubt::Ahead { seen: at() },
        older(None, 0),
        older(Some(at()), 1),
        older(Some(at()), 12),
        Doubt::OtherLife,
        Doubt::OtherStore,
        Doubt::Lost {
            seen: at(),
            letters: 1,
        },
        Doubt::Lost {
            seen: at(),
            letters: 12,
        },
        Doubt::Alone,
        Doubt::Copied,
        Doubt::InTurns,
        Doubt::OutboxAhead { letters: 1 },
        Doubt::OutboxAhead { letters: 3 },
    ]
}

fn ways_and_sources() -> Vec<Matter> {
    let away = |is_relay, others_work| Matter::Away {
        name: "mail.example:465".to_owned(),
        is_relay,
        others_work,
        said: "421 4.3.2 [later](https://evil.example)".to_owned(),
    };
    let source = |said: Option<&str>| Matter::Source {
        name: "till".to_owned(),
        said: said.map(str::to_owned),
    };
    vec![
        away(true, true),
        away(false, false),
        Matter::RefusesUs {
            name: "mail.example:465".to_owned(),
            said: "535 5.7.8 no".to_owned(),
        },
        source(None),
        source(Some("no such file: data/till.csv")),
        Matter::Unusable {
            name: "till".to_owned(),
            at: at(),
            records: 1_200,
            refused: 700,
        },
        Matter::ManyGone {
            name: "people".to_owned(),
            gone: 9,
            of: 40,
        },
    ]
}

fn others() -> Vec<Matter> {
    let complaint = |customer: &str, who: Option<&str>, text: &str| Matter::Complaint {
        customer: customer.to_owned(),
        who: who.map(str::to_owned),
        face: 1,
        faces: 5,
        at: at(),
        rule: "thank-you".to_owned(),
        text: text.to_owned(),
    };
    let hostile = "Ann [x](https://evil.example)";
    vec![
        complaint("ann", Some(hostile), "Too late.\n\nReally."),
        complaint("a b", None, ""),
        Matter::PassesFail {
            why: "the disk is full".to_owned(),
        },
        Matter::Other {
            kind: "new".to_owned(),
            name: "x".to_owned(),
        },
    ]
}

fn with<T>(language: &str, phrases: &Phrases, tell: impl FnOnce(Voice<'_>) -> T) -> T {
    let title = |rule: &str| match rule {
        "new-year" => "New Year".to_owned(),
        rule => format!("The *{rule}*"),
    };
    tell(Voice {
        words: phrases.of(language),
        zone: &TimeZone::get("Europe/Berlin").unwrap(),
        title: &title,
    })
}

#[test]
fn alerts_read_well_in_every_language() {
    let mut told = String::new();
    for language in ["en-GB", "de-AT", "fr"] {
        with(language, Phrases::built_in(), |voice| {
            for matter in matters() {
                let letter = alert(&matter, Stage::Begins, voice);
                writeln!(told, "# {}\n\n{}", letter.subject, letter.text).unwrap();
                assert!(!letter.html.contains("href"), "{}", letter.html);
                // A standstill's name isn't for people.
                let name = match &matter {
                    Matter::Held { rule, .. } => rule.clone(),
                    Matter::Standstill { .. } => String::new(),
                    _ => matter.name(),
                };
                assert!(letter.subject.contains(&name), "{}", letter.subject);
                let lang = format!("<html lang=\"{}\"", voice.words.language);
                assert!(letter.html.contains(&lang), "{}", letter.html);
            }
            for stage in [Stage::BeganAt(at()), Stage::Over, Stage::WasThere(at())] {
                let letter = alert(&Matter::Unknown { letters: 1 }, stage, voice);
                writeln!(told, "# {}\n\n{}", letter.subject, letter.text).unwrap();
            }
        });
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("alerts", told);
    });
}

/// What stands in it as code: commands, settings.
fn code(markdown: &str) -> BTreeSet<&str> {
    markdown.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_a_person_can_do_is_the_same_in_every_language() {
    let bodies = |language: &str| -> Vec<String> {
        with(language, Phrases::built_in(), |voice| {
            matters().iter().map(|one| body(one, voice)).collect()
        })
    };
    let english = bodies("en");
    for language in ["de", "fr"] {
        for (ours, theirs) in english.iter().zip(bodies(language)) {
            assert!(code(ours).is_subset(&code(&theirs)), "{ours}\n{theirs}");
            assert_ne!(*ours, theirs);
        }
    }
}

#[test]
fn no_text_is_there_for_nothing_and_none_lacks_a_value() {
    let file = include_str!("../phrases/en.toml");
    let texts = file.split_once("[alert]").unwrap().1;
    let all = with("en", Phrases::built_in(), |voice| {
        let mut all = String::new();
        for matter in matters() {
            for stage in [Stage::Begins, Stage::WasThere(at()), Stage::Over] {
                let letter = alert(&matter, stage, voice);
                all.extend([letter.subject, letter.text]);
            }
        }
        all
    });
    assert!(!all.contains(['{', '}']), "{all}");
    // The first words of every text stand somewhere.
    let plain = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in texts.lines().filter(|line| line.contains(" = \"")) {
        let (name, text) = line.split_once(" = \"").unwrap();
        let text = text.trim_matches('"');
        let longest = text.split(['{', '}', '`']).max_by_key(|part| part.len());
        let longest = longest.unwrap().trim();
        // A moment is nothing but values.
        assert!(
            name == "moment" || plain.contains(longest),
            "{name}: {longest}"
        );
    }
}

#[test]
fn a_language_of_one_s_own_says_what_it_can_and_the_rest_in_english() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = String::new();
    // What customers read has to be there.
    for line in include_str!("../phrases/en.toml").lines() {
        if line == "[alert]" {
            break;
        }
        writeln!(file, "{line}").unwrap();
    }
    file.push_str("[alert]\nneeds = \"fondly ha bisogno di voi: {what}\"\n");
    std::fs::write(dir.path().join("it.toml"), &file).unwrap();
    let (phrases, findings) = Phrases::load(dir.path());
    assert!(findings.is_empty(), "{findings:#?}");
    let letter = with("it-CH", &phrases, |voice| {
        alert(&Matter::Unknown { letters: 1 }, Stage::Begins, voice)
    });
    let subject = "fondly ha bisogno di voi: nobody knows whether some letters arrived";
    assert_eq!(letter.subject, subject);
    assert!(letter.text.contains("after 1 letter"), "{}", letter.text);
    // What can't be used is said, as of any other text.
    std::fs::write(
        dir.path().join("it.toml"),
        file.replace("{what}", "{who}") + "[alert.edit]\nwhot = \"x\"\n",
    )
    .unwrap();
    let (_, findings) = Phrases::load(dir.path());
    let messages: Vec<&str> = findings.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "there is no text `alert.edit.whot`",
            "`alert.needs` hasn't the values that it needs",
        ]
    );
}
