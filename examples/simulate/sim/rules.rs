//! The rules that a world is played with: as the program reads them, and as the checker knows them.
//! May not know the program's own idea of a rule.

use std::fmt::Write as _;

use super::calendar::{Day, plus_days};
use super::luck::Luck;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Service,
    Relationship,
    Marketing,
}

impl Class {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Relationship => "relationship",
            Self::Marketing => "marketing",
        }
    }
}

/// Whom it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Customer,
    Staff,
}

/// How late it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    Days(i32),
    Hours(i64),
}

/// What a 29 February is in other years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leap {
    Feb28,
    Mar1,
    Skip,
}

/// When there is something to write about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trigger {
    Birthday {
        leap: Leap,
        offset: i32,
    },
    Joined {
        years: Vec<i32>,
        months: u32,
        days: i32,
    },
    Renewal {
        offset: i32,
    },
    Event {
        kind: &'static str,
        days: Option<i32>,
        minutes: i64,
        first: bool,
    },
    Silence {
        after: i32,
        times: u32,
        repeat: i32,
    },
    /// Twice the customer's own rhythm. What the checker can't foresee.
    Rhythm,
    /// Less than usual. What the checker can't foresee.
    Usage,
    Fixed(Vec<Day>),
    Holiday {
        name: &'static str,
        month: u32,
        day: u32,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent line of the rule"
)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) trigger: Trigger,
    pub(crate) class: Class,
    pub(crate) audience: Audience,
    pub(crate) of_business: bool,
    /// Minutes since midnight.
    pub(crate) at: u32,
    /// From Monday.
    pub(crate) days: [bool; 7],
    pub(crate) late: Late,
    pub(crate) skips_when_capped: bool,
    pub(crate) holdout: bool,
    pub(crate) approve: u32,
    pub(crate) per_day: Option<u32>,
    pub(crate) backfill: i32,
    pub(crate) only_vips: bool,
    pub(crate) spread: u32,
    priority: u64,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Event kinds that count as a contact.
pub(crate) const CONTACTS: [&str; 2] = ["visit", "purchase"];

/// The rules of a world that begins on this day.
pub(crate) fn draw(luck: &mut Luck, first: Day) -> Vec<Rule> {
    let mut rules = vec![birthday(luck)];
    let many = 3 + luck.below(4);
    let mut kinds: Vec<u64> = (0..9).collect();
    for _ in 0..many {
        let place = usize::try_from(luck.below(kinds.len() as u64)).unwrap_or(0);
        let kind = kinds.swap_remove(place);
        rules.push(other(luck, kind, first));
    }
    rules
}

fn birthday(luck: &mut Luck) -> Rule {
    let leap = *luck.one_of(&[Leap::Feb28, Leap::Mar1, Leap::Skip]);
    let offset = *luck.one_of(&[0, 0, 0, 0, -1, 3]);
    let mut rule = plain(luck, "birthday", Trigger::Birthday { leap, offset });
    if luck.once_in(6) {
        rule.late = Late::Days(0);
    }
    rule
}

fn other(luck: &mut Luck, kind: u64, first: Day) -> Rule {
    match kind {
        0 => {
            let years = luck.one_of(&[vec![], vec![1, 2, 3], vec![1, 5]]).clone();
            let (months, days) = *luck.one_of(&[(0, 0), (0, -3), (1, 0)]);
            plain(
                luck,
                "joined",
                Trigger::Joined {
                    years,
                    months,
                    days,
                },
            )
        }
        1 => {
            let offset = *luck.one_of(&[-7, -1, 0, 2]);
            plain(luck, "renewal", Trigger::Renewal { offset })
        }
        2 => thanks(luck, "thanks", "purchase", false),
        3 => {
            let mut rule = thanks(luck, "sorry", "complaint-closed", false);
            rule.class = *luck.one_of(&[Class::Service, Class::Relationship]);
            rule
        }
        4 => thanks(luck, "first-visit", "visit", true),
        5 => {
            let after = 20 + i32::try_from(luck.below(60)).unwrap_or(0);
            let times = *luck.one_of(&[1, 1, 2, 3]);
            let repeat = 15 + i32::try_from(luck.below(30)).unwrap_or(0);
            plain(
                luck,
                "miss-you",
                Trigger::Silence {
                    after,
                    times,
                    repeat,
                },
            )
        }
        6 => {
            let mut rule = plain(luck, "call-them", Trigger::Rhythm);
            rule.audience = *luck.one_of(&[Audience::Customer, Audience::Staff]);
            rule
        }
        7 => {
            if luck.once_in(2) {
                let mut rule = plain(luck, "less-than-usual", Trigger::Usage);
                rule.audience = *luck.one_of(&[Audience::Customer, Audience::Staff]);
                return rule;
            }
            let mut days: Vec<Day> = (0..=luck.below(4))
                .map(|_| plus_days(first, i32::try_from(luck.below(400)).unwrap_or(0)))
                .collect();
            days.sort_unstable();
            days.dedup();
            plain(luck, "sale", Trigger::Fixed(days))
        }
        _ => {
            let (name, month, day) = *luck.one_of(&[
                ("new-year", 1, 1),
                ("valentines", 2, 14),
                ("labour-day", 5, 1),
                ("christmas-eve", 12, 24),
                ("new-years-eve", 12, 31),
            ]);
            let mut rule = plain(luck, "feast", Trigger::Holiday { name, month, day });
            rule.audience = *luck.one_of(&[Audience::Customer, Audience::Staff]);
            rule
        }
    }
}

fn thanks(luck: &mut Luck, id: &'static str, kind: &'static str, first: bool) -> Rule {
    let days = *luck.one_of(&[None, Some(0), Some(1), Some(3), Some(10)]);
    let minutes = *luck.one_of(&[0, 45, 180, 2_880]);
    plain(
        luck,
        id,
        Trigger::Event {
            kind,
            days,
            minutes,
            first,
        },
    )
}

fn plain(luck: &mut Luck, id: &'static str, trigger: Trigger) -> Rule {
    let mut days = [true; 7];
    if luck.once_in(4) {
        let off = usize::try_from(luck.below(7)).unwrap_or(0);
        for (n, day) in days.iter_mut().enumerate() {
            *day = n != off && n != (off + 1) % 7;
        }
    }
    Rule {
        id,
        trigger,
        class: *luck.one_of(&[Class::Service, Class::Relationship, Class::Marketing]),
        audience: Audience::Customer,
        of_business: luck.once_in(4),
        at: *luck.one_of(&[0, 150, 480, 540, 540, 540, 1_050, 1_439]),
        days,
        late: *luck.one_of(&[
            Late::Days(1),
            Late::Days(2),
            Late::Days(2),
            Late::Days(3),
            Late::Days(7),
            Late::Days(14),
            Late::Days(30),
            Late::Hours(6),
            Late::Hours(36),
        ]),
        skips_when_capped: luck.once_in(3),
        holdout: luck.once_in(5),
        approve: if luck.once_in(6) {
            1 + luck.small(3)
        } else {
            0
        },
        per_day: luck.once_in(5).then(|| 1 + luck.small(2)),
        backfill: if luck.once_in(5) { 5 } else { 0 },
        only_vips: luck.once_in(6),
        spread: if luck.once_in(6) { 90 } else { 0 },
        priority: 10 * luck.below(10),
    }
}

impl Luck {
    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "nobody draws from nothing")]
        &all[place]
    }

    fn small(&mut self, below: u64) -> u32 {
        u32::try_from(self.below(below)).unwrap_or(0)
    }
}

impl Rule {
    /// As the program reads it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "title = \"{0}\"\ntemplate = \"note\"\nclass = \"{1}\"\naudience = \"{2}\"\npriority = {3}\n",
            self.id,
            self.class.name(),
            match self.audience {
                Audience::Customer => "customer",
                Audience::Staff => "staff",
            },
            self.priority
        );
        text.push_str(&self.trigger.text());
        if self.only_vips {
            text.push_str("[only]\nwhere = \"'vip' in customer.tags\"\n");
        }
        let days = DAYS.iter().zip(self.days).filter(|(_, on)| *on);
        let days: Vec<String> = days.map(|(day, _)| format!("\"{day}\"")).collect();
        let late = match self.late {
            Late::Days(n) => format!("{n} days"),
            Late::Hours(n) => format!("{n} hours"),
        };
        // Writing to a text can't fail.
        _ = write!(
            text,
            "[send]\nat = \"{:02}:{:02}\"\nzone = \"{}\"\ndays = [{}]\nlate = \"{late}\"\n\
             late_template = \"late-note\"\nwhen_capped = \"{}\"\nspread = \"{} minutes\"\n\
             [limits]\nbackfill = \"{} days\"\n",
            self.at / 60,
            self.at % 60,
            if self.of_business {
                "business"
            } else {
                "customer"
            },
            days.join(", "),
            if self.skips_when_capped {
                "skip"
            } else {
                "defer"
            },
            self.spread,
            self.backfill,
        );
        if self.holdout {
            text.push_str("holdout = \"25%\"\n");
        }
        if self.approve > 0 {
            _ = writeln!(text, "approve = \"first {}\"", self.approve);
        }
        if let Some(most) = self.per_day {
            _ = writeln!(text, "max_per_day = {most}");
        }
        text
    }
}

impl Trigger {
    #[expect(clippy::too_many_lines, reason = "a table, one entry a trigger")]
    fn text(&self) -> String {
        match self {
            Self::Birthday { leap, offset } => {
                let leap = match leap {
                    Leap::Feb28 => "feb28",
                    Leap::Mar1 => "mar1",
                    Leap::Skip => "skip",
                };
                format!(
                    "[trigger.anniversary]\nfield = \"birthday\"\noffset = \"{offset} days\"\nfeb29 = \"{leap}\"\n"
                )
            }
            Self::Joined {
                years,
                months,
                days,
            } => {
                let years = if years.is_empty() {
                    String::new()
                } else {
                    format!("years = {years:?}\n")
                };
                let offset = if *months > 0 {
                    format!("{months} months")
                } else {
                    format!("{days} days")
                };
                format!(
                    "[trigger.anniversary]\nfield = \"joined_on\"\noffset = \"{offset}\"\n{years}"
                )
            }
            Self::Renewal { offset } => {
                format!("[trigger.date]\nfield = \"attr.renewal\"\noffset = \"{offset} days\"\n")
            }
            Self::Event {
                kind,
                days,
                minutes,
                first,
            } => {
                let after = days.map_or_else(
                    || format!("{minutes} minutes"),
                    |days| format!("{days} days"),
                );
                let which = if *first { "first" } else { "every" };
                format!(
                    "[trigger.event]\nevent = \"{kind}\"\nafter = \"{after}\"\nwhich = \"{which}\"\n"
                )
            }
            Self::Silence {
                after,
                times,
                repeat,
            } => {
                let again = if *times > 1 {
                    format!("repeat = \"{repeat} days\"\ntimes = {times}\n")
                } else {
                    String::new()
                };
                format!(
                    "[trigger.lapsed]\ncontact = {CONTACTS:?}\nafter = \"{after} days\"\n{again}"
                )
            }
            Self::Rhythm => format!(
                "[trigger.lapsed]\ncontact = {CONTACTS:?}\nafter = \"2 cadences\"\notherwise = \"70 days\"\n"
            ),
            Self::Usage => format!(
                "[trigger.usage]\nmeasure = \"count\"\nof = {CONTACTS:?}\nwindow = \"20 days\"\n\
                 versus = \"60 days\"\nchange = \"-50%\"\nmin_base = 1\n"
            ),
            Self::Fixed(days) => {
                let days: Vec<String> = days.iter().map(ToString::to_string).collect();
                format!("[trigger.fixed]\non = [{}]\n", days.join(", "))
            }
            Self::Holiday { name, .. } => format!("[trigger.holiday]\nholiday = \"{name}\"\n"),
        }
    }

    /// Whether it looks at dates, which are what they are, and not at what happens.
    pub(crate) const fn is_on_the_calendar(&self) -> bool {
        matches!(
            self,
            Self::Birthday { .. }
                | Self::Joined { .. }
                | Self::Renewal { .. }
                | Self::Fixed(_)
                | Self::Holiday { .. }
        )
    }
}
