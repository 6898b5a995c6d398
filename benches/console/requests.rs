//! Requests at a fixed rate, whether earlier ones were answered or not.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pages::Page;

/// One answer.
#[derive(Debug)]
pub(crate) struct Answered {
    /// Which page.
    pub(crate) page: usize,
    /// From the moment at which it was to be asked for until the last byte.
    pub(crate) took: Duration,
    /// 0 where there was none.
    pub(crate) status: u16,
    /// Of the whole answer.
    pub(crate) bytes: usize,
}

/// Asks for so many pages a second for so long, page after page; `round` differs from turn to turn, so
/// that other addresses have theirs.
pub(crate) async fn ask(
    address: SocketAddr,
    pages: &[Page],
    (rate, long): (u32, Duration),
    round: u32,
) -> Vec<Answered> {
    let start = Instant::now();
    let gap = Duration::from_secs(1) / rate.max(1);
    let mut asked = JoinSet::new();
    let mut number: u32 = 0;
    while gap * number < long {
        let due = start + gap * number;
        tokio::time::sleep_until(due).await;
        let turn = usize::try_from(number).unwrap_or(0);
        let page = turn % pages.len();
        let along = turn / pages.len() + usize::try_from(round).unwrap_or(0) * 3;
        if let Some(path) = pages.get(page).and_then(|page| {
            let paths = &page.paths;
            paths.get(along % paths.len().max(1)).cloned()
        }) {
            asked.spawn(async move {
                let answer = get(address, &path).await;
                let (status, bytes) = answer.unwrap_or_default();
                Answered {
                    page,
                    took: due.elapsed(),
                    status,
                    bytes,
                }
            });
        }
        number += 1;
    }
    asked.join_all().await
}

/// The status and the number of bytes.
pub(crate) async fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    let words = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive\r\n\r\n");
    stream.write_all(words.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = answer
        .get(9..12)
        .and_then(|text| std::str::from_utf8(text).ok());
    let status = status.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok((status, answer.len()))
}
