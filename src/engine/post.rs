//! The way out for what is written to the owners themselves: like any letter's, with its breaker
//! and its limits. An owner isn't a customer, so nothing of it stands in the ledger.
//!
//! May not know what the words are about.

use std::time::Duration;

use lettre::message::Mailbox;
use tokio_util::sync::CancellationToken;

use super::outbox::Route;
use super::{EngineError, House};
use crate::deliver::{Envelope, Parcel, Verdict};
use crate::model::policy::Class;
use crate::render::Letter;
use crate::render::mail::{self, Mail};

/// How long one message may take to leave: a server that hangs must hold nothing up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A letter to one owner, ready to be handed over.
#[derive(Debug)]
pub(super) struct Message {
    /// The name of its file, where it goes to a folder.
    pub(super) name: String,
    envelope: Envelope,
    bytes: Vec<u8>,
}

impl Message {
    /// Writes it. `what` stands where letters bear their rule's name; the same `id` gives the same
    /// message on every attempt. `None`: it can't be written, which is logged.
    pub(super) fn new(
        house: &House,
        letter: &Letter,
        (what, id, name): (&str, &str, String),
        owner: &Mailbox,
    ) -> Option<Self> {
        let from = &house.plans.settings.business.from;
        let composed = mail::compose(
            letter,
            &Mail {
                entry_id: id,
                rule: what,
                class: Class::Service,
                from,
                reply_to: None,
                to: &owner.email,
                to_name: owner.name.as_deref(),
                footer: None,
                now: house.clock.now(),
            },
        );
        let envelope = Envelope {
            from: from.email.clone(),
            to: owner.email.clone(),
        };
        match composed {
            Ok(composed) => Some(Self {
                name,
                envelope,
                bytes: composed.bytes,
            }),
            Err(error) => {
                tracing::error!(%error, what, "a message to the owner can't be written");
                None
            }
        }
    }

    fn parcel(&self) -> Parcel<'_> {
        Parcel {
            name: &self.name,
            envelope: &self.envelope,
            message: &self.bytes,
        }
    }
}

/// Asks for a way out like any letter, so that a relay that is away isn't asked more often for
/// this. `going` is awaited right before the point of no return, with the way it goes. `None`:
/// there is no way now.
pub(super) async fn hand_over<F>(
    house: &House,
    message: &Message,
    going: impl FnOnce(String) -> F,
) -> Result<Option<Verdict>, EngineError>
where
    F: Future<Output = Result<(), EngineError>>,
{
    let outbox = &house.outbox;
    let never = CancellationToken::new();
    let Route::Go(mut turn) = outbox.route(house, (None, &[]), &never).await? else {
        return Ok(None);
    };
    outbox.pace(&mut turn, &house.clock).await;
    let mut courier = turn.courier();
    let via = turn.via().to_owned();
    let go = async { going(via).await.map(|()| true) };
    let verdict = courier.deliver(message.parcel(), go).await?;
    courier.quit().await;
    if let Some(change) = turn.heard(house, &verdict) {
        outbox.keep(house, change).await?;
    }
    Ok(Some(verdict))
}

/// The same when the store can't be asked: by the first way that was open when last heard of.
pub(super) async fn hand_over_apart(
    house: &House,
    message: &Message,
    going: impl FnOnce(),
) -> Result<Option<Verdict>, EngineError> {
    let Some(mut courier) = house.outbox.courier_apart() else {
        return Ok(None);
    };
    let go = async {
        going();
        Ok::<bool, EngineError>(true)
    };
    let verdict = courier.deliver(message.parcel(), go).await?;
    courier.quit().await;
    Ok(Some(verdict))
}

/// Waits for one of the two no longer than a message may take. Whether the server has it then depends
/// on how far it came: with the point of no return behind it, nobody knows.
pub(super) async fn in_time(
    handing: impl Future<Output = Result<Option<Verdict>, EngineError>>,
    is_gone: impl FnOnce() -> bool,
) -> Result<Option<Verdict>, EngineError> {
    match tokio::time::timeout(PATIENCE, handing).await {
        Ok(verdict) => verdict,
        Err(_) if is_gone() => Ok(Some(Verdict::Unknown {
            reply: "the server took too long".to_owned(),
        })),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_a_slow_server_may_have_is_unknown_and_what_it_cant_have_waits() {
        let never = std::future::pending;
        let late = in_time(never(), || true).await.unwrap();
        assert!(matches!(late, Some(Verdict::Unknown { .. })), "{late:?}");
        assert_eq!(in_time(never(), || false).await.unwrap(), None);
    }
}
