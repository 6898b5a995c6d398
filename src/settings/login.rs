//! The account in `[mail.smtp]`: its name, and the file of its password or token.
//!
//! Reads the password; what is in a token's file is left to whoever logs in. May not know the
//! network.

use std::fs;
use std::path::{Path, PathBuf};

use super::mail::About;
use super::resolved;
use super::secret::Secret;
use crate::model::tables::{Table, Value};

/// An account at the relay.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account's name.
    pub username: String,
    /// What proves that we may use it.
    pub key: Key,
}

/// What proves that we may use an account.
#[derive(Debug, Clone)]
pub enum Key {
    /// A password.
    Password {
        /// The password.
        password: Secret,
        /// Where it was read.
        file: PathBuf,
    },
    /// The file of an OAuth 2.0 access token, which another program renews; read at each login.
    TokenFile(PathBuf),
}

/// The name of the password among systemd's credentials; from the second relay on with its number:
/// `smtp-password-2`.
const CREDENTIAL: &str = "smtp-password";

/// Reads the account of a relay's section, if it has one.
pub(super) fn login(table: &mut Table<'_>, about: About<'_>) -> Option<Login> {
    let About { folders, used, .. } = about;
    if let Some(password) = table.get("password") {
        password.complain_of_key(
            "passwords don't stand in settings",
            "put it into a file of its own, and name that file with `password_file`",
        );
    }
    let username = table.get("username");
    let (file, token) = (table.get("password_file"), table.get("token_file"));
    if let (Some(_), Some(token)) = (&file, &token) {
        let help = "take one of them out: a login has either a password or a token";
        token.complain_of_key("there is `password_file` as well as `token_file`", help);
        return None;
    }
    let Some(username) = username else {
        if let Some(file) = file {
            let help = "add `username`, or take `password_file` out";
            file.complain_of_key("there is a password, but no `username`", help);
        }
        if let Some(token) = token {
            let help =
                "add `username` (mostly the address of the account), or take `token_file` out";
            token.complain_of_key("there is a token, but no `username`", help);
        }
        return None;
    };
    let name = username.text()?;
    if name.contains(char::is_control) {
        let help = "write the name of the account alone".to_owned();
        username.complain("no login can carry this name", Some(help));
        return None;
    }
    let path = match (&file, &token, folders.credentials) {
        (_, Some(token), _) => resolved(folders.settings, token.text()?),
        (Some(file), None, _) => resolved(folders.settings, file.text()?),
        (None, None, Some(credentials)) => credentials.join(credential(about.number)),
        (None, None, None) => {
            let credential = credential(about.number);
            let help =
                format!("add `password_file`, or hand systemd the credential `{credential}`");
            username.complain_of_key("there is a `username`, but no password", &help);
            return None;
        }
    };
    if !used {
        return None;
    }
    let key = if let Some(token) = token {
        // What is in it now counts for nothing: it is read anew for each login.
        if !path.is_file() {
            let message = format!("there is no file {}", path.display());
            let help = "name the file into which another program writes the access token";
            token.complain(message, Some(help.to_owned()));
            return None;
        }
        Key::TokenFile(path)
    } else {
        let password = password(file.as_ref().unwrap_or(&username), &path)?;
        Key::Password {
            password,
            file: path,
        }
    };
    Some(Login {
        username: name.to_owned(),
        key,
    })
}

fn credential(number: usize) -> String {
    match number {
        1 => CREDENTIAL.to_owned(),
        _ => format!("{CREDENTIAL}-{number}"),
    }
}

/// Editors end a file with a line break; it is no part of the password.
pub fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn password(asked_by: &Value<'_>, path: &Path) -> Option<Secret> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!(
                "the password file {} can't be read: {error}",
                path.display()
            );
            let help = "write the password into it, and let the user that runs fondly read it";
            asked_by.complain(message, Some(help.to_owned()));
            return None;
        }
    };
    let text = without_line_end(&text);
    if text.is_empty() || text.contains(['\n', '\r', '\0']) {
        let message = format!("the password file {} isn't a single line", path.display());
        let help = "write the password into it, and nothing else";
        asked_by.complain(message, Some(help.to_owned()));
        return None;
    }
    Some(Secret::new(text.to_owned()))
}
