//! What people write wrong, and what they are told of it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shop::Runs as _;

fn data(name: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    data.join(name)
}

/// Lays a folder over another.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// What `check` says to these two folders laid over each other, with its exit code.
fn told(layers: &[&Path]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    for layer in layers {
        copy(layer, &dir.path().join("config"));
    }
    let ran = Command::new(env!("CARGO_BIN_EXE_fondly"))
        .args(["--config", "config/fondly.toml", "check", "--no-records"])
        .current_dir(dir.path())
        .env_clear()
        .ran();
    (ran.code, ran.out + &ran.err)
}

#[test]
fn what_is_sound_is_passed() {
    let (code, told) = told(&[&data("base")]);
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{told}");
}

#[test]
fn every_slip_is_told_with_its_file_its_line_and_its_mend() {
    let mut cases: Vec<PathBuf> = fs::read_dir(data("broken"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 80, "only {} cases", cases.len());
    let mut report = String::new();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let (code, told) = told(&[&data("base"), &case]);
        assert_eq!(code, Some(1), "{name}: {told}");
        let findings = told.matches("  × ").count();
        let mends = told.matches("\n  help: ").count();
        assert!(
            findings > 0 && findings == mends,
            "{name} lacks a mend: {told}"
        );
        // Either the lines themselves, with a caret, or at least the file and its line.
        let places = told.matches("╭─[config/").count() + told.matches("  × config/").count();
        assert_eq!(places, findings, "{name} lacks a place: {told}");
        write!(report, "# {name}\n{told}\n").unwrap();
    }
    let temporary = std::env::temp_dir();
    assert!(!report.contains(temporary.to_str().unwrap()));
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("broken", report);
    });
}
