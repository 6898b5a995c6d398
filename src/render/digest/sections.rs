//! The letter's sections, what needs somebody first: facts and phrases -> Markdown.
//!
//! May not hold words of its own. What comes from records and rules is escaped here, value by value.

use super::phrases::{Phrases, fill};
use super::{Ahead, Back, Broken, Compared, Facts, Fault, Gone, Idle, Missing, Need, Told};
use crate::model::signs::brief;
use crate::render::inert;

/// Lines of a list, so that the letter stays short.
const MOST_LINES: usize = 8;
/// Characters of a name or a title.
const MOST_OF_A_VALUE: usize = 100;
/// Characters of a currency; most have three.
const MOST_OF_A_CURRENCY: usize = 8;

/// `Thorn & Rose: 12 letters sent, 2 things need you`
pub(super) fn subject(facts: &Facts, phrases: &Phrases) -> String {
    let letters = match facts.letters() {
        0 => phrases.no_letters.to_owned(),
        letters => phrases.letters.of(letters, phrases, &[]),
    };
    let more = match facts.needs.len() {
        0 if facts.broken.is_empty() => String::new(),
        0 => phrases.subject_broken.to_owned(),
        needs => phrases.subject_needs.of(needs as u64, phrases, &[]),
    };
    let places = [
        ("business", facts.business.as_str()),
        ("letters", &letters),
        ("more", &more),
    ];
    fill(phrases.subject, &places)
}

/// The whole letter.
pub(super) fn body(facts: &Facts, phrases: &Phrases) -> String {
    let mut letter = Writer { out: String::new() };
    let title = fill(phrases.title, &[("business", &value(&facts.business))]);
    letter.line(&format!("# {title}"));
    let (since, until) = phrases.weekdays(facts.days);
    letter.line(&fill(
        phrases.from_to,
        &[("since", &since), ("until", &until)],
    ));
    if facts.needs.is_empty() && facts.broken.is_empty() {
        letter.line(phrases.all_well);
    }
    needs(&mut letter, facts, phrases);
    broken(&mut letter, &facts.broken, phrases);
    sent(&mut letter, facts, phrases);
    not_sent(&mut letter, facts, phrases);
    back(&mut letter, &facts.back, phrases);
    missing(&mut letter, facts, phrases);
    ahead(&mut letter, facts.ahead.as_ref(), phrases);
    letter.line("***");
    letter.line(phrases.farewell);
    letter.out
}

impl Facts {
    /// How many letters went out.
    fn letters(&self) -> u64 {
        self.sent.iter().map(|(_, count)| count).sum()
    }
}

struct Writer {
    out: String,
}

impl Writer {
    /// A paragraph or a heading.
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push_str("\n\n");
    }

    fn heading(&mut self, text: &str) {
        self.line(&format!("## {text}"));
    }

    fn list(&mut self, items: impl IntoIterator<Item = String>) {
        for item in items {
            self.out.push_str("- ");
            self.out.push_str(&item);
            self.out.push('\n');
        }
        self.out.push('\n');
    }
}

/// A value from records or rules, as Markdown that stays words and leaves room for others.
fn value(text: &str) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    _ = inert::write_escaped(&mut out, &brief(text, MOST_OF_A_VALUE));
    out
}

/// The link into the console, or the command where there is no console.
fn way(facts: &Facts, (path, words, command): (&str, &str, &str)) -> String {
    match &facts.console {
        Some(console) => format!("[{words}](<{console}{path}>)"),
        None => command.to_owned(),
    }
}

fn needs(letter: &mut Writer, facts: &Facts, phrases: &Phrases) {
    if facts.needs.is_empty() {
        return;
    }
    letter.heading(phrases.needs);
    let told = facts.needs.iter().take(MOST_LINES);
    letter.list(told.map(|need| one_need(need, facts, phrases)));
}

fn one_need(need: &Need, facts: &Facts, phrases: &Phrases) -> String {
    match need {
        Need::Held {
            title,
            rule,
            day,
            letters,
        } => {
            let (title, date) = (value(title), day.to_string());
            let day = phrases.date(*day);
            let places = [("title", title.as_str()), ("day", &day)];
            let told = phrases.held.of(*letters, phrases, &places);
            let command = [("rule", rule.as_str()), ("date", &date)];
            let command = fill(phrases.held_by_command, &command);
            let path = format!("/held/{rule}/{date}");
            let way = way(facts, (&path, phrases.look, &command));
            format!("{told} {way}")
        }
        Need::Unknown(letters) => {
            let told = phrases.unknown.of(*letters, phrases, &[]);
            let to = ("/held", phrases.see, phrases.unknown_by_command);
            format!("{told} {}", way(facts, to))
        }
        Need::Quarantined(records) => {
            let told = phrases.quarantined.of(*records, phrases, &[]);
            let to = ("/sources", phrases.see, phrases.quarantined_by_command);
            format!("{told} {}", way(facts, to))
        }
        Need::ManyGone { name, gone, of } => {
            let (source, of) = (value(name), phrases.number(*of));
            let places = [("source", source.as_str()), ("of", &of)];
            let told = phrases.many_gone.of(*gone, phrases, &places);
            let command = fill(phrases.many_gone_by_command, &[("source", name)]);
            format!("{told} {}", way(facts, ("/sources", phrases.see, &command)))
        }
        Need::Paused(since) => fill(phrases.paused, &[("since", &phrases.date(*since))]),
        Need::Other(words) => value(words),
    }
}

fn broken(letter: &mut Writer, broken: &[Broken], phrases: &Phrases) {
    if broken.is_empty() {
        return;
    }
    letter.heading(phrases.broken);
    let told = broken.iter().take(MOST_LINES);
    letter.list(told.map(|one| {
        let named = |phrase, name: &str| fill(phrase, &[("name", &value(name))]);
        let what = match &one.what {
            Fault::Edit => phrases.edit.to_owned(),
            Fault::Away(name) => named(phrases.away, name),
            Fault::RefusesUs(name) => named(phrases.refuses, name),
            Fault::Source(name) => named(phrases.source, name),
            Fault::Unusable(name) => named(phrases.unusable, name),
            Fault::ManyRefusals => phrases.refusals.to_owned(),
            Fault::Other(words) => value(words),
        };
        let since = phrases.date(one.since);
        fill(phrases.since, &[("what", &what), ("since", &since)])
    }));
}

/// Between a name and what is told of it.
fn colon(phrases: &Phrases) -> &'static str {
    let texts = crate::render::phrases::Phrases::built_in();
    texts.of(phrases.language).say("footer.colon")
}

/// The first lines of a list of titles and counts, and how many more there are.
fn counts(all: &[(String, u64)], phrases: &Phrases) -> Vec<String> {
    let line = |(title, count): &(String, u64)| {
        let (title, count) = (value(title), phrases.number(*count));
        format!("{title}{}**{count}**", colon(phrases))
    };
    let mut lines: Vec<String> = all.iter().take(MOST_LINES).map(line).collect();
    if let Some(more) = all.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
        lines.push(phrases.more.of(more as u64, phrases, &[]));
    }
    lines
}

fn sent(letter: &mut Writer, facts: &Facts, phrases: &Phrases) {
    letter.heading(phrases.sent);
    if facts.letters() == 0 {
        let why = facts.idle.map(|idle| match idle {
            Idle::Paused => phrases.idle_paused,
            Idle::NoRules => phrases.idle_no_rules,
            Idle::NoCustomers => phrases.idle_no_customers,
            Idle::NothingDue => phrases.idle_nothing_due,
            Idle::AllKept => phrases.idle_all_kept,
            Idle::Held => phrases.idle_held,
            Idle::Coming => phrases.idle_coming,
        });
        let words = [Some(phrases.nothing_sent), why];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        return letter.line(&words.join(" "));
    }
    letter.list(counts(&facts.sent, phrases));
    let (cared, asked) = facts.balance;
    if cared + asked == 0 {
        return;
    }
    let cared = phrases.cared.of(cared, phrases, &[]);
    let asked = match asked {
        0 => phrases.none_asked.to_owned(),
        asked => phrases.asked.of(asked, phrases, &[]),
    };
    letter.line(&format!("{cared}, {asked}."));
}

fn not_sent(letter: &mut Writer, facts: &Facts, phrases: &Phrases) {
    if facts.not_sent.is_empty() {
        return;
    }
    let whys = facts.not_sent.iter();
    let whys: Vec<String> = whys.map(|(why, count)| phrases.why(*why, *count)).collect();
    letter.line(&fill(phrases.not_sent, &[("whys", &whys.join("; "))]));
}

fn back(letter: &mut Writer, all: &[Back], phrases: &Phrases) {
    if all.is_empty() {
        return;
    }
    letter.heading(phrases.back);
    letter.list(all.iter().take(MOST_LINES).map(|one| {
        let title = value(&one.title);
        let mut names: Vec<String> = one.names.iter().map(|name| value(name)).collect();
        let others = one.count.saturating_sub(names.len() as u64);
        if others > 0 {
            names.push(phrases.and_others.of(others, phrases, &[]));
        }
        let names = phrases.list(&names);
        let mut told = match one.count {
            0 => fill(phrases.nobody_back, &[("title", &title)]),
            count => {
                let places = [("title", title.as_str()), ("names", &names)];
                phrases.came_back.of(count, phrases, &places)
            }
        };
        if let Some(compared) = one.compared {
            told.push(' ');
            told.push_str(&held_against(compared, one.within_days, phrases));
        }
        told
    }));
}

fn held_against(compared: Compared, within_days: u16, phrases: &Phrases) -> String {
    let share = |(of, back): (u32, u32)| {
        let share = 100.0 * f64::from(back) / f64::from(of.max(1));
        format!("{share:.0}")
    };
    let count = |number: u32| phrases.number(number.into());
    let told = match compared.told {
        Told::TooFew => phrases.too_few,
        Told::Unclear => phrases.unclear,
        Told::Helps => phrases.helps,
        Told::Hurts => phrases.hurts,
    };
    let (meant, left_out) = (compared.meant, compared.left_out);
    let places = [
        ("meant", count(meant.0)),
        ("back", count(meant.1)),
        ("share", share(meant)),
        ("others", count(left_out.0)),
        ("others_back", count(left_out.1)),
        ("others_share", share(left_out)),
        ("days", within_days.to_string()),
        ("told", told.to_owned()),
    ];
    let places: Vec<(&str, &str)> = places.iter().map(|(n, v)| (*n, v.as_str())).collect();
    fill(phrases.compared, &places)
}

fn missing(letter: &mut Writer, facts: &Facts, phrases: &Phrases) {
    let missing: &Missing = &facts.missing;
    letter.heading(phrases.missing);
    if missing.count == 0 {
        return letter.line(phrases.nobody_missing);
    }
    let sums: Vec<String> = missing
        .worth
        .iter()
        .map(|worth| money(worth, phrases))
        .chain(missing.others.then(|| phrases.other_sums.to_owned()))
        .collect();
    let worth = if sums.is_empty() {
        String::new()
    } else {
        fill(phrases.used_to_bring, &[("sums", &phrases.list(&sums))])
    };
    let places = [("worth", worth.as_str())];
    letter.line(&phrases.gone_quiet.of(missing.count, phrases, &places));
    letter.list(missing.top.iter().map(|one| gone(one, phrases)));
    if missing.count > missing.top.len() as u64 {
        let to = ("/missing", phrases.all_of_them, phrases.all_by_command);
        letter.line(&way(facts, to));
    }
}

/// `Ann Ames: 58 days (usually every 31), 420 GBP a year`
fn gone(one: &Gone, phrases: &Phrases) -> String {
    let silent = phrases.silent.of(one.silent_days.into(), phrases, &[]);
    let usually = one.usually.map_or(String::new(), |days| {
        let told = phrases.days(days);
        if told == "1" {
            return phrases.usually_daily.to_owned();
        }
        fill(phrases.usually, &[("days", &told)])
    });
    let worth = one.worth.as_ref().map_or(String::new(), |worth| {
        fill(phrases.a_year, &[("amount", &money(worth, phrases))])
    });
    let (name, colon) = (value(&one.name), colon(phrases));
    format!("{name}{colon}{silent}{usually}{worth}")
}

/// `420 GBP`
fn money((amount, currency): &(f64, String), phrases: &Phrases) -> String {
    let amount = phrases.amount(*amount);
    if currency.is_empty() {
        return amount;
    }
    let currency = brief(currency, MOST_OF_A_CURRENCY);
    format!("{amount}\u{a0}{}", value(&currency))
}

fn ahead(letter: &mut Writer, ahead: Option<&Ahead>, phrases: &Phrases) {
    let Some(ahead) = ahead else {
        return;
    };
    let days = ahead.days.to_string();
    letter.heading(&fill(phrases.ahead, &[("days", &days)]));
    if !ahead.known {
        return letter.line(phrases.ahead_unknown);
    }
    if ahead.letters.is_empty() && ahead.held == 0 {
        return letter.line(phrases.nothing_ahead);
    }
    let mut lines = counts(&ahead.letters, phrases);
    if ahead.held > 0 {
        lines.push(phrases.will_wait.of(ahead.held, phrases, &[]));
    }
    letter.list(lines);
}
