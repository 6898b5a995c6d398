//! The folder of rule files -> rules.
//!
//! The only place in this room that reads files. May not know what stands in them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::parse::parse;
use super::rule::Rule;
use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::tables::decode;

/// Reads every `*.toml` of the folder, in the order of the names.
///
/// A file that can't be used is a finding; the other files are read all the same.
///
/// # Errors
/// The folder itself can't be read.
pub fn load(dir: &Path) -> io::Result<(Vec<Rule>, Vec<Finding>)> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| in_folder(dir, &error))? {
        let path = entry.map_err(|error| in_folder(dir, &error))?.path();
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
    let mut rules = Vec::new();
    let mut findings = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(source) => {
                let id = path.file_stem().unwrap_or_default().to_string_lossy();
                let (rule, found) = parse(&source, &id);
                rules.extend(rule);
                findings.extend(found);
            }
            Err(finding) => findings.push(finding),
        }
    }
    Ok((rules, findings))
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
