//! Lists as files that are as long as the lists are: read page by page while they are being fetched,
//! so that a million rows take no more memory than a page of them.
//!
//! May not know what a list is about.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::show::answer;
use super::trouble::Trouble;
use crate::engine::listing::{self, Row};

/// Rows that are read at a time.
pub(super) const TOGETHER: u16 = 1_000;
/// A connection ends after half a minute; a file that isn't whole by then ends before it, with a line
/// that says so.
const TIME: Duration = Duration::from_secs(20);

/// A page of a file: its rows, and where it goes on.
pub(super) type Part<K> = (Vec<Row>, Option<K>);

/// What a file is called and what it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Its name without the ending.
    pub(super) name: &'static str,
    /// The columns.
    pub(super) fields: &'static [&'static str],
}

/// A file whose pages are read one after another, from this place on. What can't be read once it is on
/// its way breaks the download off, so that half of it doesn't pass for all; where time runs out, the
/// last line gives the address at which it goes on.
///
/// # Errors
/// The first page's trouble.
pub(super) async fn file<K, R, W>(
    kind: Kind,
    from: Option<K>,
    read: R,
    address: impl Fn(&K) -> String + Send + 'static,
) -> Result<Response<Body>, Trouble>
where
    K: Send + 'static,
    R: Fn(Option<K>) -> W + Send + 'static,
    W: Future<Output = Result<Part<K>, Trouble>> + Send,
{
    let ends = Instant::now() + TIME;
    let (rows, next) = read(from).await?;
    let first = listing::csv_text(kind.fields, &rows).map_err(|error| {
        tracing::error!(%error, name = kind.name, "a listing can't be made");
        Trouble::Ours
    })?;
    let rest = stream::unfold((next, read), move |(next, read)| {
        let late = Instant::now() >= ends;
        let goes_on = next.as_ref().filter(|_| late).map(&address);
        async move {
            let from = next?;
            if let Some(address) = goes_on {
                return Some((last_line(kind.fields, &address), (None, read)));
            }
            let (lines, next) = match read(Some(from)).await {
                Ok((rows, next)) => (listing::csv_lines(kind.fields, &rows), next),
                // What it was has been logged where it happened.
                Err(_) => (Err(io::Error::other("the rest can't be read")), None),
            };
            Some((lines, (next, read)))
        }
    });
    let all = stream::iter([Ok(first)]).chain(rest);
    let mut response = answer(StatusCode::OK, "text/csv; charset=utf-8", String::new());
    *response.body_mut() = Body::from_stream(all);
    let kept = HeaderValue::from_str(&format!("attachment; filename=\"{}.csv\"", kind.name));
    if let Ok(kept) = kept {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, kept);
    }
    Ok(response)
}

/// Says in the first column that there is more.
fn last_line(fields: &[&str], address: &str) -> io::Result<String> {
    let words = format!("There is more than fits into one file; it goes on at {address}");
    listing::csv_lines(fields, &[listing::row(fields, [words.into()])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::listing::row;

    const KIND: Kind = Kind {
        name: "numbers",
        fields: &["number", "word"],
    };

    /// Numbers up to this one, two on a page, a page a second.
    async fn numbers(last: u32) -> Result<String, axum::Error> {
        let read = move |from: Option<u32>| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let from = from.unwrap_or(1);
            let rows = (from..=last).take(2);
            let rows = rows.map(|n| row(KIND.fields, [n.into(), "x".into()]));
            let rows = rows.collect();
            if from == 99 {
                return Err(Trouble::NotNow);
            }
            Ok((rows, Some(from + 2).filter(|next| *next <= last)))
        };
        let from = (last == 100).then_some(97);
        let file = file(KIND, from, read, |next| format!("/numbers.csv?from={next}"));
        let response = file.await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1_000_000).await?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_goes_to_its_end() {
        assert_eq!(numbers(0).await.unwrap(), "number,word\n");
        assert_eq!(numbers(3).await.unwrap(), "number,word\n1,x\n2,x\n3,x\n");
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_ends_too_early_its_last_line_says_so() {
        let file = numbers(1_000).await.unwrap();
        let told = "There is more than fits into one file; it goes on at /numbers.csv?from=41,\n";
        assert!(file.ends_with(&format!("40,x\n{told}")), "{file}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_t_be_read_breaks_it_off() {
        assert!(numbers(100).await.is_err());
    }
}
