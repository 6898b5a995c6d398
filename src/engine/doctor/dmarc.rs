//! DMARC (RFC 7489): what a domain asks of receivers with letters that aren't proved to be its own,
//! read and judged. Pure.
//!
//! Which part of a name is the organisation's own only a list of all public suffixes says, and none is
//! at hand: every name above the domain is asked, and the nearest record counts.

use super::Check;
use crate::outside::Answer;

const NAME: &str = "dmarc";

/// Names above a domain that are asked at most, as newer receivers do (the DNS tree walk).
const MOST_NAMES: usize = 8;

/// Where its record may stand, the nearest first.
pub(super) fn places(domain: &str) -> Vec<String> {
    let mut places = vec![format!("_dmarc.{domain}")];
    let mut rest = domain;
    while let Some((_, above)) = rest.split_once('.') {
        // The last part alone is nobody's own.
        if !above.contains('.') || places.len() == MOST_NAMES {
            break;
        }
        places.push(format!("_dmarc.{above}"));
        rest = above;
    }
    places
}

/// What is to be said of the answers, which stand in the order of [`places`].
pub(super) fn judge(domain: &str, answers: &[(String, Answer<Vec<String>>)]) -> Check {
    for (number, (place, answer)) in answers.iter().enumerate() {
        let texts = match answer {
            Answer::Found(texts) => texts,
            Answer::Nothing | Answer::NoName => continue,
            Answer::Unasked(why) => {
                let found = format!("The DMARC record couldn't be asked, {place}: {why}");
                return Check::look(NAME, &found, super::dns::ASK_AGAIN);
            }
        };
        let mut records = texts.iter().filter(|text| is_dmarc(text));
        let Some(record) = records.next() else {
            continue;
        };
        let more = records.count();
        if more > 0 {
            let found = format!(
                "{place} has {} DMARC records, so none of them counts",
                more + 1
            );
            return Check::wrong(NAME, &found, "Leave one of them.");
        }
        return judge_record(domain, (place, number > 0), record);
    }
    let asked: Vec<&str> = answers.iter().map(|(place, _)| place.as_str()).collect();
    let found = format!("There is no DMARC record (asked: {})", asked.join(", "));
    let advice = format!(
        "Add a TXT record at _dmarc.{domain}: `v=DMARC1; p=none`. Gmail and Yahoo want one from whoever \
         sends much."
    );
    Check::look(NAME, &found, &advice)
}

fn judge_record(domain: &str, (place, above): (&str, bool), record: &str) -> Check {
    let p = tag(record, "p");
    // For names below its own, a record may say something else.
    let policy = if above { tag(record, "sp").or(p) } else { p };
    let known = ["none", "quarantine", "reject"];
    let policy = policy.map(str::to_ascii_lowercase);
    let policy = policy
        .as_deref()
        .and_then(|policy| known.into_iter().find(|one| *one == policy));
    let Some(policy) = policy.filter(|_| p.is_some()) else {
        let found = format!("The DMARC record at {place} says no policy that counts");
        return Check::wrong(
            NAME,
            &found,
            "It has to hold `p=none`, `p=quarantine` or `p=reject`.",
        );
    };
    let does = match policy {
        "none" => "receivers only report",
        "quarantine" => "letters that aren't proved to be yours go to the junk folder",
        _ => "letters that aren't proved to be yours are refused",
    };
    Check::ok(
        NAME,
        &format!("{place} says p={policy} for {domain}: {does}"),
    )
}

fn is_dmarc(text: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    let version = first
        .split_once('=')
        .map(|(name, value)| (name.trim(), value.trim()));
    version == Some(("v", "DMARC1"))
}

/// The value of a tag.
fn tag<'a>(record: &'a str, wanted: &str) -> Option<&'a str> {
    let mut tags = record.split(';').filter_map(|tag| tag.split_once('='));
    let (_, value) = tags.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use super::super::{State, tests};
    use super::*;

    /// What stands at the names that are asked; a name that isn't here isn't anywhere.
    fn judged(domain: &str, zone: &[(&str, &[&str])]) -> Check {
        let answer = |place: String| {
            let texts = zone.iter().find(|(name, _)| *name == place);
            let answer = match texts {
                Some((_, [])) => Answer::Unasked("silence".to_owned()),
                Some((_, texts)) => {
                    Answer::Found(texts.iter().map(|text| (*text).to_owned()).collect())
                }
                None => Answer::NoName,
            };
            (place, answer)
        };
        let answers: Vec<_> = places(domain).into_iter().map(answer).collect();
        judge(domain, &answers)
    }

    #[track_caller]
    fn says(domain: &str, zone: &[(&str, &[&str])], state: State, words: &[&str]) {
        tests::says(&judged(domain, zone), state, words);
    }

    #[test]
    fn every_name_above_is_asked_but_not_the_last() {
        let places = |domain: &str| places(domain).join(" ");
        assert_eq!(places("thorn.example"), "_dmarc.thorn.example");
        assert_eq!(
            places("care.thorn.co.uk"),
            "_dmarc.care.thorn.co.uk _dmarc.thorn.co.uk _dmarc.co.uk"
        );
        assert_eq!(places("localhost"), "_dmarc.localhost");
        assert_eq!(super::places(&"a.".repeat(100)).len(), MOST_NAMES);
    }

    #[test]
    fn a_policy_is_told() {
        for (record, words) in [
            (
                "v=DMARC1; p=none; rua=mailto:d@x.example",
                ["p=none", "only report"],
            ),
            ("v=DMARC1;p=Quarantine", ["p=quarantine", "junk"]),
            ("v = DMARC1 ; p = reject;", ["p=reject", "refused"]),
        ] {
            let zone: &[(&str, &[&str])] = &[("_dmarc.thorn.example", &["other", record])];
            says("thorn.example", zone, State::Ok, &words);
            // Who reads the reports is nobody's business here.
            assert!(!judged("thorn.example", zone).found.contains("mailto"));
        }
    }

    #[test]
    fn the_nearest_record_counts_and_may_say_something_else_below() {
        let zone: &[(&str, &[&str])] =
            &[("_dmarc.thorn.example", &["v=DMARC1; p=reject; sp=none"])];
        says("thorn.example", zone, State::Ok, &["p=reject"]);
        says(
            "care.thorn.example",
            zone,
            State::Ok,
            &["_dmarc.thorn.example says p=none"],
        );
        let zone: &[(&str, &[&str])] = &[("_dmarc.thorn.example", &["v=DMARC1; p=reject"])];
        says(
            "care.thorn.example",
            zone,
            State::Ok,
            &["p=reject for care.thorn.example"],
        );
        let both: &[(&str, &[&str])] = &[
            ("_dmarc.care.thorn.example", &["v=DMARC1; p=none"]),
            ("_dmarc.thorn.example", &["v=DMARC1; p=reject"]),
        ];
        says(
            "care.thorn.example",
            both,
            State::Ok,
            &["_dmarc.care.thorn.example says p=none"],
        );
    }

    #[test]
    fn what_isn_t_there_or_doesn_t_count_is_told_with_what_was_asked() {
        let asked = "_dmarc.care.thorn.example, _dmarc.thorn.example";
        says(
            "care.thorn.example",
            &[],
            State::Look,
            &["no DMARC record", asked, "v=DMARC1; p=none"],
        );
        for record in [
            "v=DMARC1",
            "v=DMARC1; p=",
            "v=DMARC1; p=block",
            "v=DMARC1; sp=none",
        ] {
            let zone: &[(&str, &[&str])] = &[("_dmarc.thorn.example", &[record])];
            says(
                "thorn.example",
                zone,
                State::Wrong,
                &["no policy", "`p=none`"],
            );
        }
        let two: &[(&str, &[&str])] = &[(
            "_dmarc.thorn.example",
            &["v=DMARC1; p=none", "v=DMARC1; p=reject"],
        )];
        says("thorn.example", two, State::Wrong, &["has 2 DMARC records"]);
        let other: &[(&str, &[&str])] =
            &[("_dmarc.thorn.example", &["v=dmarc1; p=none", "p=none"])];
        says("thorn.example", other, State::Look, &["no DMARC record"]);
    }

    #[test]
    fn what_couldn_t_be_asked_is_never_said_to_be_missing() {
        let zone: &[(&str, &[&str])] = &[
            ("_dmarc.care.thorn.example", &[]),
            ("_dmarc.thorn.example", &["v=DMARC1; p=reject"]),
        ];
        says(
            "care.thorn.example",
            zone,
            State::Look,
            &["couldn't be asked", "silence"],
        );
    }
}
