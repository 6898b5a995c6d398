//! DKIM (RFC 6376): the keys by which receivers check a domain's signature, judged. Pure.
//!
//! fondly doesn't sign; whoever runs the mail server does, and chose the key's name, the selector. It
//! stands in every letter that was signed, and nowhere in the DNS could one look it up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Check;
use crate::outside::Answer;

const NAME: &str = "dkim";

/// Bytes of the smallest RSA key of 1,024 bits, without what may stand around it. Gmail takes no
/// signature by a smaller one.
const LEAST_RSA: usize = 132;
/// How to find a selector.
const SELECTOR: &str = "Look at a letter that you sent through your mail server: in its headers, \
                        DKIM-Signature has `s=`, the selector. Then `fondly doctor --dkim SELECTOR` \
                        looks at that key.";

/// Where a key stands.
pub(super) fn place(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// Above all keys of a domain.
pub(super) fn above(domain: &str) -> String {
    format!("_domainkey.{domain}")
}

/// Where no selector is named, it can be seen only whether there are keys at all: where there are, the
/// name above them is there as well (RFC 8020).
pub(super) fn judge_any(domain: &str, answer: &Answer<Vec<String>>) -> Check {
    match answer {
        Answer::Unasked(why) => {
            let found = format!("Whether {domain} has DKIM keys couldn't be asked: {why}");
            Check::look(NAME, &found, super::dns::ASK_AGAIN)
        }
        Answer::NoName => {
            let found = format!("There seems to be no DKIM key below {domain}");
            let advice = "Have your mail server sign letters for this domain; its help page says which \
                          records that takes. Gmail and Yahoo want it from whoever sends much.";
            Check::look(NAME, &found, advice)
        }
        Answer::Found(_) | Answer::Nothing => {
            let found = format!(
                "There are names for DKIM keys below {domain}; which of them signs your letters isn't \
                 known here"
            );
            Check {
                advice: SELECTOR.to_owned(),
                ..Check::ok(NAME, &found)
            }
        }
    }
}

/// What is to be said of one key.
pub(super) fn judge(place: &str, answer: &Answer<Vec<String>>) -> Check {
    let texts = match answer {
        Answer::Found(texts) => texts.as_slice(),
        Answer::Nothing | Answer::NoName => &[],
        Answer::Unasked(why) => {
            let found = format!("The DKIM key couldn't be asked, {place}: {why}");
            return Check::look(NAME, &found, super::dns::ASK_AGAIN);
        }
    };
    let [text] = texts else {
        let (found, advice) = if texts.is_empty() {
            (format!("There is no DKIM key at {place}"), SELECTOR)
        } else {
            let found = format!(
                "There are {} records at {place}, where one key should be",
                texts.len()
            );
            (
                found,
                "Leave the one that your mail provider's help page says.",
            )
        };
        return Check::wrong(NAME, &found, advice);
    };
    let key = match key(text) {
        Ok(key) => key,
        Err(why) => {
            let found = format!("The DKIM key at {place} can't be used: {why}");
            let advice = "Copy the record again from your mail provider's help page.";
            return Check::wrong(NAME, &found, advice);
        }
    };
    if tags(text).any(|(name, value)| name == "t" && value.split(':').any(|one| one.trim() == "y"))
    {
        let found = format!("The DKIM key at {place} says that it is only a test (t=y)");
        return Check::look(
            NAME,
            &found,
            "Take `t=y` out once letters are signed rightly.",
        );
    }
    Check::ok(NAME, &format!("There is a DKIM key at {place} ({key})"))
}

/// What sort of key it is, or why it is none.
fn key(text: &str) -> Result<&'static str, &'static str> {
    let tag = |wanted: &str| {
        tags(text)
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    if tag("v").is_some_and(|version| version != "DKIM1") {
        return Err("its version isn't DKIM1");
    }
    let Some(written) = tag("p") else {
        return Err("it has no `p=`");
    };
    let written: String = written.split_whitespace().collect();
    if written.is_empty() {
        return Err("it was revoked (an empty `p=`)");
    }
    let Ok(bytes) = STANDARD.decode(written) else {
        return Err("what stands behind `p=` isn't whole");
    };
    match tag("k").unwrap_or("rsa") {
        "rsa" if bytes.len() < LEAST_RSA => Err("it is too short: 1024 bits are the least"),
        "rsa" => Ok("RSA"),
        "ed25519" => Ok("Ed25519"),
        _ => Err("it is of a kind that receivers don't know"),
    }
}

fn tags(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let tags = text.split(';').filter_map(|tag| tag.split_once('='));
    tags.map(|(name, value)| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::says;
    use super::*;

    const PLACE: &str = "s1._domainkey.thorn.example";

    fn found(texts: &[&str]) -> Answer<Vec<String>> {
        Answer::Found(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_key_is_looked_at() {
        let (rsa, short) = (STANDARD.encode([7; 162]), STANDARD.encode([7; 94]));
        let key = STANDARD.encode([7; 32]);
        let ((first, second), (part, _)) = (rsa.split_at(100), rsa.split_at(101));
        for (text, state, words) in [
            (format!("v=DKIM1; k=rsa; p={rsa}"), State::Ok, "(RSA)"),
            // Split where the record was too long, and without what may be left out.
            (format!("p={first} {second}"), State::Ok, "(RSA)"),
            (
                format!("v=DKIM1; k=ed25519; p={key}"),
                State::Ok,
                "(Ed25519)",
            ),
            (format!("v=DKIM1; p={short}"), State::Wrong, "too short"),
            (format!("v=DKIM1; p={part}"), State::Wrong, "isn't whole"),
            (format!("v=DKIM2; p={rsa}"), State::Wrong, "DKIM1"),
            (format!("v=DKIM1; t=s:y; p={rsa}"), State::Look, "t=y"),
            (format!("v=DKIM1; t=s; p={rsa}"), State::Ok, "(RSA)"),
            (format!("v=DKIM1; k=x; p={rsa}"), State::Wrong, "of a kind"),
            ("v=DKIM1; p=".to_owned(), State::Wrong, "revoked"),
            ("v=DKIM1".to_owned(), State::Wrong, "no `p=`"),
        ] {
            says(&judge(PLACE, &found(&[&text])), state, &[PLACE, words]);
        }
    }

    #[test]
    fn a_key_that_isn_t_there_is_told_from_one_that_couldn_t_be_asked() {
        for none in [Answer::Nothing, Answer::NoName] {
            says(
                &judge(PLACE, &none),
                State::Wrong,
                &["no DKIM key at", "`s=`"],
            );
        }
        let two = found(&["v=DKIM1; p=x", "v=DKIM1; p=y"]);
        says(&judge(PLACE, &two), State::Wrong, &["2 records"]);
        let silent = Answer::Unasked("silence".to_owned());
        says(
            &judge(PLACE, &silent),
            State::Look,
            &["couldn't be asked", "silence"],
        );
        says(
            &judge_any("thorn.example", &silent),
            State::Look,
            &["couldn't be asked"],
        );
        says(
            &judge_any("thorn.example", &Answer::NoName),
            State::Look,
            &["no DKIM key below"],
        );
        says(
            &judge_any("thorn.example", &Answer::Nothing),
            State::Ok,
            &["--dkim SELECTOR"],
        );
        assert_eq!(place("s1", "thorn.example"), PLACE);
        assert_eq!(above("thorn.example"), "_domainkey.thorn.example");
    }
}
