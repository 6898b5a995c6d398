//! Holds what is left after a cut against what had arrived before it.
//!
//! Reads the ledger as anybody would, with `fondly log --format json`, and lets SQLite look through
//! the database. Knows nothing of how the program works.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::business::Fate;
use super::relay::{Arrived, counted};
use super::{Pass, Recording};

/// The domain of the business's own address, which Message-IDs end with.
const DOMAIN: &str = "thorn.example";

/// What was found over all cuts.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) cuts: u32,
    /// Cuts before which a letter had arrived, and not all had.
    while_sending: u32,
    /// Cuts that left no database.
    before_the_store: u32,
    /// Letters that had arrived before a cut.
    arrived: usize,
    /// Of those, whose entry is `unknown`.
    in_doubt: usize,
    /// Entries that are `unknown`, though their letter hadn't arrived.
    needlessly: usize,
    doubled: usize,
    lost: usize,
    pub(crate) violations: Vec<String>,
}

/// A line of the ledger.
struct Entry {
    id: String,
    rule: String,
    customer: String,
    outcome: String,
}

impl Found {
    /// One cut: what had arrived before it, and what came in the passes after it.
    pub(crate) fn check(
        &mut self,
        recording: &Recording,
        (before, passes): (&[&Arrived], &[Pass]),
        what: &str,
    ) -> anyhow::Result<()> {
        self.cuts += 1;
        let known = self.violations.len();
        self.arrived += before.len();
        let all = recording.arrived.len();
        self.while_sending += u32::from(!before.is_empty() && before.len() < all);
        let faults = passes.iter().filter_map(|pass| pass.fault.clone());
        self.violations.extend(faults);
        if self.violations.len() == known {
            let entries = ledger(recording)?;
            self.held(recording, (before, passes), &entries);
            self.violations.extend(damage(recording)?);
        }
        for violation in self.violations.iter_mut().skip(known) {
            *violation = format!("{what}: {violation}");
        }
        Ok(())
    }

    fn held(
        &mut self,
        recording: &Recording,
        (before, passes): (&[&Arrived], &[Pass]),
        entries: &[Entry],
    ) {
        let files = recording.relay.is_none();
        // Of files, each pass shows all that are there.
        let after = passes
            .iter()
            .rev()
            .take(if files { 1 } else { passes.len() });
        let after: Vec<&Arrived> = after.flat_map(|pass| &pass.arrived).collect();
        self.before_the_store +=
            u32::from(before.is_empty() && after.len() == recording.arrived.len());
        let times = counted(
            before
                .iter()
                .chain(&after)
                .map(|one| one.message_id.as_str()),
        );
        let had: HashSet<&str> = before.iter().map(|one| one.message_id.as_str()).collect();
        let mut by_occasion: HashMap<(&str, &str), Vec<&Entry>> = HashMap::new();
        let mut known = HashSet::new();
        for entry in entries {
            let id = format!("{}@{DOMAIN}", entry.id);
            let times = times.get(id.as_str()).copied().unwrap_or(0);
            let complain = |words: &str| {
                let Entry {
                    rule,
                    customer,
                    outcome,
                    ..
                } = entry;
                format!("{rule} for {customer} is {outcome}, {words}")
            };
            if times > 1 {
                self.doubled += 1;
                self.violations
                    .push(complain(&format!("and arrived {times} times")));
            }
            match entry.outcome.as_str() {
                "sent" if times == 0 => self.violations.push(complain("but never arrived")),
                "sent" => {}
                "unknown" => {
                    let in_doubt = had.contains(id.as_str());
                    self.in_doubt += usize::from(in_doubt);
                    self.needlessly += usize::from(!in_doubt);
                    if files {
                        self.violations
                            .push(complain("though a file is there or isn't"));
                    }
                }
                _ if times > 0 => self.violations.push(complain("but arrived")),
                _ => {}
            }
            known.insert(id);
            by_occasion
                .entry((&entry.rule, &entry.customer))
                .or_default()
                .push(entry);
        }
        for id in times.keys().filter(|id| !known.contains(**id)) {
            self.violations
                .push(format!("{id} arrived, and isn't in the ledger"));
        }
        if let Some(last) = passes.last().filter(|_| passes.len() > 1 && !files) {
            for one in &last.arrived {
                let words = format!(
                    "{} arrived in a pass in which nothing was due",
                    one.message_id
                );
                self.violations.push(words);
            }
        }
        self.expectations(&recording.business.expected, (&by_occasion, files));
    }

    /// Every letter that was due is in the ledger, once, with an outcome that explains it.
    fn expectations(
        &mut self,
        expected: &BTreeMap<(&'static str, String), Fate>,
        (by_occasion, files): (&HashMap<(&str, &str), Vec<&Entry>>, bool),
    ) {
        for ((rule, customer), fate) in expected {
            let found = by_occasion.get(&(*rule, customer.as_str()));
            let Some([entry]) = found.map(Vec::as_slice) else {
                self.lost += 1;
                let words = format!("{rule} for {customer} isn't in the ledger once");
                self.violations.push(words);
                continue;
            };
            let fine: &[&str] = match fate {
                Fate::NeverTried => &["skipped"],
                _ if files => &["sent"],
                Fate::Arrives => &["sent", "unknown"],
                // The second letter to a refused address isn't tried.
                Fate::NoSuchUser => &["rejected", "skipped"],
                Fate::PutOff => &["deferred"],
                Fate::Refused => &["rejected", "skipped", "unknown"],
            };
            if !fine.contains(&entry.outcome.as_str()) {
                self.lost += usize::from(*fate == Fate::Arrives);
                let words = format!("{rule} for {customer} is {}", entry.outcome);
                self.violations
                    .push(format!("{words}, but should be {}", fine.join(" or ")));
            }
        }
    }

    /// The figures, for people.
    pub(crate) fn figures(&self, took: Duration) -> String {
        let rows = [
            ("cuts", self.cuts.to_string()),
            ("in the middle of sending", self.while_sending.to_string()),
            ("with nothing kept", self.before_the_store.to_string()),
            ("letters that had arrived", self.arrived.to_string()),
            ("of which unknown", self.in_doubt.to_string()),
            ("unknown, and hadn't arrived", self.needlessly.to_string()),
            ("doubled", self.doubled.to_string()),
            ("lost", self.lost.to_string()),
            ("seconds", format!("{:.1}", took.as_secs_f64())),
        ];
        let lines = rows
            .iter()
            .map(|(name, value)| format!("{name:<34}{value}\n"));
        lines.collect()
    }
}

fn ledger(recording: &Recording) -> anyhow::Result<Vec<Entry>> {
    let words = ["log", "--format", "json", "--limit", "1000000"];
    let answer = recording.command(&words)?.stdout(Stdio::piped()).output()?;
    if !answer.status.success() {
        bail!("fondly log: {}", String::from_utf8_lossy(&answer.stderr));
    }
    let text = String::from_utf8(answer.stdout)?;
    let entry = |line: &str| {
        let json: Value = serde_json::from_str(line)?;
        let text = |name: &str| {
            let value = json.get(name).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("no {name} in {line}"))
        };
        Ok(Entry {
            id: text("id")?,
            rule: text("rule")?,
            customer: text("customer")?,
            outcome: text("outcome")?,
        })
    };
    text.lines().map(entry).collect()
}

/// What SQLite finds wrong.
fn damage(recording: &Recording) -> anyhow::Result<Option<String>> {
    let file = recording.shop()?.join("var/fondly.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let said: String = runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&file);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
        let said = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(said)
    })?;
    Ok((said != "ok").then(|| format!("the database is damaged: {said}")))
}

/// The letters that are in their place, where letters are files.
pub(crate) fn letters(folder: &Path) -> anyhow::Result<Vec<Arrived>> {
    let mut arrived = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(arrived);
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "eml") {
            let letter = std::fs::read(&path)?;
            let letter = String::from_utf8_lossy(&letter);
            if !letter.trim_end().ends_with("--") {
                bail!("{} isn't whole", path.display());
            }
            arrived.push(Arrived::read("", &letter));
        }
    }
    Ok(arrived)
}
