//! A shop in a temporary folder, its imports, and what its store holds. May not judge.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::files::Files;

const SETTINGS: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\n\
    path = \"../customers.csv\"\nfeeds = \"customers\"\n\
    [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../events.csv\"\nfeeds = \"events\"\n\
    [store]\nurl = \"sqlite:../fondly.db\"\n";

/// All that an import of customers writes, but for moments and numbers of our own.
const CUSTOMERS: &str = "SELECT json_group_array(json_array(c.id, c.email, c.email_key, \
    c.first_name, c.birthday, c.joined_on, hex(c.row_hash), (SELECT json_group_array(json_array( \
    d.field, d.year, d.month_day)) FROM customer_date d WHERE d.customer = c.number))) \
    FROM (SELECT * FROM customer ORDER BY id) c";
const EVENTS: &str = "SELECT json_group_array(json_array(id, customer_id, kind, day, amount, \
    currency, hex(row_hash), moved_from)) FROM (SELECT * FROM event ORDER BY id)";
const QUARANTINE: &str = "SELECT json_group_array(json_array(line, column_name, value, reason)) \
    FROM (SELECT * FROM quarantine WHERE source = $1 ORDER BY line)";
const FILE: &str = "SELECT json_group_array(json_array(fingerprint, row_count, refused)) \
    FROM source_file WHERE source = $1";
/// A large file's import takes indexes away for a while.
const INDEXES: &str = "SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_schema \
    WHERE type = 'index' AND sql IS NOT NULL ORDER BY name)";
/// Customers whom the planner would overlook.
const OVERLOOKED: &str =
    "SELECT COUNT(*) FROM customer WHERE number NOT IN (SELECT customer FROM news)";

/// A shop; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Shop {
    folder: TempDir,
    binary: PathBuf,
    runtime: Runtime,
}

/// What the store holds of each file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    customers: String,
    events: String,
}

impl Held {
    pub(crate) fn each(&self) -> [(&'static str, &str); 2] {
        [("customers", &self.customers), ("events", &self.events)]
    }
}

impl Shop {
    /// The shipped configuration, with two files.
    pub(crate) fn found(binary: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fondly-imports-")
            .tempdir()?;
        let shop = Self {
            folder,
            binary: binary.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        };
        let config = shop.path("config");
        let made = Command::new(binary).arg("init").arg(&config).output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("local.toml"), SETTINGS)?;
        // So that there is a store, and nothing in it.
        for name in ["customers.csv", "events.csv"] {
            fs::write(shop.path(name), "")?;
        }
        shop.command().output()?;
        Ok(shop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts these files in place of those before, as a careful program does.
    pub(crate) fn lay(&self, files: &Files) -> anyhow::Result<()> {
        for (name, text) in [
            ("customers.csv", files.customers()),
            ("events.csv", files.events()),
        ] {
            fs::write(self.path("part"), text)?;
            fs::rename(self.path("part"), self.path(name))?;
        }
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(self.path("config/fondly.toml"))
            .arg("sync")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_remove("FONDLY_FAULT");
        command
    }

    /// An import that nobody disturbs; how long it took.
    pub(crate) fn sync(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let done = self.command().output()?;
        // Records in quarantine need a person, and are meant to be there.
        if !matches!(done.status.code(), Some(0 | 3)) {
            bail!("fondly sync: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(begun.elapsed())
    }

    /// An import that is killed after so long; whether it was still at work.
    pub(crate) fn kill_after(&self, wait: Duration) -> anyhow::Result<bool> {
        let mut process = self.command().stderr(Stdio::null()).spawn()?;
        let until = Instant::now() + wait;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        process.kill()?;
        Ok(process.wait()?.signal().is_some())
    }

    /// An import that ends when it comes to this moment for the n-th time; whether it did.
    pub(crate) fn end_at(&self, name: &str, nth: u64) -> anyhow::Result<bool> {
        let done = self
            .command()
            .env("FONDLY_FAULT", format!("end-at:{name}:{nth}"))
            .output()?;
        Ok(!matches!(done.status.code(), Some(0 | 3)))
    }

    /// What its store holds.
    pub(crate) fn holds(&self) -> anyhow::Result<Held> {
        self.runtime.block_on(async {
            let mut store = self.store().await?;
            let mut held = Held::default();
            for (source, text, to) in [
                ("customers", CUSTOMERS, &mut held.customers),
                ("events", EVENTS, &mut held.events),
            ] {
                *to = sqlx::query_scalar(text).fetch_one(&mut store).await?;
                for text in [QUARANTINE, FILE] {
                    let more: String = sqlx::query_scalar(text)
                        .bind(source)
                        .fetch_one(&mut store)
                        .await?;
                    to.push_str(&more);
                }
            }
            let indexes: String = sqlx::query_scalar(INDEXES).fetch_one(&mut store).await?;
            held.customers.push_str(&indexes);
            sqlx::Connection::close(store).await?;
            Ok(held)
        })
    }

    /// Whether the file is whole, and nobody is overlooked.
    pub(crate) fn is_sound(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let mut store = self.store().await?;
            let whole: String = sqlx::query_scalar("PRAGMA integrity_check")
                .fetch_one(&mut store)
                .await?;
            let overlooked: i64 = sqlx::query_scalar(OVERLOOKED).fetch_one(&mut store).await?;
            if whole != "ok" || overlooked != 0 {
                bail!("the store says {whole}; the planner would overlook {overlooked}");
            }
            Ok(())
        })
    }

    async fn store(&self) -> anyhow::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(self.path("fondly.db"));
        options.connect().await.context("the store can't be opened")
    }

    /// Keeps the folder, and says where it is.
    pub(crate) fn keep(&self) -> String {
        let kept = self.folder.path().with_extension("kept");
        match fs::rename(self.folder.path(), &kept) {
            Ok(()) => format!("look at {}", kept.display()),
            Err(error) => format!("its folder can't be kept: {error}"),
        }
    }
}
