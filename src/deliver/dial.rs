//! How a relay is reached: the one place that opens sockets. Knows nothing of SMTP or TLS.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

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

/// A stream that stands in for a connection.
pub trait Pipe: AsyncRead + AsyncWrite + fmt::Debug + Unpin + Send + Sync {}

/// A relay of the simulation's own, on the other end of pipes.
pub trait Peer: fmt::Debug + Send + Sync {
    /// Opens a pipe to it.
    ///
    /// # Errors
    /// When it plays one that can't be reached.
    fn open(&self) -> io::Result<Box<dyn Pipe>>;
}

/// Over pipes in memory, to whoever plays the relay on this machine.
#[derive(Debug, Clone)]
pub struct Simulated(pub Arc<dyn Peer>);

impl Dial for Simulated {
    type Stream = Box<dyn Pipe>;

    async fn dial(&self, _: &str, _: u16) -> io::Result<(Self::Stream, IpAddr)> {
        Ok((self.0.open()?, Ipv4Addr::LOCALHOST.into()))
    }
}
