//! One entry's letter: the right template in the right language, rendered and wrapped as mail.

use jiff::Timestamp;

use super::House;
use crate::model::facts;
use crate::model::policy::Class;
use crate::model::{Occasion, View};
use crate::render::footer::Footer;
use crate::render::mail::{self, Composed, Mail};
use crate::render::{Letter, RenderError, links};
use crate::rules::Rule;

/// A letter ready to go.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) letter: Letter,
    pub(super) mail: Composed,
}

/// Why there is no letter, for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLetter {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Mail(#[from] mail::MailError),
    #[error("there is no address to write to")]
    NoAddress,
}

/// What templates and conditions see.
pub(super) fn facts_of(
    house: &House,
    view: &View,
    occasion: &Occasion,
    now: Timestamp,
) -> minijinja::Value {
    facts::build(view, Some(occasion), &house.plans.words, now)
}

/// Writes the letter as it goes out at `now`.
pub(super) fn write(
    house: &House,
    rule: &Rule,
    view: &View,
    occasion: &Occasion,
    now: Timestamp,
) -> Result<Ready, NoLetter> {
    let settings = &house.plans.settings;
    let customer = &view.customer;
    let to_address = customer.email.as_deref().ok_or(NoLetter::NoAddress)?;
    let today = house.zone(&occasion.zone).to_datetime(now).date();
    let template = match &rule.send.late_template {
        Some(late) if today > occasion.day => late,
        Some(_) | None => &rule.template,
    };
    let facts = facts_of(house, view, occasion, now);
    let entry_id = crate::model::occasion::entry_id(&rule.id, &customer.id, &occasion.key);
    let can_stop = rule.class != Class::Service;
    let unsubscribe_url = settings.public.as_ref().filter(|_| can_stop).map(|public| {
        format!(
            "{}/u/{}",
            public.base_url,
            links::token(&house.link_key, &entry_id)
        )
    });
    let unsubscribe_mailto = settings
        .business
        .unsubscribe_mailto
        .as_ref()
        .filter(|_| can_stop);
    let letter = house.plans.letters.letter(
        template,
        customer.language.as_deref(),
        &settings.business.language,
        &facts,
    )?;
    let name: Vec<&str> = [&customer.first_name, &customer.last_name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let name = name.join(" ");
    let mail = mail::compose(
        &letter,
        &Mail {
            entry_id: &entry_id,
            rule: &rule.id,
            class: rule.class,
            from: &settings.business.from,
            reply_to: settings.business.reply_to.as_ref(),
            to_address,
            to_name: (!name.is_empty()).then_some(name.as_str()),
            footer: Footer {
                business: &settings.business.name,
                postal_address: settings.business.postal_address.as_deref(),
                unsubscribe_url: unsubscribe_url.as_deref(),
                unsubscribe_mailto: unsubscribe_mailto.map(AsRef::as_ref),
            },
            now,
        },
    )?;
    Ok(Ready { letter, mail })
}
