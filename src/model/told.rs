//! Which of a customer's fields a record speaks of.
//!
//! A business keeps its customers in several places: a till knows who came, a mailing list who said no.
//! What a record doesn't speak of stays as another one told it. May not know how records are read or
//! kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// How the names of the business's own attributes begin.
const ATTR: &str = "attr.";

/// Bytes of a print.
const PRINT_BYTES: usize = 16;

/// The fields a record speaks of, also those it says to be empty. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    fields: Fields,
    /// Made once for all the records that speak of the same.
    print: [u8; PRINT_BYTES],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fields {
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Told {
    /// All there are, but for these.
    pub fn all_but<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let fields = fields.into_iter().map(str::to_owned);
        Self::new(Fields::AllBut(fields.collect()))
    }

    /// These, such as `email` and `attr.flower`.
    pub fn only<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let fields = fields.into_iter().map(str::to_owned);
        Self::new(Fields::Only(fields.collect()))
    }

    fn new(fields: Fields) -> Self {
        let (head, names) = match &fields {
            Fields::Only(names) => ("only", names),
            Fields::AllBut(names) => ("all but", names),
        };
        let mut hash = Sha256::new_with_prefix(head);
        for name in names {
            hash.update(name.len().to_be_bytes());
            hash.update(name);
        }
        let mut print = [0; PRINT_BYTES];
        for (to, from) in print.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(Arc::new(Inner { fields, print }))
    }

    /// Tells what is spoken of from anything else; the same with every release.
    pub fn print(&self) -> &[u8] {
        &self.0.print
    }

    /// The same but for this one.
    #[must_use]
    pub fn without(&self, field: &str) -> Self {
        let mut fields = self.0.fields.clone();
        match &mut fields {
            Fields::Only(only) => _ = only.remove(field),
            Fields::AllBut(but) => _ = but.insert(field.to_owned()),
        }
        Self::new(fields)
    }

    /// Whether it speaks of this field.
    pub fn tells(&self, field: &str) -> bool {
        match &self.0.fields {
            Fields::Only(only) => only.contains(field),
            Fields::AllBut(but) => !but.contains(field),
        }
    }

    /// The attributes it speaks of, without `attr.`; `None`: all that a customer may have.
    pub fn attrs(&self) -> Option<Vec<&str>> {
        match &self.0.fields {
            Fields::Only(only) => {
                let own = only.iter().filter_map(|field| field.strip_prefix(ATTR));
                Some(own.collect())
            }
            Fields::AllBut(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_what_it_has_columns_for() {
        let told = Told::only(["id", "email", "attr.flower"]);
        assert!(told.tells("email") && told.tells("attr.flower"));
        assert!(!told.tells("unsubscribed") && !told.tells("attr.cake"));
        assert_eq!(told.attrs(), Some(vec!["flower"]));
        assert!(!told.without("email").tells("email"));
        let all = Told::all_but(["consent"]);
        assert!(all.tells("email") && !all.tells("consent"));
        assert_eq!(all.attrs(), None);
        assert!(!all.without("unsubscribed").tells("unsubscribed"));
    }

    #[test]
    fn the_print_tells_what_is_spoken_of() {
        let same = [Told::only(["id", "email"]), Told::only(["email", "id"])];
        assert_eq!(same[0].print(), same[1].print());
        let others = [
            Told::only(["id"]),
            Told::only(["idemail"]),
            Told::all_but(["id", "email"]),
            same[0].without("email").without("id"),
        ];
        for other in others {
            assert_ne!(same[0].print(), other.print(), "{other:?}");
        }
    }
}
