//! A trouble -> what the owner reads of it, in their language: what it is about in a line, and the
//! letters that say that it began and that it is over.
//!
//! Pure. May not decide whether anybody is told. What servers, sources, customers and files said stays
//! as they said it, and words; so do the names of commands and settings.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::catalogue::Letter;
use super::notice::notice;
use super::phrases::Words;
use super::{inline, quoted, quoted_lines};
use crate::model::signs::{MOST_OF_A_NAME, apart, brief};
use crate::model::{Doubt, Matter, PartialDate, Wait};

/// Signs of an id, which stands in a subject.
const MOST_OF_AN_ID: usize = 60;

/// In which words, and what else has to be known for them.
#[derive(Clone, Copy)]
pub struct Voice<'a> {
    /// The language's words.
    pub words: &'a Words,
    /// Moments are told in this zone.
    pub zone: &'a TimeZone,
    /// What the rule with this id is called.
    pub title: &'a dyn Fn(&str) -> String,
}

impl std::fmt::Debug for Voice<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let language = &self.words.language;
        f.debug_struct("Voice").field("language", language).finish()
    }
}

/// What a letter says of a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is there.
    Begins,
    /// It has been there since this moment.
    BeganAt(Timestamp),
    /// It is over.
    Over,
    /// It has been there since this moment, of which nobody was told, and is over.
    WasThere(Timestamp),
}

/// The letter to the owner.
pub fn alert(matter: &Matter, stage: Stage, voice: Voice<'_>) -> Letter {
    let what = what(matter, voice);
    let began = |at: Timestamp| {
        let moment = moment(at, voice.zone, voice.words);
        let body = body(matter, voice);
        say(voice, "since", &[("moment", &moment), ("words", &body)])
    };
    let over = voice.words.say("alert.over");
    let (subject, words) = match stage {
        Stage::Begins => ("needs", body(matter, voice)),
        Stage::BeganAt(at) => ("needs", began(at)),
        Stage::Over => ("settled", over.to_owned()),
        Stage::WasThere(at) => ("settled", format!("{}\n\n{over}", began(at))),
    };
    let subject = say(voice, subject, &[("what", &what)]);
    notice(&subject, &words, &voice.words.language)
}

/// What a trouble is about, in a line without a stop at its end: plain text, with names as they are.
pub fn what(matter: &Matter, voice: Voice<'_>) -> String {
    let named = |text: &str, name: &str| say(voice, text, &[("name", name)]);
    let one = |text: &str| say(voice, text, &[]);
    match matter {
        Matter::Held { rule, day, .. } => {
            let (title, date) = ((voice.title)(rule), voice.words.date((*day).into()));
            let values = [("title", title.as_str()), ("rule", rule), ("date", &date)];
            say(voice, "held.what", &values)
        }
        Matter::Edit { .. } => one("edit.what"),
        Matter::Unknown { .. } => one("unknown.what"),
        Matter::Refusals { .. } => one("refusals.what"),
        Matter::Unwritten { rule, .. } => {
            let title = (voice.title)(rule);
            say(
                voice,
                "unwritten.what",
                &[("title", &title), ("rule", rule)],
            )
        }
        Matter::Standstill { doubt } => standstill(*doubt, voice.words).to_owned(),
        Matter::Away { name, .. } => named("away.what", name),
        Matter::RefusesUs { name, .. } => named("refuses.what", name),
        Matter::Source { name, .. } => named("source.what", name),
        Matter::Unusable { name, .. } => named("unusable.what", name),
        Matter::ManyGone { name, .. } => named("gone.what", name),
        Matter::Complaint { customer, .. } => say(
            voice,
            "complaint.what",
            &[("customer", &apart(brief(customer, MOST_OF_AN_ID)))],
        ),
        Matter::PassesFail { .. } => one("failing.what"),
        Matter::Other { kind, name } => say(voice, "other.what", &[("kind", kind), ("name", name)]),
    }
}

/// What a person should know of it, as Markdown.
pub fn body(matter: &Matter, voice: Voice<'_>) -> String {
    match matter {
        Matter::Held { rule, day, why } => {
            let why = match why {
                Some(Wait::TooMany) => voice.words.say("alert.held.too_many"),
                Some(Wait::First) => voice.words.say("alert.held.first"),
                None => "",
            };
            let day = day.to_string();
            let values = [("why", why), ("rule", rule), ("day", &day)];
            say(voice, "held.words", &values).trim_start().to_owned()
        }
        Matter::Edit { findings } => say(voice, "edit.words", &[("findings", &fenced(findings))]),
        Matter::Unknown { letters } => {
            let text = if *letters == 1 {
                "unknown.one"
            } else {
                "unknown.several"
            };
            say(voice, text, &[("count", &letters.to_string())])
        }
        Matter::Refusals { answers, refused } => {
            let (answers, refused) = (answers.to_string(), refused.to_string());
            let values = [("answers", answers.as_str()), ("refused", &refused)];
            say(voice, "refusals.words", &values)
        }
        Matter::Unwritten { rule, letters } => unwritten(rule, *letters, voice),
        Matter::Standstill { doubt } => {
            let because = because(*doubt, voice.zone, voice.words);
            format!("{because} {}", advice(*doubt, voice.words))
        }
        Matter::Away { .. } => away(matter, voice),
        Matter::RefusesUs { said, .. } => say(voice, "refuses.words", &[("said", &quoted(said))]),
        Matter::Source { name, said } => {
            let said = match said {
                Some(said) => say(voice, "source.said", &[("said", &quoted(said))]),
                None => say(voice, "source.unsaid", &[("name", name)]),
            };
            say(voice, "source.words", &[("said", &said), ("name", name)])
        }
        Matter::Unusable {
            name,
            at,
            records,
            refused,
        } => {
            let (records, refused) = (records.to_string(), refused.to_string());
            let values = [
                ("name", name.as_str()),
                ("moment", &moment(*at, voice.zone, voice.words)),
                ("records", &records),
                ("refused", &refused),
            ];
            say(voice, "unusable.words", &values)
        }
        Matter::ManyGone { name, gone, of } => {
            let (gone, of) = (gone.to_string(), of.to_string());
            let values = [("name", name.as_str()), ("gone", &gone), ("of", &of)];
            say(voice, "gone.words", &values)
        }
        Matter::Complaint { .. } => complaint(matter, voice),
        Matter::PassesFail { why } => say(voice, "failing.words", &[("why", &quoted(why))]),
        Matter::Other { .. } => voice.words.say("alert.other.words").to_owned(),
    }
}

/// What is the matter where nothing may go, in a few words that anybody may read.
pub fn standstill(doubt: Doubt, words: &Words) -> &str {
    words.say(match doubt {
        Doubt::Lost { .. } => "alert.standstill.lost",
        _ if doubt.is_of_the_clock() => "alert.standstill.clock",
        _ => "alert.standstill.copy",
    })
}

/// What makes somebody doubt, in a sentence or two.
pub fn because(doubt: Doubt, zone: &TimeZone, words: &Words) -> String {
    let fill =
        |text: &str, values: &[(&str, &str)]| words.fill(&format!("alert.doubt.{text}"), values);
    let at = |text: &str, at: Timestamp| fill(text, &[("moment", &moment(at, zone, words))]);
    let counted = |(one, several): (&str, &str), count: u64| {
        let text = if count == 1 { one } else { several };
        fill(text, &[("count", &count.to_string())])
    };
    match doubt {
        Doubt::BeforeBuild { built } => at("before_build", built),
        Doubt::FarAhead { built } => at("far_ahead", built),
        Doubt::Behind { seen } => at("behind", seen),
        Doubt::Ahead { seen } => at("ahead", seen),
        Doubt::Older { seen, letters } => {
            let older = seen.map_or_else(|| fill("older", &[]), |seen| at("older_until", seen));
            match u64::try_from(letters) {
                Err(_) | Ok(0) => older,
                Ok(letters) => {
                    let left = counted(("left_one", "left_several"), letters);
                    format!("{older} {left}")
                }
            }
        }
        Doubt::OtherLife => fill("other_life", &[]),
        Doubt::OtherStore => fill("other_store", &[]),
        Doubt::Lost { seen, letters } => {
            let letters = counted(("lost_one", "lost_several"), letters.unsigned_abs());
            format!("{} {letters} {}", at("lost", seen), fill("lost_words", &[]))
        }
        Doubt::Alone => fill("alone", &[]),
        Doubt::Copied => fill("copied", &[]),
        Doubt::InTurns => fill("in_turns", &[]),
        Doubt::OutboxAhead { letters } => counted(("outbox_one", "outbox_several"), letters),
    }
}

/// What a person can do about a doubt.
pub fn advice(doubt: Doubt, words: &Words) -> &str {
    words.say(match doubt {
        Doubt::Lost { .. } => "alert.doubt.lost_advice",
        _ if doubt.is_of_the_clock() => "alert.doubt.clock_advice",
        _ => "alert.doubt.copy_advice",
    })
}

fn unwritten(rule: &str, letters: u64, voice: Voice<'_>) -> String {
    let text = if letters == 1 {
        "unwritten.one"
    } else {
        "unwritten.several"
    };
    let ended = say(voice, text, &[("count", &letters.to_string())]);
    format!(
        "{ended} {}",
        say(voice, "unwritten.words", &[("rule", rule)])
    )
}

fn away(matter: &Matter, voice: Voice<'_>) -> String {
    let Matter::Away {
        is_relay,
        others_work,
        said,
        ..
    } = matter
    else {
        return String::new();
    };
    let (heard, look) = if *is_relay {
        ("alert.away.relay_heard", "alert.away.relay_look")
    } else {
        ("alert.away.folder_heard", "alert.away.folder_look")
    };
    let meanwhile = if *others_work {
        "alert.away.others"
    } else {
        "alert.away.waits"
    };
    let values = [
        ("heard", voice.words.say(heard)),
        ("said", &quoted(said)),
        ("look", voice.words.say(look)),
        ("meanwhile", voice.words.say(meanwhile)),
    ];
    say(voice, "away.words", &values)
}

/// Whatever the customer or the records say in it stays words.
fn complaint(matter: &Matter, voice: Voice<'_>) -> String {
    let Matter::Complaint {
        customer,
        who,
        face,
        faces,
        at,
        rule,
        text,
    } = matter
    else {
        return String::new();
    };
    let who = match who {
        Some(name) => {
            let name = brief(name, MOST_OF_A_NAME);
            format!("{} ({})", inline(&name), inline(customer))
        }
        None => inline(customer),
    };
    let said = if text.is_empty() {
        voice.words.say("alert.complaint.unsaid").to_owned()
    } else {
        say(
            voice,
            "complaint.said",
            &[("said", quoted_lines(text).trim_end())],
        )
    };
    // Only such an id can be copied into a shell as it is.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let id = match customer.as_str() {
        id if id.chars().all(plain) => id,
        _ => "CUSTOMER",
    };
    let values = [
        ("who", who.as_str()),
        ("face", &face.to_string()),
        ("faces", &faces.to_string()),
        ("moment", &moment(*at, voice.zone, voice.words)),
        ("title", &inline(&(voice.title)(rule))),
        ("said", &said),
        ("customer", id),
    ];
    say(voice, "complaint.words", &values)
}

/// `2 May 2027 at 09:00 Europe/London`, as the language has it.
fn moment(at: Timestamp, zone: &TimeZone, words: &Words) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let date = words.date(PartialDate::from(local.date()));
    let values = [
        ("date", date.as_str()),
        ("time", &local.strftime("%H:%M").to_string()),
        ("zone", zone.iana_name().unwrap_or("UTC")),
    ];
    words.fill("alert.moment", &values)
}

/// Lines as they are, whatever stands in them.
fn fenced(lines: &str) -> String {
    let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{lines}\n{fence}")
}

fn say(voice: Voice<'_>, text: &str, values: &[(&str, &str)]) -> String {
    voice.words.fill(&format!("alert.{text}"), values)
}

#[cfg(test)]
mod tests;
