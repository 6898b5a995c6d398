//! `cargo bench --bench intake_sql`: a million customers from PostgreSQL into the store, as a share
//! of what `COPY … TO STDOUT` of the same rows reaches in the same run.
//!
//! `-- --rows N` for another number. Starts a server of its own (Debian's package postgresql) in a
//! temporary folder. Three readings by the real program: everything for the first time, everything
//! again with nothing changed, and the same with one customer in a hundred changed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that fails should fail at once, and prints what it finds"
)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

/// Whose rights the server gets.
const NOBODY: u32 = 65_534;
/// Between two looks at the program's memory.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

const QUERY: &str = "select id, email, first_name, last_name, birthday, joined_on, tags, consent, \
    consent_at, worth as \"attr.worth\" from customers";

/// Ended with the bench.
struct Server {
    child: Child,
    /// Goes after the server.
    _dir: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-INT", &pid]).status());
        drop(self.child.wait());
    }
}

#[tokio::main]
async fn main() {
    let rows = rows();
    let server = started();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server.port)
        .username("boss")
        .database("postgres");
    let mut boss = loop {
        match options.connect().await {
            Ok(boss) => break boss,
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    };
    fill(&mut boss, rows).await;
    // The first of them warms the server's memory.
    let mut copied = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..3 {
        let began = Instant::now();
        bytes = copy(&mut boss).await;
        copied = copied.min(began.elapsed());
    }
    let shop = shop(&server);
    println!(
        "{rows} customers, {} MB as COPY writes them",
        bytes / 1_000_000
    );
    told("COPY … TO STDOUT", rows, copied, copied, None);
    let (took, peak) = sync(shop.path(), "new");
    told("into an empty store", rows, took, copied, Some(peak));
    let (took, peak) = sync(shop.path(), "nothing has changed");
    told("again, unchanged", rows, took, copied, Some(peak));
    let change = "UPDATE customers SET worth = worth + 1 WHERE number % 100 = 0";
    sqlx::raw_sql(change).execute(&mut boss).await.unwrap();
    let (took, peak) = sync(shop.path(), "changed");
    told(
        "again, one in a hundred changed",
        rows,
        took,
        copied,
        Some(peak),
    );
}

fn rows() -> u32 {
    let mut args = std::env::args().skip_while(|arg| arg != "--rows").skip(1);
    args.next()
        .map_or(1_000_000, |rows| rows.parse().expect("a number of rows"))
}

fn told(what: &str, rows: u32, took: Duration, copied: Duration, peak: Option<u64>) {
    let rate = f64::from(rows) / took.as_secs_f64();
    let share = copied.as_secs_f64() / took.as_secs_f64();
    let peak = peak
        .map(|kib| format!("   peak {} MiB", kib / 1024))
        .unwrap_or_default();
    println!("{what:<32} {took:>8.2?}   {rate:>9.0} rows/s   {share:>5.2} of COPY{peak}");
}

async fn fill(boss: &mut PgConnection, rows: u32) {
    let text = format!(
        "CREATE TABLE customers AS SELECT n AS number, 'C' || lpad(n::text, 7, '0') AS id,
             'customer' || n || '@mail.example' AS email,
             (ARRAY['Ann', 'Bob', 'Zoë', 'Étienne'])[n % 4 + 1] AS first_name,
             'Lee-' || n % 5000 AS last_name, date '1940-01-01' + n % 25000 AS birthday,
             date '2010-01-01' + n % 6000 AS joined_on, ARRAY['vip', 'new'] AS tags,
             CASE n % 3 WHEN 0 THEN 'yes' WHEN 1 THEN 'no' END AS consent,
             timestamptz '2020-01-01 10:00+00' + n * interval '1 minute' AS consent_at,
             (n % 100000) / 100.0 AS worth
         FROM generate_series(1, {rows}) n;
         VACUUM ANALYZE customers"
    );
    for statement in text.split(';') {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(&mut *boss).await.unwrap();
    }
}

/// The bytes that came.
async fn copy(boss: &mut PgConnection) -> usize {
    let text = format!("COPY ({QUERY}) TO STDOUT");
    let mut stream = boss.copy_out_raw(&text).await.unwrap();
    let mut bytes = 0;
    while let Some(chunk) = stream.try_next().await.unwrap() {
        bytes += chunk.len();
    }
    bytes
}

fn shop(server: &Server) -> TempDir {
    let shop = tempfile::tempdir().unwrap();
    let fondly = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fondly"));
        command.args(args).current_dir(shop.path());
        assert!(command.output().unwrap().status.success());
    };
    fondly(&["init", "config"]);
    let port = server.port;
    fs::write(
        shop.path().join("config/local.toml"),
        format!(
            "[[source]]\nname = \"shop\"\nkind = \"sql\"\nfeeds = \"customers\"\n\
             url = \"postgres://boss@127.0.0.1:{port}/postgres\"\nquery = '''{QUERY}'''\n\
             types = {{ \"attr.worth\" = \"number\" }}\n"
        ),
    )
    .unwrap();
    shop
}

/// Reads the source once: how long it took, and the most memory that the program had, in KiB.
fn sync(shop: &Path, says: &str) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fondly"))
        .args(["--config", "config/fondly.toml", "sync"])
        .current_dir(shop)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let now = fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::park_timeout(LOOK_AGAIN);
    }
    let took = began.elapsed();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && said.contains(says), "{said}");
    (took, peak)
}

fn started() -> Server {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql");
    let mut versions: Vec<PathBuf> = versions.map(|it| it.unwrap().path().join("bin")).collect();
    versions.sort();
    let bin = versions.pop().expect("a version of PostgreSQL");
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .unwrap()
        .stdout
        .trim_ascii()
        == b"0";
    let owner = is_root.then_some(NOBODY);
    chown(dir.path(), owner, owner).unwrap();
    let program = |name: &str| {
        if !is_root {
            return Command::new(bin.join(name));
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(bin.join(name))
            .current_dir("/");
        command
    };
    let data = dir.path().join("data");
    let mut initdb = program("initdb");
    initdb.args(["--no-sync", "--auth=trust", "--username=boss", "--locale=C"]);
    initdb.args(["--encoding=UTF8", "--pgdata"]).arg(&data);
    assert!(initdb.output().unwrap().status.success());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let child = program("postgres")
        .arg("-D")
        .arg(&data)
        .args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c"])
        .arg(format!("port={port}"))
        .arg("-c")
        .arg(format!("unix_socket_directories={}", dir.path().display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server {
        child,
        _dir: dir,
        port,
    }
}
