//! The architecture, as a test: who may use whom, and what every file owes its reader.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file before its tests.
const MOST_LINES: usize = 400;

/// Every room in the order in which data flows, and the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("rhythm", &[]),
    ("model", &["rhythm"]),
    ("clock", &[]),
    ("points", &[]),
    ("durable", &[]),
    ("settings", &["model", "records", "deliver", "observe"]),
    ("records", &["model"]),
    ("rules", &["model"]),
    ("decide", &["rhythm", "model", "rules"]),
    ("store", &["model", "points", "durable"]),
    ("render", &["model"]),
    ("deliver", &["model", "points", "durable"]),
    ("outside", &[]),
    (
        "engine",
        &[
            "rhythm", "model", "clock", "settings", "records", "rules", "decide", "store",
            "render", "deliver", "outside", "points", "durable", "observe",
        ],
    ),
    (
        "review",
        &[
            "model", "settings", "store", "render", "engine", "clock", "observe",
        ],
    ),
    ("daemon", &["model", "settings", "engine", "review"]),
    ("observe", &[]),
    (
        "cli",
        &[
            "rhythm", "model", "clock", "settings", "records", "rules", "store", "engine",
            "daemon", "observe", "review", "points",
        ],
    ),
];

/// SQL is written in one room. The user's own queries are data, not code; what has to be said to
/// their databases besides stands in `FOREIGN`.
const SQL_WORDS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "sqlx::",
];

/// Where other people's databases are read.
const FOREIGN: &str = "src/records/sql/";

/// Libraries that only one room may name, or none.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("chrono", &[]),
    ("clap", &["cli"]),
    ("tokio_cron_scheduler", &["daemon"]),
    ("axum", &["review"]),
    ("hyper", &["review", "outside"]),
    ("hickory_resolver", &["outside"]),
    ("rustix", &["engine"]),
    ("argmin", &["rhythm"]),
    ("statrs", &["rhythm"]),
    ("icu_calendar", &["rules"]),
    ("plotters", &["cli", "review"]),
    ("argon2", &["engine"]),
    ("mail_parser", &["review"]),
    ("resvg", &["cli"]),
    ("calamine", &["records"]),
    ("vcard", &["records"]),
    ("zip", &["records"]),
    ("encoding_rs", &["records"]),
    ("sqlx", &["store", "records"]),
    ("url", &["records"]),
    ("tokio_rustls", &["deliver", "outside"]),
];

/// Words that nobody leaves behind. Written apart, so that this file passes its own test.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("db", "g!("),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn room_of(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines before a file's own tests.
fn shipped(path: &Path, text: &str) -> Vec<String> {
    if path.file_name().is_some_and(|name| name == "tests.rs") {
        return Vec::new();
    }
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_file_keeps_to_its_room() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 40, "only {} files found", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let room = room_of(&path);
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if !text.starts_with("//! ") {
            wrong.push(format!("{name}:1: no `//!` head says what it is for"));
        }
        let lines = shipped(&path, &text);
        if lines.len() > MOST_LINES {
            wrong.push(format!("{name}: {} lines before its tests", lines.len()));
        }
        if room == "lib" || room == "main" {
            continue;
        }
        let Some((_, may)) = ROOMS.iter().find(|(known, _)| *known == room) else {
            wrong.push(format!("{name}: the room `{room}` is not on the plan"));
            continue;
        };
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let place = format!("{name}:{}", number + 1);
            for (at, _) in code.match_indices("crate::") {
                let rest = code.get(at + "crate::".len()..).unwrap_or("");
                let used: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let known = ROOMS.iter().any(|(known, _)| *known == used);
                if known && used != room && !may.contains(&used.as_str()) {
                    wrong.push(format!("{place}: `{room}` may not use `{used}`"));
                }
            }
            if room != "store" && !name.starts_with(FOREIGN) {
                wrong.extend(
                    SQL_WORDS
                        .iter()
                        .filter(|word| code.contains(**word))
                        .map(|word| format!("{place}: SQL (`{word}`) outside of `store`")),
                );
            }
            for (library, rooms) in ONLY_IN {
                if code.contains(&format!("{library}::")) && !rooms.contains(&room.as_str()) {
                    wrong.push(format!("{place}: `{library}` belongs to {rooms:?}"));
                }
            }
            for word in LEFTOVERS {
                if line.contains(word) {
                    wrong.push(format!("{place}: `{word}` is left over"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_rooms_stand_in_the_order_of_the_flow() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|rest| rest.trim_end_matches(';'))
        .collect();
    let planned: Vec<&str> = ROOMS
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| declared.contains(room))
        .collect();
    assert_eq!(declared, planned);
}
