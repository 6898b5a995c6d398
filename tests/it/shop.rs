//! A small business at work: its folder, its records, its rules, and the real program.
//!
//! ```ignore
//! let shop = Shop::new();
//! shop.customers("id,email,birthday\n1,ann@mail.example,1987-04-23\n");
//! shop.settings("[sending]\nquiet_hours = \"none\"");
//! let year = shop.rehearse("2027-01-01T00:00[UTC]", "2028-01-01T00:00[UTC]");
//! assert_eq!(year.entries.len(), 1);
//! ```
//!
//! It starts from what `fondly init` writes. Nothing of the surrounding environment reaches the
//! program. Every look at a ledger checks that each entry is accounted for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fondly::clock::Clock;
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// Where the records lie, seen from `config/`.
const CUSTOMERS: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\n\
    path = \"../data/customers.csv\"\nfeeds = \"customers\"\n";
const EVENTS: &str = "[[source]]\nname = \"events\"\nkind = \"csv\"\n\
    path = \"../data/events.csv\"\nfeeds = \"events\"\n";

/// Longer than anything here takes, even on a slow machine with much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at something that is awaited.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One business.
pub(crate) struct Shop {
    dir: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A ledger entry as machines get it: exactly the contract's fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub id: String,
    pub rule: String,
    pub rule_version: String,
    pub customer: String,
    pub occasion: String,
    pub due_at: String,
    pub zone: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub decided_at: Option<String>,
    pub recipient: Option<String>,
    pub subject: Option<String>,
    pub template: Option<String>,
    pub language: Option<String>,
    pub message_id: Option<String>,
    pub attempts: u32,
    pub next_attempt_at: Option<String>,
    pub reply: Option<String>,
    pub sent_at: Option<String>,
}

/// What a rehearsal left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rehearsed {
    /// `ledger.jsonl` as it is.
    pub ledger: String,
    pub entries: Vec<Entry>,
    /// Every file of `mail/`.
    pub mail: Files,
}

/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

impl Shop {
    /// A business with the shipped configuration and no records.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shop = Self { dir };
        shop.bare().args(["init", "config"]).ran().is(0);
        fs::create_dir(shop.path("data")).unwrap();
        shop.settings("");
        shop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces the customers.
    pub(crate) fn customers(&self, csv: &str) {
        self.write("data/customers.csv", csv);
    }

    /// Replaces the events.
    pub(crate) fn events(&self, csv: &str) {
        self.write("data/events.csv", csv);
    }

    /// Lays these settings over the shipped ones. Unless they name sources of their own, there
    /// are two: `data/customers.csv` and `data/events.csv`.
    pub(crate) fn settings(&self, toml: &str) {
        let sources = if toml.contains("[[source]]") {
            String::new()
        } else {
            self.customers_and_events()
        };
        self.write("config/local.toml", format!("{toml}\n{sources}"));
    }

    fn customers_and_events(&self) -> String {
        for (name, header) in [
            ("data/customers.csv", "id,email\n"),
            ("data/events.csv", "id,customer_id,kind,at\n"),
        ] {
            if !self.path(name).exists() {
                self.write(name, header);
            }
        }
        format!("{CUSTOMERS}{EVENTS}")
    }

    /// Takes the shipped rules out.
    pub(crate) fn no_rules(&self) {
        for file in fs::read_dir(self.path("config/rules")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }

    /// Adds a rule, or replaces it.
    pub(crate) fn rule(&self, id: &str, toml: &str) {
        self.write(&format!("config/rules/{id}.toml"), toml);
    }

    /// The program with these arguments and this shop's settings.
    pub(crate) fn fondly(&self, args: &[&str]) -> Command {
        let mut command = self.bare();
        command.args(["--config", "config/fondly.toml"]).args(args);
        command
    }

    /// The program in this shop's folder, without anything else.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fondly"));
        command
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.fondly(args).ran()
    }

    /// One pass, of which nothing needs a person.
    pub(crate) fn tick(&self) -> Ran {
        let ran = self.run(&["tick"]).is(0);
        self.ledger();
        ran
    }

    /// The whole ledger.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let ran = self.run(&["log", "--format", "json", "--limit", "1000000"]);
        let entries = entries(&ran.is(0).out);
        let now = now();
        for entry in &entries {
            entry.accounted_for(now);
        }
        entries
    }

    /// A ledger that is being worked on: entries may be on their way.
    pub(crate) fn ledger_so_far(&self) -> Vec<Entry> {
        let ran = self.run(&["log", "--format", "json", "--limit", "1000000"]);
        entries(&ran.is(0).out)
    }

    /// The letters written as files.
    pub(crate) fn outbox(&self) -> Files {
        files(&self.path("var/outbox"))
    }

    /// A connection of our own to its books.
    pub(crate) async fn store(&self) -> SqliteConnection {
        let file = SqliteConnectOptions::new().filename(self.path("var/fondly.db"));
        file.connect().await.unwrap()
    }

    /// Does this to its books, behind the program's back; the rows it changed.
    pub(crate) async fn tamper(&self, sql: &'static str) -> u64 {
        let done = sqlx::raw_sql(sql).execute(&mut self.store().await).await;
        done.unwrap().rows_affected()
    }

    /// A stretch of time on a copy, into the folder `rehearsal`.
    pub(crate) fn rehearse(&self, from: &str, until: &str) -> Rehearsed {
        let out = self.path("rehearsal");
        let args = ["rehearse", "--from", from, "--until", until];
        self.fondly(&args).arg("--out").arg(&out).ran().is(0);
        let ledger = fs::read_to_string(out.join("ledger.jsonl")).unwrap();
        let entries = entries(&ledger);
        let until: jiff::ZonedDateTime = until.parse().unwrap();
        for entry in &entries {
            entry.accounted_for(until.timestamp());
        }
        Rehearsed {
            ledger,
            entries,
            mail: files(&out.join("mail")),
        }
    }
}

impl Entry {
    /// The values of these fields, as `ledger.jsonl` has them; `-` for none.
    pub(crate) fn line(&self, fields: &[&str]) -> String {
        let value = |field: &&str| {
            let value = match *field {
                "rule" => Some(self.rule.as_str()),
                "customer" => Some(self.customer.as_str()),
                "occasion" => Some(self.occasion.as_str()),
                "due_at" => Some(self.due_at.as_str()),
                "zone" => Some(self.zone.as_str()),
                "outcome" => Some(self.outcome.as_str()),
                "reason" => self.reason.as_deref(),
                "recipient" => self.recipient.as_deref(),
                "template" => self.template.as_deref(),
                "language" => self.language.as_deref(),
                "sent_at" => self.sent_at.as_deref(),
                "next_attempt_at" => self.next_attempt_at.as_deref(),
                other => panic!("the ledger's lines have no `{other}`"),
            };
            value.unwrap_or("-").to_owned()
        };
        fields.iter().map(value).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.outcome == "sent"
    }

    /// Whatever was due by now has an outcome, when and why; whatever waits says until when.
    fn accounted_for(&self, now: Timestamp) {
        let moment = |text: &Option<String>| text.as_ref().map(|text| text.parse().unwrap());
        let due: Timestamp = self.due_at.parse().unwrap();
        let next: Option<Timestamp> = moment(&self.next_attempt_at);
        match self.outcome.as_str() {
            "planned" => assert!(due >= now, "nobody looked at {self:#?} by {now}"),
            // A held one ends by itself then.
            "deferred" | "held" => assert!(
                next.is_some_and(|next| next >= now),
                "nobody looked again at {self:#?} by {now}"
            ),
            // Of who was forgotten, only that and when it was sent.
            "sent" if self.customer.starts_with("forgotten:") => {
                assert!(self.sent_at.is_some(), "{self:#?}");
            }
            "sent" => assert!(
                self.sent_at.is_some() && self.message_id.is_some() && self.recipient.is_some(),
                "{self:#?}"
            ),
            "skipped" | "rejected" | "expired" | "unknown" => {
                assert!(self.sent_at.is_none(), "{self:#?}");
            }
            other => panic!("left as {other}: {self:#?}"),
        }
        if self.outcome != "planned" {
            assert!(
                self.reason.is_some() && self.decided_at.is_some(),
                "{self:#?}"
            );
        }
    }
}

/// Runs a command and keeps what it said.
pub(crate) trait Runs {
    fn ran(&mut self) -> Ran;
}

impl Runs for Command {
    fn ran(&mut self) -> Ran {
        Ran::new(&self.output().unwrap())
    }
}

impl Ran {
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Self {
        let Self {
            code: got,
            out,
            err,
        } = &self;
        assert_eq!(*got, Some(code), "{out}{err}");
        assert!(!err.contains("panicked"), "{err}");
        self
    }

    /// It said all of this to the person at the terminal.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            let Self { out, err, .. } = &self;
            assert!(
                out.contains(word) || err.contains(word),
                "`{word}` isn't said: {out}{err}"
            );
        }
        self
    }
}

/// One object a line.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Every file of a folder; none where there is no folder. Hidden ones are still being written.
pub(crate) fn files(folder: &Path) -> Files {
    let Ok(list) = fs::read_dir(folder) else {
        return Files::new();
    };
    list.filter_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (!name.starts_with('.')).then(|| (name, fs::read(entry.path()).unwrap()))
    })
    .collect()
}

pub(crate) fn now() -> Timestamp {
    Clock::System.now()
}

/// Waits until there is something, and says what was awaited when it doesn't come.
pub(crate) async fn until<T>(awaited: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "no {awaited}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
