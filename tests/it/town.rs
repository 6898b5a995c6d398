//! A made-up town of customers, drawn from a seed: every kind of record that a rule may look at,
//! the odd ones included.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::shop::Shop;

/// A stream of numbers that is the same for the same seed (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5555)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n`, `n` not included.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn day(&mut self, from: Date, days: u64) -> Date {
        from + i64::try_from(self.below(days)).unwrap().days()
    }
}

const ZONES: &[&str] = &[
    "",
    "",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Mars/Olympus",
];

const KINDS: &[&str] = &[
    "visit",
    "visit",
    "visit",
    "purchase",
    "purchase",
    "call",
    "cancellation",
    "feedback",
];

/// Sources with the town's attributes.
pub(crate) const SOURCES: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\n\
    path = \"../data/customers.csv\"\nfeeds = \"customers\"\n\
    types = { \"attr.renewal\" = \"date\" }\n\
    [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../data/events.csv\"\n\
    feeds = \"events\"\n";

/// Writes so many customers, and what happens to them from 400 days before `start` until 365
/// days after.
pub(crate) fn settle(shop: &Shop, dice: &mut Dice, customers: u64, start: Date) {
    let mut people = String::from(
        "id,email,first_name,timezone,birthday,joined_on,consent,unsubscribed,tags,\
         staff_email,staff_name,attr.renewal\n",
    );
    let mut events = String::from("id,customer_id,kind,at\n");
    let mut number = 0;
    for n in 0..customers {
        person(&mut people, dice, n, start);
        happenings(&mut events, dice, n, start, &mut number);
    }
    shop.customers(&people);
    shop.events(&events);
}

fn person(people: &mut String, dice: &mut Dice, n: u64, start: Date) {
    let email = if dice.one_in(25) {
        String::new()
    } else {
        format!("c{n}@mail.example")
    };
    let name = if dice.one_in(5) {
        String::new()
    } else {
        format!("Ann{n}")
    };
    let zone = dice.pick(ZONES);
    let day = dice.day("1940-01-01".parse().unwrap(), 365 * 65);
    let birthday = match dice.below(20) {
        0..=3 => String::new(),
        4..=6 => day.strftime("--%m-%d").to_string(),
        7 => "1984-02-29".to_owned(),
        8 => "--02-29".to_owned(),
        _ => day.to_string(),
    };
    let joined = dice.day(start - 4000.days(), 4000);
    let consent = dice.pick(&["yes", "yes", "unknown", "", "no"]);
    let unsubscribed = if dice.one_in(20) { "yes" } else { "" };
    let tags = if dice.one_in(4) { "vip" } else { "" };
    let (staff, called) = if dice.one_in(2) {
        ("eve@shop.example", "Eve")
    } else {
        ("", "")
    };
    let renewal = if dice.one_in(2) {
        dice.day(start - 30.days(), 420).to_string()
    } else {
        String::new()
    };
    writeln!(
        people,
        "c{n},{email},{name},{zone},{birthday},{joined},{consent},{unsubscribed},{tags},\
         {staff},{called},{renewal}"
    )
    .unwrap();
}

fn happenings(events: &mut String, dice: &mut Dice, n: u64, start: Date, number: &mut u64) {
    let first = start - 400.days();
    // From the faithful to those who came once, long ago.
    let (within, count) = match dice.below(4) {
        0 => (765, dice.below(14)),
        1 => (600, dice.below(8)),
        2 => (400, dice.below(5)),
        _ => (380, 1),
    };
    let mut add = |kind: &str, at: String| {
        *number += 1;
        writeln!(events, "e{number},c{n},{kind},{at}").unwrap();
    };
    for _ in 0..count {
        let (kind, day) = (dice.pick(KINDS), dice.day(first, within));
        add(kind, moment(dice, day));
    }
    if dice.one_in(6) {
        let day = dice.day(first, 765);
        add("complaint-opened", moment(dice, day));
        if !dice.one_in(3) {
            let closed = dice.day(day + 1.day(), 30);
            add("complaint-closed", moment(dice, closed));
        }
    }
}

/// A bare day, or a moment of it.
fn moment(dice: &mut Dice, day: Date) -> String {
    if dice.one_in(2) {
        return day.to_string();
    }
    let (hour, minute) = (dice.below(24), dice.below(60));
    format!("{day}T{hour:02}:{minute:02}:00Z")
}

/// A letter that can be written to anybody.
const NOTE: &str = "+++\nsubject = \"A word\"\n+++\nDear {{ customer.first_name | default(\"friend\") }},\n\nall the best.\n";

/// The town's rules: every trigger, class and audience, and every way to wait.
const RULES: &[(&str, &str, &str)] = &[
    (
        "birthday",
        "class = \"marketing\"\npriority = 80",
        "[trigger.anniversary]\nfield = \"birthday\"\n[send]\nlate_template = \"late\"\n\
         [limits]\nholdout = \"10%\"",
    ),
    (
        "month-ahead",
        "class = \"relationship\"\npriority = 20",
        "[trigger.anniversary]\nfield = \"birthday\"\noffset = \"-1 month\"\nfeb29 = \"skip\"\n\
         [send]\nat = \"19:30\"\nlate = \"1 day\"",
    ),
    (
        "years-with-us",
        "class = \"relationship\"\npriority = 60",
        "[trigger.anniversary]\nfield = \"joined_on\"\nyears = [1, 5, 10]\n\
         [send]\nzone = \"business\"\nlate = \"5 days\"",
    ),
    (
        "renewal",
        "class = \"service\"\npriority = 90",
        "[trigger.date]\nfield = \"attr.renewal\"\noffset = \"-14 days\"\n\
         [send]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]\nlate = \"10 days\"",
    ),
    (
        "thanks",
        "class = \"relationship\"",
        "[trigger.event]\nevent = \"purchase\"\nafter = \"3 days\"\n\
         [limits]\nholdout = \"25%\"\nbackfill = \"5 days\"\nmax_per_day = 2",
    ),
    (
        "first-time",
        "class = \"service\"\npriority = 70",
        "[trigger.event]\nevent = \"purchase\"\nafter = \"2 hours\"\nwhich = \"first\"\n\
         [send]\nlate = \"12 hours\"",
    ),
    (
        "surprise",
        "class = \"marketing\"\npriority = 30",
        "[trigger.event]\nevent = \"visit\"\nbetween = [\"10 days\", \"40 days\"]\n\
         [send]\nspread = \"3 hours\"\nlate = \"4 days\"\nwhen_capped = \"skip\"",
    ),
    (
        "come-back",
        "class = \"relationship\"",
        "[trigger.event]\nevent = \"cancellation\"\nafter = \"1 day\"\n[send]\nat = \"06:30\"\n\
         [limits]\napprove = \"first 3\"",
    ),
    (
        "settled",
        "class = \"service\"",
        "[trigger.event]\nevent = \"complaint-closed\"\nafter = \"1 week\"",
    ),
    (
        "miss-you",
        "class = \"marketing\"\npriority = 40",
        "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\", \"call\"]\nafter = \"60 days\"\n\
         min_contacts = 2\nrepeat = \"45 days\"\ntimes = 3\n[send]\nlate = \"7 days\"",
    ),
    (
        "call-them",
        "class = \"relationship\"",
        "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"120 days\"\n\
         [send]\nzone = \"business\"",
    ),
    (
        "christmas",
        "class = \"marketing\"\npriority = 10",
        "[trigger.holiday]\nholiday = \"christmas\"\noffset = \"-4 days\"\n\
         [send]\nlate = \"4 days\"\nspread = \"2 hours\"",
    ),
    (
        "easter",
        "class = \"marketing\"",
        "[trigger.holiday]\nholiday = \"easter\"\noffset = \"-1 week\"\n\
         [only]\nwhere = \"'vip' in customer.tags\"\n[send]\nzone = \"business\"",
    ),
    (
        "fair",
        "class = \"marketing\"\npriority = 95",
        "[trigger.fixed]\non = [2027-05-29, 2027-09-18]\n\
         [only]\nwhere = \"customer.count('visit', '24 months') > 0\"\n\
         [send]\nat = \"21:00\"\nlate = \"1 day\"",
    ),
];

/// The town's rule files.
pub(crate) fn rules(shop: &Shop) {
    shop.no_rules();
    shop.write("config/templates/word.en.md", NOTE);
    shop.write("config/templates/late.en.md", NOTE);
    for (id, head, rest) in RULES {
        shop.rule(id, &rule(id, head, rest));
    }
}

/// One rule's text.
fn rule(id: &str, head: &str, rest: &str) -> String {
    let audience = if is_note(id) { "staff" } else { "customer" };
    format!("title = \"{id}\"\ntemplate = \"word\"\naudience = \"{audience}\"\n{head}\n{rest}\n")
}

/// The rule's text with some of its words replaced.
pub(crate) fn edited(id: &str, from: &str, to: &str) -> String {
    let (_, head, rest) = RULES.iter().find(|(known, ..)| *known == id).unwrap();
    let text = rule(id, head, rest);
    assert!(text.contains(from), "{text}");
    text.replace(from, to)
}

/// The class of a rule's letters.
pub(crate) fn class(id: &str) -> &'static str {
    let (_, head, _) = RULES.iter().find(|(known, ..)| *known == id).unwrap();
    head.split('"').nth(1).unwrap()
}

/// Whether it goes to somebody of the house.
pub(crate) fn is_note(id: &str) -> bool {
    id == "call-them"
}
