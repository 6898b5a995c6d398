//! What is amiss in a configuration folder as a whole, said where it stands.
//!
//! May not open the store.

use std::path::Path;
use std::sync::Arc;

use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::rules::Rule;
use crate::settings::Settings;

/// Findings name files the way the user named `fondly.toml`.
pub(super) fn as_named(mut findings: Vec<Finding>, folder: &Path, config: &Path) -> Vec<Finding> {
    let given = config.parent().unwrap_or(Path::new(""));
    for finding in &mut findings {
        if let Ok(below) = Path::new(&finding.source.name).strip_prefix(folder) {
            finding.source = Arc::new(SourceText {
                name: given.join(below).display().to_string(),
                text: finding.source.text.clone(),
            });
        }
    }
    findings
}

/// Whether the letter is there, but can't be used for a reason that is told already.
pub(super) fn has_a_fault(findings: &[Finding], name: &str) -> bool {
    findings.iter().any(|finding| {
        let file = Path::new(&finding.source.name).file_name();
        let file = file.map(|file| file.to_string_lossy()).unwrap_or_default();
        let language = file.strip_suffix(".md").and_then(|stem| {
            let rest = stem.strip_prefix(name)?;
            rest.strip_prefix('.')
        });
        language.is_some_and(|language| !language.contains('.'))
    })
}

/// The rule's file, with the caret under the key that names a letter nobody wrote.
pub(super) fn missing_letter(
    settings: &Settings,
    rule: &Rule,
    (key, name): (&str, &str),
    help: Option<String>,
) -> Finding {
    let language = &settings.business.language;
    let message = format!("there is no letter `{name}` in the business's language");
    at_key(settings, rule, key, message)
        .with_help(help.unwrap_or_else(|| format!("write `templates/{name}.{language}.md`")))
}

/// The rule's file, with the caret under the audience that isn't there.
pub(super) fn no_owner(settings: &Settings, rule: &Rule) -> Finding {
    let message = "this rule writes to the owner, and none is named";
    at_key(settings, rule, "audience", message.to_owned())
        .with_help("name one in fondly.toml: `[business]` with `owner = [\"anna@thorn.example\"]`")
}

/// A finding in the rule's file, at the line with this key.
fn at_key(settings: &Settings, rule: &Rule, key: &str, message: String) -> Finding {
    let path = settings.rules_dir().join(format!("{}.toml", rule.id));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut at = 0;
    let mut span = 0..0;
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        if rest
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
        {
            let indent = line.len() - rest.len();
            span = at + indent..at + line.trim_end().len();
            break;
        }
        at += line.len();
    }
    let source = Arc::new(SourceText {
        name: path.display().to_string(),
        text,
    });
    Finding::new(&source, span, message)
}

/// The settings are there but the folder of rules isn't.
pub(super) fn no_folder(settings: &Settings, error: &std::io::Error) -> Finding {
    let name = settings.folder.join("fondly.toml").display().to_string();
    let source = Arc::new(SourceText {
        name,
        text: String::new(),
    });
    Finding::new(&source, 0..0, error.to_string())
        .with_help("`fondly init DIR` writes a folder with rules and letters to start from")
}
