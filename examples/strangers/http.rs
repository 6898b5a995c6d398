//! One connection to the door, kept open: a request, an answer. May not know what is asked for.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer.
const LONGEST: usize = 256 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Whether it has this header.
    pub(crate) fn bears(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    }
}

/// A connection; opened again when the other side closes it.
#[derive(Debug)]
pub(crate) struct Line {
    door: SocketAddr,
    stream: Option<TcpStream>,
}

impl Line {
    pub(crate) fn to(door: SocketAddr) -> Self {
        Self { door, stream: None }
    }

    /// Asks once, and once more on a new connection when the line broke: with a million of them, the
    /// system takes one for another that has just ended.
    pub(crate) async fn ask(&mut self, request: &str) -> anyhow::Result<Answer> {
        if let Ok(answer) = self.once(request).await {
            return Ok(answer);
        }
        self.stream = None;
        self.once(request).await
    }

    async fn once(&mut self, request: &str) -> anyhow::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.door).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
                break end;
            }
            if bytes.len() > LONGEST || stream.read_buf(&mut bytes).await? == 0 {
                bail!("the door closed before it answered");
            }
        };
        let mut body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes)?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        let length: usize = match answer.value("content-length") {
            Some(_) if request.starts_with("HEAD ") => 0,
            Some(length) => length.parse()?,
            None => 0,
        };
        if length > LONGEST {
            bail!("an answer of {length} bytes");
        }
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                bail!("the door closed in the middle of its answer");
            }
        }
        if !answer.head.contains("connection: close") {
            self.stream = Some(stream);
        }
        answer.body = body;
        Ok(answer)
    }
}
