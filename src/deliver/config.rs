//! What the SMTP courier is told about its relay. Plain data; the caller fills it from the
//! settings, which this room doesn't know.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach the relay, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Name or address; the certificate is checked against it.
    pub host: String,
    /// Usually 465 (`tls`) or 587 (`starttls`).
    pub port: u16,
    /// Encryption.
    pub security: Security,
    /// The account; none means no login.
    pub login: Option<Login>,
    /// What we call ourselves in EHLO: a host name, or an address in brackets.
    pub helo: String,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How long to wait for each step.
    pub deadlines: Deadlines,
    /// How long to keep a connection.
    pub reuse: Reuse,
}

impl SmtpConfig {
    /// A relay without login and with the usual limits.
    pub fn new(host: impl Into<String>, port: u16, security: Security) -> Self {
        Self {
            host: host.into(),
            port,
            security,
            login: None,
            helo: "[127.0.0.1]".to_owned(),
            ca_file: None,
            deadlines: Deadlines::default(),
            reuse: Reuse::default(),
        }
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS; refused when the relay doesn't offer it.
    StartTls,
    /// None; only for a relay on this machine.
    None,
}

/// An account at the relay.
#[derive(Debug, Clone)]
pub struct Login {
    /// Its name.
    pub username: String,
    /// What proves that we may use it.
    pub key: Key,
}

impl Login {
    /// By password.
    pub fn with_password(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            key: Key::Password(Secret::new(password)),
        }
    }

    /// By the token that this file holds at that moment.
    pub fn with_token_file(username: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            username: username.into(),
            key: Key::TokenFile(path.into()),
        }
    }
}

/// What proves that we may use an account.
#[derive(Debug, Clone)]
pub enum Key {
    /// A password (PLAIN or LOGIN).
    Password(Secret),
    /// The file of an OAuth 2.0 access token (XOAUTH2), which another program renews.
    TokenFile(PathBuf),
}

/// A password. Its `Debug` hides it, so that no log or error can show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// How long each step may take. RFC 5321 §4.5.3.2 gives the least a client should wait; Postfix
/// waits as long, and 30 s for the connection.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Name look-up and TCP (Postfix: `smtp_connect_timeout`).
    pub connect: Duration,
    /// TLS handshake (Postfix: `smtp_starttls_timeout`).
    pub tls: Duration,
    /// The first 220 (RFC: 5 minutes).
    pub greeting: Duration,
    /// The reply to EHLO, AUTH, MAIL and RCPT (RFC: 5 minutes).
    pub command: Duration,
    /// The 354 after DATA (RFC: 2 minutes).
    pub data: Duration,
    /// One block of the body (RFC: 3 minutes).
    pub block: Duration,
    /// The dot and its reply (RFC: 10 minutes). Giving up earlier makes unknown outcomes.
    pub dot: Duration,
    /// Taking leave. Nothing depends on it, so it is short.
    pub quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_mins(5),
            greeting: Duration::from_mins(5),
            command: Duration::from_mins(5),
            data: Duration::from_mins(2),
            block: Duration::from_mins(3),
            dot: Duration::from_mins(10),
            quit: Duration::from_secs(2),
        }
    }
}

impl Deadlines {
    /// The longest that handing over one letter may take where everybody takes their time: a kept
    /// connection that fails, a new one with TLS and login, and the letter.
    pub fn longest(&self) -> Duration {
        // EHLO twice, three lines of a login, MAIL, RCPT; and MAIL before, on the kept one.
        let commands = self.command * 8;
        let letter = self.data + self.block + self.dot;
        self.quit * 2 + self.connect + self.tls + self.greeting + commands + letter
    }
}

/// How long a connection is kept.
#[derive(Debug, Clone, Copy)]
pub struct Reuse {
    /// Messages over one connection. Large providers close after some hundred (Yahoo without a
    /// word), so we leave before we are shown out.
    pub max_messages: u32,
    /// Time since it was opened (Postfix: `smtp_connection_reuse_time_limit`, 300 s).
    pub max_age: Duration,
    /// Time since its last message. Postfix's server, under stress, hangs up after 10 s.
    pub max_idle: Duration,
}

impl Default for Reuse {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_age: Duration::from_mins(5),
            max_idle: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_never_shows() {
        let mut config = SmtpConfig::new("relay.example", 465, Security::Tls);
        config.login = Some(Login::with_password("care", "tulip-17"));
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains("tulip"), "{shown}");
        assert!(shown.contains("(hidden)"), "{shown}");
    }
}
