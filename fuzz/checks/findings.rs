//! What every finding in a user's file owes its reader.

use fondly::cli::output::drawn;
use fondly::model::Finding;

/// It names bytes of the file, a line of it, and what is wrong; and it can be shown.
pub(crate) fn points_into_its_file(finding: &Finding) {
    let text = &finding.source.text;
    assert!(text.get(finding.span.clone()).is_some(), "{finding:?}");
    let (line, column) = finding.position();
    assert!((1..=text.matches('\n').count() + 1).contains(&line));
    assert!((1..=text.chars().count() + 1).contains(&column));
    assert!(!finding.message.is_empty());
    let plain = drawn(finding, false);
    let quiet = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    assert!(plain.chars().all(quiet), "{plain:?}");
    assert!(plain.contains(finding.source.name.as_str()), "{plain}");
    assert!(!drawn(finding, true).is_empty());
}
