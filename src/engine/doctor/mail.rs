//! The way out for letters: the folder that they are written to, or each mail server, spoken to by
//! the sender's own code up to the login. No letter is sent.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::disk::{self, size};
use super::{Check, State};
use crate::deliver::{Deadlines, Relay, Verdict, Welcome};
use crate::engine::wiring;
use crate::settings::{Security, Settings, Smtp, Transport};

const NAME: &str = "mail";

/// Steps of a login, each of which has its own limit: the longest that all of them may take.
const STEPS: u32 = 4;

/// A line for the folder, or one for each mail server.
pub(super) async fn look(settings: &Settings, wait: Duration) -> Vec<Check> {
    let relays = match &settings.mail.transport {
        Transport::File { dir } => {
            let folder = disk::there(dir);
            return vec![folder_line(&dir.display().to_string(), disk::shut(&folder))];
        }
        Transport::Smtp(relays) => relays,
    };
    let met = relays.iter().map(|relay| knock(settings, relay, wait));
    let mut checks = join_all(met).await;
    // With one that takes letters, none of the others keeps any from leaving.
    if checks.iter().any(|check| check.state == State::Ok) {
        for check in &mut checks {
            check.state = check.state.min(State::Look);
        }
    }
    checks
}

fn folder_line(dir: &str, shut: Option<String>) -> Check {
    match shut {
        None => Check::ok(
            NAME,
            &format!("Letters are written as files to {dir}, and nothing is really sent"),
        ),
        Some(why) => {
            let found = format!("Letters can't be written to {dir}: {why}");
            Check::wrong(
                NAME,
                &found,
                "Check the owner of the folder, or name another in `mail.dir`.",
            )
        }
    }
}

async fn knock(settings: &Settings, smtp: &Smtp, wait: Duration) -> Check {
    let mut config = wiring::relay(settings, smtp);
    config.deadlines = Deadlines {
        connect: wait,
        tls: wait,
        greeting: wait,
        command: wait,
        ..Deadlines::default()
    };
    let relay = match Relay::new(config) {
        Ok(relay) => relay,
        Err(error) => {
            let found = format!("{} can't be used: {error}", smtp.name());
            return Check::wrong(NAME, &found, "Mend `[mail.smtp]`.");
        }
    };
    let met = timeout(wait.saturating_mul(STEPS), relay.knock()).await;
    match met {
        Ok(Ok(welcome)) => Check::ok(NAME, &welcomed(smtp, welcome)),
        Ok(Err(verdict)) => turned_away(&smtp.name(), &verdict),
        Err(_) => {
            let found = format!("{} is too slow: no end of the login in sight", smtp.name());
            Check::look(NAME, &found, &waiting_longer())
        }
    }
}

fn welcomed(smtp: &Smtp, welcome: Welcome) -> String {
    let name = smtp.name();
    let over = match smtp.security {
        Security::Tls | Security::StartTls => "over TLS",
        Security::None => "in the clear, on this machine",
    };
    let who = match &smtp.login {
        Some(login) => format!("let fondly in as `{}` {over}", login.username),
        None => format!("takes mail without a login {over}"),
    };
    let most = welcome.most_bytes.map_or_else(
        || "letters of any size".to_owned(),
        |bytes| format!("letters of up to {}", size(bytes as u64)),
    );
    let offers =
        |name: &str, offered: bool| format!("{name} {}", if offered { "yes" } else { "no" });
    format!(
        "{name} {who}; {most}; {}, {}",
        offers("PIPELINING", welcome.pipelining),
        offers("SMTPUTF8", welcome.any_address)
    )
}

fn turned_away(name: &str, verdict: &Verdict) -> Check {
    let words = verdict.reply();
    if matches!(verdict, Verdict::Stopped { .. }) {
        let found = format!("{name} doesn't let fondly in: {words}");
        let advice = "Mend the login, `port` or `security` under [mail.smtp], or ask whoever runs the \
                      server. Letters wait meanwhile, and go out by themselves afterwards.";
        return Check::wrong(NAME, &found, advice);
    }
    let found = format!("{name} can't be used at the moment: {words}");
    let advice = format!(
        "See whether `host` and `port` are right, and whether this machine may connect there. {}",
        waiting_longer()
    );
    Check::wrong(NAME, &found, &advice)
}

fn waiting_longer() -> String {
    "The sender is more patient (`--wait 300` asks as it does), and letters wait until it works."
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_with_what_keeps_letters_out_of_it() {
        let check = folder_line("/srv/outbox", None);
        assert_eq!(check.state, State::Ok);
        assert!(check.found.contains("nothing is really sent"));
        let check = folder_line("/srv/outbox", Some("Permission denied".to_owned()));
        assert_eq!(check.state, State::Wrong);
        assert!(
            check.found.contains("/srv/outbox: Permission denied"),
            "{}",
            check.found
        );
    }
}
