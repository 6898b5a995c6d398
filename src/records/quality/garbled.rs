//! Text that was garbled before it came here. May not know an address or a date.

use crate::model::{AttrValue, Customer};
use crate::records::garbled::{self, Garbled};

/// What was garbled of whatever a letter may show of a customer.
pub(super) fn found(one: &Customer) -> Option<Garbled> {
    let names = [
        &one.first_name,
        &one.last_name,
        &one.salutation,
        &one.staff_name,
    ];
    let names = names.into_iter().flatten();
    let own = one.attrs.values().filter_map(|value| match value {
        AttrValue::Text(text) => Some(text),
        AttrValue::Number(_) | AttrValue::Date(_) | AttrValue::YesNo(_) => None,
    });
    let mut all = names.chain(&one.tags).chain(own);
    all.find_map(|text| garbled::find(text))
}
