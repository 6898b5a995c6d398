//! The folders of rules and holidays -> rules.
//!
//! The only place in this room that reads files. May not know what stands in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::holiday;
use super::parse::parse;
use super::rule::Rule;
use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::tables::decode;

/// What stands in the folders of rules and of holidays.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules that can be used, in the order of their names.
    pub rules: Vec<Rule>,
    /// What is wrong in the files.
    pub findings: Vec<Finding>,
}

/// Reads every `*.toml` of the folders of rules and of the business's own holidays; the latter
/// may be missing.
///
/// A file that can't be used is a finding; the other files are read all the same.
///
/// # Errors
/// The folder of rules can't be read.
pub fn load(rules: &Path, holidays: &Path) -> io::Result<Loaded> {
    let files = toml_files(rules).map_err(|error| in_folder(rules, &error))?;
    let (own, findings) = holiday::load(holidays);
    let mut loaded = Loaded {
        findings,
        ..Loaded::default()
    };
    for (id, file) in files {
        match file {
            Ok(source) => {
                let (rule, found) = parse(&source, &id, &own);
                loaded.rules.extend(rule);
                loaded.findings.extend(found);
            }
            Err(finding) => loaded.findings.push(finding),
        }
    }
    Ok(loaded)
}

/// A file's stem, and its text or why it can't be read.
type File = (String, Result<Arc<SourceText>, Finding>);

/// Every `*.toml` of a folder with what it says.
pub(super) fn toml_files(dir: &Path) -> io::Result<Vec<File>> {
    let named = files(dir)?.into_iter().map(|path| {
        let id = path.file_stem().unwrap_or_default().to_string_lossy();
        (id.into_owned(), read(&path))
    });
    Ok(named.collect())
}

/// Every `*.toml` of a folder of rules or holidays that is read, in the order of the names.
///
/// # Errors
/// The folder can't be read.
pub fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // Editors leave hidden copies beside the file.
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && !hidden
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn in_folder(dir: &Path, error: &io::Error) -> io::Error {
    let message = format!(
        "the folder of rules {} can't be read: {error}",
        dir.display()
    );
    io::Error::new(error.kind(), message)
}

fn read(path: &Path) -> Result<Arc<SourceText>, Finding> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => decode(name, bytes),
        Err(error) => {
            let text = String::new();
            let source = Arc::new(SourceText { name, text });
            Err(
                Finding::new(&source, 0..0, format!("this file can't be read: {error}"))
                    .with_help("let the user that runs fondly read it, or move it elsewhere"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    }

    #[test]
    fn the_base_has_no_findings() {
        let loaded = load(&data("base/rules"), &data("base/holidays")).unwrap();
        assert_eq!(loaded.findings, []);
        let ids: Vec<&str> = loaded.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["birthday"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = load(&data("base/no-rules"), &data("base/holidays")).unwrap_err();
        assert!(error.to_string().contains("no-rules"), "{error}");
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".#x.toml", "x.toml~", "README.md"] {
            fs::write(dir.path().join(name), "no rule").unwrap();
        }
        let loaded = load(dir.path(), dir.path()).unwrap();
        assert!(loaded.rules.is_empty());
        assert_eq!(loaded.findings, []);
    }

    /// Every broken rule file says what is wrong, where, and what to do.
    #[test]
    fn broken_rules_are_explained() {
        let mut cases: Vec<PathBuf> = fs::read_dir(data("broken"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|case| {
                case.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with("rule-")
            })
            .collect();
        cases.sort();
        assert!(cases.len() >= 30);
        let mut report = String::new();
        for case in cases {
            let Loaded { rules, findings } =
                load(&case.join("rules"), &case.join("holidays")).unwrap();
            writeln!(report, "# {}", case.file_name().unwrap().display()).unwrap();
            assert!(rules.is_empty() && !findings.is_empty(), "{report}");
            for finding in findings {
                let name = finding.source.name.strip_prefix(case.to_str().unwrap());
                let (line, column) = finding.position();
                let at = finding.source.text.get(finding.span.clone()).unwrap();
                let file = name.unwrap().trim_start_matches('/');
                writeln!(report, "{file}:{line}:{column}: {}", finding.message).unwrap();
                writeln!(report, "    at:   {at:?}").unwrap();
                writeln!(report, "    help: {}", finding.help.unwrap_or_default()).unwrap();
            }
        }
        insta::with_settings!({snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!("broken_rules", report);
        });
    }
}
