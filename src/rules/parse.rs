//! One rule file -> a typed rule, or everything that is wrong with it, each with its place.
//!
//! Text in, values out: no files, no clock, no store.

use std::sync::Arc;

use jiff::civil::{Time, Weekday};
use sha2::{Digest as _, Sha256};

use super::condition::Condition;
use super::holiday::{Holiday, OwnHolidays};
use super::parse_trigger;
use super::rule::{Rule, Send, SendZone, Sender, WhenCapped};
use super::trigger::{OnHoliday, Trigger};
use super::written::Written;
use crate::model::Topic;
use crate::model::facts::check_name;
use crate::model::finding::{Finding, SourceText};
use crate::model::period::Period;
use crate::model::policy::{Audience, Class};
use crate::model::signs::shows_nothing;
use crate::model::tables::{
    Homes, Notes, Table, Value, clock_time, parse_toml, percent, plain_name,
};

/// Where a key belongs that stands in the wrong table. TOML counts every key below a `[header]`
/// as part of it, which surprises people.
const HOMES: Homes = &[
    ("title", TOP),
    ("template", TOP),
    ("class", TOP),
    ("topic", TOP),
    ("priority", TOP),
    ("audience", TOP),
    ("sender", TOP),
    ("enabled", TOP),
    ("where", "under `[only]`"),
    ("at", SEND),
    ("zone", SEND),
    ("days", SEND),
    ("late", SEND),
    ("late_template", SEND),
    ("spread", SEND),
    ("when_capped", SEND),
    ("holdout", LIMITS),
    ("approve", LIMITS),
    ("max_per_day", LIMITS),
    ("backfill", LIMITS),
    ("field", "under `[trigger.anniversary]` or `[trigger.date]`"),
    (
        "offset",
        "under `[trigger.anniversary]`, `[trigger.date]` or `[trigger.holiday]`",
    ),
    ("feb29", "under `[trigger.anniversary]`"),
    ("years", "under `[trigger.anniversary]`"),
    ("event", "under `[trigger.event]`"),
    ("between", "under `[trigger.event]`"),
    ("which", "under `[trigger.event]`"),
    ("after", "under `[trigger.event]` or `[trigger.lapsed]`"),
    ("contact", "under `[trigger.lapsed]`"),
    ("min_contacts", "under `[trigger.lapsed]`"),
    ("repeat", "under `[trigger.lapsed]`"),
    ("times", "under `[trigger.lapsed]`"),
    ("measure", "under `[trigger.usage]`"),
    ("of", "under `[trigger.usage]`"),
    ("window", "under `[trigger.usage]`"),
    ("versus", "under `[trigger.usage]`"),
    ("change", "under `[trigger.usage]`"),
    ("min_base", "under `[trigger.usage]`"),
    ("holiday", "under `[trigger.holiday]`"),
    ("on", "under `[trigger.fixed]`"),
];
const TOP: &str = "at the top of the file, above the first `[table]`";
const SEND: &str = "under `[send]`";
const LIMITS: &str = "under `[limits]`";

const WEEKDAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

const AUDIENCES: &[(&str, Audience)] = &[
    ("customer", Audience::Customer),
    ("staff", Audience::Staff),
    ("owner", Audience::Owner),
];

/// In the middle between 0 and 100.
const DEFAULT_PRIORITY: u8 = 50;

/// What holds for `[send]` unless the rule says otherwise; its days are all seven.
const DEFAULTS: Send = Send {
    at: Time::constant(9, 0, 0, 0),
    zone: SendZone::Customer,
    days: Vec::new(),
    late: Period::Days(2),
    late_template: None,
    spread_minutes: 0,
    when_capped: WhenCapped::Defer,
};

/// More letters than any limit can sensibly mean.
const MOST_LETTERS: u32 = 1_000_000;

/// A spread stays within its day.
const MINUTES_A_DAY: u32 = 24 * 60;

/// Reads a rule file. The rule is there exactly when there are no findings.
pub fn parse(
    source: &Arc<SourceText>,
    id: &str,
    own: &OwnHolidays,
) -> (Option<Rule>, Vec<Finding>) {
    let mut findings = Vec::new();
    if let Err(why) = plain_name(id) {
        let message = format!("a rule's id is its file's name, and {why}");
        let (what, help) = message.split_once("; ").unwrap_or((&message, ""));
        findings.push(Finding::new(source, 0..0, what).with_help(help));
    }
    let item = match parse_toml(source, 0..source.text.len()) {
        Ok(item) => item,
        Err(found) => {
            findings.extend(found);
            return (None, findings);
        }
    };
    let notes = Notes::new(HOMES);
    let rule = rule(Table::root(&item, &notes), id, own).map(|rule| Rule {
        version: version(&source.text, &rule.trigger),
        written: Arc::new(Written::of(&source.text, &rule.trigger)),
        ..rule
    });
    findings.extend(notes.into_findings());
    (rule.filter(|_| findings.is_empty()), findings)
}

/// The first 8 hex digits of the text's SHA-256, and of the holiday's that it names.
fn version(text: &str, trigger: &Trigger) -> String {
    let mut hash = Sha256::new_with_prefix(text);
    if let Trigger::Holiday(OnHoliday {
        holiday: Holiday::Own(own),
        ..
    }) = trigger
    {
        hash.update([0]);
        hash.update(&own.text);
    }
    let digest = format!("{:x}", hash.finalize());
    digest.chars().take(8).collect()
}

/// The rule, but for its version.
fn rule(mut top: Table<'_>, id: &str, own: &OwnHolidays) -> Option<Rule> {
    let title = top.require("title", "\"Birthday greeting\"");
    let title = title.and_then(|v| v.read(one_line));
    let template = top.require("template", "\"birthday\"");
    let template = template.and_then(|v| v.read(plain_name));
    let class = top.require("class", "\"relationship\"");
    let class = class.and_then(|v| {
        v.one_of(&[
            ("service", Class::Service),
            ("relationship", Class::Relationship),
            ("marketing", Class::Marketing),
        ])
    });
    let topic = top.get("topic");
    let topic = topic.and_then(|v| v.one_of(&Topic::ALL.map(|topic| (topic.as_str(), topic))));
    let priority = top.get("priority").and_then(|v| v.whole(0..=100));
    let audience = top.require("audience", "\"customer\"");
    let audience = audience.and_then(|v| v.one_of(AUDIENCES));
    let sender = top.get("sender").and_then(|v| sender(&v, audience));
    let enabled = top.get("enabled").and_then(|v| v.yes_no());
    let trigger = parse_trigger::trigger(&mut top, own);
    let condition = top.table("only").and_then(condition);
    let send = send(top.table_or_empty("send"));
    let limits = limits(top.table_or_empty("limits"));
    top.finish(&[]);
    let trigger = trigger?;
    Some(Rule {
        id: id.to_owned(),
        version: String::new(),
        written: Arc::default(),
        title: title?,
        template: template?,
        class: class?,
        topic: topic.unwrap_or_else(|| trigger.topic()),
        audience: audience?,
        sender: sender.unwrap_or_default(),
        priority: priority.map_or(Some(DEFAULT_PRIORITY), |n| u8::try_from(n).ok())?,
        enabled: enabled.unwrap_or(true),
        trigger,
        condition,
        send,
        holdout: limits.holdout,
        backfill: limits.backfill,
        approve_first: limits.approve_first,
        max_per_day: limits.max_per_day,
    })
}

/// Only a customer gets a letter in somebody's name.
fn sender(value: &Value<'_>, audience: Option<Audience>) -> Option<Sender> {
    let sender = value.one_of(&[("business", Sender::Business), ("staff", Sender::Staff)])?;
    if sender == Sender::Staff && audience.is_some_and(|a| a != Audience::Customer) {
        let help = "take the line out; `sender = \"staff\"` is for letters to customers";
        value.complain(
            "a note to staff or owner comes from the business",
            Some(help.to_owned()),
        );
    }
    Some(sender)
}

fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("this must be a single line; take out the line break".to_owned());
    }
    if shows_nothing(text) {
        return Err("there is nothing to be seen in this; write a few words".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn condition(mut table: Table<'_>) -> Option<Condition> {
    let condition = table.get("where").and_then(|v| {
        v.read(|text| {
            let condition = Condition::parse(text).map_err(|error| {
                // The line number counts within the expression and would only confuse.
                let why = error.detail().unwrap_or("it can't be read").to_owned();
                format!(
                    "this isn't an expression: {why}; write one such as `'vip' in customer.tags`"
                )
            })?;
            let unknown = condition.names().iter().find_map(|n| check_name(n).err());
            match unknown {
                Some(unknown) => Err(format!("{}; {}", unknown.message, unknown.help)),
                None => Ok(condition),
            }
        })
    });
    table.finish(&[]);
    condition
}

/// What isn't given, or is wrong and so has its finding, gets its default.
fn send(mut table: Table<'_>) -> Send {
    let at = table.get("at").and_then(|v| v.read_moment(clock_time));
    let zone = table.get("zone").and_then(|v| {
        v.one_of(&[
            ("customer", SendZone::Customer),
            ("business", SendZone::Business),
        ])
    });
    let days = table.get("days").and_then(|v| weekdays(&v));
    let late = table.get("late").and_then(|v| v.read(lateness));
    let late_template = table.get("late_template");
    let spread = table.get("spread").and_then(|v| v.read(spread_minutes));
    let when_capped = table
        .get("when_capped")
        .and_then(|v| v.one_of(&[("defer", WhenCapped::Defer), ("skip", WhenCapped::Skip)]));
    let send = Send {
        at: at.unwrap_or(DEFAULTS.at),
        zone: zone.unwrap_or(DEFAULTS.zone),
        days: days.unwrap_or_else(every_day),
        late: late.unwrap_or(DEFAULTS.late),
        late_template: late_template.and_then(|v| v.read(plain_name)),
        spread_minutes: spread.unwrap_or(DEFAULTS.spread_minutes),
        when_capped: when_capped.unwrap_or(DEFAULTS.when_capped),
    };
    table.finish(&[]);
    send
}

fn every_day() -> Vec<Weekday> {
    WEEKDAYS.iter().map(|(_, day)| *day).collect()
}

fn weekdays(value: &Value<'_>) -> Option<Vec<Weekday>> {
    let items = value.list("[\"mon\", \"tue\"]")?;
    if items.is_empty() {
        let help = "name at least one day, or take the line out for every day";
        value.complain(
            "without a day this rule would never send",
            Some(help.into()),
        );
    }
    let mut days = Vec::new();
    for item in items {
        let day = item.one_of(WEEKDAYS)?;
        if !days.contains(&day) {
            days.push(day);
        }
    }
    Some(days)
}

fn not_negative(text: &str) -> Result<Period, String> {
    let period = Period::parse(text)?;
    if period.is_negative() {
        return Err(format!("`{text}` lies before; write it without the minus"));
    }
    Ok(period)
}

/// No letter leaves in the very moment in which it is due.
fn lateness(text: &str) -> Result<Period, String> {
    let late = not_negative(text)?;
    if late.is_zero() && late.exact().is_some() {
        return Err(format!(
            "`{text}` leaves no time to send anything in; write `0 days` for \"on its day or not at \
             all\", or a time such as `30 minutes`"
        ));
    }
    Ok(late)
}

fn spread_minutes(text: &str) -> Result<u32, String> {
    let wanted = "write minutes or hours, less than a day, such as `90 minutes`";
    match not_negative(text)? {
        Period::Minutes(n) => u32::try_from(n)
            .ok()
            .filter(|n| *n < MINUTES_A_DAY)
            .ok_or_else(|| format!("`{text}` is too long; {wanted}")),
        Period::Days(_) | Period::Months(_) => Err(format!("`{text}` is too long; {wanted}")),
    }
}

struct Limits {
    holdout: u32,
    backfill: Period,
    approve_first: Option<u32>,
    max_per_day: Option<u32>,
}

fn limits(mut table: Table<'_>) -> Limits {
    let holdout = table.get("holdout").and_then(|v| v.read(share));
    let backfill = table.get("backfill").and_then(|v| v.read(civil_days));
    let approve = table.get("approve").and_then(|v| v.read(first));
    let max_per_day = table.get("max_per_day");
    let max_per_day = max_per_day.and_then(|v| v.whole(1..=MOST_LETTERS));
    table.finish(&[]);
    Limits {
        holdout: holdout.unwrap_or(0),
        backfill: backfill.unwrap_or(Period::Days(0)),
        approve_first: approve,
        max_per_day,
    }
}

/// `first 20`
fn first(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix("first ").map(str::trim_start);
    let number = number.and_then(|n| n.parse().ok());
    number
        .filter(|n| (1..=MOST_LETTERS).contains(n))
        .ok_or_else(|| {
            format!("`{text}` isn't understood; write how many letters wait, such as `first 20`")
        })
}

fn civil_days(text: &str) -> Result<Period, String> {
    match not_negative(text)? {
        Period::Minutes(_) => Err(format!(
            "`{text}` is too fine; write days, weeks or months such as `7 days`"
        )),
        period @ (Period::Days(_) | Period::Months(_)) => Ok(period),
    }
}

/// `10%` or `2.5%` -> parts of 2^32.
fn share(text: &str) -> Result<u32, String> {
    /// Hundredths of a percent in the whole.
    const WHOLE: u64 = 10_000;
    let parts = percent(text).filter(|parts| u64::from(*parts) < WHOLE);
    let parts = parts.and_then(|parts| u32::try_from((u64::from(parts) << 32) / WHOLE).ok());
    parts.ok_or_else(|| {
        format!("`{text}` is no share; write a percentage from 0% to 99% such as `10%`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        AfterEvent, Anniversary, Cadences, DateField, Delay, Feb29, OnDate, Patience, Silence,
        Sure, Trigger, Which,
    };

    const TOP: &str =
        "title = \"T\"\ntemplate = \"t\"\nclass = \"service\"\naudience = \"customer\"\n";

    fn read(text: &str) -> (Option<Rule>, Vec<Finding>) {
        let source = SourceText {
            name: "rules/x.toml".to_owned(),
            text: text.to_owned(),
        };
        parse(&Arc::new(source), "x", &OwnHolidays::default())
    }

    fn good(text: &str) -> Rule {
        let (rule, findings) = read(text);
        assert_eq!(findings, []);
        rule.unwrap()
    }

    #[test]
    fn what_isnt_said_has_the_agreed_default() {
        let rule = good(&format!("{TOP}[trigger.anniversary]\nfield = \"birthday\""));
        assert_eq!((rule.priority, rule.enabled, rule.holdout), (50, true, 0));
        assert_eq!(rule.backfill, Period::Days(0));
        assert_eq!((rule.approve_first, rule.max_per_day), (None, None));
        assert!(rule.condition.is_none());
        let send = Send {
            days: every_day(),
            ..DEFAULTS
        };
        assert_eq!((send.days.len(), rule.send), (7, send));
        let trigger = Trigger::Anniversary(Anniversary {
            field: DateField::Birthday,
            offset: Period::Days(0),
            feb29: Feb29::Feb28,
            years: Vec::new(),
        });
        assert_eq!(rule.trigger, trigger);
    }

    #[test]
    fn a_rule_s_letters_are_of_the_kind_of_its_trigger_unless_it_says_another() {
        let topic = |text: &str| good(&format!("{TOP}{text}")).topic;
        for (trigger, kind) in [
            (
                "[trigger.anniversary]\nfield = \"birthday\"",
                Topic::Greetings,
            ),
            ("[trigger.fixed]\non = [\"2027-01-01\"]", Topic::Greetings),
            (
                "[trigger.event]\nevent = \"visit\"\nafter = \"1 day\"",
                Topic::Thanks,
            ),
            (
                "[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"9 days\"",
                Topic::Missing,
            ),
            ("[trigger.date]\nfield = \"attr.due\"", Topic::Reminders),
        ] {
            assert_eq!(topic(trigger), kind, "{trigger}");
            assert_eq!(
                topic(&format!("topic = \"usage\"\n{trigger}")),
                Topic::Usage
            );
        }
        let (_, findings) = read(&format!(
            "{TOP}topic = \"greeting\"\n[trigger.fixed]\non = []"
        ));
        let help = findings[0].help.clone().unwrap();
        assert!(help.contains("did you mean `greetings`?"), "{help}");
    }

    #[test]
    fn everything_that_can_be_said_is_heard() {
        let rule = good(
            r#"
            title = "Birthday greeting"
            template = "birthday"
            class = "marketing"
            priority = 80
            audience = "customer"
            sender = "business"
            enabled = false

            [trigger.anniversary]
            field = "attr.wedding"
            offset = "-1 month"
            feb29 = "skip"
            years = [25, 1, 25]

            [only]
            where = "'vip' in customer.tags"

            [send]
            at = 10:30:00
            zone = "business"
            days = ["mon", "fri", "mon"]
            late = "3 hours"
            late_template = "belated-birthday"
            spread = "2 hours"
            when_capped = "skip"

            [limits]
            holdout = "12.5%"
            backfill = "2 weeks"
            approve = "first 20"
            max_per_day = 200
            "#,
        );
        assert_eq!(rule.id, "x");
        assert_eq!(
            (rule.title.as_str(), rule.template.as_str()),
            ("Birthday greeting", "birthday")
        );
        assert_eq!(
            (rule.class, rule.priority, rule.enabled),
            (Class::Marketing, 80, false)
        );
        let trigger = Trigger::Anniversary(Anniversary {
            field: DateField::Attr("wedding".to_owned()),
            offset: Period::Months(-1),
            feb29: Feb29::Skip,
            years: vec![1, 25],
        });
        assert_eq!(rule.trigger, trigger);
        assert_eq!(rule.condition.unwrap().text(), "'vip' in customer.tags");
        let send = Send {
            at: Time::constant(10, 30, 0, 0),
            zone: SendZone::Business,
            days: vec![Weekday::Monday, Weekday::Friday],
            late: Period::Minutes(180),
            late_template: Some("belated-birthday".to_owned()),
            spread_minutes: 120,
            when_capped: WhenCapped::Skip,
        };
        assert_eq!(rule.send, send);
        assert_eq!((rule.holdout, rule.backfill), (1 << 29, Period::Days(14)));
        assert_eq!(
            (rule.approve_first, rule.max_per_day),
            (Some(20), Some(200))
        );
    }

    fn trigger(table: &str) -> Trigger {
        good(&format!("{TOP}[trigger.{table}")).trigger
    }

    #[test]
    fn events_are_heard_with_their_delay_and_their_number() {
        let event = |delay, which| {
            let kind = "purchase".to_owned();
            Trigger::Event(AfterEvent { kind, delay, which })
        };
        let after = Delay::After(Period::Days(0));
        assert_eq!(
            trigger("event]\nevent = \"purchase\"\nafter = \"0 days\""),
            event(after, Which::Every)
        );
        assert_eq!(
            trigger("event]\nevent = \"purchase\"\nafter = \"0 days\"\nwhich = 3"),
            event(after, Which::Nth(3))
        );
        let surprise = |range: &str| {
            trigger(&format!(
                "event]\nevent = \"purchase\"\nbetween = {range}\nwhich = \"first\""
            ))
        };
        for (range, least, most) in [
            (
                "[\"10 days\", \"40 days\"]",
                Period::Days(10),
                Period::Days(40),
            ),
            (
                "[\"2 weeks\", \"1 month\"]",
                Period::Days(14),
                Period::Months(1),
            ),
            (
                "[\"1 hour\", \"90 minutes\"]",
                Period::Minutes(60),
                Period::Minutes(90),
            ),
            ("[\"5 days\", \"5 days\"]", Period::Days(5), Period::Days(5)),
        ] {
            let delay = Delay::Between(least, most);
            assert_eq!(surprise(range), event(delay, Which::Nth(1)), "{range}");
        }
    }

    #[test]
    fn silences_are_heard_with_their_steps() {
        let silence = |repeat_days, times| {
            Trigger::Lapsed(Silence {
                contact: vec!["visit".to_owned()],
                after: Patience::Days(56),
                min_contacts: 2,
                repeat_days,
                times,
            })
        };
        let text = "lapsed]\ncontact = [\"visit\"]\nafter = \"8 weeks\"\nmin_contacts = 2";
        assert_eq!(trigger(text), silence(90, 1));
        assert_eq!(
            trigger(&format!("{text}\nrepeat = \"30 days\"\ntimes = 3")),
            silence(30, 3)
        );
    }

    #[test]
    fn silences_are_heard_in_cadences_with_their_bounds() {
        let silence = |tenths, (otherwise_days, at_least_days, at_most_days)| {
            Trigger::Lapsed(Silence {
                contact: vec!["visit".to_owned()],
                after: Patience::Cadences(Cadences {
                    tenths,
                    otherwise_days,
                    at_least_days,
                    at_most_days,
                }),
                min_contacts: 1,
                repeat_days: 90,
                times: 1,
            })
        };
        let text = "lapsed]\ncontact = [\"visit\"]\nafter = ";
        assert_eq!(
            trigger(&format!("{text}\"2 cadences\"")),
            silence(20, (90, 7, 36_525))
        );
        let bounds = "otherwise = \"8 weeks\"\nat_least = \"10 days\"\nat_most = \"200 days\"";
        assert_eq!(
            trigger(&format!("{text}\"1.5 cadences\"\n{bounds}")),
            silence(15, (56, 10, 200))
        );
    }

    #[test]
    fn silences_are_heard_in_chances_with_their_horizon() {
        let silence = |percent, horizon_days, otherwise_days, (at_least_days, at_most_days)| {
            Trigger::Lapsed(Silence {
                contact: vec!["visit".to_owned()],
                after: Patience::Sure(Sure {
                    percent,
                    horizon_days,
                    otherwise_days,
                    at_least_days,
                    at_most_days,
                }),
                min_contacts: 1,
                repeat_days: 90,
                times: 1,
            })
        };
        let text = "lapsed]\ncontact = [\"visit\"]\nafter = ";
        assert_eq!(
            trigger(&format!("{text}\"80% sure\"")),
            silence(80, 90, None, (7, None))
        );
        let more = "horizon = \"6 weeks\"\notherwise = \"60 days\"\nat_least = \"1 day\"\n\
                    at_most = \"200 days\"";
        assert_eq!(
            trigger(&format!("{text}\"95 % sure\"\n{more}")),
            silence(95, 42, Some(60), (1, Some(200)))
        );
    }

    #[test]
    fn dates_of_theirs_and_of_everybody_are_heard() {
        assert_eq!(
            trigger("date]\nfield = \"attr.renewal\"\noffset = \"-2 weeks\""),
            Trigger::Date(OnDate {
                field: DateField::Attr("renewal".to_owned()),
                offset: Period::Days(-14),
            })
        );
        let on = |day: &str| day.parse().unwrap();
        assert_eq!(
            trigger("fixed]\non = [2028-02-29, \"2027-06-01\"]"),
            Trigger::Fixed(vec![on("2027-06-01"), on("2028-02-29")])
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_in_order() {
        let (rule, findings) =
            read("titel = 1\nclass = 2\n[trigger.fixed]\n[send]\nat = 3\n[nonsense]");
        assert!(rule.is_none());
        let lines: Vec<usize> = findings
            .iter()
            .map(|finding| finding.position().0)
            .collect();
        assert_eq!(lines, [1, 1, 1, 1, 2, 3, 5, 6]);
    }

    #[test]
    fn the_version_follows_the_text() {
        let text = format!("{TOP}[trigger.anniversary]\nfield = \"birthday\"");
        let (rule, edited) = (good(&text), good(&format!("{text}\n# why")));
        assert_eq!(rule.version.len(), 8);
        assert_ne!(rule.version, edited.version);
        assert_eq!(version("abc", &rule.trigger), "ba7816bf");
    }

    #[test]
    fn holidays_are_found_by_name() {
        let text = "holiday]\nholiday = \"easter\"\noffset = \"-1 week\"";
        let Trigger::Holiday(OnHoliday { holiday, offset }) = trigger(text) else {
            panic!("holiday")
        };
        assert_eq!((holiday.name(), offset), ("easter", Period::Days(-7)));
    }

    #[test]
    fn shares_are_exact() {
        for (text, parts) in [
            ("0%", 0),
            ("50%", 1 << 31),
            ("12.5 %", 1 << 29),
            ("25.00%", 1 << 30),
        ] {
            assert_eq!(share(text), Ok(parts), "{text}");
        }
        for bad in [
            "", "%", "10", "100%", "-1%", "1.%", ".5%", "1.234%", "ten%", "1e1%",
        ] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_rule_or_findings_but_never_neither(text in "[a-z.\\[\\]=\" 0-9\\n]{0,120}") {
            for text in [text.clone(), format!("{TOP}[trigger.event]\n{text}")] {
                let (rule, findings) = read(&text);
                assert_eq!(rule.is_some(), findings.is_empty());
            }
        }
    }
}
