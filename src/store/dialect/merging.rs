//! Values that are put together within a statement.

/// A text as it stands in a statement.
pub(in crate::store) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The JSON object of one column without the names in `cleared` (an object with nulls, as it stands in
/// a statement), and with what the other column has; NULL where nothing is left.
pub(in crate::store) fn merged(column: &str, cleared: &str, other: &str) -> String {
    format!(
        "NULLIF(json_patch(json_patch(COALESCE({column}, '{{}}'), {cleared}), \
         COALESCE({other}, '{{}}')), '{{}}')"
    )
}
