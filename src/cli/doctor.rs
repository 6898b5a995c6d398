//! `fondly doctor`: whether everything is as it should be, a line each, and what to do.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::bar::Pending;
use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome};
use crate::clock::Clock;
use crate::engine::doctor::{self, Check, Diagnosis, PARTS, Wishes};
use crate::engine::listing;
use crate::settings;

/// Where name servers listen.
const DNS_PORT: u16 = 53;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Changes nothing, sends nothing, and may be run beside a running daemon. Each line \
                        begins with `ok`, `look` (a person should look at it) or `wrong`.\n\nIt ends \
                        with 0 when all is well, with 3 when something needs a person, and with 1 when \
                        fondly can't work as it is."
)]
pub(super) struct Args {
    /// Asks this name server instead of the system's
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server)]
    dns: Option<SocketAddr>,
    /// Looks at the DKIM key of this name as well, which stands after `s=` in a signed letter's
    /// DKIM-Signature; may be given several times
    #[arg(long, value_name = "SELECTOR", value_parser = selector)]
    dkim: Vec<String>,
    /// How many seconds each question to the mail server, the DNS and the public pages may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const FIELDS: &[&str] = &["check", "state", "found", "do"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let clock = Clock::steady(settings::faults().clock_off);
    let wishes = Wishes {
        dns: args.dns,
        dkim: args.dkim,
        wait: Duration::from_secs(args.wait),
    };
    let pending = Pending::new("Looking at", PARTS);
    let ended = |part: &str| pending.ended(part);
    let found = tokio::select! {
        found = doctor::examine(config, clock, &wishes, &ended) => found,
        never = pending.shown() => match never {},
    };
    pending.finish();
    match args.format {
        Format::Table => told(&found)?,
        format => {
            let rows: Vec<_> = found.checks.iter().map(row).collect();
            output::listing(format, &[], FIELDS, &rows)?;
        }
    }
    if !found.findings.is_empty() {
        return Err(Failure::Findings(found.findings));
    }
    let fatal = found.fatal();
    if !fatal.is_empty() {
        return Err(Failure::Trouble(anyhow::anyhow!(
            "it can't work like this: {}",
            fatal.join(", ")
        )));
    }
    Ok(if found.needs_a_person() {
        Done::NeedsAPerson
    } else {
        Done::Well
    })
}

/// A line each, with what to do below it.
fn told(found: &Diagnosis) -> std::io::Result<()> {
    let longest = found.checks.iter().map(|check| check.name.len()).max();
    let longest = longest.unwrap_or(0);
    for check in &found.checks {
        let state = check.state.as_str();
        output::say(format!(
            "{state:<5}  {:<longest$}  {}",
            check.name, check.found
        ))?;
        if !check.advice.is_empty() {
            output::say(format!("{:<5}  {:<longest$}  -> {}", "", "", check.advice))?;
        }
    }
    Ok(())
}

fn row(check: &Check) -> Row {
    let values = [
        check.name.into(),
        check.state.as_str().into(),
        check.found.as_str().into(),
        check.advice.as_str().into(),
    ];
    listing::row(FIELDS, values)
}

/// `9.9.9.9`, `127.0.0.1:5353`, `::1` or `[::1]:5353`.
fn server(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, DNS_PORT));
    }
    text.parse()
        .map_err(|_| "write an address such as 9.9.9.9 or 127.0.0.1:5353".to_owned())
}

/// A name that may stand in the DNS.
fn selector(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > 128 || !text.chars().all(fits) {
        return Err("a selector is a word such as `s1` or `google`".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address_with_or_without_its_port() {
        for (text, wanted) in [
            ("9.9.9.9", "9.9.9.9:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(server(text).unwrap().to_string(), wanted);
        }
        assert!(server("dns.example").is_err());
        assert!(selector("s1").is_ok());
        assert!(selector("a b").is_err());
    }
}
