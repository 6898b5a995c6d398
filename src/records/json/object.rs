//! A JSON object, name by name: the last of two equal names doesn't silently win, and numbers stay
//! as they were written.
//!
//! May not know what fields mean.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Flaw, VALUE_KEPT, kept};
use crate::model::tables::nearest;

/// Names and values in the order in which they stand.
type Entries<'a> = Vec<(String, &'a RawValue)>;

/// The fields of a record that were given and aren't `null`.
pub(super) struct Fields<'a>(Entries<'a>);

impl<'a> Fields<'a> {
    /// Reads a record; names that are no fields, or stand there twice, are flaws. `None`: it isn't an
    /// object at all.
    pub(super) fn of(
        record: &'a RawValue,
        known: &[&'static str],
        flaws: &mut Vec<Flaw>,
    ) -> Option<Self> {
        let mut entries = entries(record, &[], flaws)?;
        for (name, value) in &entries {
            if name != "attr" && !known.contains(&name.as_str()) {
                flaws.push(unknown(name, value, known));
            }
        }
        entries.retain(|(_, value)| value.get() != "null");
        Some(Self(entries))
    }

    /// The value of this field, unless it is `null`.
    pub(super) fn take(&mut self, field: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(name, _)| name == field)?;
        Some(self.0.swap_remove(at).1)
    }
}

fn unknown(name: &str, value: &RawValue, known: &[&'static str]) -> Flaw {
    let shown = kept(name, VALUE_KEPT);
    let names = known.iter().copied().chain(["attr"]);
    let help = match name.strip_prefix("attr.") {
        Some(own) => format!(
            "write it as `\"attr\": {{\"{}\": …}}`",
            kept(own, VALUE_KEPT)
        ),
        None => match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "attributes of your own go into `attr`".to_owned(),
        },
    };
    Flaw {
        path: vec![name.to_owned()],
        value: kept(value.get(), VALUE_KEPT),
        reason: format!("there is no field `{shown}`; {help}"),
    }
}

/// The entries of an object that stands at `path`, each name once; `None`: it isn't one.
pub(super) fn entries<'a>(
    given: &'a RawValue,
    path: &[&str],
    flaws: &mut Vec<Flaw>,
) -> Option<Entries<'a>> {
    let path = |name: Option<&str>| {
        let all = path.iter().copied().chain(name);
        all.map(str::to_owned).collect()
    };
    let read: Result<Object<'a>, _> = serde_json::from_str(given.get());
    let Ok(Object(entries)) = read else {
        flaws.push(Flaw {
            path: path(None),
            value: kept(given.get(), VALUE_KEPT),
            reason: if given.get().starts_with('{') {
                "it holds a name that isn't text as Unicode has it; mend it".to_owned()
            } else {
                "it must be an object: `{…}`".to_owned()
            },
        });
        return None;
    };
    let mut once: Entries<'a> = Vec::with_capacity(entries.len());
    let mut names = std::collections::HashSet::new();
    for (name, value) in entries {
        if names.insert(name.clone()) {
            once.push((name, value));
        } else {
            flaws.push(Flaw {
                path: path(Some(&name)),
                value: kept(value.get(), VALUE_KEPT),
                reason: "it is given twice; leave one".to_owned(),
            });
        }
    }
    Some(once)
}

/// An object as it stands.
struct Object<'a>(Entries<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    entries.push((name, map.next_value::<&RawValue>()?));
                }
                Ok(entries)
            }
        }
        from.deserialize_map(InOrder).map(Self)
    }
}
