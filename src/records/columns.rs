//! Header -> which column feeds which field.
//!
//! May not look at rows.

use super::error::{Trouble, Wrong};
use super::{Feeds, Meaning};
use crate::model::customer::CUSTOMER_FIELDS;
use crate::model::event::EVENT_FIELDS;

/// How the names of the business's own attributes begin.
pub(super) const ATTR: &str = "attr.";
/// The field that a source can state for all its rows.
const KIND: &str = "kind";
/// From this likeness (of 1.0) on, another name is offered.
const LIKE_ENOUGH: f64 = 0.6;

/// What the header gives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Field and the index of its column; the contract's fields first, in its order.
    pub(super) picks: Vec<(String, usize)>,
    /// The names of columns that feed nothing.
    pub(super) ignored: Vec<String>,
}

/// Finds every field's column, or says what is wrong with the header or the mapping. `delimiter` is
/// what separates the header's names, where anything does.
pub(super) fn resolve(
    source: &Meaning,
    header: &[String],
    delimiter: Option<u8>,
) -> Result<Columns, Wrong> {
    let fields = match source.feeds {
        Feeds::Customers => CUSTOMER_FIELDS,
        Feeds::Events => EVENT_FIELDS,
    };
    mapping_is_known(source, fields)?;
    kind_is_said_once(source)?;
    let mut picks = Vec::new();
    for &field in fields {
        if field == KIND && source.event.is_some() {
            continue;
        }
        let found = match source.columns.get(field) {
            Some(column) => Some(mapped(header, field, column)?),
            None => named(header, field)?,
        };
        match found {
            Some(index) => picks.push((field.to_owned(), index)),
            None if required(source.feeds).contains(&field) => {
                return Err(missing(header, field, delimiter));
            }
            None => {}
        }
    }
    attributes(source, header, &mut picks)?;
    types_are_used(source, &picks)?;
    let ignored = header
        .iter()
        .enumerate()
        .filter(|(at, name)| !name.is_empty() && !picks.iter().any(|(_, index)| index == at))
        .map(|(_, name)| name.clone())
        .collect();
    Ok(Columns { picks, ignored })
}

/// The fields without which a row means nothing.
pub(super) const fn required(feeds: Feeds) -> &'static [&'static str] {
    match feeds {
        Feeds::Customers => &["id"],
        Feeds::Events => &["id", "customer_id", "kind", "at"],
    }
}

fn mapping_is_known(source: &Meaning, fields: &[&str]) -> Result<(), Wrong> {
    for field in source.columns.keys() {
        let is_attr = field
            .strip_prefix(ATTR)
            .is_some_and(|name| !name.is_empty());
        if !is_attr && !fields.contains(&field.as_str()) {
            let near = nearest(field, fields.iter().copied());
            return Err(Wrong::new(
                Trouble::Settings,
                format!(
                    "`columns` of source {} maps `{field}`, which is no field",
                    source.name
                ),
                near.map_or_else(
                    || format!("the fields are {}, and attr.<name>", fields.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                ),
            ));
        }
    }
    Ok(())
}

/// A column is said to hold the kind, or all rows are said to be of one; not both.
fn kind_is_said_once(source: &Meaning) -> Result<(), Wrong> {
    match (&source.event, source.columns.get(KIND)) {
        (Some(event), Some(column)) => Err(Wrong::new(
            Trouble::Settings,
            format!(
                "source {} says `event = {event:?}`, and `columns` maps `kind` to `{column}`",
                source.name
            ),
            "take one of them out",
        )),
        _ => Ok(()),
    }
}

fn attributes(
    source: &Meaning,
    header: &[String],
    picks: &mut Vec<(String, usize)>,
) -> Result<(), Wrong> {
    for (field, column) in &source.columns {
        if field.starts_with(ATTR) {
            picks.push((field.clone(), mapped(header, field, column)?));
        }
    }
    for (index, name) in header.iter().enumerate() {
        let Some((_, own)) = name
            .split_at_checked(ATTR.len())
            .filter(|(start, own)| start.eq_ignore_ascii_case(ATTR) && !own.trim().is_empty())
        else {
            continue;
        };
        let field = format!("{ATTR}{}", spelling(source, own.trim()));
        match picks.iter().find(|(taken, _)| *taken == field) {
            None => picks.push((field, index)),
            // The mapping wins over a column that only bears the name.
            Some(_) if source.columns.contains_key(&field) => {}
            Some(_) => return Err(twice(header, name, &field)),
        }
    }
    Ok(())
}

/// An attribute's name as `types` spells it, else as the header does.
fn spelling<'a>(source: &'a Meaning, own: &'a str) -> &'a str {
    source
        .types
        .keys()
        .find(|typed| typed.eq_ignore_ascii_case(own))
        .map_or(own, String::as_str)
}

fn types_are_used(source: &Meaning, picks: &[(String, usize)]) -> Result<(), Wrong> {
    let feeds = |name: &str| {
        picks
            .iter()
            .any(|(field, _)| field.strip_prefix(ATTR) == Some(name))
    };
    match source.types.keys().find(|name| !feeds(name)) {
        None => Ok(()),
        Some(name) => Err(Wrong::new(
            Trouble::Header,
            format!("`types` speaks of the attribute `{name}`, which no column feeds"),
            format!("add a column `{ATTR}{name}`, or map one to it, or drop it from `types`"),
        )),
    }
}

/// The column that the settings name for a field.
fn mapped(header: &[String], field: &str, column: &str) -> Result<usize, Wrong> {
    let column = column.trim();
    let exact: Vec<usize> = places(header, |name| name == column);
    let found = if exact.is_empty() {
        places(header, |name| same(name, column))
    } else {
        exact
    };
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Wrong::new(
            Trouble::Header,
            format!("there is no column `{column}`, which the settings map to `{field}`"),
            nearest(column, header.iter().map(String::as_str)).map_or_else(
                || format!("the columns are {}", listed(header)),
                |near| format!("did you mean `{near}`?"),
            ),
        )),
        _ => Err(twice(header, column, field)),
    }
}

/// The column that bears the field's name.
fn named(header: &[String], field: &str) -> Result<Option<usize>, Wrong> {
    match places(header, |name| same(name, field)).as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(twice(header, field, field)),
    }
}

fn places(header: &[String], is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    let found = header.iter().enumerate().filter(|(_, name)| is_it(name));
    found.map(|(index, _)| index).collect()
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn twice(header: &[String], column: &str, field: &str) -> Wrong {
    let at: Vec<String> = places(header, |name| same(name, column))
        .into_iter()
        .map(|index| (index + 1).to_string())
        .collect();
    Wrong::new(
        Trouble::Header,
        format!(
            "more than one column would feed `{field}`: `{column}` stands at positions {}",
            at.join(" and ")
        ),
        "rename one of them, or map the field to the right one in `columns`",
    )
}

fn missing(header: &[String], field: &str, delimiter: Option<u8>) -> Wrong {
    let problem = format!("there is no column for `{field}`, which every record needs");
    if let Some(other) = delimiter.and_then(|it| other_delimiter(it, header)) {
        return Wrong::new(
            Trouble::Header,
            problem,
            format!(
                "the values seem to be separated otherwise: set `delimiter = {:?}`",
                other.to_string()
            ),
        );
    }
    let near = nearest(field, header.iter().map(String::as_str));
    let column = near.unwrap_or("…");
    let stated = if field == KIND {
        ", or say `event = \"visit\"` if each row is one"
    } else {
        ""
    };
    Wrong::new(
        Trouble::Header,
        problem,
        format!(
            "map it with `columns = {{ {field} = {column:?} }}`{stated}; the columns are {}",
            listed(header)
        ),
    )
}

/// A header of one column that holds another separator was written with that separator.
fn other_delimiter(delimiter: u8, header: &[String]) -> Option<char> {
    let [only] = header else { return None };
    [';', ',', '\t', '|']
        .into_iter()
        .find(|&other| other != char::from(delimiter) && only.contains(other))
}

fn listed(header: &[String]) -> String {
    let names: Vec<String> = header
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| format!("`{name}`"))
        .collect();
    names.join(", ")
}

fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    names
        .filter(|name| !name.is_empty())
        .map(|name| {
            let likeness = strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
            (likeness, name)
        })
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::records::AttrType;

    fn source(feeds: Feeds, columns: &[(&str, &str)], types: &[&str]) -> Meaning {
        let owned = |(field, column): &(&str, &str)| ((*field).to_owned(), (*column).to_owned());
        Meaning {
            name: "till".to_owned(),
            feeds,
            event: None,
            columns: columns.iter().map(owned).collect(),
            types: types
                .iter()
                .map(|name| ((*name).to_owned(), AttrType::Number))
                .collect::<BTreeMap<_, _>>(),
            dates: None,
            decimal: None,
            zone: TimeZone::UTC,
        }
    }

    fn look(source: &Meaning, header: &str) -> Result<Columns, String> {
        let header: Vec<String> = header
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        resolve(source, &header, Some(b','))
            .map_err(|wrong| format!("{}; {}", wrong.problem, wrong.mend))
    }

    fn picked(columns: &Columns) -> Vec<String> {
        let picks = columns.picks.iter();
        picks
            .map(|(field, index)| format!("{field}={index}"))
            .collect()
    }

    #[test]
    fn names_need_no_mapping_and_the_rest_is_ignored() {
        let source = source(Feeds::Customers, &[("id", "CustomerNo")], &["shoe"]);
        let columns = look(
            &source,
            "Email,customerno, FIRST_NAME ,Notes,ATTR.Shoe,attr.,",
        )
        .unwrap();
        assert_eq!(
            picked(&columns),
            ["id=1", "email=0", "first_name=2", "attr.shoe=4"]
        );
        assert_eq!(columns.ignored, ["Notes", "attr."]);
    }

    #[test]
    fn a_mapping_wins_over_a_column_that_bears_the_name() {
        let source = source(
            Feeds::Customers,
            &[
                ("email", "E-Mail"),
                ("attr.size", "Shoe"),
                ("attr.no", "id"),
            ],
            &[],
        );
        let columns = look(&source, "id,email,E-Mail,Shoe,attr.size").unwrap();
        assert_eq!(
            picked(&columns),
            ["id=0", "email=2", "attr.no=0", "attr.size=3"]
        );
        assert_eq!(columns.ignored, ["email", "attr.size"]);
    }

    #[test]
    fn what_is_missing_is_named_with_the_nearest() {
        let customers = source(Feeds::Customers, &[("email", "EMail")], &[]);
        let said = look(&customers, "id,E-Mail").unwrap_err();
        assert_eq!(
            said,
            "there is no column `EMail`, which the settings map to `email`; \
             did you mean `E-Mail`?"
        );
        let events = source(Feeds::Events, &[], &[]);
        let said = look(&events, "id,customerid,kind,at").unwrap_err();
        assert!(
            said.contains("columns = { customer_id = \"customerid\" }"),
            "{said}"
        );
        let said = look(&events, "id;customer_id;kind;at").unwrap_err();
        assert!(said.contains("delimiter = \";\""), "{said}");
        let said = look(&source(Feeds::Customers, &[("emial", "x")], &[]), "id").unwrap_err();
        assert!(said.contains("did you mean `email`?"), "{said}");
        let said = look(&source(Feeds::Events, &[("birthday", "x")], &[]), "id").unwrap_err();
        assert!(said.contains("the fields are id, customer_id"), "{said}");
        let said = look(&source(Feeds::Customers, &[], &["shoe"]), "id").unwrap_err();
        assert!(said.contains("attribute `shoe`"), "{said}");
    }

    /// In German a column `Kind` may well hold a child.
    #[test]
    fn where_all_rows_are_of_one_kind_no_column_is_asked_for_it() {
        let mut visits = source(Feeds::Events, &[], &[]);
        let said = look(&visits, "id,customer_id,at").unwrap_err();
        assert!(said.contains("or say `event = \"visit\"`"), "{said}");
        visits.event = Some("visit".to_owned());
        let columns = look(&visits, "id,customer_id,at,Kind").unwrap();
        assert_eq!(picked(&columns), ["id=0", "customer_id=1", "at=2"]);
        assert_eq!(columns.ignored, ["Kind"]);
        visits.columns.insert("kind".to_owned(), "Art".to_owned());
        let said = look(&visits, "id,customer_id,at,Art").unwrap_err();
        assert!(said.contains("`event = \"visit\"`"), "{said}");
    }

    #[test]
    fn two_columns_for_one_field_are_an_error_only_where_they_matter() {
        let plain = source(Feeds::Customers, &[], &[]);
        let said = look(&plain, "id,Email,EMAIL").unwrap_err();
        assert!(said.contains("positions 2 and 3"), "{said}");
        let said = look(&plain, "id,attr.a,Attr.a").unwrap_err();
        assert!(said.contains("`attr.a`"), "{said}");
        let mapped = source(Feeds::Customers, &[("id", "No")], &[]);
        assert!(
            look(&mapped, "No,No")
                .unwrap_err()
                .contains("positions 1 and 2")
        );
        assert!(look(&mapped, "No,NO").is_ok(), "the exact name is meant");
        assert!(look(&plain, "id,Notes,Notes,,").is_ok());
    }
}
