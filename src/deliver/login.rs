//! Logging in: which mechanism suits both sides, and what is said in it.
//!
//! Reads the token's file; may not touch sockets ([`super::connection`] speaks the lines).

use std::io;
use std::path::Path;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::Auth;
use tokio::io::AsyncReadExt as _;

use super::config::{Key, Login, Secret};
use super::offers::Offers;

/// The longest token, in bytes. RFC 4954 §4 lets a line of a login have 12,288 octets, and base64
/// makes four of three.
const MAX_TOKEN: u64 = 8_192;

/// What is said, line by line; a 334 is awaited between two of them, and a 235 at the end.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) lines: Vec<Line>,
    /// A 334 at the end is a refusal whose code comes after an empty line.
    pub(super) refuses_by_challenge: bool,
}

/// One line with its end. Its `Debug` hides it.
pub(super) type Line = Secret;

/// The first way to log in that both sides know, with what proves who we are.
///
/// # Errors
/// Says why there is none, and what to do.
pub(super) async fn script(login: &Login, offers: Offers, peer: &str) -> Result<Script, String> {
    let (mechanism, proof) = match &login.key {
        Key::Password(password) => {
            let password = password.reveal().to_owned();
            (by_password(offers, peer)?, password)
        }
        Key::TokenFile(path) => {
            if !offers.auth_xoauth2 {
                return Err(format!(
                    "{peer} takes no token (it doesn't offer XOAUTH2); use `password_file`, or check the port"
                ));
            }
            (Mechanism::Xoauth2, token(path).await?)
        }
    };
    // In a LOGIN the order is fixed, name then password; what the challenges say is folklore.
    let challenges: &[Option<&str>] = match mechanism {
        Mechanism::Login => &[None, Some("Username:"), Some("Password:")],
        Mechanism::Plain | Mechanism::Xoauth2 => &[None],
    };
    let credentials = Credentials::new(login.username.clone(), proof);
    let line = |challenge: Option<&str>| {
        Auth::new(mechanism, credentials.clone(), challenge.map(str::to_owned))
            .map(|auth| Secret::new(auth.to_string()))
            .map_err(|error| format!("the login can't be written: {error}"))
    };
    Ok(Script {
        lines: challenges
            .iter()
            .copied()
            .map(line)
            .collect::<Result<_, _>>()?,
        refuses_by_challenge: mechanism == Mechanism::Xoauth2,
    })
}

fn by_password(offers: Offers, peer: &str) -> Result<Mechanism, String> {
    if offers.auth_plain {
        Ok(Mechanism::Plain)
    } else if offers.auth_login {
        Ok(Mechanism::Login)
    } else if offers.auth_xoauth2 {
        Err(format!(
            "{peer} takes no password (it offers XOAUTH2 only); name the file of a token with `token_file`"
        ))
    } else {
        Err(format!(
            "{peer} offers no login that fondly knows (PLAIN, LOGIN, XOAUTH2); check the port and `security`"
        ))
    }
}

/// The token as it is now: another program renews it, so it is read for every login.
async fn token(path: &Path) -> Result<String, String> {
    let unusable = |why: String| {
        format!(
            "the token file {} {why}; whatever renews it should write the bare token into it",
            path.display()
        )
    };
    let read = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(MAX_TOKEN + 1).read_to_string(&mut text).await?;
        Ok::<_, io::Error>(text)
    };
    let text = read
        .await
        .map_err(|error| unusable(format!("can't be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable("is empty".to_owned()));
    }
    if token.len() as u64 >= MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable("doesn't hold a token alone".to_owned()));
    }
    Ok(token.to_owned())
}
