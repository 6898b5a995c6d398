//! What a rule was read from, kept with the books so that it can be read again after its file was
//! edited.
//!
//! May not read files.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::holiday::{Holiday, OwnHolidays};
use super::parse::parse;
use super::rule::Rule;
use super::trigger::{OnHoliday, Trigger};
use crate::model::finding::SourceText;

/// The words of a rule's file, and those of the holiday of the business's own that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Written {
    rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holiday: Option<(String, String)>,
}

impl Written {
    pub(super) fn of(text: &str, trigger: &Trigger) -> Self {
        let holiday = match trigger {
            Trigger::Holiday(OnHoliday {
                holiday: Holiday::Own(own),
                ..
            }) => Some((own.name.clone(), own.text.clone())),
            _ => None,
        };
        Self {
            rule: text.to_owned(),
            holiday,
        }
    }

    /// As the books keep it.
    pub fn kept(&self) -> String {
        // Texts always make JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The rule that the books kept; `None` where this version of fondly can't read it any more.
    pub fn rule(kept: &str, id: &str) -> Option<Rule> {
        let written: Self = serde_json::from_str(kept).ok()?;
        let own = written
            .holiday
            .map_or_else(OwnHolidays::default, |(name, text)| {
                OwnHolidays::one(&name, text)
            });
        let source = SourceText {
            name: format!("{id}.toml"),
            text: written.rule,
        };
        parse(&Arc::new(source), id, &own).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title = \"Fair\"\ntemplate = \"fair\"\nclass = \"marketing\"\n\
        audience = \"customer\"\n[trigger.holiday]\nholiday = \"fair\"\n";

    #[test]
    fn a_rule_is_read_again_with_its_holiday() {
        let own = OwnHolidays::one("fair", "title = \"Fair\"\nmonth = 6\nday = 1".to_owned());
        let source = SourceText {
            name: String::new(),
            text: RULE.to_owned(),
        };
        let rule = parse(&Arc::new(source), "fair", &own).0.unwrap();
        let again = Written::rule(&rule.written.kept(), "fair").unwrap();
        assert_eq!(again.version, rule.version);
        assert_eq!(again.trigger, rule.trigger);
        assert!(Written::rule("", "fair").is_none());
        assert!(Written::rule("{\"rule\": \"title = 1\"}", "fair").is_none());
    }
}
