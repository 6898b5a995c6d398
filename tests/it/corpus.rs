//! What fuzzing has found worth keeping, tried again on every run with the fuzzer's own code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fondly::deliver::Verdict;

#[path = "../../fuzz/checks/mod.rs"]
mod checks;

/// A target's corpus, by path.
fn files_of(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "{} files in {target}", files.len());
    files
}

/// Tries every file of a target's corpus; a panic names the file.
fn all_of(target: &str, check: fn(&[u8])) {
    for file in files_of(target) {
        let data = fs::read(&file).unwrap();
        let tried = std::panic::catch_unwind(|| check(&data));
        assert!(tried.is_ok(), "{} breaks a promise", file.display());
    }
}

#[test]
fn whatever_a_mail_server_says_the_verdict_is_true() {
    all_of("smtp", checks::smtp::check);
}

/// Otherwise the test above would hold of conversations that all end at the greeting.
#[test]
fn the_servers_of_the_corpus_bring_about_everything_that_can_become_of_a_letter() {
    let mut seen = BTreeSet::new();
    for file in files_of("smtp") {
        for verdict in checks::smtp::verdicts(&fs::read(file).unwrap()) {
            seen.insert(match verdict {
                None => "failed",
                Some(Verdict::Accepted { .. }) => "accepted",
                Some(Verdict::Deferred { .. }) => "deferred",
                Some(Verdict::Rejected { .. }) => "rejected",
                Some(Verdict::Stopped { .. }) => "stopped",
                Some(Verdict::Unknown { .. }) => "unknown",
                Some(Verdict::Withdrawn) => "withdrawn",
            });
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[test]
fn whatever_stands_in_a_rule_is_understood_or_explained() {
    all_of("rules", checks::rules::check);
}

#[test]
fn whatever_stands_in_a_template_nothing_of_a_record_becomes_markup_or_a_header() {
    all_of("templates", checks::templates::check);
}

#[test]
fn whatever_stands_in_a_file_of_records_each_row_goes_in_or_is_refused() {
    all_of("csv", checks::csv_files::check);
}

#[test]
fn whatever_stands_in_an_address_book_each_card_goes_in_or_is_refused() {
    all_of("vcard", checks::cards::check);
}

#[test]
fn whatever_stands_in_a_workbook_each_row_goes_in_or_is_refused() {
    all_of("xlsx", checks::workbooks::check);
}

#[test]
fn no_token_is_taken_but_ours() {
    all_of("tokens", checks::tokens::check);
}
