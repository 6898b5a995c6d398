//! Which of a customer's fields a record speaks of.
//!
//! A business keeps its customers in several places: a till knows who came, a mailing list who said no.
//! What a record doesn't speak of stays as another one told it. May not know how records are read or
//! kept.

use std::collections::BTreeSet;
use std::sync::Arc;

/// How the names of the business's own attributes begin.
const ATTR: &str = "attr.";

/// The fields a record speaks of, also those it says to be empty. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(Arc<Fields>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fields {
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Told {
    /// All there are, but for these.
    pub fn all_but<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let fields = fields.into_iter().map(str::to_owned);
        Self(Arc::new(Fields::AllBut(fields.collect())))
    }

    /// These, such as `email` and `attr.flower`.
    pub fn only<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let fields = fields.into_iter().map(str::to_owned);
        Self(Arc::new(Fields::Only(fields.collect())))
    }

    /// The same but for this one.
    #[must_use]
    pub fn without(&self, field: &str) -> Self {
        let mut fields = (*self.0).clone();
        match &mut fields {
            Fields::Only(only) => _ = only.remove(field),
            Fields::AllBut(but) => _ = but.insert(field.to_owned()),
        }
        Self(Arc::new(fields))
    }

    /// Whether it speaks of this field.
    pub fn tells(&self, field: &str) -> bool {
        match &*self.0 {
            Fields::Only(only) => only.contains(field),
            Fields::AllBut(but) => !but.contains(field),
        }
    }

    /// The attributes it speaks of, without `attr.`; `None`: all that a customer may have.
    pub fn attrs(&self) -> Option<Vec<&str>> {
        match &*self.0 {
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
}
