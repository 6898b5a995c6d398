//! Names that nobody has. May not know an address or a date.

use crate::model::Customer;

/// What people type where a name is asked for and they have none. Lower case.
const STAND_INS: &[&str] = &[
    "-",
    "--",
    ".",
    "?",
    "??",
    "n/a",
    "n.a.",
    "na.",
    "none",
    "null",
    "nil",
    "test",
    "tester",
    "testing",
    "testname",
    "test test",
    "unknown",
    "unbekannt",
    "inconnu",
    "anonymous",
    "asdf",
    "qwerty",
    "xxx",
    "xx",
    "abc",
    "foo",
    "bar",
    "dummy",
    "kunde",
    "customer",
    "gast",
    "guest",
    "name",
    "vorname",
    "nachname",
    "first name",
    "last name",
    "firstname",
    "lastname",
    "nom",
    "prénom",
    "k.a.",
    "tba",
];

/// Whether the customer bears such a name, or one of digits.
pub(super) fn is_a_stand_in(one: &Customer) -> bool {
    let names = [&one.first_name, &one.last_name];
    let first = names.first().copied().and_then(Option::as_deref);
    let last = names.last().copied().and_then(Option::as_deref);
    // Somebody may well be called Ann Guest or Bob Test; nobody is called Guest alone.
    match (first.map(str::trim), last.map(str::trim)) {
        (Some(first), Some(last)) => {
            is_one(first) && (is_one(last) || is_no_name(first)) || is_no_name(last)
        }
        (Some(only), None) | (None, Some(only)) => is_one(only),
        (None, None) => false,
    }
}

fn is_one(name: &str) -> bool {
    is_no_name(name) || STAND_INS.contains(&name.to_lowercase().as_str())
}

/// No letter of any script.
fn is_no_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_who_are_called_so_are_people() {
        let is = |first: Option<&str>, last: Option<&str>| {
            is_a_stand_in(&Customer {
                first_name: first.map(str::to_owned),
                last_name: last.map(str::to_owned),
                ..Customer::default()
            })
        };
        for (first, last) in [
            (Some("Ann"), Some("Guest")),
            (Some("Test"), Some("Okafor")),
            (Some("Bo"), Some("Xu")),
            (Some("李"), None),
            (Some("Ng"), None),
            (None, None),
        ] {
            assert!(!is(first, last), "{first:?} {last:?}");
        }
        for (first, last) in [
            (Some("Test"), Some("test")),
            (Some("N/A"), None),
            (Some("?"), Some("Miller")),
            (Some("Ann"), Some("-")),
            (None, Some("Unknown")),
            (Some("12345"), None),
        ] {
            assert!(is(first, last), "{first:?} {last:?}");
        }
    }
}
