//! One row's values -> a customer or an event, or what is wrong with which column.
//!
//! May not know files.

use std::collections::BTreeMap;

use super::columns::{ATTR, Columns, required};
use super::forms::{Forms, Value, Values};
use super::{AttrType, Feeds, Meaning, garbled, values};
use crate::model::event::KNOWN_KINDS;
use crate::model::{AttrValue, Consent, Customer, Event, Told, When};

/// The field that says "no more".
const UNSUBSCRIBED: &str = "unsubscribed";

/// What is wrong with a row, and with which of its columns where it is one's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

/// Which column goes where.
#[derive(Debug)]
pub(super) enum Plan {
    Customers(Customers),
    Events(Events),
}

/// The columns of events.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) columns: Vec<Column<EventField>>,
    /// The kind of every row, where no column says it.
    kind: Option<String>,
}

/// The columns of customers.
#[derive(Debug)]
pub(super) struct Customers {
    pub(super) columns: Vec<Column<CustomerField>>,
    /// What a row speaks of …
    told: Told,
    /// … and one that leaves open whether they unsubscribed: only a plain "no" takes that back.
    told_but_stop: Told,
}

/// A column that feeds a field.
#[derive(Debug)]
pub(super) struct Column<F> {
    pub(super) index: usize,
    /// The field's name.
    name: String,
    pub(super) field: F,
    required: bool,
    /// Whether people are called so in letters.
    is_name: bool,
}

/// The fields in which letters call people by their names.
const NAMES: [&str; 4] = ["first_name", "last_name", "salutation", "staff_name"];

/// The fields of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CustomerField {
    Id,
    Email,
    FirstName,
    LastName,
    Salutation,
    Language,
    Timezone,
    Birthday,
    JoinedOn,
    StaffEmail,
    StaffName,
    Tags,
    Consent,
    ConsentAt,
    Unsubscribed,
    Attr(String, AttrType),
}

/// The fields of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventField {
    Id,
    CustomerId,
    Kind,
    At,
    Amount,
    Currency,
    Quantity,
    Attr(String, AttrType),
}

impl Plan {
    pub(super) fn new(source: &Meaning, columns: &Columns) -> Self {
        match source.feeds {
            Feeds::Customers => Self::Customers(Customers::new(source, columns)),
            Feeds::Events => Self::Events(Events {
                columns: plan(source, columns, EventField::named),
                kind: source.event.clone().map(known_kind),
            }),
        }
    }

    /// Whether a column feeds anything.
    pub(super) fn feeds(&self, index: usize) -> bool {
        match self {
            Self::Customers(plan) => plan.columns.iter().any(|column| column.index == index),
            Self::Events(plan) => plan.columns.iter().any(|column| column.index == index),
        }
    }

    /// The index of the column that feeds `id`.
    pub(super) fn id_column(&self) -> Option<usize> {
        // The contract's fields come first, and the id is the first of them.
        match self {
            Self::Customers(plan) => plan.columns.first().map(|column| column.index),
            Self::Events(plan) => plan.columns.first().map(|column| column.index),
        }
    }
}

impl Customers {
    fn new(source: &Meaning, columns: &Columns) -> Self {
        let told = Told::only(columns.picks.iter().map(|(field, _)| field.as_str()));
        Self {
            columns: plan(source, columns, CustomerField::named),
            told_but_stop: told.without(UNSUBSCRIBED),
            told,
        }
    }
}

fn plan<F>(
    source: &Meaning,
    columns: &Columns,
    named: fn(&str, AttrType) -> Option<F>,
) -> Vec<Column<F>> {
    let picks = columns.picks.iter();
    picks
        .filter_map(|(name, index)| {
            let own = name
                .strip_prefix(ATTR)
                .and_then(|own| source.types.get(own));
            Some(Column {
                index: *index,
                name: name.clone(),
                field: named(name, own.copied().unwrap_or_default())?,
                required: required(source.feeds).contains(&name.as_str()),
                is_name: NAMES.contains(&name.as_str()),
            })
        })
        .collect()
}

impl CustomerField {
    fn named(name: &str, kind: AttrType) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "email" => Self::Email,
            "first_name" => Self::FirstName,
            "last_name" => Self::LastName,
            "salutation" => Self::Salutation,
            "language" => Self::Language,
            "timezone" => Self::Timezone,
            "birthday" => Self::Birthday,
            "joined_on" => Self::JoinedOn,
            "staff_email" => Self::StaffEmail,
            "staff_name" => Self::StaffName,
            "tags" => Self::Tags,
            "consent" => Self::Consent,
            "consent_at" => Self::ConsentAt,
            UNSUBSCRIBED => Self::Unsubscribed,
            _ => Self::Attr(name.strip_prefix(ATTR)?.to_owned(), kind),
        })
    }
}

impl EventField {
    fn named(name: &str, kind: AttrType) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "customer_id" => Self::CustomerId,
            "kind" => Self::Kind,
            "at" => Self::At,
            "amount" => Self::Amount,
            "currency" => Self::Currency,
            "quantity" => Self::Quantity,
            _ => Self::Attr(name.strip_prefix(ATTR)?.to_owned(), kind),
        })
    }
}

/// Reads a customer, and what is said of them; the first fault ends it.
pub(super) fn customer(
    plan: &Customers,
    record: &dyn Values,
    forms: &Forms,
) -> Result<(Customer, Told), Fault> {
    let mut customer = Customer::default();
    let mut told = &plan.told_but_stop;
    let garbled = each(&plan.columns, record, |field, value| {
        match field {
            CustomerField::Id => customer.id = Forms::id(value)?,
            CustomerField::Email => customer.email = Some(Forms::address(value)?),
            CustomerField::FirstName => customer.first_name = Some(Forms::text(value)?),
            CustomerField::LastName => customer.last_name = Some(Forms::text(value)?),
            CustomerField::Salutation => customer.salutation = Some(Forms::text(value)?),
            CustomerField::Language => customer.language = Some(Forms::text(value)?),
            CustomerField::Timezone => customer.timezone = Some(Forms::text(value)?),
            CustomerField::Birthday => customer.birthday = Some(forms.partial(value)?),
            CustomerField::JoinedOn => customer.joined_on = Some(forms.date(value)?),
            CustomerField::StaffEmail => customer.staff_email = Some(Forms::address(value)?),
            CustomerField::StaffName => customer.staff_name = Some(Forms::text(value)?),
            CustomerField::Tags => customer.tags = Forms::tags(value)?,
            CustomerField::Consent => customer.consent = Forms::consent(value)?,
            CustomerField::ConsentAt => customer.consent_at = Some(forms.moment(value)?),
            CustomerField::Unsubscribed => {
                customer.unsubscribed = Forms::unsubscribed(value)?;
                told = &plan.told;
            }
            CustomerField::Attr(name, kind) => {
                attr(&mut customer.attrs, (name, *kind), value, forms)?;
            }
        }
        Ok(())
    })?;
    match garbled {
        Some(fault) if !says_stop(&customer) => Err(fault),
        _ => Ok((customer, told.clone())),
    }
}

/// Whether somebody wants no letters: that mustn't be lost because their name was garbled.
fn says_stop(customer: &Customer) -> bool {
    customer.unsubscribed || customer.consent == Consent::No
}

/// Reads an event; the first fault ends it.
pub(super) fn event(plan: &Events, record: &dyn Values, forms: &Forms) -> Result<Event, Fault> {
    let mut at: Option<When> = None;
    let (mut id, mut customer_id) = (String::new(), String::new());
    let mut kind = plan.kind.clone().unwrap_or_default();
    let (mut amount, mut currency, mut quantity) = (None, None, None);
    let mut attrs = BTreeMap::new();
    each(&plan.columns, record, |field, value| {
        match field {
            EventField::Id => id = Forms::id(value)?,
            EventField::CustomerId => customer_id = Forms::id(value)?,
            EventField::Kind => kind = known_kind(Forms::id(value)?),
            EventField::At => at = Some(forms.when(value)?),
            EventField::Amount => amount = Some(forms.amount(value)?),
            EventField::Currency => currency = Some(Forms::text(value)?),
            EventField::Quantity => quantity = Some(forms.amount(value)?),
            EventField::Attr(name, kind) => attr(&mut attrs, (name, *kind), value, forms)?,
        }
        Ok(())
    })?;
    let at = at.ok_or_else(|| Fault {
        column: None,
        reason: empty("at"),
    })?;
    Ok(Event {
        id,
        customer_id,
        kind,
        at,
        amount,
        currency,
        quantity,
        attrs,
    })
}

/// Hands every value that isn't empty to `set`. Gives the first name that was garbled before it came
/// here, which is for the caller to judge.
fn each<F>(
    plan: &[Column<F>],
    record: &dyn Values,
    mut set: impl FnMut(&F, &Value<'_>) -> Result<(), String>,
) -> Result<Option<Fault>, Fault> {
    let mut garbled = None;
    for column in plan {
        let value = record.value(column.index);
        if let Value::Text(text) = value
            && column.is_name
            && garbled.is_none()
        {
            // Before it is cleaned, which takes control signs out.
            garbled = garbled::find(text).map(|found| Fault {
                column: Some(column.index),
                reason: found.reason(),
            });
        }
        let done = match value {
            Value::Text(text) => match values::clean(text) {
                text if text.contains('\u{fffd}') => Err(damaged()),
                text if values::is_error(&text) => Err(an_error()),
                text if !text.is_empty() => set(&column.field, &Value::Text(&text)),
                _ if column.required => Err(empty(&column.name)),
                _ => Ok(()),
            },
            other => set(&column.field, &other),
        };
        done.map_err(|reason| Fault {
            column: Some(column.index),
            reason,
        })?;
    }
    Ok(garbled)
}

fn empty(field: &str) -> String {
    format!("`{field}` is empty, which every record needs")
}

fn an_error() -> String {
    "it is a spreadsheet's error; mend its formula or empty the cell".to_owned()
}

fn damaged() -> String {
    "it holds the sign that stands for letters which got lost; export it anew in the right encoding"
        .to_owned()
}

/// "Purchase" is the `purchase` that rules speak of; kinds of the business's own stay as they are.
pub(super) fn known_kind(text: String) -> String {
    let known = KNOWN_KINDS.iter();
    match known.copied().find(|kind| kind.eq_ignore_ascii_case(&text)) {
        Some(kind) => kind.to_owned(),
        None => text,
    }
}

fn attr(
    attrs: &mut BTreeMap<String, AttrValue>,
    (name, kind): (&str, AttrType),
    value: &Value<'_>,
    forms: &Forms,
) -> Result<(), String> {
    let value = match kind {
        AttrType::Text => AttrValue::Text(Forms::own_text(value)?),
        AttrType::Number => AttrValue::Number(forms.number(value)?),
        AttrType::Date => AttrValue::Date(forms.partial(value)?),
        AttrType::YesNo => AttrValue::YesNo(Forms::yes_no(value)?),
    };
    attrs.insert(name.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::customer::CUSTOMER_FIELDS;
    use crate::model::event::EVENT_FIELDS;

    #[test]
    fn every_field_of_the_contract_has_its_place() {
        let kind = AttrType::Number;
        for field in CUSTOMER_FIELDS {
            assert!(CustomerField::named(field, kind).is_some(), "{field}");
        }
        for field in EVENT_FIELDS {
            assert!(EventField::named(field, kind).is_some(), "{field}");
        }
        assert_eq!(
            EventField::named("attr.size", kind),
            Some(EventField::Attr("size".to_owned(), kind))
        );
        assert_eq!(CustomerField::named("emial", kind), None);
    }

    #[test]
    fn kinds_with_a_meaning_are_known_in_any_case() {
        assert_eq!(
            known_kind("Complaint-Opened".to_owned()),
            "complaint-opened"
        );
        assert_eq!(known_kind("Tasting".to_owned()), "Tasting");
    }
}
