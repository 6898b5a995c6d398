//! What ought to be: which days and moments the rules give to the records as they are, worked out
//! anew and not by the program's own arithmetic. May not know the ledger.

use chrono_tz::Tz;

use super::business::{Business, Happening, Person, Records, When};
use super::calendar::{
    Day, HOUR, MINUTE, day, in_year, instant, minute_of_day, plus_days, plus_months, wall, year_of,
};
use super::rules::{Audience, CONTACTS, Class, Late, Leap, Rule, Trigger};

/// An occasion as it ought to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) key: String,
    pub(crate) day: Day,
    /// Before any spread.
    pub(crate) at: i64,
}

/// The zone in which a customer lives, as far as it is known.
pub(crate) fn home(business: &Business, person: &Person) -> Tz {
    person.zone.unwrap_or(business.zone)
}

/// The zone by which a rule sends to them.
pub(crate) fn send_zone(business: &Business, rule: &Rule, person: &Person) -> Tz {
    if rule.of_business {
        business.zone
    } else {
        home(business, person)
    }
}

/// When an event is first seen.
pub(crate) fn seen(event: &Happening, zone: Tz) -> i64 {
    match event.when {
        When::At(ms) => ms,
        When::On(day) => instant(zone, day, 0),
    }
}

/// The civil day of an event, where the customer lives.
fn civil(event: &Happening, zone: Tz) -> Day {
    match event.when {
        When::At(ms) => day(zone, ms),
        When::On(day) => day,
    }
}

/// The civil days with a contact, in order, each with the moment at which its first was seen.
pub(crate) fn contacts(records: &Records, customer: &str, zone: Tz) -> Vec<(Day, i64)> {
    let theirs = records
        .events
        .values()
        .filter(|event| event.customer == customer && CONTACTS.contains(&event.kind));
    let mut days: Vec<(Day, i64)> = theirs
        .map(|event| (civil(event, zone), seen(event, zone)))
        .collect();
    days.sort_unstable();
    days.dedup_by_key(|(day, _)| *day);
    days
}

/// The last contact that was seen by then.
pub(crate) fn last_contact(contacts: &[(Day, i64)], by: i64) -> Option<Day> {
    let seen = contacts.iter().filter(|(_, at)| *at <= by);
    seen.map(|(day, _)| *day).max()
}

/// Whether a complaint of theirs is open: whether the last that is known of complaints is that one
/// came up. A closing without a time stands where it is the first to close anything on its day.
pub(crate) fn complains(records: &Records, customer: &str, zone: Tz, by: i64) -> bool {
    let theirs = |event: &&Happening| event.customer == customer && seen(event, zone) <= by;
    let (mut steps, mut closings) = (Vec::new(), Vec::new());
    for event in records.events.values().filter(theirs) {
        let opens = match event.kind {
            "complaint-opened" => true,
            "complaint-closed" => false,
            _ => continue,
        };
        match event.when {
            When::On(day) if !opens => closings.push(day),
            // A day alone stands before all times of it.
            When::On(day) => steps.push((day, i64::MIN, !opens)),
            When::At(ms) => steps.push((day(zone, ms), ms, !opens)),
        }
    }
    steps.sort_unstable();
    for day in closings {
        let first = steps.partition_point(|step| (step.0, step.1) <= (day, i64::MIN));
        let last = steps.partition_point(|step| step.0 <= day);
        // The step before each place that it may have.
        let before = |at: usize| at.checked_sub(1).and_then(|at| steps.get(at)).copied();
        let is_open = |at: &usize| before(*at).is_some_and(|step| !step.2);
        if let Some(at) = (first..=last).find(is_open) {
            let moment = before(at).filter(|_| at > first);
            let moment = moment.map_or(i64::MIN + 1, |step| step.1);
            steps.insert(at, (day, moment, true));
        }
    }
    steps.last().is_some_and(|step| !step.2)
}

/// Whether the person's wishes allow such a letter.
pub(crate) fn consents(business: &Business, class: Class, person: &Person) -> bool {
    class != Class::Marketing
        || if business.opt_in {
            person.consent == "yes"
        } else {
            person.consent != "no"
        }
}

/// Where it goes.
pub(crate) fn address<'a>(rule: &Rule, person: &'a Person) -> Option<&'a str> {
    match rule.audience {
        Audience::Customer => person.email.as_deref(),
        Audience::Staff => person.staff.as_deref(),
    }
}

/// Whether it is within the quiet hours of whoever reads it.
pub(crate) fn is_quiet(business: &Business, rule: &Rule, person: &Person, at: i64) -> bool {
    let zone = match rule.audience {
        Audience::Customer => home(business, person),
        Audience::Staff => business.zone,
    };
    business.quiet.is_some_and(|(from, until)| {
        let now = minute_of_day(zone, at);
        if from > until {
            now >= from || now < until
        } else {
            now >= from && now < until
        }
    })
}

/// The last moment at which it isn't too late, for a day and a due moment in a zone.
pub(crate) fn deadline(late: Late, zone: Tz, (due_day, due_at): (Day, i64)) -> i64 {
    match late {
        Late::Hours(hours) => due_at + hours * HOUR,
        Late::Days(days) => {
            let wall = wall(zone, due_at);
            let last = plus_days(wall.date().max(due_day), days);
            let into_minute = due_at.rem_euclid(MINUTE);
            let end = instant(zone, last, minute_of_day(zone, due_at)) + into_minute;
            end.max(due_at)
        }
    }
}

/// This year's anniversary of a date.
fn anniversary(first: (Option<i32>, u32, u32), year: i32, leap: Leap) -> Option<Day> {
    let (born, month, of_month) = first;
    if born.is_some_and(|born| year <= born) {
        return None;
    }
    in_year(year, month, of_month).or_else(|| match leap {
        Leap::Feb28 => in_year(year, 2, 28),
        Leap::Mar1 => in_year(year, 3, 1),
        Leap::Skip => None,
    })
}

/// The anchors that a rule on the calendar gives this person in a year, each with its due day.
fn anchors(rule: &Rule, person: &Person, year: i32) -> Vec<(Day, Day)> {
    match &rule.trigger {
        Trigger::Birthday { leap, offset } => person
            .birthday
            .and_then(|first| anniversary(first, year, *leap))
            .map(|anchor| (anchor, plus_days(anchor, *offset)))
            .into_iter()
            .collect(),
        Trigger::Joined {
            years,
            months,
            days,
        } => {
            let Some(joined) = person.joined else {
                return Vec::new();
            };
            let first = (
                Some(year_of(joined)),
                super::calendar::month_of(joined),
                super::calendar::day_of_month(joined),
            );
            // What stands in no rule is the 28th.
            let anchor = anniversary(first, year, Leap::Feb28);
            anchor
                .filter(|anchor| {
                    years.is_empty() || years.contains(&Person::years(joined, *anchor))
                })
                .map(|anchor| (anchor, plus_days(plus_months(anchor, *months), *days)))
                .into_iter()
                .collect()
        }
        Trigger::Renewal { offset } => person
            .renewal
            .filter(|renewal| year_of(*renewal) == year)
            .map(|renewal| (renewal, plus_days(renewal, *offset)))
            .into_iter()
            .collect(),
        Trigger::Fixed(days) => days
            .iter()
            .filter(|day| year_of(**day) == year && address(rule, person).is_some())
            .map(|day| (*day, *day))
            .collect(),
        Trigger::Holiday { month, day, .. } => in_year(year, *month, *day)
            .filter(|_| address(rule, person).is_some())
            .map(|day| (day, day))
            .into_iter()
            .collect(),
        Trigger::Event { .. } | Trigger::Silence { .. } | Trigger::Rhythm | Trigger::Usage => {
            Vec::new()
        }
    }
}

/// What a rule on the calendar gives this person around this moment.
pub(crate) fn on_the_calendar(
    business: &Business,
    rule: &Rule,
    person: &Person,
    around: i64,
) -> Vec<Due> {
    let zone = send_zone(business, rule, person);
    let year = year_of(day(Tz::UTC, around));
    (year - 1..=year + 1)
        .flat_map(|year| anchors(rule, person, year))
        .map(|(anchor, day)| Due {
            key: anchor.to_string(),
            day,
            at: instant(zone, day, rule.at),
        })
        .collect()
}

/// What an event gives; `None` where the checker can't tell, or where it is none of the rule's.
pub(crate) fn after_event(
    business: &Business,
    rule: &Rule,
    person: &Person,
    (id, event): (&str, &Happening),
) -> Option<Due> {
    let Trigger::Event {
        kind,
        days,
        minutes,
        ..
    } = rule.trigger
    else {
        return None;
    };
    if event.kind != kind {
        return None;
    }
    let zone = send_zone(business, rule, person);
    let seen = seen(event, home(business, person));
    let (due_day, at) = if let Some(days) = days {
        let anchor = civil(event, zone);
        let due_day = plus_days(anchor, days);
        (due_day, instant(zone, due_day, rule.at))
    } else {
        let at = seen + minutes * MINUTE;
        (day(zone, at), at)
    };
    Some(Due {
        key: id.to_owned(),
        day: due_day,
        at: at.max(seen),
    })
}

/// The steps of the silence after this contact.
pub(crate) fn in_silence(
    business: &Business,
    rule: &Rule,
    person: &Person,
    since: Day,
) -> Vec<Due> {
    let Trigger::Silence {
        after,
        times,
        repeat,
    } = rule.trigger
    else {
        return Vec::new();
    };
    let zone = send_zone(business, rule, person);
    (0..times)
        .map(|step| {
            let days = after + repeat * i32::try_from(step).unwrap_or(0);
            let day = plus_days(since, days);
            Due {
                key: format!("{since}/{}", step + 1),
                day,
                at: instant(zone, day, rule.at),
            }
        })
        .collect()
}

/// Whether the records still give an occasion; `None` where the checker can't tell.
pub(crate) fn still_so(
    business: &Business,
    rule: &Rule,
    (records, customer): (&Records, &str),
    (key, by): (&str, i64),
) -> Option<bool> {
    let person = records.people.get(customer)?;
    match &rule.trigger {
        Trigger::Event { first: true, .. } | Trigger::Usage => None,
        Trigger::Event { kind, .. } => {
            let event = records.events.get(key);
            Some(event.is_some_and(|event| event.kind == *kind && event.customer == customer))
        }
        Trigger::Silence { .. } | Trigger::Rhythm => {
            let contacts = contacts(records, customer, home(business, person));
            let last = last_contact(&contacts, by)?;
            let (since, _) = key.split_once('/')?;
            Some(last.to_string() == since)
        }
        // A change of address is no change of the date.
        Trigger::Fixed(_) | Trigger::Holiday { .. } => Some(true),
        Trigger::Birthday { .. } | Trigger::Joined { .. } | Trigger::Renewal { .. } => {
            let year = key.get(..4)?.parse().ok()?;
            let mut days = anchors(rule, person, year).into_iter();
            Some(days.any(|(anchor, _)| anchor.to_string() == key))
        }
    }
}
