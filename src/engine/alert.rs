//! Alerts: a trouble is written to the owner once, and once more when it is over.
//!
//! [`after_pass`] looks at what a pass left: batches that wait ([`held`]), ways out ([`relays`]),
//! sources ([`sources`]), and letters ([`letters`]). What may pass by itself is given time first, and
//! what comes and goes counts as one ([`patience`]). An alert that can't leave is tried again with the
//! next pass. May not mend anything.

mod held;
mod letters;
mod mailing;
mod patience;
mod relays;
mod sources;

use super::{EngineError, House, Report};
use crate::store::Trouble;

pub(super) use mailing::{Through, mailed};
use patience::{Look, Next, Patience};

/// What sort of trouble a held batch is.
pub const HELD: &str = "held";
/// What sort of trouble an edit is that can't be used.
pub const EDIT: &str = "edit";
/// What sort of trouble a clock or a store is that can't be trusted.
pub const STANDSTILL: &str = "standstill";
/// What sort of trouble letters are of which nobody knows whether they arrived.
pub const UNKNOWN: &str = letters::UNKNOWN;

/// What a trouble is about, as far as it can be told in other words than the alert's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A batch waits; it is told of as what needs a decision.
    Held,
    /// An edit can't be used.
    Edit,
    /// Letters of which nobody knows whether they arrived; likewise.
    Unknown,
    /// This way out can't be reached.
    Away(String),
    /// This mail server refuses us.
    RefusesUs(String),
    /// This source can't be read.
    Source(String),
    /// Most of what this source gave can't be used.
    Unusable(String),
    /// Many letters are refused.
    ManyRefusals,
    /// Nothing is sent, since the clock or the store is in doubt.
    Standstill,
    /// Something else.
    Other,
}

/// What this trouble is about.
pub fn about(trouble: &Trouble) -> About {
    let subject = trouble.subject.as_str();
    let named = match trouble.kind.as_str() {
        HELD => Some(About::Held),
        EDIT => Some(About::Edit),
        letters::UNKNOWN => Some(About::Unknown),
        letters::REFUSALS => Some(About::ManyRefusals),
        STANDSTILL => Some(About::Standstill),
        relays::AWAY => relays::AWAY_SUBJECT.name_in(subject).map(About::Away),
        relays::REFUSED => relays::REFUSED_SUBJECT
            .name_in(subject)
            .map(About::RefusesUs),
        sources::FAILING => sources::FAILING_SUBJECT.name_in(subject).map(About::Source),
        sources::UNUSABLE => sources::UNUSABLE_SUBJECT
            .name_in(subject)
            .map(About::Unusable),
        _ => None,
    };
    named.unwrap_or(About::Other)
}

/// A subject with a name in its middle.
#[derive(Debug, Clone, Copy)]
struct Subject(&'static str, &'static str);

impl Subject {
    fn of(self, name: &str) -> String {
        format!("{}{name}{}", self.0, self.1)
    }

    fn name_in(self, subject: &str) -> Option<String> {
        let rest = subject.strip_prefix(self.0)?;
        rest.strip_suffix(self.1).map(str::to_owned)
    }
}

/// Notes what a pass left for a person to do, and tells the owner of what they don't know yet.
///
/// # Errors
/// The store's trouble.
pub async fn after_pass(house: &House, report: &Report) -> Result<(), EngineError> {
    held::look(house, report).await?;
    relays::look(house).await?;
    sources::look(house, report).await?;
    letters::look(house, report).await?;
    tell(house).await
}

/// Notes a trouble and tells the owner, unless it is known.
///
/// # Errors
/// The store's trouble; an alert that couldn't leave isn't one.
pub async fn begins(house: &House, trouble: (&str, &str), words: &str) -> Result<(), EngineError> {
    let now = house.clock.now();
    house.store.trouble_begins(trouble, words, now).await?;
    tell(house).await
}

/// Notes that a trouble is over, and tells the owner, who knows of it.
///
/// # Errors
/// The store's trouble.
pub async fn ends(house: &House, (kind, subject): (&str, &str)) -> Result<(), EngineError> {
    let troubles = house.store.troubles().await?;
    let Some(trouble) = troubles
        .iter()
        .find(|trouble| trouble.kind == kind && trouble.subject == subject)
    else {
        return Ok(());
    };
    // Of a way out that was closed the owner couldn't be told before; others nobody needs to hear
    // of any more.
    let worth_it = trouble.told_at.is_some() || relays::concerns(kind);
    if worth_it && !mailed(house, trouble, (true, Through::Store)).await {
        tracing::warn!(trouble = subject, "nobody could be told that it is over");
    }
    Ok(house.store.trouble_ends((kind, subject)).await?)
}

/// Tells the owner of every trouble they don't know of yet.
///
/// # Errors
/// The store's trouble.
pub(super) async fn tell(house: &House) -> Result<(), EngineError> {
    for sign in house.store.signs().await? {
        let trouble = sign.trouble;
        // What seems to be over is told of when it is.
        if sign.ripe && sign.well_since.is_none() && trouble.told_at.is_none() {
            if !mailed(house, &trouble, (false, Through::Store)).await {
                // The others wait for the next pass, too.
                break;
            }
            let of = (trouble.kind.as_str(), trouble.subject.as_str());
            house.store.trouble_told(of, house.clock.now()).await?;
        }
    }
    Ok(())
}

/// What is seen of something just now, and as long as it hasn't lasted, nobody is told.
async fn seen(
    house: &House,
    trouble: (&str, &str),
    look: Look,
    patience: Patience,
) -> Result<(), EngineError> {
    let (kind, subject) = trouble;
    let signs = house.store.signs().await?.into_iter();
    let mut signs =
        signs.filter(|sign| sign.trouble.kind == kind && sign.trouble.subject == subject);
    let known = signs.next();
    let was_ripe = known.as_ref().is_some_and(|sign| sign.ripe);
    match patience.judge(trouble, known, look, house.clock.now()) {
        Next::AsItIs => {}
        Next::Keep(sign) => {
            house.store.keep_sign(&sign).await?;
            if sign.ripe && !was_ripe {
                tracing::warn!(kind, "{subject}");
            }
        }
        Next::Forget => house.store.trouble_ends(trouble).await?,
        Next::Over => {
            tracing::info!(kind, "this is over: {subject}");
            ends(house, trouble).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trouble_is_about_is_read_back() {
        let trouble = |kind: &str, subject: String| Trouble {
            kind: kind.to_owned(),
            subject,
            words: String::new(),
            since: jiff::Timestamp::UNIX_EPOCH,
            told_at: None,
        };
        let name = "the till` can't be read".to_owned();
        for (kind, subject, wanted) in [
            (
                relays::AWAY,
                relays::AWAY_SUBJECT,
                About::Away(name.clone()),
            ),
            (
                relays::REFUSED,
                relays::REFUSED_SUBJECT,
                About::RefusesUs(name.clone()),
            ),
            (
                sources::FAILING,
                sources::FAILING_SUBJECT,
                About::Source(name.clone()),
            ),
            (
                sources::UNUSABLE,
                sources::UNUSABLE_SUBJECT,
                About::Unusable(name.clone()),
            ),
        ] {
            assert_eq!(about(&trouble(kind, subject.of(&name))), wanted);
        }
        let other = trouble("opinion", "somebody is unhappy".to_owned());
        assert_eq!(about(&other), About::Other);
    }
}
