//! How a relay is reached: the one place that opens sockets. Knows nothing of SMTP or TLS.

use std::fmt;
use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Opens streams to a relay. [`Tcp`] is the one that is shipped; another can stand in for the
/// network, so that every fault and every hour of waiting can be tried in no time.
pub trait Dial: fmt::Debug + Send {
    /// What it opens.
    type Stream: AsyncRead + AsyncWrite + fmt::Debug + Unpin + Send;

    /// Opens a stream, and says where it leads.
    ///
    /// # Errors
    /// When nobody answers there.
    fn dial(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<(Self::Stream, IpAddr)>> + Send;
}

/// Over TCP.
#[derive(Debug, Clone, Copy)]
pub struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn dial(&self, host: &str, port: u16) -> io::Result<(TcpStream, IpAddr)> {
        let stream = TcpStream::connect((host, port)).await?;
        // Commands are small, and each waits for its answer.
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?.ip();
        Ok((stream, address))
    }
}
