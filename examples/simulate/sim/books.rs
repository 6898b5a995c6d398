//! The checker: holds the ledger and the relay's own record against what ought to be. May not ask the
//! program for anything but its ledger.

use std::collections::{BTreeMap, BTreeSet};

use fondly::model::{Outcome, Reason};
use fondly::store::{Entry, Step};

use super::business::{Business, Person, Records};
use super::calendar::{DAY, Day, HOUR, day, furthest, plus_days, shown, weekday};
use super::model::{self, Due};
use super::relay::{Fate, Letter};
use super::rules::{Audience, Class, Rule, Trigger};

/// One pass, as the checker sees it.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) business: &'a Business,
    /// As they were while it sent.
    pub(crate) records: &'a Records,
    pub(crate) began: i64,
    pub(crate) complete: bool,
    /// The letters whose dots came during it.
    pub(crate) letters: &'a [Letter],
    /// Something ever went wrong at the relay.
    pub(crate) faults: bool,
}

/// A letter that went out.
#[derive(Debug)]
struct Went {
    id: String,
    rule: String,
    customer: String,
    day: Day,
    class: Class,
    audience: Audience,
    at: i64,
    refused: bool,
}

/// What the checker knows.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) known: BTreeMap<String, Entry>,
    went: Vec<Went>,
    /// Occasions that must be in the ledger, with what they are called there.
    expected: BTreeMap<(String, String, String), String>,
    bad_addresses: BTreeMap<String, i64>,
    /// What a person said of a rule's day.
    pub(crate) said: BTreeMap<(String, Day), bool>,
    held_out: BTreeSet<(String, String)>,
    written_to: BTreeSet<(String, String)>,
    /// Stretches in which the process died or was started anew.
    pub(crate) deaths: Vec<(i64, i64)>,
    first_day: Option<Day>,
    last_looked: Option<i64>,
    last_complete: Option<i64>,
    pub(crate) violations: Vec<String>,
}

fn ms(at: jiff::Timestamp) -> i64 {
    at.as_millisecond()
}

/// The civil day, in the checker's library.
pub(crate) fn chrono_day(day: jiff::civil::Date) -> Day {
    Day::from_ymd_opt(
        day.year().into(),
        day.month().unsigned_abs().into(),
        day.day().unsigned_abs().into(),
    )
    .unwrap_or_default()
}

fn name(entry: &Entry) -> String {
    format!(
        "{} of {} on {} ({})",
        entry.rule, entry.customer, entry.occasion.key, entry.id
    )
}

/// The ledger's line for a trace.
pub(crate) fn line(entry: &Entry) -> String {
    format!(
        "ledger: {} {} {}{}{}",
        name(entry),
        entry.outcome,
        entry.reason.map_or("-", Reason::as_str),
        entry
            .next_attempt_at
            .map(|at| format!(", again {at}"))
            .unwrap_or_default(),
        entry
            .reply
            .as_ref()
            .map(|reply| format!(", \"{reply}\""))
            .unwrap_or_default()
    )
}

impl Books {
    fn wrong(&mut self, what: String) {
        self.violations.push(what);
    }

    /// Looks at one pass, with the entries that wait or were decided since it began.
    pub(crate) fn pass(&mut self, seen: &Seen<'_>, entries: Vec<Entry>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut fresh = Vec::new();
        for entry in entries {
            let before = self.known.insert(entry.id.clone(), entry.clone());
            fresh.push((before, entry));
        }
        for (_, entry) in &fresh {
            self.learn_address(entry, seen.began);
        }
        for (before, entry) in fresh {
            let new = before.is_none();
            let changed = before.as_ref() != Some(&entry);
            if let Some(before) = before.filter(|before| before.outcome.is_final()) {
                let again = seen.business.resend && before.outcome == Outcome::Unknown;
                if changed && !again {
                    self.wrong(format!(
                        "{} was {}, and changed",
                        name(&entry),
                        before.outcome
                    ));
                }
            }
            if changed {
                lines.push(line(&entry));
                self.entry(seen, &entry, new);
            }
            self.waits(seen, &entry);
        }
        for letter in seen.letters {
            self.letter(seen, letter);
        }
        if seen.complete {
            self.expect(seen);
        }
        self.last_looked = Some(seen.began);
        lines
    }

    /// Since when an address is known to be of nobody: others of the same pass may be decided before
    /// that, or after it.
    fn learn_address(&mut self, entry: &Entry, began: i64) {
        // Of one that may have arrived before, the outcome stays unknown.
        if matches!(entry.outcome, Outcome::Rejected | Outcome::Unknown)
            && entry.reason == Some(Reason::BadAddress)
            && let Some(to) = &entry.recipient
        {
            let at = entry.decided_at.map_or(began, ms);
            let since = self.bad_addresses.entry(to.clone()).or_insert(at);
            *since = at.min(*since);
        }
    }

    fn is_bad(&self, person: &Person, so: impl Fn(i64) -> bool) -> bool {
        let since = person.email.as_ref();
        let since = since.and_then(|to| self.bad_addresses.get(to));
        since.is_some_and(|since| so(*since))
    }

    /// Nothing that was to be looked at is left lying.
    fn waits(&mut self, seen: &Seen<'_>, entry: &Entry) {
        if entry.outcome == Outcome::Sending {
            self.wrong(format!("{} is left as sending", name(entry)));
        }
        if !seen.complete || entry.outcome.is_final() {
            return;
        }
        match entry.next_attempt_at {
            Some(at) if ms(at) > seen.began => {}
            _ => self.wrong(format!(
                "{} is {} and was to be looked at by {:?}; the pass at {} didn't",
                name(entry),
                entry.outcome,
                entry.next_attempt_at,
                shown(seen.began)
            )),
        }
    }

    /// One entry that is new or has changed.
    fn entry(&mut self, seen: &Seen<'_>, entry: &Entry, new: bool) {
        let Some(rule) = seen.business.rule(&entry.rule) else {
            return self.wrong(format!("{} is of no rule", name(entry)));
        };
        let Some(person) = seen.records.people.get(&entry.customer) else {
            return self.wrong(format!("{} is of nobody", name(entry)));
        };
        if new {
            self.arises(seen, entry, rule, person);
        }
        let Some(reason) = entry.reason else {
            if entry.outcome != Outcome::Planned && entry.outcome != Outcome::Sending {
                self.wrong(format!(
                    "{} is {} for no reason",
                    name(entry),
                    entry.outcome
                ));
            }
            return;
        };
        if entry.outcome == Outcome::Skipped && reason == Reason::Holdout {
            let whom = (entry.rule.clone(), entry.customer.clone());
            self.held_out.insert(whom);
        }
        let at = entry.decided_at.map_or(seen.began, ms);
        let pairs = match entry.outcome {
            Outcome::Planned => true,
            Outcome::Sending => false,
            Outcome::Sent => reason == Reason::Accepted && entry.sent_at.is_some(),
            Outcome::Unknown => match reason {
                Reason::ReplyLost => lost_an_answer(seen, entry),
                Reason::StoppedWhileSending => {
                    let mut deaths = self.deaths.iter();
                    deaths.any(|(from, until)| (*from..=*until).contains(&at))
                }
                // It was to be sent once more, and couldn't.
                _ => seen.business.resend && entry.only_via.is_some(),
            },
            Outcome::Rejected => entry
                .reply
                .as_ref()
                .is_some_and(|reply| reply.starts_with('5')),
            Outcome::Expired => seen.faults && entry.attempts > 0,
            Outcome::Skipped | Outcome::Deferred | Outcome::Held => {
                self.is_so(seen, (entry, rule, person), (reason, at))
            }
        };
        if !pairs {
            self.wrong(format!(
                "{} is {} ({reason}) at {}, which isn't so",
                name(entry),
                entry.outcome,
                shown(at)
            ));
        }
    }

    /// A new entry's occasion is one that the records give, due when it ought to be.
    fn arises(&mut self, seen: &Seen<'_>, entry: &Entry, rule: &Rule, person: &Person) {
        let zone = model::send_zone(seen.business, rule, person);
        if entry.occasion.zone != zone.name() {
            self.wrong(format!(
                "{} is in {}, not {zone}",
                name(entry),
                entry.occasion.zone
            ));
        }
        let key = entry.occasion.key.as_str();
        let due =
            match &rule.trigger {
                Trigger::Rhythm | Trigger::Usage => return,
                Trigger::Event { .. } => seen.records.events.get(key).and_then(|event| {
                    model::after_event(seen.business, rule, person, (key, event))
                }),
                Trigger::Silence { .. } => {
                    let since = key.split_once('/').and_then(|(day, _)| day.parse().ok());
                    let steps =
                        since.map(|since| model::in_silence(seen.business, rule, person, since));
                    steps.into_iter().flatten().find(|due| due.key == key)
                }
                Trigger::Birthday { .. }
                | Trigger::Joined { .. }
                | Trigger::Renewal { .. }
                | Trigger::Fixed(_)
                | Trigger::Holiday { .. } => {
                    let around = ms(entry.occasion.due_at);
                    let all = model::on_the_calendar(seen.business, rule, person, around);
                    all.into_iter().find(|due| due.key == key)
                }
            };
        let Some(due) = due else {
            return self.wrong(format!("{} is no occasion of theirs", name(entry)));
        };
        let spread = ms(entry.occasion.due_at) - due.at;
        if chrono_day(entry.occasion.day) != due.day
            || !(0..=i64::from(rule.spread) * 60_000).contains(&spread)
        {
            self.wrong(format!(
                "{} is due at {} on {}; it ought to be {} on {}",
                name(entry),
                entry.occasion.due_at,
                entry.occasion.day,
                shown(due.at),
                due.day
            ));
        }
    }

    /// Whether a reason for not sending is so.
    fn is_so(
        &self,
        seen: &Seen<'_>,
        (entry, rule, person): (&Entry, &Rule, &Person),
        (reason, at): (Reason, i64),
    ) -> bool {
        let business = seen.business;
        let home = model::home(business, person);
        let deadline = deadline(rule, entry);
        match reason {
            Reason::NoAddress => model::address(rule, person).is_none(),
            Reason::Suppressed => person.unsubscribed || self.is_bad(person, |since| since <= at),
            Reason::NoConsent => !model::consents(business, rule.class, person),
            Reason::TooLate => at > deadline,
            Reason::ContactedSince | Reason::RecordChanged => {
                let records = (seen.records, entry.customer.as_str());
                let key = (entry.occasion.key.as_str(), at);
                model::still_so(business, rule, records, key) != Some(true)
            }
            Reason::ComplaintOpen => {
                rule.class != Class::Service
                    && model::complains(seen.records, &entry.customer, home, at)
            }
            Reason::ConditionFalse => rule.only_vips && !person.vip,
            Reason::Holdout => rule.holdout,
            Reason::Capped => self.is_capped(business, (entry, rule, person), at),
            Reason::QuietHours => model::is_quiet(business, rule, person, at),
            Reason::NotThisDay => {
                let zone = zone_of(entry);
                !rule.days.get(weekday(zone, at)).copied().unwrap_or(true)
            }
            Reason::DailyLimit => rule.per_day.is_some(),
            Reason::BatchTooLarge => business.guard == 1 && entry.outcome == Outcome::Held,
            Reason::AwaitsApproval => rule.approve > 0 && entry.outcome == Outcome::Held,
            Reason::Declined => {
                let day = chrono_day(entry.occasion.day);
                self.said.get(&(entry.rule.clone(), day)) == Some(&false)
            }
            Reason::DomainLimit => {
                business.per_hour.is_some() && entry.outcome == Outcome::Deferred
            }
            Reason::RelayTrouble | Reason::RelayRefusesUs | Reason::TemporaryRefusal => {
                seen.faults && entry.outcome == Outcome::Deferred
            }
            // Nobody is erased or gone, no rule or letter fails, and nobody settles anything by hand.
            Reason::Erased
            | Reason::Gone
            | Reason::RuleRemoved
            | Reason::RuleDisabled
            | Reason::ConditionFailed
            | Reason::SettledByHand
            | Reason::TemplateFailed
            | Reason::BadAddress
            | Reason::Refused
            | Reason::Accepted
            | Reason::ReplyLost
            | Reason::StoppedWhileSending
            | Reason::RestoredCopy => false,
        }
    }

    /// Whether the frequency caps keep it, by what may have gone out.
    fn is_capped(
        &self,
        business: &Business,
        (entry, rule, person): (&Entry, &Rule, &Person),
        at: i64,
    ) -> bool {
        let home = model::home(business, person);
        let today = day(home, at);
        let gone = self.known.values().filter(|one| {
            one.customer == entry.customer
                && one.id != entry.id
                && matches!(
                    one.outcome,
                    Outcome::Sent | Outcome::Unknown | Outcome::Sending
                )
        });
        let days: Vec<(Class, Day)> = gone
            .filter_map(|one| {
                let rule = business.rule(&one.rule)?;
                let at = one.sent_at.or(one.decided_at).map(ms)?;
                (rule.audience == Audience::Customer).then(|| (rule.class, day(home, at)))
            })
            .collect();
        rule.audience == Audience::Customer
            && business.caps.iter().any(|cap| {
                let first = plus_days(today, 1 - cap.days);
                let within = days.iter().filter(|(class, day)| {
                    *day >= first && cap.class.is_none_or(|wanted| wanted == *class)
                });
                cap.class.is_none_or(|class| class == rule.class) && within.count() >= cap.count
            })
    }

    /// One letter whose dot the relay read: it was allowed to go.
    fn letter(&mut self, seen: &Seen<'_>, letter: &Letter) {
        let id = letter.message_id.split('@').next().unwrap_or_default();
        let Some(entry) = self.known.get(id).cloned() else {
            return self.wrong(format!("{} isn't in the ledger", letter.message_id));
        };
        let Some(rule) = seen.business.rule(&entry.rule) else {
            return;
        };
        let Some(person) = seen.records.people.get(&entry.customer) else {
            return;
        };
        let whom = (entry.rule.clone(), entry.customer.clone());
        self.written_to.insert(whom);
        for why in self.forbids(seen, (&entry, rule, person), letter) {
            self.wrong(format!(
                "{} went to {} at {} although {why}",
                name(&entry),
                letter.to,
                shown(letter.began)
            ));
        }
        // A letter that went once more is still one letter.
        self.went.retain(|went| went.id != entry.id);
        self.went.push(Went {
            id: entry.id.clone(),
            rule: entry.rule.clone(),
            customer: entry.customer.clone(),
            day: chrono_day(entry.occasion.day),
            class: rule.class,
            audience: rule.audience,
            at: letter.began,
            refused: letter.fate == Fate::Refused,
        });
    }

    /// Everything that forbids this letter.
    fn forbids(
        &self,
        seen: &Seen<'_>,
        (entry, rule, person): (&Entry, &Rule, &Person),
        letter: &Letter,
    ) -> Vec<&'static str> {
        let (business, at) = (seen.business, letter.began);
        let home = model::home(business, person);
        let records = (seen.records, entry.customer.as_str());
        let key = (entry.occasion.key.as_str(), at);
        let zone = zone_of(entry);
        let stopped = person.unsubscribed || self.is_bad(person, |since| since < at);
        let service = rule.class == Class::Service;
        let list = [
            (
                model::address(rule, person) != Some(letter.to.as_str()),
                "that isn't their address",
            ),
            (stopped && !service, "they had unsubscribed"),
            (
                !model::consents(business, rule.class, person),
                "they hadn't consented",
            ),
            (at < ms(entry.occasion.due_at), "it wasn't due"),
            (at > deadline(rule, entry), "it was too late"),
            (
                model::is_quiet(business, rule, person, at),
                "it was quiet there",
            ),
            (
                !rule.days.get(weekday(zone, at)).copied().unwrap_or(true),
                "it wasn't one of the rule's days",
            ),
            (
                !service && model::complains(seen.records, &entry.customer, home, at),
                "a complaint was open",
            ),
            (rule.only_vips && !person.vip, "the condition didn't hold"),
            (
                model::still_so(business, rule, records, key) == Some(false),
                "the records didn't say so any more",
            ),
            (
                self.too_often(business, (entry, rule, person), at),
                "the caps forbade it",
            ),
            (
                self.too_many(business, rule, (entry, letter)),
                "a limit forbade it",
            ),
            (
                self.unapproved(business, (entry, rule)),
                "a person had to say so first",
            ),
        ];
        let against = list.into_iter().filter(|(against, _)| *against);
        against.map(|(_, why)| why).collect()
    }

    /// Whether the caps forbid another letter, by what the relay took.
    fn too_often(
        &self,
        business: &Business,
        (entry, rule, person): (&Entry, &Rule, &Person),
        at: i64,
    ) -> bool {
        let home = model::home(business, person);
        let today = day(home, at);
        rule.audience == Audience::Customer
            && business.caps.iter().any(|cap| {
                let first = plus_days(today, 1 - cap.days);
                let within = self.went.iter().filter(|went| {
                    went.customer == entry.customer
                        && went.id != entry.id
                        && went.audience == Audience::Customer
                        && !went.refused
                        && day(home, went.at) >= first
                        && cap.class.is_none_or(|wanted| wanted == went.class)
                });
                cap.class.is_none_or(|class| class == rule.class) && within.count() >= cap.count
            })
    }

    /// Whether the rule's day or the mail domain is full.
    fn too_many(
        &self,
        business: &Business,
        rule: &Rule,
        (entry, letter): (&Entry, &Letter),
    ) -> bool {
        let at = letter.began;
        let today = day(business.zone, at);
        let others = || {
            self.went
                .iter()
                .filter(|went| went.id != entry.id && !went.refused)
        };
        let of_rule = others()
            .filter(|went| went.rule == rule.id && day(business.zone, went.at) == today)
            .count();
        let full = rule.per_day.is_some_and(|most| of_rule >= most as usize);
        let domain = |to: &str| to.rsplit('@').next().unwrap_or_default().to_owned();
        let here = domain(&letter.to);
        let lately = others()
            .filter(|went| at - went.at < HOUR)
            .filter(|went| {
                let known = self.known.get(&went.id);
                let to = known.and_then(|known| known.recipient.as_deref());
                to.is_some_and(|to| domain(to) == here)
            })
            .count();
        full || business.per_hour.is_some_and(|most| lately >= most)
    }

    /// Whether it would have had to wait for a person.
    fn unapproved(&self, business: &Business, (entry, rule): (&Entry, &Rule)) -> bool {
        let due_day = chrono_day(entry.occasion.day);
        let said = self.said.get(&(entry.rule.clone(), due_day)).copied();
        if said == Some(false) {
            return true;
        }
        if said == Some(true) {
            return false;
        }
        let taken = || {
            let others = self
                .went
                .iter()
                .filter(|went| !went.refused && went.id != entry.id);
            others.filter(|went| went.rule == rule.id)
        };
        let same_day = taken().filter(|went| went.day == due_day).count();
        // What a person let go counts among the first, whatever became of it then.
        let approved = self.known.values().filter(|one| {
            let day = chrono_day(one.occasion.day);
            one.rule == rule.id && self.said.get(&(one.rule.clone(), day)) == Some(&true)
        });
        let gone = self.known.values().filter(|one| {
            one.rule == rule.id
                && one.id != entry.id
                && matches!(one.outcome, Outcome::Sent | Outcome::Unknown)
        });
        (business.guard == 1 && same_day >= 1)
            || approved.count() + gone.count() < rule.approve as usize
    }

    /// Notes what must be in the ledger by now, and looks whether it is.
    fn expect(&mut self, seen: &Seen<'_>) {
        let business = seen.business;
        let today = day(business.zone, seen.began);
        let first_day = *self.first_day.get_or_insert(today);
        let planned = self.last_looked.map(furthest);
        let since = self
            .last_complete
            .replace(seen.began)
            .unwrap_or(i64::MIN / 2)
            - 45 * DAY;
        let mut all = Vec::new();
        for rule in &business.rules {
            let start = plus_days(first_day, -rule.backfill);
            for (id, person) in &seen.records.people {
                for due in dues(seen, rule, (id, person)) {
                    let spread = i64::from(rule.spread) * 60_000;
                    let known_late = rule.trigger.is_on_the_calendar()
                        && planned.is_some_and(|planned| due.day <= planned)
                        && seen.began
                            > model::deadline(
                                rule.late,
                                model::send_zone(business, rule, person),
                                (due.day, due.at),
                            );
                    let now = due.at + spread <= seen.began && due.at > since;
                    if now && due.day >= start && !known_late {
                        all.push((rule.id.to_owned(), id.clone(), due.key));
                    }
                }
            }
        }
        for key in all {
            if self.expected.contains_key(&key) || self.was_told(seen, &key) {
                continue;
            }
            let (rule, customer, occasion) = &key;
            let id = fondly::model::occasion::entry_id(rule, customer, occasion);
            if self.known.contains_key(&id) {
                self.expected.insert(key, id);
            } else {
                let what = format!(
                    "{rule} of {customer} on {occasion} isn't in the ledger after the pass at {}",
                    shown(seen.began)
                );
                self.wrong(what);
                self.expected.insert(key, id);
            }
        }
    }

    /// Whether somebody was missed already in the silence that this occasion is of: its last contact
    /// is told otherwise since.
    fn was_told(&self, seen: &Seen<'_>, (rule, customer, key): &(String, String, String)) -> bool {
        let Some((since, _)) = key.split_once('/') else {
            return false;
        };
        let person = seen.records.people.get(customer);
        let home = person.map(|person| model::home(seen.business, person));
        self.known.values().any(|one| {
            let at = one.sent_at.or(one.decided_at).map(ms);
            one.rule == *rule
                && one.customer == *customer
                && one.occasion.key != *key
                && matches!(
                    one.outcome,
                    Outcome::Sent | Outcome::Unknown | Outcome::Sending
                )
                && home
                    .zip(at)
                    .is_some_and(|(home, at)| day(home, at).to_string().as_str() > since)
        })
    }

    /// The end: the whole ledger against the relay's whole record.
    pub(crate) fn close(
        &mut self,
        (business, letters): (&Business, &[Letter]),
        ledger: &[Entry],
        settled_by: i64,
    ) {
        let mut by_id: BTreeMap<&str, Vec<&Letter>> = BTreeMap::new();
        for letter in letters {
            let id = letter.message_id.split('@').next().unwrap_or_default();
            by_id.entry(id).or_default().push(letter);
        }
        let mut occasions = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for entry in ledger {
            ids.insert(entry.id.as_str());
            if !occasions.insert((&entry.rule, &entry.customer, &entry.occasion.key)) {
                self.wrong(format!("{} is there twice", name(entry)));
            }
            if self
                .known
                .get(&entry.id)
                .is_some_and(|known| known != entry)
            {
                self.wrong(format!("{} changed without a pass", name(entry)));
            }
            if !entry.outcome.is_final() && ms(entry.occasion.due_at) <= settled_by {
                self.wrong(format!("{} is still {}", name(entry), entry.outcome));
            }
            let theirs = by_id.remove(entry.id.as_str()).unwrap_or_default();
            self.arrived(business, entry, &theirs);
        }
        for id in by_id.keys() {
            self.wrong(format!(
                "a letter {id} reached the relay, and isn't in the ledger"
            ));
        }
        let missing: Vec<String> = self
            .known
            .values()
            .filter(|known| known.outcome != Outcome::Planned && !ids.contains(known.id.as_str()))
            .map(name)
            .chain(
                self.expected
                    .iter()
                    .filter(|(_, id)| !ids.contains(id.as_str()))
                    .map(|(key, _)| format!("{key:?}")),
            )
            .collect();
        for one in missing {
            self.wrong(format!("{one} is no longer in the ledger"));
        }
        let both: Vec<_> = self
            .held_out
            .intersection(&self.written_to)
            .cloned()
            .collect();
        for (rule, customer) in both {
            self.wrong(format!(
                "{rule}: {customer} is held out, and was written to"
            ));
        }
    }

    /// What the ledger says of one letter against what the relay knows of it.
    fn arrived(&mut self, business: &Business, entry: &Entry, letters: &[&Letter]) {
        let arrived = letters.iter().filter(|letter| letter.arrived).count();
        let told = letters
            .iter()
            .filter(|letter| letter.fate == Fate::Taken)
            .count();
        let unsaid =
            |letter: &&&Letter| matches!(letter.fate, Fate::TakenUnsaid | Fate::DroppedUnsaid);
        let uncertain = letters.iter().filter(unsaid).count();
        let holds = match entry.outcome {
            Outcome::Sent => arrived == 1 && told >= 1,
            Outcome::Unknown => arrived <= 1,
            _ => arrived == 0,
        };
        if !holds {
            self.wrong(format!(
                "{} is {}, and arrived {arrived} times ({told} told, {uncertain} uncertain)",
                name(entry),
                entry.outcome
            ));
        }
        let last = letters.last().map(|letter| letter.fate);
        let again = letters
            .iter()
            .rev()
            .skip(1)
            .any(|letter| letter.fate != Fate::Refused);
        if again && !business.resend {
            self.wrong(format!("{} was tried again after {last:?}", name(entry)));
        }
    }

    /// The history of an entry only ever moves forward.
    pub(crate) fn history(&mut self, business: &Business, entry: &Entry, steps: &[Step]) {
        let mut before: Option<&Step> = None;
        let mut uncertain = false;
        for step in steps {
            let forward = before.is_none_or(|before| {
                step.at >= before.at
                    && match before.outcome {
                        Outcome::Planned | Outcome::Deferred | Outcome::Held => {
                            step.outcome != Outcome::Sent
                                && (step.outcome != Outcome::Unknown || uncertain)
                        }
                        Outcome::Sending => matches!(
                            step.outcome,
                            Outcome::Sent
                                | Outcome::Unknown
                                | Outcome::Rejected
                                | Outcome::Deferred
                                | Outcome::Expired
                        ),
                        Outcome::Unknown => business.resend && step.outcome == Outcome::Planned,
                        Outcome::Sent | Outcome::Skipped | Outcome::Rejected | Outcome::Expired => {
                            false
                        }
                    }
            });
            if !forward {
                self.wrong(format!(
                    "{} went from {:?} to {} at {}",
                    name(entry),
                    before.map(|before| (before.outcome, before.at)),
                    step.outcome,
                    step.at
                ));
            }
            uncertain |= step.outcome == Outcome::Unknown;
            before = Some(step);
        }
        if before.is_some_and(|last| last.outcome != entry.outcome) {
            self.wrong(format!("{} isn't what its history ends with", name(entry)));
        }
    }
}

/// Whether the relay read the letter's dot, and its answer may have got lost.
fn lost_an_answer(seen: &Seen<'_>, entry: &Entry) -> bool {
    let id = entry.message_id.as_deref().unwrap_or_default();
    let mut letters = seen.letters.iter();
    letters.any(|letter| letter.message_id == id && letter.fate != Fate::Refused)
}

fn zone_of(entry: &Entry) -> chrono_tz::Tz {
    entry.occasion.zone.parse().unwrap_or(chrono_tz::Tz::UTC)
}

fn deadline(rule: &Rule, entry: &Entry) -> i64 {
    let due = (chrono_day(entry.occasion.day), ms(entry.occasion.due_at));
    model::deadline(rule.late, zone_of(entry), due)
}

/// Everything that the checker can foresee for this person.
fn dues(seen: &Seen<'_>, rule: &Rule, (id, person): (&str, &Person)) -> Vec<Due> {
    let business = seen.business;
    let home = model::home(business, person);
    match &rule.trigger {
        Trigger::Event { first: false, .. } => {
            let theirs = seen.records.events.iter();
            let theirs = theirs.filter(|(_, event)| event.customer == id);
            theirs
                .filter(|(_, event)| model::seen(event, home) <= seen.began)
                .filter_map(|(key, event)| model::after_event(business, rule, person, (key, event)))
                .collect()
        }
        Trigger::Silence { .. } => {
            let contacts = model::contacts(seen.records, id, home);
            // Somebody who is announced for a day to come has their say when it comes.
            let known_ahead = contacts.iter().any(|(_, at)| *at > seen.began);
            let Some(since) = model::last_contact(&contacts, seen.began).filter(|_| !known_ahead)
            else {
                return Vec::new();
            };
            let steps = model::in_silence(business, rule, person, since).into_iter();
            steps.take(1).collect()
        }
        Trigger::Event { .. } | Trigger::Rhythm | Trigger::Usage => Vec::new(),
        Trigger::Birthday { .. }
        | Trigger::Joined { .. }
        | Trigger::Renewal { .. }
        | Trigger::Fixed(_)
        | Trigger::Holiday { .. } => model::on_the_calendar(business, rule, person, seen.began),
    }
}
