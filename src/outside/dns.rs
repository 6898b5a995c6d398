//! Questions to the DNS: what stands at a name, or why nobody could say.
//!
//! A name that isn't there and a server that doesn't answer are never the same. May not judge.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::timeout;

/// A question is asked once more before its time is up: packets get lost.
const ASKED_AGAIN: usize = 1;

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// This.
    Found(T),
    /// The name is there, and nothing of this kind stands at it.
    Nothing,
    /// There is no such name.
    NoName,
    /// Nobody could say, for this reason; it may be there or not.
    Unasked(String),
}

/// A server that takes mail for a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailHost {
    /// Lower ones are tried first.
    pub preference: u16,
    /// Its name, without the dot at the end; empty where the domain says that it takes no mail.
    pub name: String,
}

/// Asks the DNS.
pub struct Names {
    resolver: TokioResolver,
    wait: Duration,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl Names {
    /// By the servers that the system asks, or by this one. Each question may take `wait`.
    ///
    /// # Errors
    /// Says why the system names no server that could be asked.
    pub fn new(server: Option<SocketAddr>, wait: Duration) -> Result<Self, String> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match server {
            Some(server) => TokioResolver::builder_with_config(only(server), provider),
            None => TokioResolver::builder(provider)
                .map_err(|error| format!("/etc/resolv.conf names no server to ask ({error})"))?,
        };
        let options = builder.options_mut();
        options.timeout = wait / 2;
        options.attempts = ASKED_AGAIN;
        // What this machine's own list of hosts says, nobody else sees.
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, wait })
    }

    /// The texts at a name, each with its parts put together.
    pub async fn texts(&self, name: &str) -> Answer<Vec<String>> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => {
                let bytes = text.txt_data.concat();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        })
        .await
    }

    /// Who takes mail for a domain, the preferred ones first.
    pub async fn mail_hosts(&self, domain: &str) -> Answer<Vec<MailHost>> {
        let found = self.ask(domain, RecordType::MX, |data| match data {
            RData::MX(mx) => Some(MailHost {
                preference: mx.preference,
                name: mx
                    .exchange
                    .to_ascii()
                    .trim_end_matches('.')
                    .to_ascii_lowercase(),
            }),
            _ => None,
        });
        match found.await {
            Answer::Found(mut hosts) => {
                hosts.sort_by(|one, other| {
                    (one.preference, &one.name).cmp(&(other.preference, &other.name))
                });
                Answer::Found(hosts)
            }
            other => other,
        }
    }

    /// The addresses of a host, of both kinds.
    pub async fn addresses(&self, host: &str) -> Answer<Vec<IpAddr>> {
        let old = self.ask(host, RecordType::A, |data| match data {
            RData::A(address) => Some(IpAddr::from(address.0)),
            _ => None,
        });
        let new = self.ask(host, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(IpAddr::from(address.0)),
            _ => None,
        });
        match tokio::join!(old, new) {
            (Answer::Found(mut old), Answer::Found(new)) => {
                old.extend(new);
                Answer::Found(old)
            }
            (Answer::Found(some), _) | (_, Answer::Found(some)) => Answer::Found(some),
            (Answer::Unasked(why), _) | (_, Answer::Unasked(why)) => Answer::Unasked(why),
            (Answer::NoName, Answer::NoName) => Answer::NoName,
            (Answer::Nothing | Answer::NoName, Answer::Nothing | Answer::NoName) => Answer::Nothing,
        }
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Answer<Vec<T>> {
        let Ok(mut fully) = Name::from_ascii(name) else {
            // What can't be a name stands nowhere.
            return Answer::NoName;
        };
        fully.set_fqdn(true);
        let asked = timeout(self.wait, self.resolver.lookup(fully, kind)).await;
        let Ok(answered) = asked else {
            return Answer::Unasked(self.no_answer());
        };
        match answered {
            Ok(found) => {
                let records = found.answers().iter();
                let all: Vec<T> = records.filter_map(|record| read(&record.data)).collect();
                if all.is_empty() {
                    Answer::Nothing
                } else {
                    Answer::Found(all)
                }
            }
            Err(error) if error.is_nx_domain() => Answer::NoName,
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if none.response_code == ResponseCode::NoError =>
            {
                Answer::Nothing
            }
            Err(NetError::Timeout) => Answer::Unasked(self.no_answer()),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => {
                Answer::Unasked(format!("the name server answers \"{code}\""))
            }
            Err(error) => Answer::Unasked(error.to_string()),
        }
    }

    fn no_answer(&self) -> String {
        format!("the name server gave no answer within {:?}", self.wait)
    }
}

/// This server alone, over UDP, and over TCP what doesn't fit.
fn only(server: SocketAddr) -> ResolverConfig {
    let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let ways = ways.map(|mut way| {
        way.port = server.port();
        way
    });
    let server = NameServerConfig::new(server.ip(), true, ways.into());
    ResolverConfig::from_name_servers(vec![server])
}
