//! A request's body: all of it, in time, and not too much.
//!
//! May not know what is in it.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;

/// The largest body: a thousand records of two kilobytes.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// A body that takes longer to come is given up: the connection's time must do for the store as well.
const BODY_TIME: Duration = Duration::from_secs(12);

/// Whether it is JSON, as it stands.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: &str| {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "This form of content isn't taken",
            detail,
        ))
    };
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return refuse("send JSON, and say so: `Content-Type: application/json`");
    }
    let other_charset = parameters.split(';').any(|one| {
        let (name, value) = one.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("charset")
            && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if other_charset {
        return refuse("JSON is always UTF-8; send it so");
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            refuse("compressed content isn't taken; leave out `Content-Encoding`")
        }
        _ => Ok(()),
    }
}

/// The whole body.
pub(super) async fn whole(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let stated = headers.get(header::CONTENT_LENGTH);
    let stated = stated.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, read(body)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "The request didn't come in time",
            format!(
                "a request must be sent within {} seconds",
                BODY_TIME.as_secs()
            ),
        )),
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "broken-off",
                "The request broke off",
                "its content ended before it was complete; send it again",
            )
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > MOST_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "This is too much at once",
        format!("a request may have {MOST_BYTES} bytes; send the records in several"),
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn only_json_in_utf_8_and_uncompressed_is_taken() {
        use header::{CONTENT_ENCODING, CONTENT_TYPE};
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;v=1",
        ] {
            assert!(is_json(&headers(&[(CONTENT_TYPE, good)])).is_ok(), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
        ] {
            assert!(is_json(&headers(&[(CONTENT_TYPE, bad)])).is_err(), "{bad}");
        }
        assert!(is_json(&HeaderMap::new()).is_err());
        let packed = [
            (CONTENT_TYPE, "application/json"),
            (CONTENT_ENCODING, "gzip"),
        ];
        assert!(is_json(&headers(&packed)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        struct Never;
        impl axum::body::HttpBody for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;

            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>>
            {
                std::task::Poll::Pending
            }
        }
        let read = whole(&HeaderMap::new(), Body::new(Never)).await;
        assert_eq!(read.unwrap_err().response().status(), 408);
        let much = Body::from(vec![b' '; MOST_BYTES + 1]);
        let read = whole(&HeaderMap::new(), much).await;
        assert_eq!(read.unwrap_err().response().status(), 413);
        let most = Body::from(vec![b' '; MOST_BYTES]);
        assert_eq!(
            whole(&HeaderMap::new(), most).await.unwrap().len(),
            MOST_BYTES
        );
    }
}
