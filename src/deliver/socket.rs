//! The socket to the relay, plain or under TLS: one type, so that the loop above is one code.
//! Knows nothing of SMTP.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::smtp::SetupError;

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket<S> {
    /// Nothing around it.
    Plain(S),
    /// Under TLS; boxed, because its state is a kilobyte that the plain one shouldn't carry.
    Tls(Box<TlsStream<S>>),
}

/// How to start TLS with one host.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    /// Trusts the system's certificates and those in `ca_file`.
    pub(super) fn new(host: &str, ca_file: Option<&PathBuf>) -> Result<Self, SetupError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| SetupError::HostName(host.to_owned()))?;
        // A system without certificates is no obstacle as long as the file has some, and one
        // unreadable certificate among 140 none at all.
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca_file {
            let unusable = |why: String| SetupError::CaFile {
                path: path.clone(),
                why,
            };
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| unusable(error.to_string()))?;
            if certificates.is_empty() {
                return Err(unusable("there is no certificate in it".to_owned()));
            }
            for certificate in certificates {
                roots
                    .add(certificate)
                    .map_err(|error| unusable(error.to_string()))?;
            }
        }
        if roots.is_empty() {
            return Err(SetupError::NoRoots);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetupError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            host: name,
        })
    }

    /// The handshake; the certificate must be valid for the host.
    pub(super) async fn handshake<S>(&self, stream: S) -> io::Result<Socket<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connected = self.connector.connect(self.host.clone(), stream).await;
        let stream = connected.map_err(in_plain_words)?;
        Ok(Socket::Tls(Box::new(stream)))
    }
}

/// What is wrong with a certificate, and what to do; other errors stay as they are.
fn in_plain_words(error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(what)) = cause else {
        return error;
    };
    let words = match what {
        CertificateError::UnknownIssuer => {
            "its certificate comes from nobody we trust; if that is right, \
             name its issuer's certificate in `ca_file`"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; whoever runs the server has to renew it".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate isn't valid yet; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("mail.example")`.
            let names = presented.iter().map(|name| {
                let quoted = name
                    .split_once('"')
                    .and_then(|(_, rest)| rest.split_once('"'));
                quoted.map_or(name.as_str(), |(name, _)| name)
            });
            format!(
                "its certificate is for another name ({}); `host` has to be one of these",
                names.collect::<Vec<_>>().join(", ")
            )
        }
        _ => return error,
    };
    io::Error::new(error.kind(), words)
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
