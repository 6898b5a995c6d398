//! One worker: one connection, one message at a time, one recorded outcome each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};

use super::letter::{self, Ready};
use super::outbox::{Route, Turn};
use super::scribe::{Job, Prepared, What, kept_back, no_later};
use super::send::Shared;
use super::{EngineError, mishap};
use crate::decide::calendar::deadline;
use crate::decide::gate::Answer;
use crate::deliver::{Courier, Envelope, Parcel, Verdict, backoff};
use crate::model::policy::{Audience, Class};
use crate::model::{Outcome, Reason, View};
use crate::points;
use crate::rules::Rule;
use crate::store::{CommitToSend, Entry, Record};

/// Times that one entry is judged anew in one pass because its customer's facts changed under it.
const LOOKS: u32 = 5;
/// A letter that met with trouble is tried again after this long, while there is an open way.
const RELAY_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// What is said of a held letter that nobody approved in time.
pub(super) const WAITED_FOR_APPROVAL: &str = "it waited for approval, and nobody gave it in time";

pub(super) struct Worker {
    shared: Arc<Shared>,
    /// From 0.
    number: u32,
    /// One for each way out that was taken.
    couriers: BTreeMap<usize, Courier>,
    /// Ways that wouldn't take the letter in hand.
    tried: Vec<usize>,
    /// The entry in hand.
    at: Option<Arc<Entry>>,
}

/// What the worker decided to do with an entry.
enum Step {
    Done,
    /// It came to the dot, so the customer's facts are others now.
    HandedOver,
    /// The customer's facts changed under us.
    LookAgain,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, number: u32) -> Self {
        Self {
            shared,
            number,
            couriers: BTreeMap::new(),
            tried: Vec::new(),
            at: None,
        }
    }

    /// Works until the queue is closed or the pass is stopped.
    pub(super) async fn work(
        mut self,
        queue: Arc<Mutex<mpsc::Receiver<Job>>>,
    ) -> Result<(), EngineError> {
        // Where another way takes over that has fewer connections, the first workers go on.
        while self.shared.house.outbox.wants(self.number) {
            let job = queue.lock().await.recv().await;
            let Some(job) = job else { break };
            if self.shared.stop.is_cancelled() {
                continue;
            }
            let ended = match mishap::contained(self.customer(job)).await {
                Ok(ended) => ended,
                Err(panic) => self.stumbled(&panic).await,
            };
            if let Err(error) = ended {
                // The store is in trouble, so nobody else should begin a message either.
                self.shared.stop.cancel();
                return Err(error);
            }
        }
        for courier in self.couriers.values_mut() {
            courier.quit().await;
        }
        Ok(())
    }

    /// A panic: nothing goes on with what it left of a conversation.
    async fn stumbled(&mut self, panic: &str) -> Result<(), EngineError> {
        self.couriers.clear();
        match self.at.take() {
            Some(entry) => mishap::set_aside(&self.shared, &entry, panic).await,
            None => Ok(()),
        }
    }

    async fn customer(&mut self, job: Job) -> Result<(), EngineError> {
        let mut view = job.view;
        let mut prepared = job.first;
        let mut stale = false;
        for entry in job.entries.into_iter().map(Arc::new) {
            self.at = Some(Arc::clone(&entry));
            if std::mem::take(&mut stale) || self.shared.batches.is_a_surprise(&entry) {
                match self.view_of(&entry).await? {
                    Some(fresh) => view = fresh,
                    None => return Ok(()),
                }
            }
            // Where it may have arrived already, it goes there or nowhere.
            let only = entry.only_via.as_deref();
            self.tried = only.map_or_else(Vec::new, |via| self.shared.house.outbox.all_but(via));
            for look in 0..LOOKS {
                if self.shared.stop.is_cancelled() {
                    return Ok(());
                }
                match letter::followed(&entry, self.entry(&entry, &view, prepared.take())).await? {
                    Step::Done => break,
                    Step::HandedOver => {
                        stale = true;
                        break;
                    }
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
        let mut leave = None;
        if let What::Send(ready) = &prepared.what {
            let stop = &self.shared.stop;
            let asked = (Some(ready.to.domain()), self.tried.as_slice());
            match house.outbox.route(&house, asked, stop).await? {
                // It is as it was, and the next pass takes it.
                Route::Go(turn) if !turn.suits(self.number) => return Ok(Step::Done),
                Route::Go(mut turn) => {
                    house.outbox.pace(&mut turn, &house.clock).await;
                    prepared = fresh(Some(prepared));
                    leave = Some(turn);
                }
                // It is as it was, and the next pass takes it.
                Route::Closed(_) if stop.is_cancelled() => return Ok(Step::Done),
                Route::Full(until) => {
                    let rule = house.rule(&entry.rule);
                    let until = no_later(&house, entry, rule, until);
                    let full = (Outcome::Deferred, Reason::DomainLimit);
                    self.decide(entry, full, Some(until)).await?;
                    return Ok(Step::Done);
                }
                Route::Closed(reason) => {
                    let until = self.later(house.rule(&entry.rule), entry);
                    self.decide(entry, (Outcome::Deferred, reason), until)
                        .await?;
                    return Ok(Step::Done);
                }
            }
        }
        let (outcome, until) = match prepared.what {
            What::Send(ready) => {
                let Some((rule, turn)) = house.rule(&entry.rule).zip(leave) else {
                    return Ok(Step::Done);
                };
                return Box::pin(self.hand_over(rule, entry, view, (*ready, turn))).await;
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

    /// When a letter is looked at again that met with trouble.
    fn later(&self, rule: Option<&Rule>, entry: &Entry) -> Option<Timestamp> {
        let now = self.shared.house.clock.now();
        match kept_back(&self.shared, entry, rule, now) {
            Some(Answer::Defer(until, _)) => Some(until),
            _ => now.checked_add(RELAY_PAUSE).ok(),
        }
    }

    async fn decide(
        &self,
        entry: &Entry,
        (outcome, reason): (Outcome, Reason),
        next_attempt_at: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        let (now, outcome) = (self.shared.house.clock.now(), entry.amounts_to(outcome));
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
        let outcome = entry.amounts_to(Outcome::Skipped);
        self.shared.count(&entry.rule, outcome, reason);
        let mut record = Record::new(&entry.id, outcome, Some(reason), now);
        record.reply = Some(words);
        Ok(self.shared.house.store.record(record).await?)
    }

    async fn hand_over(
        &mut self,
        rule: &Rule,
        entry: &Entry,
        view: &View,
        (ready, turn): (Ready, Turn),
    ) -> Result<Step, EngineError> {
        let shared = Arc::clone(&self.shared);
        let house = &shared.house;
        let envelope = Envelope {
            from: house.plans.settings.business.from.email.clone(),
            to: ready.to.clone(),
        };
        points::step("send", &entry.customer);
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
            via: turn.via().to_owned(),
            now: house.clock.now(),
        };
        let parcel = Parcel {
            name: &letter::file_name(entry),
            envelope: &envelope,
            message: &mail.bytes,
        };
        let committed = AtomicBool::new(false);
        let go = async {
            let go = house.store.commit_to_send(commit).await?;
            committed.store(go, Ordering::Relaxed);
            Ok::<_, EngineError>(go)
        };
        let way = turn.way;
        let courier = self.couriers.entry(way).or_insert_with(|| turn.courier());
        let waits = shared.on_the_wire();
        let verdict = waits.over(courier.deliver(parcel, go).await)?;
        let change = turn.heard(house, &verdict);
        if matches!(verdict, Verdict::Withdrawn) {
            return Ok(Step::LookAgain);
        }
        self.tried.push(way);
        // What is known to be still here may go another way at once.
        let committed = committed.load(Ordering::Relaxed);
        let elsewhere = matches!(
            verdict,
            Verdict::Deferred { relay: true, .. } | Verdict::Stopped { .. }
        ) && !committed
            && house.outbox.is_open(&self.tried);
        if !elsewhere {
            self.record(rule, entry, &envelope.to, verdict).await?;
        }
        if let Some(change) = change {
            shared.opened.fetch_or(change.opened, Ordering::Relaxed);
            house.outbox.keep(house, change).await?;
        }
        Ok(match (elsewhere, committed) {
            (true, _) => Step::LookAgain,
            (false, true) => Step::HandedOver,
            (false, false) => Step::Done,
        })
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
        let (outcome, reason, next) = match &verdict {
            Verdict::Accepted { .. } => (Outcome::Sent, Reason::Accepted, None),
            // The relay may be back just in time, so its trouble doesn't end anything early.
            Verdict::Deferred {
                reason,
                relay: true,
                ..
            } => (Outcome::Deferred, *reason, self.later(Some(rule), entry)),
            Verdict::Deferred {
                reason,
                relay: false,
                ..
            } => {
                let wait = SignedDuration::try_from(backoff(entry.attempts + 1));
                let next = now.checked_add(wait.unwrap_or(RELAY_PAUSE)).ok();
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
                self.later(Some(rule), entry),
            ),
            Verdict::Rejected { reason, .. } => (Outcome::Rejected, *reason, None),
            Verdict::Unknown { .. } => (Outcome::Unknown, Reason::ReplyLost, None),
            Verdict::Withdrawn => return Ok(()),
        };
        let outcome = entry.amounts_to(outcome);
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
