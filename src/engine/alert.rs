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
use crate::model::Matter;
use crate::render::alert::{self as words, Voice};

pub(super) use mailing::{Readers, Through, mailed};
use patience::{Look, Next, Patience};

/// A trouble's kind and name.
pub type Key<'a> = (&'a str, &'a str);

/// What a trouble is about in a line, and what a person should know of it, as Markdown; in this
/// language, or the nearest there is.
pub fn in_words(house: &House, matter: &Matter, language: &str) -> (String, String) {
    let title = |rule: &str| house.title(rule).to_owned();
    let voice = Voice {
        words: house.plans.phrases.of(language),
        zone: &house.policy().zone,
        title: &title,
    };
    (words::what(matter, voice), words::body(matter, voice))
}

/// The same as what the program says elsewhere, which is English.
pub fn in_english(house: &House, matter: &Matter) -> (String, String) {
    in_words(house, matter, ENGLISH)
}

/// The language of what the program itself says.
pub const ENGLISH: &str = "en";

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
pub async fn begins(house: &House, matter: &Matter) -> Result<(), EngineError> {
    house
        .store
        .trouble_begins(matter, house.clock.now())
        .await?;
    tell(house).await
}

/// Notes that a trouble is over, and tells the owner, who knows of it.
///
/// # Errors
/// The store's trouble; a letter that couldn't leave isn't one.
pub async fn ends(house: &House, key: Key<'_>) -> Result<(), EngineError> {
    if house.store.trouble_over(key, house.clock.now()).await? {
        tell(house).await?;
    }
    Ok(())
}

/// Tells the owner of everything they don't know yet: what is there, and what is over. Whoever else
/// tells at the same time gets other troubles.
///
/// # Errors
/// The store's trouble.
pub(super) async fn tell(house: &House) -> Result<(), EngineError> {
    let mut readers = Readers::default();
    let mut waiting = Vec::new();
    while let Some(claimed) = house.store.claim_untold(house.clock.now()).await? {
        let trouble = &claimed.trouble;
        // Of a way out that was closed the owner couldn't be told before; others nobody needs to hear
        // of any more.
        let is_news = !claimed.is_over
            || trouble.told_at.is_some()
            || claimed.may_be_told
            || relays::concerns(trouble.matter.kind());
        readers.ended.clone_from(&claimed.heard);
        if is_news
            && !mailed(
                house,
                trouble,
                (claimed.is_over, Through::Store),
                &mut readers,
            )
            .await
        {
            // It waits for the next pass.
            waiting.push((claimed, readers.ended.clone()));
            if readers.nobody_is_left(house) {
                break;
            }
        } else {
            house.store.told(&claimed, house.clock.now()).await?;
        }
    }
    for (claimed, ended) in waiting {
        house.store.not_told(&claimed, &ended).await?;
    }
    Ok(())
}

/// What is seen of something just now, and as long as it hasn't lasted, nobody is told.
async fn seen(
    house: &House,
    key: Key<'_>,
    look: Look,
    patience: Patience,
) -> Result<(), EngineError> {
    let mut signs = house.store.signs().await?.into_iter();
    let known = signs.find(|sign| sign.trouble.matter.is(key));
    let was_ripe = known.as_ref().is_some_and(|sign| sign.ripe);
    let about = known.as_ref().map(|sign| sign.trouble.matter.clone());
    match patience.judge(known, look, house.clock.now()) {
        Next::AsItIs => {}
        Next::Keep(sign) => {
            house.store.keep_sign(&sign).await?;
            if sign.ripe && !was_ripe {
                let (what, _) = in_english(house, &sign.trouble.matter);
                tracing::warn!(kind = key.0, "{what}");
            }
        }
        Next::Forget => house.store.trouble_ends(key).await?,
        Next::Over => {
            if let Some(matter) = about {
                let (what, _) = in_english(house, &matter);
                tracing::info!(kind = key.0, "this is over: {what}");
            }
            ends(house, key).await?;
        }
    }
    Ok(())
}
