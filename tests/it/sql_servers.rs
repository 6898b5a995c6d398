//! PostgreSQL and MariaDB as Debian packs them, each started on a free port in a temporary folder of
//! its own, with TLS and a certificate of an authority of our own; the machine's own stay as they are.
//!
//! Whoever needs one while it runs shares it, with a database of their own. As root they run as
//! `nobody`, because neither works for root.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::shop::{PATIENCE, Shop};

/// Whose rights they get.
const NOBODY: u32 = 65_534;
/// Where Debian puts the programs of one version of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";
/// What everybody's account is opened with, and what nobody may ever be shown.
pub(crate) const PASSWORD: &str = "tulip:17@%";
/// The same within an address.
pub(crate) const PASSWORD_IN_URL: &str = "tulip%3A17%40%25";

/// A server, ended with the last test that needs it.
pub(crate) struct Server {
    // Ended before its folder goes.
    child: Child,
    dir: TempDir,
    pub(crate) port: u16,
    databases: AtomicU32,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // MariaDB ends in order at TERM; PostgreSQL doesn't wait for its clients at INT.
        drop(Command::new("kill").args(["-INT", &pid]).status());
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
    }
}

static RUNNING_POSTGRES: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());
static RUNNING_MARIA: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

/// PostgreSQL with a database for this test alone; `None` without it, where that is allowed.
pub(crate) async fn postgres() -> Option<Postgres> {
    let mut running = RUNNING_POSTGRES.lock().await;
    let server = if let Some(server) = running.upgrade() {
        server
    } else {
        let started = Arc::new(start_postgres()?);
        *running = Arc::downgrade(&started);
        started
    };
    let name = server.database();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server.port)
        .username("boss")
        .password(PASSWORD)
        .ssl_mode(PgSslMode::Prefer);
    let first = options.clone().database("postgres");
    let mut first = awaited(async || first.connect().await).await;
    let text = format!("CREATE DATABASE {name}");
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(&mut first)
        .await
        .unwrap();
    let boss = options.database(&name).connect().await.unwrap();
    Some(Postgres { server, name, boss })
}

/// MariaDB with a database for this test alone; `None` without it, where that is allowed.
pub(crate) async fn maria() -> Option<Maria> {
    let mut running = RUNNING_MARIA.lock().await;
    let server = if let Some(server) = running.upgrade() {
        server
    } else {
        let started = Arc::new(start_maria()?);
        *running = Arc::downgrade(&started);
        started
    };
    let name = server.database();
    let options = MySqlConnectOptions::new()
        .socket(server.path("socket"))
        .username("root")
        .ssl_mode(MySqlSslMode::Disabled);
    let first = options.clone().database("mysql");
    let mut boss = awaited(async || first.connect().await).await;
    for text in [
        format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
        format!("CREATE USER IF NOT EXISTS reader IDENTIFIED BY '{PASSWORD}'"),
        format!("GRANT SELECT ON {name}.* TO reader"),
        format!("CREATE USER IF NOT EXISTS boss IDENTIFIED BY '{PASSWORD}'"),
        "GRANT ALL ON *.* TO boss".to_owned(),
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut boss).await;
        done.unwrap();
    }
    drop(boss);
    let boss = options.database(&name).connect().await.unwrap();
    Some(Maria { server, name, boss })
}

/// A database in PostgreSQL and its owner.
pub(crate) struct Postgres {
    pub(crate) server: Arc<Server>,
    pub(crate) name: String,
    pub(crate) boss: PgConnection,
}

impl Postgres {
    pub(crate) async fn does(&mut self, text: &str) {
        let text = AssertSqlSafe(text.to_owned());
        sqlx::raw_sql(text).execute(&mut self.boss).await.unwrap();
    }

    /// Lets the user `reader` read everything that is there now.
    pub(crate) async fn opened(&mut self) {
        let text = format!(
            "DO $$ BEGIN CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
        );
        self.does(&text).await;
    }

    /// Its address without a password.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://reader@127.0.0.1:{}/{}",
            self.server.port, self.name
        )
    }
}

/// A database in MariaDB and its owner.
pub(crate) struct Maria {
    pub(crate) server: Arc<Server>,
    pub(crate) name: String,
    pub(crate) boss: MySqlConnection,
}

impl Maria {
    pub(crate) async fn does(&mut self, text: &str) {
        let text = AssertSqlSafe(text.to_owned());
        sqlx::raw_sql(text).execute(&mut self.boss).await.unwrap();
    }

    /// Its address without a password.
    pub(crate) fn url(&self) -> String {
        format!(
            "mysql://reader@127.0.0.1:{}/{}",
            self.server.port, self.name
        )
    }
}

/// Writes the file of the password beside the settings of a shop.
pub(crate) fn with_password(shop: &Shop) {
    shop.write("config/db-password", format!("{PASSWORD}\n"));
}

/// Tries until the server has come up.
async fn awaited<T>(mut connect: impl AsyncFnMut() -> sqlx::Result<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        match connect().await {
            Ok(connection) => return connection,
            Err(error) => assert!(started.elapsed() < PATIENCE, "it doesn't come up: {error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

impl Server {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        format!("shop{number}")
    }
}

/// What is missing is a failure on the build server, and passed over elsewhere, where `tests/run` says
/// so.
pub(crate) fn missing(what: &str) {
    let strict = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!strict, "missing: {what}");
}

fn start_postgres() -> Option<Server> {
    let versions = fs::read_dir(POSTGRES).ok();
    let mut folders: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    folders.sort();
    let Some(bin) = folders.pop() else {
        missing("PostgreSQL (Debian's package postgresql)");
        return None;
    };
    let (dir, port) = place();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("password"), PASSWORD).unwrap();
    chown(path("password"), owner(), owner()).unwrap();
    let data = path("data");
    let made = nobodys(&bin.join("initdb"))
        .args(["--no-sync", "--auth=scram-sha-256", "--username=boss"])
        .args(["--encoding=UTF8", "--locale=C"])
        .arg(format!("--pwfile={}", path("password").display()))
        .arg("--pgdata")
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    certificate(dir.path());
    let child = nobodys(&bin.join("postgres"))
        .arg("-D")
        .arg(&data)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .args(["-c", "timezone=America/New_York", "-c", "ssl=on"])
        .arg("-c")
        .arg(format!("port={port}"))
        .arg("-c")
        .arg(format!("unix_socket_directories={}", dir.path().display()))
        .arg("-c")
        .arg(format!("ssl_cert_file={}", path("server.pem").display()))
        .arg("-c")
        .arg(format!("ssl_key_file={}", path("server.key").display()))
        .stdout(Stdio::null())
        .stderr(fs::File::create(path("log")).unwrap())
        .spawn()
        .unwrap();
    Some(server(child, dir, port))
}

fn start_maria() -> Option<Server> {
    let program = Path::new("/usr/sbin/mariadbd");
    if !program.exists() {
        missing("MariaDB (Debian's package mariadb-server)");
        return None;
    }
    let (dir, port) = place();
    let path = |name: &str| dir.path().join(name);
    let data = path("data");
    let made = nobodys(Path::new("/usr/bin/mariadb-install-db"))
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    certificate(dir.path());
    let child = nobodys(program)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", path("socket").display()))
        .arg(format!("--pid-file={}", path("pid").display()))
        .arg(format!("--port={port}"))
        .arg(format!("--ssl-cert={}", path("server.pem").display()))
        .arg(format!("--ssl-key={}", path("server.key").display()))
        .arg(format!("--ssl-ca={}", path("ca.pem").display()))
        .args([
            "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-doublewrite=0",
            "--sync-frm=0",
        ])
        .args([
            "--default-time-zone=-05:00",
            "--sql-mode=",
            "--skip-log-bin",
        ])
        .stdout(Stdio::null())
        .stderr(fs::File::create(path("log")).unwrap())
        .spawn()
        .unwrap();
    Some(server(child, dir, port))
}

fn server(child: Child, dir: TempDir, port: u16) -> Server {
    Server {
        child,
        dir,
        port,
        databases: AtomicU32::new(1),
    }
}

/// A folder that the server may enter, and a free port.
fn place() -> (TempDir, u16) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(dir.path(), owner(), owner()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (dir, port)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// Whose the server's files are; nobody else's are changed where we aren't root.
fn owner() -> Option<u32> {
    is_root().then_some(NOBODY)
}

/// A program with the rights of nobody.
fn nobodys(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .current_dir("/")
        .env("HOME", "/");
    command
}

/// A certificate for 127.0.0.1, and the authority that signed it.
fn certificate(dir: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "Our own authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("server.pem", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        chown(&path, owner(), owner()).unwrap();
        let mode = if name.ends_with("key") { 0o600 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
