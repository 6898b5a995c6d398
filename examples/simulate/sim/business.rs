//! A business that follows from its seed: who its customers are, what happens to them, and the files
//! in which it tells of that. May not know what is sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::calendar::{
    DAY, Day, HOUR, ZONES, day, day_of_month, in_year, month_of, plus_days, shown, year_of,
};
use super::luck::Luck;
use super::rules::{self, Rule};

/// Hours in which nobody is written to, in minutes since midnight.
pub(crate) type Quiet = Option<(u32, u32)>;

/// At most so many messages of a class, or of any, in so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cap {
    pub(crate) class: Option<rules::Class>,
    pub(crate) count: usize,
    pub(crate) days: i32,
}

/// One customer's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) email: Option<String>,
    pub(crate) first_name: Option<&'static str>,
    pub(crate) language: Option<&'static str>,
    /// An own zone; `None` where it is missing or no zone at all.
    pub(crate) zone: Option<Tz>,
    zone_text: String,
    /// Year, month, day.
    pub(crate) birthday: Option<(Option<i32>, u32, u32)>,
    pub(crate) joined: Option<Day>,
    pub(crate) renewal: Option<Day>,
    pub(crate) consent: &'static str,
    pub(crate) unsubscribed: bool,
    pub(crate) vip: bool,
    pub(crate) staff: Option<String>,
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    At(i64),
    On(Day),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) customer: String,
    pub(crate) kind: &'static str,
    pub(crate) when: When,
}

/// What is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) events: BTreeMap<String, Happening>,
}

/// A file of a source: what it holds, as the program reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) text: String,
    pub(crate) records: Records,
}

/// The business.
#[derive(Debug)]
pub(crate) struct Business {
    pub(crate) zone: Tz,
    pub(crate) quiet: Quiet,
    pub(crate) caps: Vec<Cap>,
    pub(crate) opt_in: bool,
    /// Letters of one rule and day that go unasked.
    pub(crate) guard: usize,
    pub(crate) resend: bool,
    /// Letters an hour to one mail domain.
    pub(crate) per_hour: Option<usize>,
    pub(crate) rules: Vec<Rule>,
    /// What is true, whether the files tell it or not.
    truth: Records,
    next_customer: u32,
    next_event: u32,
    folder: PathBuf,
    luck: Luck,
}

/// The two sources, in the order in which they are read.
pub(crate) const SOURCES: [&str; 2] = ["customers", "events"];

const NAMES: [&str; 6] = ["Ann", "Bob", "Chloé", "Dörte", "Emre", "Fumiko"];

impl Business {
    pub(crate) fn found(folder: &Path, mut luck: Luck, start: i64) -> anyhow::Result<Self> {
        let zone = *luck.one_of(ZONES);
        let first = day(zone, start);
        let any = |count, days| Cap {
            class: None,
            count,
            days,
        };
        let marketing = |count, days| Cap {
            class: Some(rules::Class::Marketing),
            count,
            days,
        };
        let caps = luck
            .one_of(&[
                vec![],
                vec![],
                vec![any(1, 2)],
                vec![any(1, 2), marketing(1, 14)],
                vec![any(2, 3)],
                vec![marketing(1, 7)],
            ])
            .clone();
        let quiet = *luck.one_of(&[
            None,
            Some((20 * 60, 8 * 60)),
            Some((22 * 60, 6 * 60 + 30)),
            Some((12 * 60, 14 * 60)),
        ]);
        let mut business = Self {
            zone,
            quiet,
            caps,
            opt_in: luck.once_in(4),
            guard: if luck.once_in(6) { 1 } else { 200 },
            resend: luck.once_in(5),
            per_hour: luck.once_in(8).then_some(2),
            rules: rules::draw(&mut luck, first),
            truth: Records::default(),
            next_customer: 0,
            next_event: 0,
            folder: folder.to_owned(),
            luck,
        };
        let many = 2 + business.luck.below(8);
        for _ in 0..many {
            business.somebody_comes(start);
        }
        business.lay_out()?;
        Ok(business)
    }

    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The `fondly.toml`.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config/fondly.toml")
    }

    fn lay_out(&self) -> anyhow::Result<()> {
        let config = self.folder.join("config");
        for folder in ["rules", "templates"] {
            fs::create_dir_all(config.join(folder))?;
        }
        fs::create_dir_all(self.folder.join("data"))?;
        fs::write(self.config(), self.settings())?;
        for rule in &self.rules {
            fs::write(config.join(format!("rules/{}.toml", rule.id)), rule.text())?;
        }
        for (name, language, words) in [
            ("note", "en", "Hello"),
            ("note", "de", "Guten Tag"),
            ("note", "fr", "Bonjour"),
            ("late-note", "en", "Sorry, a little late"),
        ] {
            let text = format!(
                "+++\nsubject = \"{words}!\"\n+++\n{words} \
                 {{{{ customer.first_name | default(\"friend\") }}}},\n\n. all the best\n"
            );
            fs::write(config.join(format!("templates/{name}.{language}.md")), text)?;
        }
        Ok(())
    }

    fn settings(&self) -> String {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let quiet = self.quiet.map_or("none".to_owned(), |(from, until)| {
            format!("{}-{}", clock(from), clock(until))
        });
        let caps: Vec<String> = self
            .caps
            .iter()
            .map(|cap| {
                let class = cap.class.map_or("any", rules::Class::name);
                format!("{class} = \"{} per {} days\"", cap.count, cap.days)
            })
            .collect();
        let per_domain = self.per_hour.map_or(String::new(), |many| {
            format!("per_domain = {{ \"*\" = \"{many} per 1 hour\" }}\n")
        });
        format!(
            "[business]\nname = \"Thorn & Rose\"\nfrom = \"Thorn & Rose <hello@thorn.example>\"\n\
             owner = [\"anna@thorn.example\"]\ntimezone = \"{}\"\nlanguage = \"en\"\n\
             postal_address = \"1 High Street, Leeds\"\nunsubscribe_mailto = \"out@thorn.example\"\n\
             [store]\nurl = \"sqlite:../fondly.db\"\n[mail]\ntransport = \"smtp\"\n[mail.smtp]\n\
             host = \"127.0.0.1\"\nport = 2525\nsecurity = \"none\"\nconnections = 1\n\
             per_second = 10000\nwhen_unknown = \"{}\"\n{per_domain}\
             [sending]\nquiet_hours = \"{quiet}\"\ncaps = {{ {} }}\nmarketing_basis = \"{}\"\n\
             [guard]\nmax_per_rule_per_day = {}\nmax_share = \"1%\"\n\
             [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
             feeds = \"customers\"\ndates = \"%Y-%m-%d\"\ntypes = {{ \"attr.renewal\" = \"date\" }}\n\
             [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../data/events.csv\"\nfeeds = \"events\"\n",
            self.zone,
            if self.resend { "resend" } else { "hold" },
            caps.join(", "),
            if self.opt_in {
                "opt-in"
            } else {
                "existing-customers"
            },
            self.guard,
        )
    }

    /// Where a source's file lies.
    pub(crate) fn file(&self, source: &str) -> PathBuf {
        self.folder.join(format!("data/{source}.csv"))
    }

    /// What happens until `now`, since `before`.
    pub(crate) fn live(&mut self, before: i64, now: i64) {
        let hours = u64::try_from((now - before) / HOUR).unwrap_or(0).max(1);
        // Something happens to somebody about every fifth day.
        let most = hours * self.truth.people.len() as u64 / 60 + 1;
        for _ in 0..self.luck.below(most + 1).min(40) {
            self.something_happens(before, now);
        }
    }

    fn something_happens(&mut self, before: i64, now: i64) {
        let ids: Vec<String> = self.truth.people.keys().cloned().collect();
        if ids.is_empty() || self.luck.once_in(40) && ids.len() < 14 {
            return self.somebody_comes(now);
        }
        let id = self.luck.one_of(&ids).clone();
        match self.luck.below(100) {
            0..62 => self.an_event(id, before, now),
            62..67 => self.an_event_is_corrected(now),
            other => self.a_record_changes(&id, other, now),
        }
    }

    fn a_record_changes(&mut self, id: &str, what: u64, now: i64) {
        let birthday = self.a_birthday(now);
        let (zone, zone_text) = self.a_zone();
        let email = self.an_address(id);
        let renewal = self.days_from(now, 60);
        let (consent, language, luck) = (
            *self.luck.one_of(&["yes", "no", "unknown"]),
            *self
                .luck
                .one_of(&[Some("de"), Some("fr-CA"), Some("xx"), None]),
            self.luck.below(2) == 0,
        );
        let staff = self
            .luck
            .once_in(2)
            .then(|| format!("staff-{id}@thorn.example"));
        if what >= 98 {
            // They leave the files; the program still knows them.
            self.truth.people.remove(id);
            return;
        }
        let Some(person) = self.truth.people.get_mut(id) else {
            return;
        };
        match what {
            67..74 => person.email = email,
            74..79 => person.birthday = birthday,
            79..82 => (person.zone, person.zone_text) = (zone, zone_text),
            82..84 => person.language = language,
            84..87 => person.unsubscribed = !person.unsubscribed || luck,
            // Nobody is unknown again: a "no" that isn't taken back stays one, and readings may miss a
            // "yes" in between.
            87..90 if consent == "unknown" => {}
            87..90 => person.consent = consent,
            90..93 => person.vip = luck,
            93..96 => person.renewal = Some(renewal),
            _ => person.staff = staff,
        }
    }

    fn somebody_comes(&mut self, now: i64) {
        self.next_customer += 1;
        let id = format!("c{}", self.next_customer);
        let (zone, zone_text) = self.a_zone();
        let person = Person {
            email: self.an_address(&id),
            first_name: self.luck.once_in(2).then(|| *self.luck.one_of(&NAMES)),
            language: *self
                .luck
                .one_of(&[None, Some("en"), Some("de"), Some("fr")]),
            zone,
            zone_text,
            birthday: self.a_birthday(now),
            joined: (!self.luck.once_in(4)).then(|| self.days_from(now - 1_500 * DAY, 1_600)),
            renewal: self
                .luck
                .once_in(3)
                .then(|| self.days_from(now - 10 * DAY, 200)),
            consent: self
                .luck
                .one_of::<&str>(&["yes", "yes", "unknown", "unknown", "no"]),
            unsubscribed: self.luck.once_in(12),
            vip: self.luck.once_in(2),
            staff: self
                .luck
                .once_in(2)
                .then(|| format!("staff-{id}@thorn.example")),
        };
        self.truth.people.insert(id, person);
    }

    fn an_address(&mut self, id: &str) -> Option<String> {
        let version = self.luck.below(3);
        match self.luck.below(12) {
            0 => None,
            1 => Some(format!("nobody{version}-{id}@mail.example")),
            2 | 3 => Some(format!("{id}.{version}@post.example")),
            _ => Some(format!("{id}.{version}@mail.example")),
        }
    }

    /// Near the present often, so that something happens; and now and then on a 29 February.
    fn a_birthday(&mut self, now: i64) -> Option<(Option<i32>, u32, u32)> {
        if self.luck.once_in(8) {
            return None;
        }
        let born = 1940 + i32::try_from(self.luck.below(60)).unwrap_or(0);
        if self.luck.once_in(6) {
            let year = (!self.luck.once_in(3)).then_some(born - born % 4);
            return Some((year, 2, 29));
        }
        let ahead = self.days_from(now - 20 * DAY, 330);
        let (month, of_month) = (month_of(ahead), day_of_month(ahead));
        let year = (!self.luck.once_in(4)).then_some(born);
        // A 29 February needs a leap year.
        let year = year.filter(|year| in_year(*year, month, of_month).is_some());
        Some((year, month, of_month))
    }

    fn a_zone(&mut self) -> (Option<Tz>, String) {
        match self.luck.below(8) {
            0 => (None, String::new()),
            1 => (None, "Mars/Base".to_owned()),
            _ => {
                let zone = *self.luck.one_of(ZONES);
                (Some(zone), zone.name().to_owned())
            }
        }
    }

    fn days_from(&mut self, ms: i64, most: u64) -> Day {
        let days = i32::try_from(self.luck.below(most)).unwrap_or(0);
        plus_days(day(Tz::UTC, ms), days)
    }

    fn an_event(&mut self, customer: String, before: i64, now: i64) {
        self.next_event += 1;
        let kind = *self.luck.one_of(&[
            "visit",
            "visit",
            "visit",
            "purchase",
            "purchase",
            "purchase",
            "call",
            "complaint-opened",
            "complaint-closed",
            "complaint-closed",
        ]);
        let when = self.a_moment(before, now);
        let id = format!("e{}", self.next_event);
        self.truth.events.insert(
            id,
            Happening {
                customer,
                kind,
                when,
            },
        );
    }

    fn a_moment(&mut self, before: i64, now: i64) -> When {
        let since = |luck: &mut Luck, from: i64, until: i64| {
            let span = u64::try_from((until - from).max(1)).unwrap_or(1);
            from + i64::try_from(luck.below(span)).unwrap_or(0)
        };
        let at = match self.luck.below(20) {
            // Told of late, or ahead of time.
            0 | 1 => since(&mut self.luck, now - 40 * DAY, now),
            2 => since(&mut self.luck, now, now + 4 * DAY),
            _ => since(&mut self.luck, before, now),
        };
        if self.luck.once_in(5) {
            return When::On(day(self.zone, at));
        }
        // The program reads whole seconds here.
        When::At(at - at.rem_euclid(1_000))
    }

    fn an_event_is_corrected(&mut self, now: i64) {
        let ids: Vec<String> = self.truth.events.keys().cloned().collect();
        if ids.is_empty() {
            return;
        }
        let id = self.luck.one_of(&ids).clone();
        let (when, kind) = (
            self.a_moment(now - 20 * DAY, now),
            *self.luck.one_of(&["visit", "purchase", "call"]),
        );
        let moves = self.luck.once_in(2);
        if let Some(event) = self.truth.events.get_mut(&id) {
            if moves {
                event.when = when;
            } else {
                event.kind = kind;
            }
        }
    }

    /// What a source's file holds now: all, or only its first rows.
    pub(crate) fn deliver(&mut self, source: &str, half: bool) -> Delivered {
        let mut delivered = Delivered::default();
        if source == "customers" {
            delivered.text.push_str(
                "id,email,first_name,language,timezone,birthday,joined_on,consent,unsubscribed,\
                 tags,staff_email,attr.renewal\n",
            );
            let many = self.share(self.truth.people.len(), half);
            for (id, person) in self.truth.people.iter().take(many) {
                delivered.text.push_str(&person.row(id));
                delivered.records.people.insert(id.clone(), person.clone());
            }
        } else {
            delivered.text.push_str("id,customer_id,kind,at\n");
            let many = self.share(self.truth.events.len(), half);
            for (id, event) in self.truth.events.iter().take(many) {
                let when = match event.when {
                    When::At(ms) => shown(ms),
                    When::On(day) => day.to_string(),
                };
                // Writing to a text can't fail.
                _ = writeln!(
                    delivered.text,
                    "{id},{},{},{when}",
                    event.customer, event.kind
                );
                delivered.records.events.insert(id.clone(), event.clone());
            }
        }
        delivered
    }

    fn share(&mut self, all: usize, half: bool) -> usize {
        if half {
            usize::try_from(self.luck.below(all as u64 + 1)).unwrap_or(all)
        } else {
            all
        }
    }
}

impl Person {
    fn row(&self, id: &str) -> String {
        let date = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
        let birthday = self.birthday.map(|(year, month, of_month)| match year {
            Some(year) => format!("{year:04}-{month:02}-{of_month:02}"),
            None => format!("{month:02}-{of_month:02}"),
        });
        format!(
            "{id},{},{},{},{},{},{},{},{},{},{},{}\n",
            self.email.as_deref().unwrap_or_default(),
            self.first_name.unwrap_or_default(),
            self.language.unwrap_or_default(),
            self.zone_text,
            birthday.unwrap_or_default(),
            date(self.joined),
            self.consent,
            if self.unsubscribed { "yes" } else { "no" },
            if self.vip { "vip" } else { "" },
            self.staff.as_deref().unwrap_or_default(),
            date(self.renewal),
        )
    }

    /// Years since, on this day's year.
    pub(crate) fn years(first: Day, then: Day) -> i32 {
        year_of(then) - year_of(first)
    }
}

impl Records {
    /// What a file says goes on top: whoever isn't in it stays as they were.
    pub(crate) fn take(&mut self, file: &Self) {
        for (id, person) in &file.people {
            self.people.insert(id.clone(), person.clone());
        }
        for (id, event) in &file.events {
            self.events.insert(id.clone(), event.clone());
        }
    }
}
