//! One look at a web address, as a customer's browser or mail provider takes it: over TLS, with a
//! certificate that has to be right, and without following anywhere.
//!
//! May not judge what it says.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Bytes of an answer that are read.
const MOST_BYTES: usize = 1_024;

/// A web address, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name, or an address without brackets.
    pub host: String,
    /// Usually 443.
    pub port: u16,
    /// From its first slash on.
    pub path: String,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Such as 200.
    pub status: u16,
    /// How it begins.
    pub text: String,
}

impl Place {
    /// The parts of an https URL, with `below` after its path; `None` for anything else.
    pub fn of(url: &str, below: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, 443),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self {
            host: host.to_owned(),
            port,
            path: format!("{}{below}", path.trim_end_matches('/')),
        })
    }
}

/// Gets what stands there, from this address of its host, within `wait`.
///
/// # Errors
/// Says what went wrong, in words that follow a name.
pub async fn get(place: &Place, address: IpAddr, wait: Duration) -> Result<Page, String> {
    let asked = timeout(wait, ask(place, address)).await;
    asked.unwrap_or_else(|_| Err(format!("gives no answer within {wait:?}")))
}

async fn ask(place: &Place, address: IpAddr) -> Result<Page, String> {
    let name = ServerName::try_from(place.host.clone())
        .map_err(|_| "is no name that a certificate can bear".to_owned())?;
    let connector = connector()?;
    let stream = TcpStream::connect(SocketAddr::new(address, place.port)).await;
    let stream = stream.map_err(|error| format!("can't be reached at {address}: {error}"))?;
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|error| in_plain_words(&error))?;
    let garbled = |error: hyper::Error| format!("doesn't answer as a web server does: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(garbled)?;
    let request = Request::get(&place.path)
        .header(header::HOST, authority(place))
        .header(
            header::USER_AGENT,
            concat!("fondly/", env!("CARGO_PKG_VERSION")),
        )
        .body(Nothing)
        .map_err(|error| format!("can't be asked for: {error}"))?;
    let work = async move {
        let response = sender.send_request(request).await.map_err(garbled)?;
        let status = response.status().as_u16();
        let text = beginning(response.into_body()).await.map_err(garbled)?;
        Ok(Page { status, text })
    };
    // The connection moves only while it is looked after; it ends with the work.
    let (page, _) = tokio::join!(work, connection);
    page
}

fn authority(place: &Place) -> String {
    let host = if place.host.contains(':') {
        format!("[{}]", place.host)
    } else {
        place.host.clone()
    };
    if place.port == 443 {
        host
    } else {
        format!("{host}:{}", place.port)
    }
}

async fn beginning(mut body: Incoming) -> hyper::Result<String> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(piece) = frame?.into_data() {
            bytes.extend_from_slice(&piece);
        }
        if bytes.len() >= MOST_BYTES {
            bytes.truncate(MOST_BYTES);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Trusts whom the system trusts, as far as it can be read.
fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(
            "can't be looked at: this system has no certificates to trust; install \
                    ca-certificates"
                .to_owned(),
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("can't be looked at: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn in_plain_words(error: &std::io::Error) -> String {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(what)) = cause else {
        return format!("doesn't speak TLS as it should: {error}");
    };
    let what = match what {
        CertificateError::UnknownIssuer => "comes from nobody whom this system trusts".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "isn't valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".to_owned()
        }
        other => format!("can't be used: {other}"),
    };
    format!("shows a certificate that {what}")
}

/// The body of a question.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_address_are_told_apart() {
        let place = |host: &str, port, path: &str| {
            let (host, path) = (host.to_owned(), path.to_owned());
            Some(Place { host, port, path })
        };
        for (url, wanted) in [
            (
                "https://care.example",
                place("care.example", 443, "/healthz"),
            ),
            (
                "https://care.example/",
                place("care.example", 443, "/healthz"),
            ),
            (
                "https://care.example:8443/a/b",
                place("care.example", 8443, "/a/b/healthz"),
            ),
            (
                "https://[2001:db8::1]:8443",
                place("2001:db8::1", 8443, "/healthz"),
            ),
            (
                "https://[2001:db8::1]/a",
                place("2001:db8::1", 443, "/a/healthz"),
            ),
            ("https://care.example:x", None),
            ("http://care.example", None),
        ] {
            assert_eq!(Place::of(url, "/healthz"), wanted, "{url}");
        }
        assert_eq!(
            authority(&Place::of("https://[::1]:8443", "").unwrap()),
            "[::1]:8443"
        );
        assert_eq!(
            authority(&Place::of("https://care.example", "").unwrap()),
            "care.example"
        );
    }
}
