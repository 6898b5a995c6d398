//! A letter on its way to whoever wants to see it in a mail program of their own, by the way that
//! letters take.
//!
//! No customer is written to, so nothing of it stands in the ledger, no cap and no budget counts it,
//! and what is heard of a mail server isn't kept: the daemon goes on as if it hadn't been. May not
//! decide anything.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use lettre::Address;
use tokio_util::sync::CancellationToken;

use super::outbox::Route;
use super::way::{bare, is_relay};
use super::{EngineError, House, letter};
use crate::deliver::{Envelope, FileCourier, Parcel, Verdict};
use crate::model::Occasion;
use crate::model::address::spoken;
use crate::model::occasion::short_hash;

/// What its file begins with, and its message's id.
const NAME: &str = "preview";

/// What stands before the subject, so that nobody takes it for real.
const MARK: &str = "[Preview] ";

/// A letter that somebody wants to see.
#[derive(Debug, Clone, Copy)]
pub struct Specimen<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The customer's id.
    pub customer: &'a str,
    /// What it is for.
    pub occasion: &'a Occasion,
    /// The moment from which it speaks.
    pub at: Timestamp,
}

/// How it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which mail server took it, or which folder.
    pub via: String,
    /// What the server said, or what the file is called.
    pub reply: String,
}

/// Hands the letter to this address, with TLS, login and pace as for every letter. The next mail
/// server is asked where one is in trouble, as letters do.
///
/// # Errors
/// The rule or the customer is gone, the letter can't be written, or nobody took it: what was said,
/// and what to do.
pub async fn send(
    house: &House,
    what: Specimen<'_>,
    address: &Address,
) -> Result<Left, EngineError> {
    let gone = |what: &str| EngineError::Other(format!("{what}, so there is nothing to send"));
    let rule = house
        .rule(what.rule)
        .ok_or_else(|| gone("the rule is gone"))?;
    let view = house.views(&[what.customer.to_owned()]).await?;
    let view = view.first().ok_or_else(|| gone("the customer is gone"))?;
    let to = spoken(address.clone());
    let now = house.clock.now().as_nanosecond().to_string();
    let key = &what.occasion.key;
    // Another each time: a mail program drops what it believes to have.
    let id = short_hash(&[NAME, what.rule, what.customer, key, to.as_ref(), &now]);
    let id = format!("{NAME}-{id}");
    let message = letter::specimen(
        house,
        rule,
        (view, what.occasion, what.at),
        (&id, MARK),
        &to,
    )
    .map_err(|error| EngineError::Other(error.to_string()))?;
    let envelope = Envelope {
        from: house.plans.settings.business.from.email.clone(),
        to,
    };
    let customer = letter::in_a_name(what.customer);
    let day = what.occasion.day;
    let name = format!("{NAME}_{day}_{}_{customer}_{id}", what.rule);
    let parcel = Parcel {
        name: &name,
        envelope: &envelope,
        message: &message.bytes,
    };
    handed_over(house, parcel).await
}

/// Takes every preview out of the outbox folder, where somebody was forgotten: they are examples, and
/// whose each is stands nowhere else. How many there were.
///
/// # Errors
/// What the system said of the folder.
pub(super) async fn erase_all(dir: &Path) -> io::Result<u64> {
    let there = dir.to_owned();
    let names = tokio::task::spawn_blocking(move || names_in(&there));
    let folder = FileCourier::new(dir.to_owned(), true);
    let mut erased = 0;
    for name in names.await.map_err(io::Error::other)?? {
        erased += u64::from(folder.erase(&name).await?);
    }
    Ok(erased)
}

/// The previews in a folder, by name.
fn names_in(dir: &Path) -> io::Result<Vec<String>> {
    let files = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    let mut names = Vec::new();
    for file in files {
        let name = file?.file_name().to_string_lossy().into_owned();
        // One that a crash left half written begins with a dot.
        let whole = name.strip_suffix(".eml");
        let part = name
            .strip_prefix('.')
            .and_then(|it| it.strip_suffix(".part"));
        let name = whole.or(part).unwrap_or_default();
        if name
            .strip_prefix(NAME)
            .is_some_and(|rest| rest.starts_with('_'))
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// One way after the other, until one isn't in trouble.
async fn handed_over(house: &House, parcel: Parcel<'_>) -> Result<Left, EngineError> {
    let outbox = &house.outbox;
    let never = CancellationToken::new();
    let mut tried = Vec::new();
    let mut said = Vec::new();
    while let Route::Go(mut turn) = outbox.route(house, (None, &tried), &never).await? {
        outbox.pace(&mut turn, &house.clock).await;
        let mut courier = turn.courier();
        let go = std::future::ready(Ok::<bool, EngineError>(true));
        let verdict = courier.deliver(parcel, go).await?;
        courier.quit().await;
        if let Verdict::Accepted { reply } = verdict {
            let via = bare(turn.via()).to_owned();
            return Ok(Left { via, reply });
        }
        said.push(told(turn.via(), parcel.envelope, &verdict));
        if !matches!(
            verdict,
            Verdict::Deferred { relay: true, .. } | Verdict::Stopped { .. }
        ) {
            break;
        }
        tried.push(turn.way);
    }
    Err(EngineError::Other(if said.is_empty() {
        "there is no way for letters to leave; `[mail]` in fondly.toml says how they do".to_owned()
    } else {
        said.join("\n")
    }))
}

/// What was said instead of a yes, and what to do about it.
fn told(via: &str, envelope: &Envelope, verdict: &Verdict) -> String {
    let (to, reply) = (&envelope.to, verdict.reply());
    let name = bare(via);
    if !is_relay(via) {
        return format!("the preview couldn't be written into the outbox: {reply}");
    }
    match verdict {
        Verdict::Unknown { .. } => format!(
            "{name}: nobody knows whether the preview for {to} arrived ({reply}); look into that \
             mailbox, and send it again if it isn't there"
        ),
        Verdict::Rejected { .. } => format!(
            "{name} refused the preview for {to}: {reply}; see that the address is right, and that \
             the server takes letters from {}",
            envelope.from
        ),
        Verdict::Stopped { .. } => format!(
            "{name} refuses us, so no preview was sent: {reply}; mend the login under `[mail]` in \
             fondly.toml, or ask whoever runs that server"
        ),
        Verdict::Deferred { relay: false, .. } => {
            format!("{name} put the preview for {to} off: {reply}; try again in a few minutes")
        }
        Verdict::Deferred { .. } | Verdict::Accepted { .. } | Verdict::Withdrawn => format!(
            "{name} can't be used, so no preview was sent: {reply}; see that host, port and security \
             under `[mail]` in fondly.toml are right, or try again later"
        ),
    }
}
