//! Why a customer did, didn't, will or won't get something: the ledger for what was decided, the
//! gates themselves for what lies ahead.
//!
//! Looks at the real books and changes nothing. The words are those of [`crate::decide::explain`].

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::forecast::{check_rule, unknown_customer};
use super::{EngineError, House, letter, plan, privacy};
use crate::decide;
use crate::decide::explain::{self, Settled};
use crate::decide::gate::{Answer, Batch, Case, judge};
use crate::model::{Occasion, Outcome, Period, Reason, View};
use crate::rules::Rule;
use crate::store::{Approval, Entry, Filter, Paused, RuleState};

/// Days ahead in which the next occasion is looked for: two leap years, even across 2100.
const AHEAD: i32 = 366 * 16;
/// Settled entries of a rule that are told: the latest.
const TOLD: usize = 3;

/// What to explain.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whose.
    pub customer: String,
    /// Only this rule.
    pub rule: Option<String>,
    /// That civil day, where the rule sends; without it, what was and what is next.
    pub on: Option<Date>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The rule's id.
    pub rule: String,
    /// The ledger's entry, where it is about one.
    pub entry: Option<String>,
    /// The occasion key, where there is an occasion.
    pub occasion: Option<String>,
    /// The civil day on which it is due, in its zone.
    pub day: Option<Date>,
    /// What became of it, or what would: `planned` where nothing stands in its way.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<Reason>,
    /// The sentences.
    pub words: String,
}

/// All answers, with the names for people.
#[derive(Debug)]
pub struct Explained {
    /// The customer's name, where it is known.
    pub name: Option<String>,
    /// Rule by rule, in time.
    pub said: Vec<Said>,
}

/// Explains.
///
/// # Errors
/// The store's trouble, or a rule or customer that nobody knows.
pub async fn explain(house: &House, question: &Question) -> Result<Explained, EngineError> {
    let store = &house.store;
    let ids = std::slice::from_ref(&question.customer);
    let view = house.views(ids).await?.pop();
    let Some(view) = view else {
        return Err(match store.was_forgotten(&question.customer).await? {
            Some(at) => privacy::was_forgotten(house, &question.customer, at),
            None => unknown_customer(&question.customer),
        });
    };
    let filter = Filter {
        customer: Some(question.customer.clone()),
        rule: question.rule.clone(),
        ..Filter::default()
    };
    let entries = store.log(&filter).await?;
    if let Some(rule) = &question.rule
        && entries.is_empty()
    {
        check_rule(&house.plans, rule)?;
    }
    let (states, paused) = (store.rule_states().await?, store.paused().await?);
    let approvals = store.approvals(Date::MIN).await?;
    let mut ids: Vec<&str> = house
        .plans
        .rules
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    ids.extend(entries.iter().map(|entry| entry.rule.as_str()));
    ids.retain(|id| question.rule.as_ref().is_none_or(|only| only == id));
    ids.sort_unstable();
    ids.dedup();
    let mut said = Vec::new();
    for id in ids {
        let of_rule = entries.iter().filter(|entry| entry.rule == id);
        let file = File {
            house,
            view: &view,
            id,
            rule: house.rule(id),
            entries: of_rule.collect(),
            state: states.iter().find(|state| state.rule == id),
            paused: &paused,
            approvals: &approvals,
            now: house.clock.now(),
        };
        said.extend(match question.on {
            Some(day) => file.on(day),
            None if file.is_off() && question.rule.is_none() => vec![file.off()],
            None => file.was_and_will_be(),
        });
    }
    Ok(Explained {
        name: view.customer.full_name(),
        said,
    })
}

/// What is known of one customer and one rule.
struct File<'a> {
    house: &'a House,
    view: &'a View,
    id: &'a str,
    /// `None`: its file is gone.
    rule: Option<&'a Rule>,
    entries: Vec<&'a Entry>,
    state: Option<&'a RuleState>,
    paused: &'a Paused,
    approvals: &'a [Approval],
    now: Timestamp,
}

impl File<'_> {
    /// Whether it is switched off, and there is nothing to tell of before.
    fn is_off(&self) -> bool {
        self.entries.is_empty() && self.rule.is_some_and(|rule| !rule.enabled)
    }

    fn off(&self) -> Said {
        Said {
            reason: Some(Reason::RuleDisabled),
            ..self.bare(Reason::RuleDisabled.sentence().to_owned())
        }
    }

    /// The latest that was settled, whatever waits, and what comes next.
    fn was_and_will_be(&self) -> Vec<Said> {
        let (over, open): (Vec<&Entry>, Vec<&Entry>) = self
            .entries
            .iter()
            .copied()
            .partition(|entry| entry.outcome.is_final());
        let latest = over.len().saturating_sub(TOLD);
        let mut said: Vec<Said> = over
            .iter()
            .skip(latest)
            .map(|one| self.entry(one))
            .collect();
        said.extend(open.iter().map(|entry| self.entry(entry)));
        if open.is_empty() {
            said.extend(self.next(self.house.today(self.now)));
        }
        said
    }

    /// What there was or will be on this day.
    fn on(&self, day: Date) -> Vec<Said> {
        let here = |entry: &&&Entry| {
            let zone = self.house.zone(&entry.occasion.zone);
            let on =
                |at: Option<Timestamp>| at.is_some_and(|at| zone.to_datetime(at).date() == day);
            entry.occasion.day == day || on(entry.sent_at) || on(entry.decided_at)
        };
        let mut said: Vec<Said> = self
            .entries
            .iter()
            .filter(here)
            .map(|one| self.entry(one))
            .collect();
        let Some(rule) = self.rule else {
            return said;
        };
        for occasion in self.unknown_to_the_ledger(rule, day, day) {
            said.push(self.ahead(rule, &occasion));
        }
        if said.is_empty() {
            let day_words = explain::date(day);
            said.extend(self.next(day).map(|next| Said {
                words: format!("Nothing is due on {day_words}. {}", next.words),
                ..next
            }));
        }
        said
    }

    /// The next occasion from this day on, or why there is none.
    fn next(&self, from: Date) -> Option<Said> {
        let rule = self.rule?;
        let until = Period::Days(AHEAD).from_date(from).unwrap_or(from);
        let found = self.unknown_to_the_ledger(rule, from, until);
        // A day that began earlier somewhere is today as well.
        let Some(next) = found.first() else {
            return Some(self.bare(explain::nothing(rule, self.view, self.house.policy(), from)));
        };
        Some(self.ahead(rule, next))
    }

    /// What the rule gives them on these days, but for what the ledger holds.
    fn unknown_to_the_ledger(&self, rule: &Rule, from: Date, until: Date) -> Vec<Occasion> {
        let mut found = decide::occasions(rule, self.view, self.house.policy(), from, until);
        found.retain(|one| {
            !self
                .entries
                .iter()
                .any(|entry| entry.occasion.key == one.key)
        });
        found
    }

    /// What the ledger tells of an entry, and how it came about.
    fn entry(&self, entry: &Entry) -> Said {
        let (occasion, zone) = (&entry.occasion, self.house.zone(&entry.occasion.zone));
        let told = explain::settled(&Settled {
            outcome: entry.outcome,
            reason: entry.reason,
            at: entry.sent_at.or(entry.decided_at),
            next: entry.next_attempt_at,
            zone: &zone,
            reply: entry.reply.as_deref(),
        });
        let policy = self.house.policy();
        let mut words = match self.rule {
            // An edited rule would tell another story than the one by which it was decided.
            Some(rule) if rule.version == entry.rule_version => {
                explain::arises(rule, self.view, policy, occasion)
            }
            Some(_) | None => {
                let due = explain::moment(occasion.due_at, &zone);
                format!("Due on {due}, by the rule as it was then.")
            }
        };
        words = format!("{words} {told}");
        let waits = !entry.outcome.is_final() && entry.outcome != Outcome::Sending;
        if let (true, Some(rule)) = (waits, self.rule) {
            let at = entry.next_attempt_at.unwrap_or(self.now).max(self.now);
            let answer = self.asked(rule, occasion, &zone, at);
            words = format!("{words} {}", answer.1);
        }
        if waits && let Some(pause) = self.pause() {
            words = format!("{words} {pause}");
        }
        Said {
            rule: self.id.to_owned(),
            entry: Some(entry.id.clone()),
            occasion: Some(occasion.key.clone()),
            day: Some(occasion.day),
            outcome: Some(entry.outcome),
            reason: entry.reason,
            words,
        }
    }

    /// What an occasion that isn't in the ledger would come to.
    fn ahead(&self, rule: &Rule, occasion: &Occasion) -> Said {
        let policy = self.house.policy();
        let mut words = explain::arises(rule, self.view, policy, occasion);
        let said = |outcome, reason, words| Said {
            rule: self.id.to_owned(),
            entry: None,
            occasion: Some(occasion.key.clone()),
            day: Some(occasion.day),
            outcome,
            reason,
            words,
        };
        if let Some(why) = self.no_part_of_it(rule, occasion) {
            return said(None, None, format!("{words} {why}"));
        }
        let zone = self.house.zone(&occasion.zone);
        let at = occasion.due_at.max(self.now);
        let (answer, verdict) = self.asked(rule, occasion, &zone, at);
        words = format!("{words} {verdict}");
        if let Some(pause) = self.pause() {
            words = format!("{words} {pause}");
        }
        let (outcome, reason) = match answer {
            Answer::Pass => (Outcome::Planned, None),
            Answer::Skip(reason) => (Outcome::Skipped, Some(reason)),
            Answer::Defer(_, reason) => (Outcome::Deferred, Some(reason)),
            Answer::Hold(_, reason) => (Outcome::Held, Some(reason)),
        };
        said(Some(outcome), reason, words)
    }

    /// Asks the gates as they will be asked at this moment, as far as is known now.
    fn asked(
        &self,
        rule: &Rule,
        occasion: &Occasion,
        zone: &TimeZone,
        at: Timestamp,
    ) -> (Answer, String) {
        let case = Case {
            rule: Some(rule),
            class: rule.class,
            audience: rule.audience,
            occasion,
            zone,
            view: self.view,
            policy: self.house.policy(),
            batch: self.batch(rule, occasion),
            now: at,
            facts: &|| letter::facts_of(self.house, Some(rule), self.view, occasion, at),
        };
        let answer = judge(&case);
        (answer, explain::verdict(&case, answer))
    }

    /// What a person said of its batch. How large a batch will be, `forecast` knows.
    fn batch(&self, rule: &Rule, occasion: &Occasion) -> Batch {
        let said = self.approvals.iter();
        let mut said = said.filter(|one| one.rule == rule.id && one.day == occasion.day);
        Batch {
            approved: said.next().map(|one| one.approved),
            ..Batch::default()
        }
    }

    /// Why an occasion doesn't exist for the rule: it lies before its start, or in the past and
    /// nobody noted it.
    fn no_part_of_it(&self, rule: &Rule, occasion: &Occasion) -> Option<String> {
        let today = self.house.today(self.now);
        let first_day = self.state.map_or(today, |state| state.first_day);
        let start = plan::start_of(self.house, rule, first_day);
        if occasion.day < start {
            let live = self.house.policy().live_from.filter(|live| *live == start);
            let since = match (live, self.state) {
                (Some(_), _) => "nothing before `live_from` counts",
                (None, Some(_)) => "the rule wasn't in force before",
                (None, None) => "the rule isn't in force yet",
            };
            let start = explain::date(start);
            return Some(format!(
                "It isn't sent: the rule counts from {start}, since {since}."
            ));
        }
        let long_ago = self.now.checked_sub(48.hours()).ok()?;
        (occasion.due_at < long_ago).then(|| {
            "The ledger has no entry for it: the record or the rule was another then.".to_owned()
        })
    }

    fn pause(&self) -> Option<String> {
        let mut rules = self.paused.rules.iter();
        let of_rule = rules.find(|(rule, _)| rule == self.id);
        let since = self.paused.all.or(of_rule.map(|(_, since)| *since))?;
        let since = explain::moment(since, &self.house.policy().zone);
        Some(format!("Sending is paused since {since}."))
    }

    fn bare(&self, words: String) -> Said {
        Said {
            rule: self.id.to_owned(),
            entry: None,
            occasion: None,
            day: None,
            outcome: None,
            reason: None,
            words,
        }
    }
}
