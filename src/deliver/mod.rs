//! DELIVER: one recipient, one transaction, one [`Verdict`].
//!
//! Hands a finished message to the relay, or puts it into a folder, and says what became of it.
//! Who knows the cause picks the fate: the verdict is decided here, where the reply is seen, and
//! nobody upstairs reads reply codes again. May not touch the store, settings, templates or the
//! wall clock; the durable "about to send" is the caller's, awaited at the right moment.
//!
//! What happens to one message over SMTP:
//!
//! 1. a kept connection, or a new one (greeting, TLS, EHLO, login);
//! 2. MAIL, RCPT and DATA, in one write where the relay allows it;
//! 3. the body, flushed;
//! 4. the caller's commit, awaited: a no drops the connection, and nothing was delivered;
//! 5. the dot, and the wait for its reply. From here on only a 250 means delivered, a 4xx or 5xx
//!    means refused, and everything else means that nobody knows.

mod body;
pub mod breaker;
pub mod budget;
mod config;
mod connection;
mod dial;
mod file;
mod login;
mod offers;
mod reply;
mod retry;
mod setback;
mod smtp;
mod socket;
mod throttle;
mod wire;

use lettre::Address;

use crate::model::Reason;

pub use config::{Deadlines, Key, Login, Reuse, Secret, Security, SmtpConfig};
pub use dial::{Dial, Peer, Pipe, Simulated, Tcp};
pub use file::FileCourier;
pub use offers::Welcome;
pub use reply::{Enhanced, Phase, Reply, judge};
pub use retry::backoff;
pub use smtp::{Relay, SetupError, SmtpCourier};
pub use throttle::Throttle;

/// Who it comes from and who gets it, as the relay is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse path: where bounces go.
    pub from: Address,
    /// The one recipient.
    pub to: Address,
}

/// One message, ready to go.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// The name of the file, without `.eml`, when it is delivered into a folder. The same on
    /// every attempt, so that a second attempt replaces the first.
    pub name: &'a str,
    /// The addresses.
    pub envelope: &'a Envelope,
    /// Headers and body.
    pub message: &'a [u8],
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The relay answered 250 after the dot, or the file is in place.
    Accepted {
        /// The server's last words.
        reply: String,
    },
    /// Not delivered; try again later.
    Deferred {
        /// Why.
        reason: Reason,
        /// The server's last words, or ours.
        reply: String,
        /// Trouble with the relay: it says nothing about the message, and counts towards the
        /// breaker rather than the message.
        relay: bool,
    },
    /// Not delivered, and never will be.
    Rejected {
        /// Why.
        reason: Reason,
        /// The server's last words, or ours.
        reply: String,
        /// The address should get nothing any more.
        suppress: bool,
    },
    /// The relay refuses us, whatever the message: stop using it, tell the owner, and count no
    /// attempt.
    Stopped {
        /// The server's last words, or ours.
        reply: String,
    },
    /// The dot may have been sent, and no clear reply came.
    Unknown {
        /// What happened instead of a reply.
        reply: String,
    },
    /// The caller's commit said no; nothing was delivered.
    Withdrawn,
}

impl Verdict {
    /// The reason, as the ledger writes it; none when the caller withdrew the message, because
    /// only the caller knows why.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Accepted { .. } => Some(Reason::Accepted),
            Self::Deferred { reason, .. } | Self::Rejected { reason, .. } => Some(*reason),
            Self::Stopped { .. } => Some(Reason::RelayRefusesUs),
            Self::Unknown { .. } => Some(Reason::ReplyLost),
            Self::Withdrawn => None,
        }
    }

    /// The last words: the server's, or ours where it said nothing.
    pub fn reply(&self) -> &str {
        match self {
            Self::Accepted { reply }
            | Self::Deferred { reply, .. }
            | Self::Rejected { reply, .. }
            | Self::Stopped { reply }
            | Self::Unknown { reply } => reply,
            Self::Withdrawn => "",
        }
    }
}

/// A way to deliver. Each worker has its own.
#[derive(Debug)]
pub enum Courier {
    /// Into a folder.
    File(FileCourier),
    /// To a relay.
    Smtp(SmtpCourier),
    /// To a relay that is played.
    Simulated(SmtpCourier<Simulated>),
    /// Nowhere: every message is taken, and dropped.
    Nowhere,
}

/// What is said of a message that went nowhere.
const NOWHERE: &str = "nothing was sent";

impl Courier {
    /// Delivers one message.
    ///
    /// `commit` is awaited at most once, right before the point of no return (the dot; the
    /// rename). `Ok(true)` lets the message go; `Ok(false)` withdraws it. It isn't polled at all
    /// when the attempt ends earlier. Dropping the returned future drops the connection.
    ///
    /// # Errors
    /// Only the error of `commit`, handed through: nothing was delivered then.
    pub async fn deliver<E, C>(&mut self, parcel: Parcel<'_>, commit: C) -> Result<Verdict, E>
    where
        C: Future<Output = Result<bool, E>>,
    {
        match self {
            Self::File(courier) => courier.deliver(parcel, commit).await,
            Self::Smtp(courier) => courier.deliver(parcel, commit).await,
            Self::Simulated(courier) => Box::pin(courier.deliver(parcel, commit)).await,
            Self::Nowhere => Ok(if commit.await? {
                Verdict::Accepted {
                    reply: NOWHERE.to_owned(),
                }
            } else {
                Verdict::Withdrawn
            }),
        }
    }

    /// Takes leave of the relay when there is nothing more to send for now.
    pub async fn quit(&mut self) {
        match self {
            Self::File(_) | Self::Nowhere => {}
            Self::Smtp(courier) => courier.quit().await,
            Self::Simulated(courier) => courier.quit().await,
        }
    }
}
