//! Records as JSON: what is taken, and what is wrong where.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::model::{Consent, PartialDate, When};

fn reader() -> JsonReader {
    let types = [
        ("size", AttrType::Number),
        ("wedding", AttrType::Date),
        ("vip", AttrType::YesNo),
        ("note", AttrType::Text),
    ];
    let types = types.map(|(name, kind)| (name.to_owned(), kind));
    JsonReader::new(TimeZone::get("Europe/Paris").unwrap(), types.into()).unwrap()
}

fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).unwrap()
}

fn customer(text: &str) -> Result<Customer, Vec<String>> {
    reader()
        .customer(raw(text), None)
        .map(|(customer, _)| customer)
        .map_err(|flaws| told(&flaws))
}

fn event(text: &str) -> Result<Event, Vec<String>> {
    reader().event(raw(text)).map_err(|flaws| told(&flaws))
}

fn told(flaws: &[Flaw]) -> Vec<String> {
    let line = |flaw: &Flaw| format!("{}: {}", flaw.path.join("/"), flaw.reason);
    flaws.iter().map(line).collect()
}

#[test]
fn a_customer_has_every_field_of_the_contract() {
    let ann = customer(
        r#"{"id": "C1", "email": "ann@mail.example", "first_name": " Ann ", "last_name": "Lee",
            "salutation": "Dr", "language": "en", "timezone": "Europe/London",
            "birthday": "--02-29", "joined_on": "2020-02-29", "staff_email": "bob@shop.example",
            "staff_name": "Bob", "tags": ["vip", "rose, red", "vip"], "consent": "yes",
            "consent_at": "2026-07-01", "unsubscribed": true,
            "attr": {"size": 44.5, "wedding": "2010-06-12", "vip": false, "note": "x", "own": 7,
                     "none": null, "empty": ""}}"#,
    );
    let ann = ann.unwrap();
    assert_eq!(ann.first_name.as_deref(), Some("Ann"));
    assert_eq!(ann.birthday, PartialDate::new(None, 2, 29));
    assert_eq!(ann.joined_on, Some(date(2020, 2, 29)));
    assert_eq!(ann.tags, ["vip", "rose, red"]);
    assert_eq!((ann.consent, ann.unsubscribed), (Consent::Yes, true));
    assert_eq!(ann.consent_at.unwrap().to_string(), "2026-06-30T22:00:00Z");
    let attrs: Vec<_> = ann.attrs.into_iter().collect();
    let wedding = PartialDate::new(Some(2010), 6, 12).unwrap();
    let expected = [
        ("note", AttrValue::Text("x".to_owned())),
        ("own", AttrValue::Number(7.0)),
        ("size", AttrValue::Number(44.5)),
        ("vip", AttrValue::YesNo(false)),
        ("wedding", AttrValue::Date(wedding)),
    ];
    assert_eq!(
        attrs,
        expected.map(|(name, value)| (name.to_owned(), value))
    );
    assert_eq!(
        customer(r#"{"id": "C1", "email": null, "attr": null}"#),
        customer(r#"{"id": "C1"}"#)
    );
}

#[test]
fn whoever_says_nothing_of_consent_says_nothing_of_when_it_was_given() {
    let told = |text| reader().customer(raw(text), None).unwrap().1;
    let tells = |text, field| told(text).tells(field);
    assert!(!tells(r#"{"id": "C1"}"#, "consent_at"));
    assert!(!tells(r#"{"id": "C1", "consent": null}"#, "consent_at"));
    let date = r#"{"id": "C1", "consent_at": "2026-07-01"}"#;
    assert!(tells(date, "consent_at") && !tells(date, "consent"));
    let consent = r#"{"id": "C1", "consent": "no"}"#;
    assert!(tells(consent, "consent") && tells(consent, "consent_at"));
}

#[test]
fn the_address_of_the_request_says_whose_record_it_is() {
    let put = |text, id| {
        reader()
            .customer(raw(text), Some(id))
            .map_err(|flaws| told(&flaws))
    };
    assert_eq!(put("{}", "é/1").unwrap().0.id, "é/1");
    assert_eq!(put(r#"{"id": "a"}"#, "a").unwrap().0.id, "a");
    assert!(put(r#"{"id": "a"}"#, "b").unwrap_err()[0].contains("says `b`"));
    assert!(put("{}", " a").unwrap_err()[0].starts_with("id: it begins or ends with a blank"));
    assert!(put("{}", &"x".repeat(201)).is_err());
}

#[test]
fn amounts_stay_what_they_were_and_nothing_is_rounded_away() {
    let amount = |text: &str| {
        let record = format!(
            r#"{{"id": "1", "customer_id": "a", "kind": "Purchase", "at": "2026-11-24", "amount": {text}}}"#
        );
        event(&record).map(|one| one.amount.unwrap().to_string())
    };
    for (text, is) in [
        ("49.90", "49.90"),
        ("\"49.9\"", "49.90"),
        ("-0.0001", "-0.0001"),
        ("1e2", "100.00"),
        ("12.50000", "12.50"),
        // Sums of binary fractions.
        ("0.30000000000000004", "0.30"),
        ("59.970000000000006", "59.97"),
        ("99999999999999.9999", "99999999999999.9999"),
        ("99999999999999", "99999999999999.00"),
    ] {
        if text == "99999999999999.9999" {
            assert!(amount(text).is_err(), "{text}");
            assert_eq!(amount("\"99999999999999.9999\"").unwrap(), is);
            continue;
        }
        assert_eq!(amount(text).as_deref(), Ok(is), "{text}");
    }
    for bad in [
        "0.00005",
        "0.12345",
        "\"0.12345\"",
        "1e15",
        "1e400",
        "1e-5",
        "\"1e2\"",
        "\"12,50\"",
        "\"\"",
        "\"+1\"",
        "\"1.\"",
        "\".5\"",
        "\" 1\"",
        "true",
        "[]",
        "{}",
        "100000000000000",
        "-922337203685477.5808",
        "9223372036854775808",
    ] {
        assert!(amount(bad).unwrap_err()[0].starts_with("amount: "), "{bad}");
    }
}

#[test]
fn a_time_is_only_taken_with_its_offset() {
    let at = |text: &str| {
        let record = format!(r#"{{"id": "1", "customer_id": "a", "kind": "x", "at": "{text}"}}"#);
        event(&record).map(|one| one.at)
    };
    let instant = |text: &str| Ok(When::Instant(text.parse().unwrap()));
    assert_eq!(at("2026-11-24"), Ok(When::Day(date(2026, 11, 24))));
    for (text, is) in [
        ("2026-11-24T10:30:00+01:00", "2026-11-24T09:30:00Z"),
        ("2026-11-24T10:30:00Z", "2026-11-24T10:30:00Z"),
        (
            "2026-11-24T10:30:00.123456789-05:30",
            "2026-11-24T16:00:00.123Z",
        ),
        ("2999-12-31T23:59:59-23:59", "3000-01-01T23:58:59Z"),
        ("1900-01-01T00:00:00-00:00", "1900-01-01T00:00:00Z"),
    ] {
        assert_eq!(at(text), instant(is), "{text}");
    }
    for bad in [
        "2026-11-24T10:30:00",
        "2026-11-24T10:30Z",
        "2026-11-24 10:30:00Z",
        "2026-11-24T10:30:00z",
        "2026-11-24T10:30:00.Z",
        "2026-11-24T10:30:00.1234567890Z",
        "2026-11-24T10:30:60Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:30:00+24:00",
        "2026-11-24T10:30:00+01:00[Europe/Paris]",
        "24/11/2026",
        "11-24",
        "--11-24",
        "2026-02-30",
        "2026-13-01",
        "1899-12-31",
        "3000-01-01",
        "20261124",
        "2026-W48-2",
        "٢٠٢٦-11-24",
        "",
    ] {
        assert!(at(bad).unwrap_err()[0].starts_with("at: "), "{bad}");
    }
    for (bad, field) in [
        ("2010-06-12T00:00:00Z", "birthday"),
        ("--06-12", "joined_on"),
        ("06-23", "birthday"),
    ] {
        let record = format!(r#"{{"id": "1", "{field}": "{bad}"}}"#);
        assert!(customer(&record).is_err(), "{record}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let told = customer(
        r#"{"email": "x", "emial": "y", "attr.size": 1, "birthday": 19900423, "tags": "vip",
            "tags": [], "consent": "Yes", "unsubscribed": "no", "first_name": true, "staff_email": "",
            "attr": {"size": "44", "wedding": 2010, "vip": 1, "note": false, "own": [], " ": 1}}"#,
    );
    let told = told.unwrap_err();
    for words in [
        "id: `id` is missing",
        "email: it isn't an e-mail address",
        "emial: there is no field `emial`; did you mean `email`?",
        "attr.size: there is no field `attr.size`; write it as `\"attr\": {\"size\": …}`",
        "birthday: it must be a text in quotes",
        "tags: it is given twice",
        "tags: it must be a list",
        "consent: consent is `yes`, `no` or `unknown`",
        "unsubscribed: it must be true or false",
        "first_name: it must be a text",
        "staff_email: it isn't an e-mail address",
        "attr/size: the settings say that it is a number",
        "attr/wedding: the settings say that it is a date",
        "attr/vip: the settings say that it is true or false",
        "attr/note: the settings say that it is a text",
        "attr/own: it must be a text, a number",
        "attr/ : this can't be a name",
    ] {
        let found = told.iter().any(|line| line.starts_with(words));
        assert!(found, "{words}: {told:#?}");
    }
    assert_eq!(told.len(), 17, "{told:#?}");
    let missing = event("{}").unwrap_err();
    assert_eq!(missing.len(), 4, "{missing:#?}");
    for bad in ["7", "\"x\"", "[]", "null", "{\"\\ud800\": 1}"] {
        assert_eq!(event(bad).unwrap_err().len(), 1, "{bad}");
    }
    let many = format!(r#"{{"id": "1", "tags": [{}"x"]}}"#, "\"y\",".repeat(100));
    assert!(customer(&many).is_err());
}

#[test]
fn a_refused_record_is_kept_as_people_look_at_it() {
    let record = raw(r#"{"id": "C1", "attr": {"size": "44"}}"#);
    let flaws = reader().customer(record, None).unwrap_err();
    let refusal = refusal(
        ("POST /api/customers", 3),
        record,
        &flaws,
        Claims::default(),
    );
    assert_eq!((refusal.line, refusal.column.as_str()), (3, "attr.size"));
    assert_eq!(
        (refusal.value.as_str(), refusal.record.as_str()),
        ("\"44\"", record.get())
    );
    assert_eq!(claimed_id(record).as_deref(), Some("C1"));
    let event = raw(r#"{"id": "4711", "customer_id": "C1", "kind": 7}"#);
    assert_eq!(claimed_customer(event).as_deref(), Some("C1"));
    for none in ["{}", "7", r#"{"id": 7}"#, r#"{"id": " "}"#] {
        assert_eq!(claimed_id(raw(none)), None, "{none}");
    }
}

fn json() -> impl Strategy<Value = String> {
    let names: Vec<&str> = CUSTOMER_FIELDS
        .iter()
        .chain(EVENT_FIELDS)
        .copied()
        .collect();
    let name = prop_oneof![
        proptest::sample::select(names).prop_map(str::to_owned),
        Just("attr".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|yes| yes.to_string()),
        any::<f64>().prop_map(|n| if n.is_finite() { n.to_string() } else { "1e999".to_owned() }),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])?)?"
            .prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        let entry = (name.clone(), inner.clone())
            .prop_map(|(name, value)| format!("{}:{value}", serde_json::to_string(&name).unwrap()));
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            proptest::collection::vec(entry, 0..8).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_a_record_or_has_flaws_with_places(text in json()) {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        for flaws in [
            reader().customer(raw(&text), None).err(),
            reader().event(raw(&text)).err(),
        ].into_iter().flatten() {
            prop_assert!(!flaws.is_empty());
            // Of two equal names, the look from outside finds only one.
            let twice = flaws.iter().any(|flaw| flaw.reason.contains("given twice"));
            for flaw in flaws {
                prop_assert!(!flaw.reason.is_empty());
                // Whatever has a value is found where the flaw says.
                let there = flaw.path.iter().try_fold(&value, |value, name| match value {
                    serde_json::Value::Array(all) => all.get(name.parse::<usize>().ok()?),
                    other => other.get(name),
                });
                prop_assert!(twice || there.is_some() || flaw.value.is_empty(), "{flaw:?}");
            }
        }
    }

    #[test]
    fn no_bytes_make_a_body_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        _ = body(&bytes, Feeds::Events);
        _ = body(&[b"{\"events\":", bytes.as_slice()].concat(), Feeds::Events);
    }
}
