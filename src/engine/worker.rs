//! One worker: one connection, one message at a time, one recorded outcome each.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};

use super::EngineError;
use super::letter::Ready;
use super::scribe::{Job, Prepared, What};
use super::send::Shared;
use crate::decide::calendar::deadline;
use crate::decide::gate::Answer;
use crate::deliver::{Courier, Envelope, Parcel, Verdict, backoff};
use crate::model::policy::{Audience, Class};
use crate::model::{Outcome, Reason, View};
use crate::rules::Rule;
use crate::store::{CommitToSend, Entry, Record};

/// Times that one entry is judged anew in one pass because its customer's facts changed under it.
const LOOKS: u32 = 5;
/// The relay is tried again after this long: once a tick.
const RELAY_PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// A relay that refuses us needs a person; look now and then.
const REFUSED_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// What is said of a held letter that nobody approved in time.
const WAITED_FOR_APPROVAL: &str = "it waited for approval, and nobody gave it in time";

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
            if let Err(error) = self.customer(job).await {
                // The store is in trouble, so nobody else should begin a message either.
                self.shared.stop.cancel();
                return Err(error);
            }
        }
        self.courier.quit().await;
        Ok(())
    }

    async fn customer(&mut self, job: Job) -> Result<(), EngineError> {
        let mut view = job.view;
        let mut prepared = job.first;
        for entry in job.entries {
            if self.shared.batches.is_a_surprise(&entry) {
                match self.view_of(&entry).await? {
                    Some(fresh) => view = fresh,
                    None => return Ok(()),
                }
            }
            for look in 0..LOOKS {
                if self.shared.stop.is_cancelled() {
                    return Ok(());
                }
                match Box::pin(self.entry(&entry, &view, prepared.take())).await? {
                    Step::Done => break,
                    Step::LookAgain if look + 1 == LOOKS => {
                        tracing::warn!(
                            entry = entry.id,
                            "its facts kept changing, or it was stopped; the next pass looks again"
                        );
                        break;
                    }
                    Step::LookAgain => {}
                }
                match self.view_of(&entry).await? {
                    Some(fresh) => view = fresh,
                    None => return Ok(()),
                }
            }
        }
        Ok(())
    }

    async fn view_of(&self, entry: &Entry) -> Result<Option<View>, EngineError> {
        let ids = [entry.customer.clone()];
        Ok(self.shared.house.views(&ids).await?.pop())
    }

    /// Does with an entry what is to be done, which may have been prepared.
    async fn entry(
        &mut self,
        entry: &Entry,
        view: &View,
        prepared: Option<Prepared>,
    ) -> Result<Step, EngineError> {
        let house = Arc::clone(&self.shared.house);
        let fresh = |prepared: Option<Prepared>| {
            let now = house.clock.now();
            prepared
                .filter(|prepared| prepared.is_fresh(now))
                .unwrap_or_else(|| Prepared::new(&self.shared, entry, view, now))
        };
        let mut prepared = fresh(prepared);
        if matches!(prepared.what, What::Send(_)) {
            self.shared.throttle.turn().await;
            prepared = fresh(Some(prepared));
        }
        let (outcome, until) = match prepared.what {
            What::Send(ready) => {
                let Some(rule) = house.rule(&entry.rule) else {
                    return Ok(Step::Done);
                };
                return self.hand_over(rule, entry, view, *ready).await;
            }
            What::NoLetter(words) => {
                tracing::warn!(
                    rule = entry.rule,
                    entry = entry.id,
                    error = words,
                    "a letter couldn't be written"
                );
                self.give_up(entry, Reason::TemplateFailed, words).await?;
                return Ok(Step::Done);
            }
            What::Stop(Answer::Skip(Reason::TooLate)) if entry.outcome == Outcome::Held => {
                let words = WAITED_FOR_APPROVAL.to_owned();
                self.give_up(entry, Reason::TooLate, words).await?;
                return Ok(Step::Done);
            }
            // It was tried, and the relay wouldn't take it in time.
            What::Stop(Answer::Skip(Reason::TooLate)) if entry.attempts > 0 => {
                ((Outcome::Expired, Reason::TooLate), None)
            }
            What::Stop(Answer::Skip(reason)) => ((Outcome::Skipped, reason), None),
            What::Stop(Answer::Defer(until, reason)) => ((Outcome::Deferred, reason), Some(until)),
            What::Stop(Answer::Hold(until, reason)) => ((Outcome::Held, reason), Some(until)),
            // The gates let nothing pass whose rule is gone.
            What::Stop(Answer::Pass) => return Ok(Step::Done),
        };
        self.decide(entry, outcome, until).await?;
        Ok(Step::Done)
    }

    async fn decide(
        &self,
        entry: &Entry,
        (outcome, reason): (Outcome, Reason),
        next_attempt_at: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        let now = self.shared.house.clock.now();
        self.shared.count(&entry.rule, outcome, reason);
        let mut record = Record::new(&entry.id, outcome, Some(reason), now);
        record.next_attempt_at = next_attempt_at;
        Ok(self.shared.house.store.record(record).await?)
    }

    async fn give_up(
        &self,
        entry: &Entry,
        reason: Reason,
        words: String,
    ) -> Result<(), EngineError> {
        let now = self.shared.house.clock.now();
        self.shared.count(&entry.rule, Outcome::Skipped, reason);
        let mut record = Record::new(&entry.id, Outcome::Skipped, Some(reason), now);
        record.reply = Some(words);
        Ok(self.shared.house.store.record(record).await?)
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
        let envelope = Envelope {
            from: house.plans.settings.business.from.email.clone(),
            to: ready.to.clone(),
        };
        let name = file_name(entry);
        let Ready { letter, mail, .. } = ready;
        let commit = CommitToSend {
            id: entry.id.clone(),
            revision: view.revision,
            recipient: envelope.to.to_string(),
            class: rule.class,
            audience: rule.audience,
            service: rule.class == Class::Service || rule.audience != Audience::Customer,
            subject: mail.subject,
            template: letter.template,
            language: letter.language,
            message_id: mail.message_id,
            message: house.outbox.kept(&mail.bytes),
            via: house.outbox.via(),
            now: house.clock.now(),
        };
        let parcel = Parcel {
            name: &name,
            envelope: &envelope,
            message: &mail.bytes,
        };
        let verdict = self
            .courier
            .deliver(parcel, house.store.commit_to_send(commit))
            .await?;
        if matches!(verdict, Verdict::Withdrawn) {
            return Ok(Step::LookAgain);
        }
        self.record(rule, entry, &envelope.to, verdict).await?;
        Ok(Step::Done)
    }

    async fn record(
        &self,
        rule: &Rule,
        entry: &Entry,
        to: &lettre::Address,
        verdict: Verdict,
    ) -> Result<(), EngineError> {
        let shared = &self.shared;
        let now = shared.house.clock.now();
        let reply = verdict.reply().to_owned();
        let waits = |wait: SignedDuration| now.checked_add(wait).ok();
        let (outcome, reason, next) = match &verdict {
            Verdict::Accepted { .. } => (Outcome::Sent, Reason::Accepted, None),
            // The relay may be back just in time, so its trouble doesn't end anything early.
            Verdict::Deferred {
                reason,
                relay: true,
                ..
            } => (Outcome::Deferred, *reason, waits(RELAY_PAUSE)),
            Verdict::Deferred {
                reason,
                relay: false,
                ..
            } => {
                let wait = SignedDuration::try_from(backoff(entry.attempts + 1));
                let next = waits(wait.unwrap_or(RELAY_PAUSE));
                let zone = shared.house.zone(&entry.occasion.zone);
                let end = deadline(rule.send.late, &entry.occasion, &zone);
                if next.is_some_and(|next| next > end) {
                    (Outcome::Expired, *reason, None)
                } else {
                    (Outcome::Deferred, *reason, next)
                }
            }
            Verdict::Stopped { .. } => (
                Outcome::Deferred,
                Reason::RelayRefusesUs,
                waits(REFUSED_PAUSE),
            ),
            Verdict::Rejected { reason, .. } => (Outcome::Rejected, *reason, None),
            Verdict::Unknown { .. } => (Outcome::Unknown, Reason::ReplyLost, None),
            Verdict::Withdrawn => return Ok(()),
        };
        match &verdict {
            Verdict::Deferred { relay: true, .. } => shared.relay_failed(&reply),
            Verdict::Stopped { .. } => shared.stop_relay(&reply),
            Verdict::Unknown { .. } | Verdict::Withdrawn => {}
            Verdict::Accepted { .. } | Verdict::Deferred { .. } | Verdict::Rejected { .. } => {
                shared.relay_works();
            }
        }
        let mut record = Record::new(&entry.id, outcome, Some(reason), now);
        record.sent_at = matches!(verdict, Verdict::Accepted { .. }).then_some(now);
        record.next_attempt_at = next;
        record.attempted = matches!(
            verdict,
            Verdict::Deferred { relay: false, .. } | Verdict::Rejected { .. }
        );
        // Who works here is told again next time; their address is the owner's to mend.
        if matches!(verdict, Verdict::Rejected { suppress: true, .. })
            && rule.audience == Audience::Customer
        {
            record.suppress = Some(to.to_string());
        }
        // Of what came to the dot, the ledger knows already.
        if !matches!(verdict, Verdict::Accepted { .. } | Verdict::Unknown { .. }) {
            record.recipient = Some(to.to_string());
        }
        record.reply = Some(reply);
        shared.count(&entry.rule, outcome, reason);
        Ok(shared.house.store.record(record).await?)
    }
}

/// The file's name in the outbox: what a person looks for, and the entry's id.
pub(super) fn file_name(entry: &Entry) -> String {
    let safe: String = entry
        .customer
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(40)
        .collect();
    format!("{}_{}_{safe}_{}", entry.occasion.day, entry.rule, entry.id)
}
