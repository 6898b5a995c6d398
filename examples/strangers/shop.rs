//! A shop whose letters have gone out, its daemon with the customers' door open, and what its store
//! holds. May not judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use fondly::render::links::{Key, Keys, Links};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

/// Where links begin, as the letters have it.
pub(crate) const BASE: &str = "https://care.strangers.example";
/// How long anything may take that the shop does by itself.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Looks every second, and thanks at once.
const SETTINGS: &str = "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
    [sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [guard]\nmax_per_rule_per_day = 100000\nmax_share = \"100%\"\n\
    [public]\nbind = \"127.0.0.1:0\"\nbase_url = \"https://care.strangers.example\"\n\
    [store]\nurl = \"sqlite:../fondly.db\"\n[mail]\ndir = \"../outbox\"\n\
    [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../customers.csv\"\n\
    feeds = \"customers\"\n\
    [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../events.csv\"\nfeeds = \"events\"\n";
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

/// What the daemon writes by itself, whoever knocks.
const ITS_OWN: &[&str] = &[
    "presence",
    "meta",
    "source_file",
    "rule_state",
    "learnt",
    "relay",
];

/// A shop at work; its folder and its daemon go with it.
#[derive(Debug)]
pub(crate) struct Shop {
    folder: TempDir,
    binary: PathBuf,
    daemon: Child,
    visits: String,
    pub(crate) door: SocketAddr,
}

impl Drop for Shop {
    fn drop(&mut self) {
        _ = self.daemon.kill();
        _ = self.daemon.wait();
    }
}

impl Shop {
    /// Each customer has come by just now, and has been thanked.
    pub(crate) async fn open(binary: &Path, customers: usize) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fondly-strangers-")
            .tempdir()?;
        let config = folder.path().join("config");
        let made = Command::new(binary).arg("init").arg(&config).output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        for rule in fs::read_dir(config.join("rules"))? {
            fs::remove_file(rule?.path())?;
        }
        fs::write(config.join("rules/thanks.toml"), THANKS)?;
        fs::write(config.join("local.toml"), SETTINGS)?;
        let mut people = "id,email,first_name\n".to_owned();
        let mut visits = "id,customer_id,kind,at\n".to_owned();
        for n in 0..customers {
            writeln!(people, "c{n},c{n}@strangers.example,Rose")?;
            writeln!(visits, "v{n},c{n},visit,{}", now())?;
        }
        fs::write(folder.path().join("customers.csv"), people)?;
        fs::write(folder.path().join("events.csv"), &visits)?;
        let log = folder.path().join("run.log");
        let daemon = Command::new(binary)
            .args(["--config".as_ref(), config.join("fondly.toml").as_os_str()])
            .arg("run")
            .env("FONDLY_LOG_FORMAT", "json")
            .env_remove("FONDLY_FAULT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let mut shop = Self {
            folder,
            binary: binary.to_owned(),
            daemon,
            visits,
            door: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        shop.door = until("the customers' door", || door_in(&log)).await?;
        until("the letters", || {
            let entries = shop.ledger().ok()?;
            let all = entries.len() == customers;
            (all && entries.iter().all(|entry| outcome(entry) == "sent")).then_some(())
        })
        .await?;
        Ok(shop)
    }

    /// These customers come by once more; the visit's id is theirs with this mark.
    pub(crate) fn visit(&mut self, customers: &[String], mark: &str) -> anyhow::Result<()> {
        for customer in customers {
            writeln!(self.visits, "{mark}{customer},{customer},visit,{}", now())?;
        }
        let (part, events) = (self.path("part"), self.path("events.csv"));
        fs::write(&part, &self.visits)?;
        fs::rename(part, events)?;
        Ok(())
    }

    /// What became of this visit's letter, once something has.
    pub(crate) async fn became_of(&self, visit: &str) -> anyhow::Result<String> {
        until(visit, || {
            let entries = self.ledger().ok()?;
            let entry = entries.iter().find(|entry| entry["occasion"] == visit)?;
            let done = matches!(outcome(entry), "sent" | "skipped");
            done.then(|| {
                let reason = entry["reason"].as_str().unwrap_or_default();
                format!("{} {reason}", outcome(entry))
            })
        })
        .await
    }

    /// The ledger, as `fondly log` has it.
    pub(crate) fn ledger(&self) -> anyhow::Result<Vec<Value>> {
        let log = Command::new(&self.binary)
            .arg("--config")
            .arg(self.path("config/fondly.toml"))
            .args(["log", "--format", "json", "--limit", "1000000"])
            .output()?;
        let lines = String::from_utf8(log.stdout)?;
        let lines = lines.lines().map(serde_json::from_str);
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Links by the shop's own key.
    pub(crate) async fn links(&self) -> anyhow::Result<Links> {
        let mut store = self.store().await?;
        let secret: Vec<u8> = sqlx::query_scalar("SELECT secret FROM link_key WHERE number = 1")
            .fetch_one(&mut store)
            .await?;
        store.close().await?;
        let secret = secret.try_into().ok().context("the length of a key")?;
        let newest = Key { number: 1, secret };
        Ok(Links::new(Keys {
            newest,
            older: Vec::new(),
        }))
    }

    /// Every row of every table that nobody but a person changes, as text.
    pub(crate) async fn holds(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut store = self.store().await?;
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                .fetch_all(&mut store)
                .await?;
        let mut held = BTreeMap::new();
        for table in tables {
            if ITS_OWN.contains(&table.as_str()) {
                continue;
            }
            let columns: Vec<String> =
                sqlx::query_scalar("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info($1)")
                    .bind(&table)
                    .fetch_all(&mut store)
                    .await?;
            let row = columns.join(" || ',' || ");
            let text = format!(
                "SELECT COALESCE(group_concat(line, char(10)), '') \
                 FROM (SELECT {row} AS line FROM \"{table}\" ORDER BY 1)"
            );
            let text = sqlx::AssertSqlSafe(text);
            let rows = sqlx::query_scalar(text).fetch_one(&mut store).await?;
            held.insert(table, rows);
        }
        store.close().await?;
        Ok(held)
    }

    async fn store(&self) -> anyhow::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new()
            .filename(self.path("fondly.db"))
            .read_only(true)
            .busy_timeout(PATIENCE);
        options.connect().await.context("the store can't be opened")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "outside of the program there is no other clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

fn outcome(entry: &Value) -> &str {
    entry["outcome"].as_str().unwrap_or_default()
}

/// The address that the daemon says it listens at.
fn door_in(log: &Path) -> Option<SocketAddr> {
    let log = fs::read_to_string(log).ok()?;
    let line = log.lines().find(|line| line.contains("can unsubscribe"))?;
    let line: Value = serde_json::from_str(line).ok()?;
    line.get("address")?.as_str()?.parse().ok()
}

/// Looks again and again until there is something to see.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Ok(seen);
        }
        if begun.elapsed() > PATIENCE {
            bail!("{what}: nothing to see of it after {PATIENCE:?}");
        }
        tokio::time::sleep(LOOK).await;
    }
}
