//! One worker: one connection, one message at a time, one recorded outcome each.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};

use super::letter::{self, Ready};
use super::send::{Job, Shared};
use super::{EngineError, House};
use crate::decide::calendar::deadline;
use crate::decide::gate::{Answer, Case, judge};
use crate::deliver::{Courier, Envelope, Parcel, Verdict, backoff};
use crate::model::{Outcome, Reason, View};
use crate::rules::Rule;
use crate::store::{CommitToSend, Decide, Entry, Record};

/// Times that one entry is judged anew in one pass because its customer's facts changed under it.
const LOOKS: u32 = 5;
/// The relay is tried again after this long: once a tick.
const RELAY_PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// A relay that refuses us needs a person; look now and then.
const REFUSED_PAUSE: SignedDuration = SignedDuration::from_mins(15);

pub(super) struct Worker {
    shared: Arc<Shared>,
    courier: Courier,
}

/// What the worker decided to do with an entry.
enum Step {
    Done,
    /// The customer's facts changed under us.
    LookAgain,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let courier = shared.house.outbox.courier();
        Self { shared, courier }
    }

    /// Works until the queue is closed or the pass is stopped.
    pub(super) async fn work(
        mut self,
        queue: Arc<Mutex<mpsc::Receiver<Job>>>,
    ) -> Result<(), EngineError> {
        loop {
            let job = queue.lock().await.recv().await;
            let Some(job) = job else { break };
            if self.shared.stop.is_cancelled() {
                continue;
            }
            self.customer(job).await?;
        }
        self.courier.quit().await;
        Ok(())
    }

    async fn customer(&mut self, job: Job) -> Result<(), EngineError> {
        let mut view = job.view;
        for entry in job.entries {
            for _ in 0..LOOKS {
                if self.shared.stop.is_cancelled() {
                    return Ok(());
                }
                match Box::pin(self.entry(&entry, &view)).await? {
                    Step::Done => break,
                    Step::LookAgain => {}
                }
                let ids = [entry.customer.clone()];
                match self.shared.house.views(&ids).await?.pop() {
                    Some(fresh) => view = fresh,
                    None => return Ok(()),
                }
            }
        }
        Ok(())
    }

    async fn entry(&mut self, entry: &Entry, view: &View) -> Result<Step, EngineError> {
        let house = Arc::clone(&self.shared.house);
        let now = house.clock.now();
        let rule = house.rule(&entry.rule);
        match answer(&house, rule, entry, view, now) {
            Answer::Skip(reason) => {
                self.decide(entry, (Outcome::Skipped, reason), None, now).await?;
                Ok(Step::Done)
            }
            Answer::Defer(until, reason) => {
                self.decide(entry, (Outcome::Deferred, reason), Some(until), now).await?;
                Ok(Step::Done)
            }
            Answer::Pass => {
                let Some(rule) = rule else { return Ok(Step::Done) };
                match letter::write(&house, rule, view, &entry.occasion, now) {
                    Ok(ready) => self.hand_over(rule, entry, view, ready).await,
                    Err(error) => {
                        let text = error.to_string();
                        tracing::warn!(rule = rule.id, entry = entry.id, error = text, "a letter couldn't be written");
                        self.give_up(entry, Reason::TemplateFailed, text, now).await?;
                        Ok(Step::Done)
                    }
                }
            }
        }
    }

    async fn decide(
        &self,
        entry: &Entry,
        (outcome, reason): (Outcome, Reason),
        next_attempt_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        self.shared.lock().count(&entry.rule, outcome, reason);
        let id = entry.id.clone();
        let decision = Decide { id, outcome, reason, next_attempt_at, words: None, now };
        Ok(self.shared.house.store.decide(decision).await?)
    }

    async fn give_up(
        &self,
        entry: &Entry,
        reason: Reason,
        words: String,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        self.shared.lock().count(&entry.rule, Outcome::Skipped, reason);
        let decision = Decide {
            id: entry.id.clone(),
            outcome: Outcome::Skipped,
            reason,
            next_attempt_at: None,
            words: Some(words),
            now,
        };
        Ok(self.shared.house.store.decide(decision).await?)
    }

    async fn hand_over(
        &mut self,
        rule: &Rule,
        entry: &Entry,
        view: &View,
        ready: Ready,
    ) -> Result<Step, EngineError> {
        let shared = Arc::clone(&self.shared);
        let house = &shared.house;
        shared.throttle.turn().await;
        let envelope = match envelope(house, view) {
            Ok(envelope) => envelope,
            Err(words) => {
                self.give_up(entry, Reason::NoAddress, words, house.clock.now()).await?;
                return Ok(Step::Done);
            }
        };
        let name = file_name(entry);
        let Ready { letter, mail } = ready;
        let commit = CommitToSend {
            id: entry.id.clone(),
            revision: view.revision,
            recipient: envelope.to.to_string(),
            even_if_suppressed: rule.class == crate::model::policy::Class::Service,
            subject: mail.subject,
            template: letter.template,
            language: letter.language,
            message_id: mail.message_id,
            message: String::from_utf8_lossy(&mail.bytes).into_owned(),
            via: house.outbox.via(),
            now: house.clock.now(),
        };
        let parcel = Parcel { name: &name, envelope: &envelope, message: &mail.bytes };
        let verdict = self.courier.deliver(parcel, house.store.commit_to_send(commit)).await?;
        if matches!(verdict, Verdict::Withdrawn) {
            return Ok(Step::LookAgain);
        }
        self.record(rule, entry, verdict).await?;
        Ok(Step::Done)
    }

    async fn record(
        &self,
        rule: &Rule,
        entry: &Entry,
        verdict: Verdict,
    ) -> Result<(), EngineError> {
        let shared = &self.shared;
        let now = shared.house.clock.now();
        let mut record = Record::new(&entry.id, now);
        match verdict {
            Verdict::Accepted { reply } => {
                shared.relay_works();
                record.outcome = Outcome::Sent;
                record.reason = Reason::Accepted;
                record.reply = reply;
                record.sent_at = Some(now);
            }
            Verdict::Deferred { reason, reply, relay } => {
                if relay {
                    shared.relay_failed(&reply);
                } else {
                    shared.relay_works();
                }
                record.attempted = !relay;
                record.reply = reply;
                record.reason = reason;
                let wait = if relay { RELAY_PAUSE } else { backoff(entry.attempts + 1).try_into().unwrap_or(RELAY_PAUSE) };
                let zone = shared.house.zone(&entry.occasion.zone);
                let end = deadline(rule.send.late, &entry.occasion, &zone);
                let next = now.saturating_add(wait);
                // The relay may be back just in time, so its trouble doesn't end anything early.
                if next > end && !relay {
                    record.outcome = Outcome::Expired;
                } else {
                    record.outcome = Outcome::Deferred;
                    record.next_attempt_at = Some(next);
                }
            }
            Verdict::Stopped { reply } => {
                shared.stop_relay(&reply);
                record.outcome = Outcome::Deferred;
                record.reason = Reason::RelayRefusesUs;
                record.next_attempt_at = Some(now.saturating_add(REFUSED_PAUSE));
                record.reply = reply;
            }
            Verdict::Rejected { reason, reply, suppress } => {
                shared.relay_works();
                record.attempted = true;
                record.outcome = Outcome::Rejected;
                record.reason = reason;
                record.reply = reply;
                record.suppress = suppress;
            }
            Verdict::Unknown { reply } => {
                record.outcome = Outcome::Unknown;
                record.reason = Reason::ReplyLost;
                record.reply = reply;
            }
            Verdict::Withdrawn => return Ok(()),
        }
        shared.lock().count(&entry.rule, record.outcome, record.reason);
        Ok(shared.house.store.record(record).await?)
    }
}

/// Asks the gates.
pub(super) fn answer(
    house: &House,
    rule: Option<&Rule>,
    entry: &Entry,
    view: &View,
    now: Timestamp,
) -> Answer {
    judge(&Case {
        rule,
        class: entry.class,
        occasion: &entry.occasion,
        zone: &house.zone(&entry.occasion.zone),
        view,
        policy: house.policy(),
        now,
        facts: &|| letter::facts_of(house, view, &entry.occasion, now),
    })
}

fn envelope(house: &House, view: &View) -> Result<Envelope, String> {
    let address = view.customer.email.as_deref().unwrap_or_default();
    let to = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok(Envelope { from: house.plans.settings.business.from.email.clone(), to })
}

/// The file's name in the outbox: what a person looks for, and the entry's id.
pub(super) fn file_name(entry: &Entry) -> String {
    let safe: String = entry
        .customer
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .take(40)
        .collect();
    format!("{}_{}_{safe}_{}", entry.occasion.day, entry.rule, entry.id)
}
