//! A database's address, as people write it -> how it is reached.
//!
//! May not connect, and never repeats an address in a message: it may hold a password.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use url::Url;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
    /// A file of SQLite's.
    Sqlite,
}

/// How well the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// In the clear.
    Off,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted, whoever the server is.
    Encrypted,
    /// The server's certificate is signed by somebody trusted.
    Ca,
    /// And it is made out to the server's name.
    Full,
}

const TLS: [(&str, Tls); 5] = [
    ("disable", Tls::Off),
    ("prefer", Tls::Prefer),
    ("require", Tls::Encrypted),
    ("verify-ca", Tls::Ca),
    ("verify-full", Tls::Full),
];

/// Options that other programs take in an address, and people therefore write.
const FAMILIAR: [&str; 12] = [
    "application_name",
    "channel_binding",
    "charset",
    "connect_timeout",
    "dbname",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmod",
    "timezone",
    "user",
];

/// Those that we take.
const OPTIONS: &str = "there are `sslmode` and `socket`";

/// How a database is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) engine: Engine,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// A socket of this machine, in place of host and port.
    pub(super) socket: Option<PathBuf>,
    pub(super) database: String,
    pub(super) tls: Tls,
    /// SQLite's file, as written.
    pub(super) file: PathBuf,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Address {
    /// Reads `postgres://user@host:port/database?sslmode=verify-full`, the same with `mysql`, or
    /// `sqlite:path`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write; it holds nothing of the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return sqlite(rest);
        }
        let wanted = "write one such as `postgres://fondly@db.example/shop`, \
                      `mysql://fondly@db.example/shop` or `sqlite:../data/shop.db`";
        let url = Url::parse(text).map_err(|_| format!("it is no address; {wanted}"))?;
        let engine = match url.scheme() {
            "postgres" | "postgresql" => Engine::Postgres,
            "mysql" | "mariadb" => Engine::MySql,
            _ => {
                return Err(format!(
                    "it begins like no database that can be read; {wanted}"
                ));
            }
        };
        let (socket, tls) = options(&url)?;
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() && socket.is_none() {
            return Err(format!("it names no host; {wanted}"));
        }
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() || url.username().is_empty() {
            return Err(format!("it must name a user and a database; {wanted}"));
        }
        plain_names(url.username(), &database)?;
        let here = socket.is_some() || is_here(host);
        Ok(Self {
            engine,
            user: decoded(url.username())?,
            password: url.password().map(decoded).transpose()?,
            host: host.to_owned(),
            port: url.port(),
            socket,
            database,
            // What leaves the machine is protected unless the address says otherwise.
            tls: tls.unwrap_or(if here { Tls::Prefer } else { Tls::Full }),
            file: PathBuf::new(),
        })
    }

    /// Whether it holds a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Which database it is.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// For messages: without the password.
    pub fn shown(&self) -> String {
        let (scheme, user, database) = match self.engine {
            Engine::Sqlite => return format!("sqlite:{}", self.file.display()),
            Engine::Postgres => ("postgres", &self.user, &self.database),
            Engine::MySql => ("mysql", &self.user, &self.database),
        };
        let host = match &self.socket {
            Some(socket) => socket.display().to_string(),
            None if self.host.contains(':') => format!("[{}]", self.host),
            None => self.host.clone(),
        };
        let port = self.port.filter(|_| self.socket.is_none());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{user}@{host}{port}/{database}")
    }
}

/// A socket of this machine, and how well the line is protected, as far as the address says.
fn options(url: &Url) -> Result<(Option<PathBuf>, Option<Tls>), String> {
    let mut socket = None;
    let mut tls = None;
    for (key, value) in url.query_pairs() {
        match &*key {
            "sslmode" | "ssl-mode" => tls = Some(mode(&value)?),
            "socket" => socket = Some(PathBuf::from(&*value)),
            "host" if value.starts_with('/') => socket = Some(PathBuf::from(&*value)),
            "sslrootcert" | "ssl-ca" => {
                return Err(format!(
                    "its option `{key}` isn't taken; name the file with `ca_file` instead"
                ));
            }
            "password" | "sslpassword" => {
                return Err(format!(
                    "a password doesn't stand among its options (`{key}`); put it into a file of \
                     its own, named by `password_file`"
                ));
            }
            key if FAMILIAR.contains(&key) => {
                return Err(format!("its option `{key}` isn't known; {OPTIONS}"));
            }
            // Whatever stands there may be a part of a password.
            _ => return Err(format!("one of its options isn't known; {OPTIONS}")),
        }
    }
    if url.fragment().is_some() {
        let what = "what follows a `#` in it isn't taken; write `%23` for the sign itself";
        return Err(what.to_owned());
    }
    Ok((socket, tls))
}

/// Other programs take options behind these signs, a password among them, and names are shown.
fn plain_names(user: &str, database: &str) -> Result<(), String> {
    let signs = [';', '&', '='];
    if user.contains(signs) || database.contains(signs) {
        return Err(format!(
            "the user's or the database's name holds `;`, `&` or `=`; options follow a `?`, and \
             {OPTIONS}"
        ));
    }
    Ok(())
}

fn sqlite(rest: &str) -> Result<Address, String> {
    let wanted = "write one such as `sqlite:../data/shop.db`";
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.contains(":memory:") || path.ends_with('/') {
        return Err(format!("it names no file; {wanted}"));
    }
    if path.contains(['?', '#']) {
        return Err(format!(
            "options after `?` aren't taken, as it is only ever read; {wanted}"
        ));
    }
    Ok(Address {
        engine: Engine::Sqlite,
        user: String::new(),
        password: None,
        host: String::new(),
        port: None,
        socket: None,
        database: String::new(),
        tls: Tls::Off,
        file: PathBuf::from(path),
    })
}

fn mode(text: &str) -> Result<Tls, String> {
    let plain = text.to_ascii_lowercase().replace('_', "-");
    let plain = match plain.as_str() {
        // As MySQL's own programs call them.
        "disabled" => "disable",
        "preferred" => "prefer",
        "required" => "require",
        "verify-identity" => "verify-full",
        other => other,
    };
    let known = TLS.iter().find(|(word, _)| *word == plain);
    known.map(|(_, mode)| *mode).ok_or_else(|| {
        "its `sslmode` isn't known; choose from `verify-full`, `verify-ca`, `require`, `prefer` \
         and `disable`"
            .to_owned()
    })
}

fn is_here(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Undoes `%40` and the like.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let byte = digit().zip(digit()).map(|(high, low)| high * 16 + low);
        let byte = byte.and_then(|byte| u8::try_from(byte).ok());
        bytes.push(byte.ok_or("a `%` in it begins no code; write `%25` for the sign itself")?);
    }
    String::from_utf8(bytes).map_err(|_| "what its `%` codes stand for isn't UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them_and_shown_without_the_password() {
        let address = Address::parse("postgres://an%40na:s3cret@db.example:5433/shop\n").unwrap();
        assert_eq!(address.user, "an@na");
        assert_eq!(address.password.as_deref(), Some("s3cret"));
        assert_eq!(
            format!("{address:?}"),
            "postgres://an@na@db.example:5433/shop"
        );
        let address = Address::parse("mariadb://u@[::1]/shop").unwrap();
        assert_eq!(
            (address.engine, address.host.as_str()),
            (Engine::MySql, "::1")
        );
        let socket = Address::parse("postgres://u@localhost/shop?host=/run/postgresql").unwrap();
        assert_eq!(socket.shown(), "postgres://u@/run/postgresql/shop");
        let file = Address::parse("sqlite:../data/shop.db").unwrap();
        assert_eq!(file.shown(), "sqlite:../data/shop.db");
    }

    #[test]
    fn what_leaves_the_machine_is_checked_unless_the_address_says_otherwise() {
        for (text, tls) in [
            ("postgres://u@db.example/x", Tls::Full),
            ("mysql://u@10.0.0.5/x", Tls::Full),
            ("mysql://u@10.0.0.5/x?ssl-mode=REQUIRED", Tls::Encrypted),
            ("postgres://u@db.example/x?sslmode=disable", Tls::Off),
            ("postgres://u@localhost/x", Tls::Prefer),
            ("postgres://u@[::1]/x?sslmode=verify-ca", Tls::Ca),
        ] {
            assert_eq!(Address::parse(text).unwrap().tls, tls, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_the_address() {
        for bad in [
            "",
            "shop",
            "oracle://u:s3cret@db/x",
            "postgres://u:s3cret@/x",
            "postgres://u:s3cret@db/",
            "postgres://:s3cret@db/x",
            "postgres://u:s3cret@db/x?sslmode=maybe",
            "postgres://u:s3cret@db/x?sslrootcert=a",
            "postgres://u:s3cret%zz@db/x",
            "postgres://db/x?password=s3cret",
            "postgres://u@db/x?pass%77ord=s3cret",
            "mysql://u@db/x?s3cret",
            "mysql://u@db/x?user=u&ssl%70assword=s3cret",
            "postgres://u@db/x#s3cret",
            "postgres://u@db/x;password=s3cret",
            "postgres://u@db/x&password=s3cret",
            "postgres://u:1#s3cret@db/x",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:x.db?mode=rwc",
        ] {
            let said = Address::parse(bad).unwrap_err();
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
