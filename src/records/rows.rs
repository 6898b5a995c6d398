//! One row's values -> a customer or an event, or what is wrong with which column.
//!
//! May not know files.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::columns::{ATTR, Columns, required};
use super::dates::Dates;
use super::{AttrType, CsvSource, Feeds, values};
use crate::model::event::KNOWN_KINDS;
use crate::model::{AttrValue, Customer, Event, When};

/// What is wrong with a row, and with which of its columns where it is one's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

/// Which column goes where.
#[derive(Debug)]
pub(super) enum Plan {
    Customers(Vec<Column<CustomerField>>),
    Events(Vec<Column<EventField>>),
}

/// A column that feeds a field.
#[derive(Debug)]
pub(super) struct Column<F> {
    index: usize,
    /// The field's name.
    name: String,
    field: F,
    required: bool,
}

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
    pub(super) fn new(source: &CsvSource, columns: &Columns) -> Self {
        match source.feeds {
            Feeds::Customers => Self::Customers(plan(source, columns, CustomerField::named)),
            Feeds::Events => Self::Events(plan(source, columns, EventField::named)),
        }
    }

    /// The index of the column that feeds `id`.
    pub(super) fn id_column(&self) -> Option<usize> {
        // The contract's fields come first, and the id is the first of them.
        match self {
            Self::Customers(plan) => plan.first().map(|column| column.index),
            Self::Events(plan) => plan.first().map(|column| column.index),
        }
    }
}

fn plan<F>(
    source: &CsvSource,
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
            "unsubscribed" => Self::Unsubscribed,
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

/// Reads a customer; the first fault ends it.
pub(super) fn customer(
    plan: &[Column<CustomerField>],
    record: &StringRecord,
    dates: &Dates,
) -> Result<Customer, Fault> {
    let mut customer = Customer::default();
    each(plan, record, |field, text| {
        match field {
            CustomerField::Id => customer.id = values::id(text)?,
            CustomerField::Email => customer.email = Some(values::address(text)?),
            CustomerField::FirstName => customer.first_name = Some(values::text(text)?),
            CustomerField::LastName => customer.last_name = Some(values::text(text)?),
            CustomerField::Salutation => customer.salutation = Some(values::text(text)?),
            CustomerField::Language => customer.language = Some(values::text(text)?),
            CustomerField::Timezone => customer.timezone = Some(values::text(text)?),
            CustomerField::Birthday => customer.birthday = Some(dates.partial(text)?),
            CustomerField::JoinedOn => customer.joined_on = Some(dates.date(text)?),
            CustomerField::StaffEmail => customer.staff_email = Some(values::address(text)?),
            CustomerField::StaffName => customer.staff_name = Some(values::text(text)?),
            CustomerField::Tags => customer.tags = values::tags(text),
            CustomerField::Consent => customer.consent = values::consent(text)?,
            CustomerField::ConsentAt => customer.consent_at = Some(dates.moment(text)?),
            CustomerField::Unsubscribed => customer.unsubscribed = values::yes_no(text)?,
            CustomerField::Attr(name, kind) => {
                attr(&mut customer.attrs, (name, *kind), text, dates)?;
            }
        }
        Ok(())
    })?;
    Ok(customer)
}

/// Reads an event; the first fault ends it.
pub(super) fn event(
    plan: &[Column<EventField>],
    record: &StringRecord,
    dates: &Dates,
) -> Result<Event, Fault> {
    let mut at: Option<When> = None;
    let (mut id, mut customer_id, mut kind) = (String::new(), String::new(), String::new());
    let (mut amount, mut currency, mut quantity) = (None, None, None);
    let mut attrs = BTreeMap::new();
    each(plan, record, |field, text| {
        match field {
            EventField::Id => id = values::id(text)?,
            EventField::CustomerId => customer_id = values::id(text)?,
            EventField::Kind => kind = known_kind(text).map_or_else(|| values::id(text), Ok)?,
            EventField::At => at = Some(dates.when(text)?),
            EventField::Amount => amount = Some(values::amount(text)?),
            EventField::Currency => currency = Some(values::text(text)?),
            EventField::Quantity => quantity = Some(values::amount(text)?),
            EventField::Attr(name, kind) => attr(&mut attrs, (name, *kind), text, dates)?,
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

/// Hands every value that isn't empty to `set`.
fn each<F>(
    plan: &[Column<F>],
    record: &StringRecord,
    mut set: impl FnMut(&F, &str) -> Result<(), String>,
) -> Result<(), Fault> {
    for column in plan {
        let text = values::clean(record.get(column.index).unwrap_or_default());
        let done = if !text.is_empty() {
            set(&column.field, &text)
        } else if column.required {
            Err(empty(&column.name))
        } else {
            Ok(())
        };
        done.map_err(|reason| Fault {
            column: Some(column.index),
            reason,
        })?;
    }
    Ok(())
}

fn empty(field: &str) -> String {
    format!("`{field}` is empty, which every record needs")
}

/// "Purchase" is the `purchase` that rules speak of; kinds of the business's own stay as they are.
pub(super) fn known_kind(text: &str) -> Option<String> {
    let known = KNOWN_KINDS.iter();
    known
        .copied()
        .find(|kind| kind.eq_ignore_ascii_case(text))
        .map(str::to_owned)
}

fn attr(
    attrs: &mut BTreeMap<String, AttrValue>,
    (name, kind): (&str, AttrType),
    text: &str,
    dates: &Dates,
) -> Result<(), String> {
    let value = match kind {
        AttrType::Text => AttrValue::Text(values::text(text)?),
        AttrType::Number => AttrValue::Number(values::number(text)?),
        AttrType::Date => AttrValue::Date(dates.partial(text)?),
        AttrType::YesNo => AttrValue::YesNo(values::yes_no(text)?),
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
            known_kind("Complaint-Opened").as_deref(),
            Some("complaint-opened")
        );
        assert_eq!(known_kind("Tasting"), None);
    }
}
