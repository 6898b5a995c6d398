//! Records as they stand in the DNS, right and wrong.

use super::*;

const DOMAIN: &str = "thorn.example";

/// What stands at each name; a name that isn't here isn't anywhere.
fn judged(zone: &[(&str, &[&str])]) -> Check {
    let mut known = Known::new();
    for _ in 0..50 {
        let walk = walk(DOMAIN, &known);
        if walk.missing.is_empty() {
            return judge(DOMAIN, &walk);
        }
        for name in walk.missing {
            let texts = zone.iter().find(|(there, _)| *there == name);
            let answer = match texts {
                Some((_, [])) => Answer::Unasked("silence".to_owned()),
                Some((_, texts)) => {
                    Answer::Found(texts.iter().map(|text| (*text).to_owned()).collect())
                }
                None => Answer::NoName,
            };
            known.insert(name, answer);
        }
    }
    panic!("it asks without end");
}

#[track_caller]
fn says(zone: &[(&str, &[&str])], state: State, words: &[&str]) {
    super::super::tests::says(&judged(zone), state, words);
}

#[test]
fn one_record_is_right() {
    for (record, ends, lookups) in [
        ("v=spf1 -all", "`-all`", "0 of 10"),
        (
            "V=SPF1 MX A:mail.thorn.example/24 -ALL",
            "`-all`",
            "2 of 10",
        ),
        (
            "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all",
            "`~all`",
            "0 of 10",
        ),
        (
            "v=spf1 a/24//64 exists:%{i}._spf.thorn.example ?ptr ~all",
            "`~all`",
            "3 of 10",
        ),
        (
            "v=spf1 include:%{d}._spf.example exp=why.thorn.example x-own=1 ~all",
            "`~all`",
            "1 of 10",
        ),
        // Behind `all`, nothing counts.
        (
            "v=spf1 -all include:gone.example redirect=gone.example",
            "`-all`",
            "0 of 10",
        ),
    ] {
        let texts = ["google-site-verification=x", record];
        says(
            &[(DOMAIN, &texts)],
            State::Ok,
            &["one SPF record", ends, lookups],
        );
    }
}

#[test]
fn without_a_record_there_is_one_to_be_added() {
    let words = ["no SPF record", "v=spf1 include:", "~all"];
    says(&[], State::Look, &["no domain thorn.example", "`replies`"]);
    says(
        &[(DOMAIN, &["v=spf10 -all", "something else"])],
        State::Wrong,
        &["`v=spf1` and a space"],
    );
    says(&[(DOMAIN, &["something else"])], State::Look, &words);
    for meant in ["v=spf1; mx", "\"v=spf1 -all\"", "spf1 mx -all"] {
        says(
            &[(DOMAIN, &[meant])],
            State::Wrong,
            &["`v=spf1` and a space"],
        );
    }
}

#[test]
fn two_records_count_as_none() {
    let two = ["v=spf1 mx ~all", "v=spf1 include:a.example ~all"];
    says(
        &[(DOMAIN, &two)],
        State::Wrong,
        &["doesn't count", "has 2 SPF records"],
    );
}

#[test]
fn whoever_lets_in_everybody_protects_nobody() {
    for record in ["v=spf1 +all", "v=spf1 all"] {
        says(&[(DOMAIN, &[record])], State::Wrong, &["`+all`", "anybody"]);
    }
    for record in ["v=spf1 mx ?all", "v=spf1 mx", "v=spf1"] {
        says(
            &[(DOMAIN, &[record])],
            State::Look,
            &["protects nobody", "End it with"],
        );
    }
    // What an included record says of everybody else doesn't count …
    let zone: &[(&str, &[&str])] = &[
        (DOMAIN, &["v=spf1 include:a.example ~all"]),
        ("a.example", &["v=spf1 +all"]),
    ];
    says(zone, State::Ok, &["`~all`"]);
    // … and what a redirect leads to does.
    let zone: &[(&str, &[&str])] = &[
        (DOMAIN, &["v=spf1 redirect=a.example"]),
        ("a.example", &["v=spf1 +all"]),
    ];
    says(zone, State::Wrong, &["`+all`"]);
}

#[test]
fn lookups_are_counted_through_everything_that_is_included() {
    let eight = "v=spf1 a:1.example a:2.example a:3.example a:4.example a:5.example a:6.example \
                 a:7.example a:8.example -all";
    let zone = |outer: &'static str| -> Vec<(&str, Vec<&str>)> {
        vec![(DOMAIN, vec![outer]), ("a.example", vec![eight])]
    };
    let says = |outer: &'static str, state, words: &[&str]| {
        let zone = zone(outer);
        let zone: Vec<(&str, &[&str])> = zone.iter().map(|(n, t)| (*n, t.as_slice())).collect();
        self::says(&zone, state, words);
    };
    says("v=spf1 include:a.example ~all", State::Ok, &["9 of 10"]);
    says(
        "v=spf1 include:A.example. mx ~all",
        State::Ok,
        &["10 of 10"],
    );
    says(
        "v=spf1 include:a.example mx a ~all",
        State::Wrong,
        &["takes 11 look-ups", "ip4:"],
    );
    says(
        "v=spf1 mx redirect=a.example",
        State::Ok,
        &["`-all`", "10 of 10"],
    );
    // Each time counts anew.
    says(
        "v=spf1 include:a.example include:a.example ~all",
        State::Wrong,
        &["takes 18 look-ups"],
    );
}

#[test]
fn what_leads_nowhere_or_in_a_ring_breaks_it() {
    let names: &[(&str, &[&str])] = &[(DOMAIN, &["v=spf1 include:gone.example ~all"])];
    says(
        names,
        State::Wrong,
        &["include names gone.example, which has no SPF record"],
    );
    let names: &[(&str, &[&str])] = &[(DOMAIN, &["v=spf1 redirect=gone.example"])];
    says(names, State::Wrong, &["redirect names gone.example"]);
    let ring: &[(&str, &[&str])] = &[
        (DOMAIN, &["v=spf1 include:a.example ~all"]),
        ("a.example", &["v=spf1 include:thorn.example ~all"]),
    ];
    says(ring, State::Wrong, &["thorn.example includes itself"]);
    let two: &[(&str, &[&str])] = &[
        (DOMAIN, &["v=spf1 include:a.example ~all"]),
        ("a.example", &["v=spf1 mx ~all", "v=spf1 a ~all"]),
    ];
    says(two, State::Wrong, &["a.example has 2 SPF records"]);
}

#[test]
fn slips_are_named() {
    for (record, word) in [
        ("v=spf1 mx:  ~all", "`mx:`"),
        ("v=spf1 include ~all", "`include`"),
        ("v=spf1 include: ~all", "`include:`"),
        ("v=spf1 ipv4:192.0.2.1 ~all", "`ipv4:192.0.2.1`"),
        ("v=spf1 ip4:192.0.2.300 ~all", "`ip4:192.0.2.300`"),
        ("v=spf1 ip4:192.0.2.0/33 ~all", "`ip4:192.0.2.0/33`"),
        ("v=spf1 ip4:192.0.2.0/ ~all", "`ip4:192.0.2.0/`"),
        ("v=spf1 ip6:192.0.2.1 ~all", "`ip6:192.0.2.1`"),
        ("v=spf1 mx, ~all", "`mx,`"),
        ("v=spf1 all:x", "`all:x`"),
        (
            "v=spf1 redirect=a.example redirect=b.example",
            "more than one `redirect=`",
        ),
        ("v=spf1 include:a.example/24 ~all", "names no domain"),
    ] {
        says(
            &[(DOMAIN, &[record])],
            State::Wrong,
            &["doesn't count", word],
        );
    }
}

#[test]
fn what_couldn_t_be_asked_is_never_said_to_be_missing() {
    says(
        &[(DOMAIN, &[])],
        State::Look,
        &["couldn't be asked", "silence", "--dns"],
    );
    let zone: &[(&str, &[&str])] = &[
        (DOMAIN, &["v=spf1 include:a.example ~all"]),
        ("a.example", &[]),
    ];
    says(
        zone,
        State::Look,
        &["couldn't be asked", "a.example: silence"],
    );
}

proptest::proptest! {
    /// Whatever stands there, it is judged, and with few questions.
    #[test]
    fn nothing_is_asked_without_end(texts in proptest::collection::vec(
        "v=spf1( (include:[a-c].example|redirect=[a-c].example|mx|a|[~?+-]all|[ -~]{0,12})){0,6}", 4,
    )) {
        let names = [DOMAIN, "a.example", "b.example", "c.example"];
        let zone: Vec<(&str, [&str; 1])> = names.iter().copied()
            .zip(texts.iter().map(|text| [text.as_str()])).collect();
        let zone: Vec<(&str, &[&str])> = zone.iter().map(|(n, t)| (*n, t.as_slice())).collect();
        judged(&zone);
    }
}
