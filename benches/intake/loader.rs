//! Bare loaders: what anybody would write who only wants rows in a table. May not use the program.

use std::process::Command;

use anyhow::bail;

use super::shop::Shop;

/// Which one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loader {
    /// Rows are lists, and stay what they are.
    Least,
    /// Rows go by the names of their columns.
    Named,
}

/// A table without an index, as durable as the program's store: what is committed outlasts a power
/// cut, and the log is in the database at the end.
const LEAST: &str = r#"
import csv, sqlite3, sys, time
began = time.monotonic()
db = sqlite3.connect(sys.argv[2])
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = csv.reader(file)
    names = next(rows)
    db.execute("CREATE TABLE customer (" + ", ".join(names) + ")")
    places = ", ".join("?" for _ in names)
    db.executemany("INSERT INTO customer VALUES (" + places + ")", rows)
db.commit()
db.close()
print(time.monotonic() - began)
"#;

const NAMED: &str = r#"
import csv, sqlite3, sys, time
began = time.monotonic()
db = sqlite3.connect(sys.argv[2])
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = csv.DictReader(file)
    names = rows.fieldnames
    db.execute("CREATE TABLE customer (" + ", ".join(names) + ")")
    places = ", ".join(":" + name for name in names)
    db.executemany("INSERT INTO customer VALUES (" + places + ")", rows)
db.commit()
db.close()
print(time.monotonic() - began)
"#;

impl Loader {
    /// How long it takes, without the start of Python.
    pub(crate) fn seconds(self, shop: &Shop) -> anyhow::Result<f64> {
        let script = match self {
            Self::Least => LEAST,
            Self::Named => NAMED,
        };
        let database = shop.path("bare.db");
        let done = Command::new("python3")
            .args(["-c", script])
            .arg(shop.path("customers.csv"))
            .arg(&database)
            .output()?;
        if !done.status.success() {
            bail!("python3: {}", String::from_utf8_lossy(&done.stderr));
        }
        std::fs::remove_file(&database)?;
        Ok(String::from_utf8(done.stdout)?.trim().parse()?)
    }
}
