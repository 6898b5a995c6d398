//! Logs of what fondly does, for people (text) or machines (JSON), on standard error.
//!
//! `FONDLY_LOG` sets what is told (`info` by default), `FONDLY_LOG_FORMAT=json` how; the caller
//! reads them. An address is never logged whole.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged when nobody says otherwise: our own words, and only warnings of the libraries.
const DEFAULT_FILTER: &str = "warn,fondly=info";

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Starts logging; a second call changes nothing.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    let mut builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // On a terminal the library colours unless NO_COLOR is set; a file gets no colours.
    if !std::io::stderr().is_terminal() {
        builder = builder.with_ansi(false);
    }
    // A subscriber that is set already (in tests) stays.
    _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// `anna@thorn.example` as `a***@thorn.example`: enough to recognise, too little to leak.
pub fn masked(address: &str) -> String {
    let first = address.chars().next().unwrap_or('*');
    match address.rsplit_once('@') {
        Some((_, domain)) => format!("{first}***@{domain}"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("anna@thorn.example"), "a***@thorn.example");
        assert_eq!(masked("nonsense"), "***");
    }
}
