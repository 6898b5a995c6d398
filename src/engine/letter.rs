//! One entry's letter: the right template in the right language, rendered and wrapped as mail.

use jiff::Timestamp;
use lettre::Address;
use lettre::message::Mailbox;
use tracing::Instrument as _;

use super::House;
use crate::decide;
use crate::model::address::spoken;
use crate::model::facts::{self, About, Links};
use crate::model::policy::{Audience, Class};
use crate::model::{Customer, Occasion, View};
use crate::render::footer::{self, Footer};
use crate::render::links::Scope;
use crate::render::mail::{self, Composed, Mail};
use crate::render::{Letter, RenderError};
use crate::rules::{Rule, Sender};
use crate::settings::Business;
use crate::store::Entry;

/// A letter ready to go.
#[derive(Debug)]
pub(super) struct Ready {
    /// The one recipient.
    pub(super) to: Address,
    pub(super) letter: Letter,
    pub(super) mail: Composed,
}

/// Stands where a letter's token would in an example: nobody signed it.
const EXAMPLE: &str = "only-an-example";

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
    rule: Option<&Rule>,
    view: &View,
    occasion: &Occasion,
    now: Timestamp,
) -> minijinja::Value {
    let about = about(rule, view, occasion);
    facts::build_with(view, about, &house.plans.words, now)
}

fn about<'a>(rule: Option<&Rule>, view: &View, occasion: &'a Occasion) -> About<'a> {
    About {
        occasion: Some(occasion),
        change: rule.and_then(|rule| decide::change(rule, view, occasion)),
        links: Links::default(),
    }
}

/// Writes the letter as it goes out at `now`.
pub(super) fn write(
    house: &House,
    rule: &Rule,
    view: &View,
    occasion: &Occasion,
    now: Timestamp,
) -> Result<Ready, NoLetter> {
    let customer = &view.customer;
    let reader = Reader::of(house, rule.audience, customer).ok_or(NoLetter::NoAddress)?;
    let to: Address = reader.address.parse().map_err(mail::MailError::Recipient)?;
    let to = spoken(to);
    let entry_id = crate::model::occasion::entry_id(&rule.id, &customer.id, &occasion.key);
    let pages = Pages::of(house, rule, Some(&entry_id));
    let letter = words(&pages, view, (occasion, &reader), now)?;
    let addressed = Addressed {
        id: &entry_id,
        to: &to,
        name: reader.name.as_deref(),
        now,
    };
    let mail = wrapped(&pages, customer, &letter, addressed)?;
    Ok(Ready { to, letter, mail })
}

/// Whom a message goes to, by which id, and when.
#[derive(Debug, Clone, Copy)]
struct Addressed<'a> {
    id: &'a str,
    to: &'a Address,
    name: Option<&'a str>,
    now: Timestamp,
}

/// A letter about this customer as a message.
fn wrapped(
    pages: &Pages<'_>,
    customer: &Customer,
    letter: &Letter,
    addressed: Addressed<'_>,
) -> Result<Composed, mail::MailError> {
    let rule = pages.rule;
    let (from, reply_to) = writer(&pages.house.plans.settings.business, rule, customer);
    mail::compose(
        letter,
        &Mail {
            entry_id: addressed.id,
            rule: &rule.id,
            class: rule.class,
            from: &from,
            reply_to: reply_to.as_ref(),
            to: addressed.to,
            to_name: addressed.name,
            footer: pages.footer(),
            now: addressed.now,
        },
    )
}

/// The message as it would go, but to whoever wants to see it: with an id of its own, a word in
/// front of the subject, and links that open nothing. It says what it would say at that moment.
pub(super) fn specimen(
    house: &House,
    rule: &Rule,
    (view, occasion, at): (&View, &Occasion, Timestamp),
    (id, mark): (&str, &str),
    to: &Address,
) -> Result<Composed, NoLetter> {
    let reader = Reader::of(house, rule.audience, &view.customer).ok_or(NoLetter::NoAddress)?;
    let pages = Pages::of(house, rule, None);
    let mut letter = words(&pages, view, (occasion, &reader), at)?;
    letter.subject = format!("{mark}{}", letter.subject);
    let addressed = Addressed {
        id,
        to,
        name: None,
        now: house.clock.now(),
    };
    Ok(wrapped(&pages, &view.customer, &letter, addressed)?)
}

/// The letter as it would be read if it went at that moment, with its footer. The links in it open
/// nothing.
pub(super) fn example(
    house: &House,
    rule: &Rule,
    view: &View,
    (occasion, at): (&Occasion, Timestamp),
) -> Result<Letter, NoLetter> {
    let reader = Reader::of(house, rule.audience, &view.customer).ok_or(NoLetter::NoAddress)?;
    let pages = Pages::of(house, rule, None);
    let letter = words(&pages, view, (occasion, &reader), at)?;
    Ok(match pages.footer() {
        Some(footer) => footer::add(&letter, &footer),
        None => letter,
    })
}

/// What the letter says, without its footer.
fn words(
    pages: &Pages<'_>,
    view: &View,
    (occasion, reader): (&Occasion, &Reader<'_>),
    now: Timestamp,
) -> Result<Letter, RenderError> {
    let (house, rule) = (pages.house, pages.rule);
    let today = house.zone(&occasion.zone).to_datetime(now).date();
    let template = match &rule.send.late_template {
        Some(late) if today > occasion.day => late,
        Some(_) | None => &rule.template,
    };
    let about = About {
        links: pages.links(),
        ..about(Some(rule), view, occasion)
    };
    let facts = facts::build_with(view, about, &house.plans.words, now);
    house.plans.letters.letter(
        template,
        reader.language,
        &house.plans.settings.business.language,
        &facts,
    )
}

/// Who reads a letter.
pub(super) struct Reader<'a> {
    address: &'a str,
    name: Option<String>,
    /// Where it isn't the business's.
    language: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// Nobody where the address isn't known.
    pub(super) fn of(house: &'a House, audience: Audience, customer: &'a Customer) -> Option<Self> {
        match audience {
            Audience::Customer => Some(Self {
                address: customer.email.as_deref()?,
                name: customer.full_name(),
                language: customer.language.as_deref(),
            }),
            Audience::Staff => Some(Self {
                address: customer.staff_email.as_deref()?,
                name: customer.staff_name.clone(),
                language: None,
            }),
            Audience::Owner => {
                let owner = house.plans.settings.business.owner.first()?;
                Some(Self {
                    address: owner.email.as_ref(),
                    name: owner.name.clone(),
                    language: None,
                })
            }
        }
    }
}

/// In whose name it is written, and who is answered. The address stays the business's, which is
/// the one that the mail server may send from.
fn writer(business: &Business, rule: &Rule, customer: &Customer) -> (Mailbox, Option<Mailbox>) {
    let ours = || (business.from.clone(), business.reply_to.clone());
    if rule.sender == Sender::Business {
        return ours();
    }
    let contact = customer.staff_name.as_ref().zip(
        customer
            .staff_email
            .as_ref()
            .and_then(|address| address.parse::<Address>().ok())
            .map(spoken)
            // In a header it would ask for a mail server that knows such addresses.
            .filter(|address| address.user().is_ascii()),
    );
    let Some((name, address)) = contact else {
        return ours();
    };
    let from = Mailbox::new(Some(name.clone()), business.from.email.clone());
    (from, Some(Mailbox::new(Some(name.clone()), address)))
}

/// The pages that a letter's reader reaches by it: none where nobody serves them, and none for notes
/// inside the house.
struct Pages<'a> {
    house: &'a House,
    rule: &'a Rule,
    unsubscribe: Option<String>,
    preferences: Option<String>,
    birthday: Option<String>,
    opinion: Option<String>,
}

impl<'a> Pages<'a> {
    /// Those of this entry, or an example's, which open nothing.
    fn of(house: &'a House, rule: &'a Rule, entry: Option<&str>) -> Self {
        let public = house.plans.settings.public.as_ref();
        let public = public.filter(|_| rule.audience == Audience::Customer);
        let url = |scope: Scope| {
            let token = match entry {
                Some(id) => house.links.token(scope, id),
                None => EXAMPLE.to_owned(),
            };
            Some(format!("{}/{}/{token}", public?.base_url, scope.as_str()))
        };
        Self {
            house,
            rule,
            unsubscribe: url(Scope::Unsubscribe),
            preferences: url(Scope::Preferences),
            birthday: url(Scope::Birthday),
            opinion: url(Scope::Opinion),
        }
    }

    fn links(&self) -> Links {
        Links {
            preferences: self.preferences.clone(),
            birthday: self.birthday.clone(),
            opinion: self.opinion.clone(),
        }
    }

    /// For letters that have one: those about an order don't, nor do notes inside the house.
    fn footer(&self) -> Option<Footer<'_>> {
        if self.rule.class == Class::Service || self.rule.audience != Audience::Customer {
            return None;
        }
        let plans = &self.house.plans;
        let business = &plans.settings.business;
        Some(Footer {
            business: &business.name,
            postal_address: business.postal_address.as_deref(),
            unsubscribe_url: self.unsubscribe.as_deref(),
            unsubscribe_mailto: business.unsubscribe_mailto.as_ref().map(AsRef::as_ref),
            preferences_url: self.preferences.as_deref(),
            phrases: Some(&plans.phrases),
        })
    }
}

/// Does this about one letter, whose lines in the log bear which it is, where somebody asks for as much.
pub(super) fn followed<F: Future>(entry: &Entry, work: F) -> impl Future<Output = F::Output> {
    let day = entry.occasion.day;
    let span = tracing::debug_span!("letter", entry = entry.id, rule = entry.rule, %day);
    Box::pin(work).instrument(span)
}

/// The file's name in the outbox: what a person looks for, and the entry's id.
pub(super) fn file_name(entry: &Entry) -> String {
    let safe = in_a_name(&entry.customer);
    format!("{}_{}_{safe}_{}", entry.occasion.day, entry.rule, entry.id)
}

/// A customer's id as a part of a file's name.
pub(super) fn in_a_name(customer: &str) -> String {
    customer
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(40)
        .collect()
}
