//! What is shipped in `config/`: rules that are ready, and letters that a warm person would sign.
//!
//! All letters stand in `tests/snapshots/letters-<language>.snap`, to be read in one go, each for a
//! customer of whom much is known and for one of whom nothing is known but an address.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fondly::model::facts::{self, BusinessWords};
use fondly::model::occasion::Change;
use fondly::model::{Amount, AttrValue, Customer, Event, Occasion, View, When};
use fondly::render::{Catalogue, Letter};
use fondly::rules::{self, AfterEvent, Rule, Trigger};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::shop::{Shop, files};

const LANGUAGES: [&str; 3] = ["en", "de", "fr"];
/// The rules that work without a word of explanation.
const ON: [&str; 3] = ["birthday", "thank-you", "we-miss-you"];
/// How many are ready.
const RULES: usize = 17;
/// Notes to the business's own people, which may be as long as the facts are.
const TO_THE_HOUSE: [&str; 4] = ["owner-quiet", "staff-call", "usage-down", "usage-up"];
/// A letter that takes longer to read is no longer a greeting.
const MOST_WORDS: usize = 120;
const BUSINESS: &str = "Thorn & Rose";
/// The day on which every letter here is written.
const DAY: &str = "2027-05-03";

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name)
}

fn shipped_rules() -> Vec<Rule> {
    let loaded = rules::load(&config("rules"), &config("holidays")).unwrap();
    assert_eq!(loaded.findings, []);
    loaded.rules
}

fn shipped_letters() -> Catalogue {
    let (letters, findings) = Catalogue::load(&config("templates"));
    assert_eq!(findings, []);
    letters
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A customer of whom nothing is known but an address.
fn bare() -> Customer {
    Customer {
        id: "C7".to_owned(),
        email: Some("maria@mail.example".to_owned()),
        ..Customer::default()
    }
}

/// A customer of whom everything is known, as a business of this language keeps it.
fn full(language: &str) -> Customer {
    let some = |text: &str| Some(text.to_owned());
    let title = match language {
        "de" => "Frau Dr.",
        "fr" => "Madame",
        _ => "Mrs",
    };
    Customer {
        first_name: some("Maria"),
        last_name: some("Lindner"),
        salutation: some(title),
        staff_name: some("Anna"),
        staff_email: some("anna@thorn.example"),
        birthday: Some("1980-05-03".parse().unwrap()),
        joined_on: Some(day("2017-05-03")),
        attrs: BTreeMap::from([(
            "phone".to_owned(),
            AttrValue::Text("0113 496 0000".to_owned()),
        )]),
        ..bare()
    }
}

fn event(id: &str, kind: &str, on: &str) -> Event {
    let bought = kind == "purchase";
    Event {
        id: id.to_owned(),
        customer_id: "C7".to_owned(),
        kind: kind.to_owned(),
        at: When::Day(day(on)),
        amount: bought.then(|| Amount::parse("48.5").unwrap()),
        currency: bought.then(|| "GBP".to_owned()),
        quantity: None,
        attrs: BTreeMap::new(),
    }
}

/// Their events, the one that the rule is about last.
fn events(rule: &Rule, of_bare: bool) -> Vec<Event> {
    let mut events = Vec::new();
    if !of_bare {
        events.push(event("1", "purchase", "2026-11-02"));
        events.push(event("2", "visit", "2026-12-14"));
        events.push(event("3", "call", "2027-01-01"));
    }
    if let Trigger::Event(AfterEvent { kind, .. }) = &rule.trigger {
        events.push(event("4", kind, "2027-05-01"));
    }
    events
}

fn occasion(rule: &Rule, of_bare: bool) -> Occasion {
    let (anchor, years) = match &rule.trigger {
        Trigger::Anniversary(_) if of_bare => (DAY, Some(1)),
        Trigger::Anniversary(_) => (DAY, Some(10)),
        Trigger::Date(_) => ("2027-05-10", None),
        Trigger::Event(_) => ("2027-05-01", None),
        Trigger::Lapsed(_) => ("2027-01-01", None),
        Trigger::Usage(_) => ("2027-04-03", None),
        Trigger::Holiday(_) | Trigger::Fixed(_) => (DAY, None),
    };
    let about_event = matches!(rule.trigger, Trigger::Event(_));
    Occasion {
        key: "4".to_owned(),
        day: day(DAY),
        due_at: "2027-05-03T08:00:00Z".parse().unwrap(),
        zone: "Europe/London".to_owned(),
        anchor: if of_bare { day(DAY) } else { day(anchor) },
        years,
        event: about_event.then(|| "4".to_owned()),
    }
}

fn view(customer: Customer, events: Vec<Event>) -> View {
    View {
        events,
        ..View::new(
            customer,
            TimeZone::get("Europe/London").unwrap(),
            "Europe/London",
        )
    }
}

fn write(
    letters: &Catalogue,
    (template, language): (&str, &str),
    view: &View,
    occasion: &Occasion,
) -> Letter {
    let business = Arc::new(BusinessWords {
        name: BUSINESS.to_owned(),
        language: "en".to_owned(),
        ..BusinessWords::default()
    });
    // Those we know have figures; where the records have changed since, there are none.
    let (about_use, known) = (template.starts_with("usage"), &view.customer.first_name);
    let change = (about_use && known.is_some()).then(|| Change {
        used: Amount::parse("14").unwrap(),
        usual: Amount::parse("20.6667").unwrap(),
        percent: if template.ends_with("up") { 32 } else { -32 },
        days: 30,
    });
    let facts = facts::build_with(
        view,
        facts::About {
            occasion: Some(occasion),
            change,
            ..facts::About::default()
        },
        &business,
        occasion.due_at,
    );
    letters
        .letter(template, Some(language), "en", &facts)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The letters of a rule, the one for late days as well.
fn templates(rule: &Rule) -> impl Iterator<Item = &str> {
    [Some(&rule.template), rule.send.late_template.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
}

#[test]
fn three_rules_are_on_and_every_letter_is_there_in_three_languages() {
    let rules = shipped_rules();
    let on: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule.enabled)
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(on, BTreeSet::from(ON));
    assert!(rules.len() >= RULES, "only {} rules", rules.len());

    let letters = shipped_letters();
    let used: BTreeSet<&str> = rules.iter().flat_map(templates).collect();
    assert_eq!(used, letters.names().collect(), "used, and there");
    for name in used {
        let there: BTreeSet<&str> = letters.languages(name).into_iter().collect();
        assert_eq!(there, BTreeSet::from(LANGUAGES), "{name}");
    }
}

#[test]
fn init_writes_all_that_is_shipped() {
    let shop = Shop::new();
    for folder in ["rules", "templates", "holidays"] {
        let written = files(&shop.path("config").join(folder));
        assert_eq!(written, files(&config(folder)), "{folder}");
    }
    let settings = fs::read(shop.path("config/fondly.toml")).unwrap();
    assert_eq!(settings, fs::read(config("fondly.toml")).unwrap());
}

/// What no letter may look like, whoever reads it.
fn well_written(letter: &Letter, to_the_house: bool) {
    let Letter {
        subject,
        text,
        language,
        ..
    } = letter;
    let name = format!("{} in {language}:\n{subject}\n\n{text}", letter.template);
    assert!(
        !subject.is_empty() && subject.lines().count() == 1,
        "{name}"
    );
    let all = format!("{subject}\n{text}");
    for left_over in [
        "{", "}", "\\", "**", "](", "  ", " ,", " .", ",,", "( ", "()", "\n\n\n",
    ] {
        assert!(!all.contains(left_over), "{left_over:?} in {name}");
    }
    if language == "fr" {
        // The subject's are plain: no mail program breaks it there.
        for mark in [" !", " ?", " ;", " :"] {
            assert!(!text.contains(mark), "a space that breaks: {name}");
        }
    }
    let greeting = text.lines().next().unwrap();
    assert!(
        greeting.ends_with(',') && !greeting.ends_with(" ,"),
        "{name}"
    );
    let end = text.trim_end().lines().next_back().unwrap();
    assert!(end.ends_with(BUSINESS), "{name}");
    if !to_the_house {
        let words = text.split_whitespace().count();
        assert!(words <= MOST_WORDS, "{words} words: {name}");
    }
    assert!(
        letter.html.contains(&format!("<html lang=\"{language}\"")),
        "{name}"
    );
}

#[test]
fn every_letter_reads_well_for_those_we_know_and_those_we_don_t() {
    let (rules, letters) = (shipped_rules(), shipped_letters());
    for language in LANGUAGES {
        let mut all = String::new();
        for rule in &rules {
            for template in templates(rule) {
                writeln!(all, "# {}: {template}.{language}.md\n", rule.title).unwrap();
                for customer in [full(language), bare()] {
                    let of_bare = customer.first_name.is_none();
                    let view = view(customer, events(rule, of_bare));
                    let which = (template, language);
                    let letter = write(&letters, which, &view, &occasion(rule, of_bare));
                    well_written(&letter, TO_THE_HOUSE.contains(&template));
                    let Letter { subject, text, .. } = &letter;
                    writeln!(all, "[{subject}]\n\n{text}\n").unwrap();
                }
            }
        }
        snapshot(&format!("letters-{language}"), &all);
    }
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false,
        omit_expression => true
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn everybody_is_greeted_as_one_would_greet_them() {
    let (rules, letters) = (shipped_rules(), shipped_letters());
    let mut greetings = String::new();
    for language in LANGUAGES {
        let titles = match language {
            "de" => ["", "Frau", "Herr", "Herr Prof. Dr.", "Mrs"],
            "fr" => ["", "Mme", "Monsieur", "M.", "Frau"],
            _ => ["", "Mrs", "Mr", "Dr", "Frau"],
        };
        for title in titles {
            for (first, last) in [("Kim", "Vogel"), ("Kim", ""), ("", "Vogel"), ("", "")] {
                let mut customer = bare();
                customer.salutation = Some(title.to_owned());
                customer.first_name = Some(first.to_owned());
                customer.last_name = Some(last.to_owned());
                let heard: BTreeSet<String> = rules
                    .iter()
                    .flat_map(|rule| first_lines(rule, &letters, language, &customer))
                    .collect();
                let heard: Vec<String> = heard.into_iter().collect();
                let known = format!("{title}|{first}|{last}");
                writeln!(greetings, "{language}  {known:<24}  {}", heard.join(" or ")).unwrap();
            }
        }
    }
    snapshot("greetings", &greetings);
}

/// How each letter of a rule begins, for an occasion of which little is known.
fn first_lines(
    rule: &Rule,
    letters: &Catalogue,
    language: &str,
    customer: &Customer,
) -> Vec<String> {
    let view = view(customer.clone(), events(rule, true));
    let occasion = Occasion {
        years: None,
        ..occasion(rule, true)
    };
    templates(rule)
        .filter(|template| !TO_THE_HOUSE.contains(template))
        .map(|template| {
            let letter = write(letters, (template, language), &view, &occasion);
            well_written(&letter, false);
            letter.text.lines().next().unwrap().to_owned()
        })
        .collect()
}

/// Two of each language: one of whom much is known, and one with an address only.
const CUSTOMERS: &str = "\
id,email,first_name,last_name,salutation,language,birthday,joined_on,staff_email,staff_name,appointment,renewal
1,a@mail.example,Ann,Barlow,Mrs,en,1980-06-01,2021-06-01,anna@thorn.example,Anna,2027-06-01,2027-06-01
2,b@mail.example,,,,en,,,,,,
3,c@mail.example,Greta,Vogel,Frau,de,--06-01,2021-06-01,anna@thorn.example,Anna,2027-06-01,2027-06-01
4,d@mail.example,,,,de,,,,,,
5,e@mail.example,Luc,Garnier,M.,fr,1980-06-01,2021-06-01,anna@thorn.example,Anna,2027-06-01,2027-06-01
6,f@mail.example,,,,fr,,,,,,
";

const SOURCES: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\n\
    path = \"../data/customers.csv\"\nfeeds = \"customers\"\n\
    columns = { \"attr.appointment\" = \"appointment\", \"attr.renewal\" = \"renewal\" }\n\
    types = { \"attr.appointment\" = \"date\", \"attr.renewal\" = \"date\" }\n\
    [[source]]\nname = \"events\"\nkind = \"csv\"\n\
    path = \"../data/events.csv\"\nfeeds = \"events\"\n";

#[test]
fn with_everything_switched_on_every_rule_writes_in_three_languages() {
    let shop = Shop::new();
    for rule in files(&config("rules")).keys() {
        let name = format!("config/rules/{rule}");
        let text = fs::read_to_string(shop.path(&name)).unwrap();
        let on = text.replace("\nenabled = false\n", "\nenabled = true\n");
        assert_eq!(
            on == text,
            ON.contains(&rule.trim_end_matches(".toml")),
            "{rule}"
        );
        shop.write(&name, on);
    }
    shop.customers(CUSTOMERS);
    let mut events = String::from("id,customer_id,kind,at,amount,currency\n");
    for customer in 1..=6 {
        for (n, (kind, on)) in [
            ("purchase", "2026-01-10"),
            ("purchase", "2026-02-10"),
            ("visit", "2026-03-10"),
            ("purchase", "2026-04-10"),
            ("complaint-opened", "2026-05-01"),
            ("complaint-closed", "2026-05-02"),
            ("cancellation", "2026-05-10"),
        ]
        .iter()
        .enumerate()
        {
            writeln!(events, "{customer}-{n},{customer},{kind},{on},400,GBP").unwrap();
        }
        // Used every day until the end of April, in the end twice a day.
        for n in 0..120 {
            let on = day("2026-01-01") + n.days();
            for again in 0..if n < 100 { 1 } else { 2 } {
                writeln!(events, "{customer}-u{n}-{again},{customer},usage,{on},,").unwrap();
            }
        }
    }
    shop.events(&events);
    shop.settings(&format!("[sending]\ncaps = {{}}\n{SOURCES}"));
    let rules = shipped_rules();
    let letters = shipped_letters().names().count() * LANGUAGES.len();
    shop.run(&["check"]).is(0).says(&[
        &format!(
            "{} rules and {letters} letters, each fine by itself",
            rules.len()
        ),
        "6 customers: ",
    ]);

    let played = shop.rehearse("2026-01-01T00:00[UTC]", "2027-07-01T00:00[UTC]");
    let sent: BTreeSet<(&str, &str)> = played
        .entries
        .iter()
        .filter(|entry| entry.is_sent())
        .map(|entry| (entry.rule.as_str(), entry.language.as_deref().unwrap()))
        .collect();
    for rule in &rules {
        // Notes to the business's own people are in its own language.
        let house = TO_THE_HOUSE.contains(&rule.template.as_str());
        for language in LANGUAGES.into_iter().take(if house { 1 } else { 3 }) {
            let which = (rule.id.as_str(), language);
            assert!(sent.contains(&which), "{which:?} was never sent");
        }
    }
}
