//! The listener of `[public]`: how many come in at once, how long they may stay, and how it ends.
//!
//! May not know what is asked or answered.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pulse::Pulse;
use super::routes::{Desk, routes};
use crate::engine::House;

/// Connections at once; more wait outside.
const MOST_CONNECTIONS: usize = 128;
/// The longest head.
const HEAD_BYTES: usize = 16 * 1024;
/// A connection is for one request and ends after this long, however slowly somebody asks or
/// listens.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
/// After a stop is asked for, visitors have this long to get their answers.
const GRACE: Duration = Duration::from_secs(5);
/// Without file descriptors there is nothing to accept; look again soon.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Trouble with the public pages at start.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The address can't be listened on.
    #[error(
        "[public] bind = \"{address}\" can't be listened on ({error}); choose another port, or \
         stop whoever has this one"
    )]
    Bind {
        /// What the settings say.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// An open door; it closes by itself when the stop is raised.
#[derive(Debug)]
pub struct OpenDoor {
    desk: Arc<Desk>,
    visits: TaskTracker,
    stop: CancellationToken,
}

impl OpenDoor {
    /// Closes it, and waits until everybody has their answer and every click is noted, or their
    /// time is over.
    pub async fn close(self) {
        self.stop.cancel();
        self.visits.close();
        // Every visit ends by itself within the grace.
        self.visits.wait().await;
        self.desk.clicks.close().await;
    }
}

/// Listens where `[public] bind` says; `None` where the settings have no `[public]`.
///
/// # Errors
/// An address that can't be listened on.
pub async fn open(
    house: &Arc<House>,
    pulse: &Arc<Pulse>,
    stop: &CancellationToken,
) -> Result<Option<OpenDoor>, ReviewError> {
    let Some(public) = &house.plans.settings.public else {
        return Ok(None);
    };
    let failed = |error| ReviewError::Bind {
        address: public.bind,
        error,
    };
    let listener = TcpListener::bind(public.bind).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let desk = Arc::new(Desk::new(house, pulse));
    let routes = routes(&desk, &public.base_url);
    let (visits, stop) = (TaskTracker::new(), stop.child_token());
    visits.spawn(accept(listener, routes, visits.clone(), stop.clone()));
    tracing::info!(%address, base_url = public.base_url, "customers can unsubscribe");
    Ok(Some(OpenDoor { desk, visits, stop }))
}

async fn accept(
    listener: TcpListener,
    routes: Router,
    visits: TaskTracker,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let visit = visit(stream, routes.clone(), stop.clone());
                visits.spawn(async move {
                    let _permit = permit;
                    visit.await;
                });
            }
            // They went away while they waited.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a connection couldn't be accepted");
                tokio::time::sleep(AFTER_TROUBLE).await;
            }
        }
    }
}

/// One connection with one request, which is heard to its end although the visitor hung up. What goes
/// wrong on it is the visitor's affair, and not logged.
async fn visit(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    routes: Router,
    stop: CancellationToken,
) {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        .half_close(true);
    let service = TowerToHyperService::new(routes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = tokio::time::sleep(CONNECTION_TIME) => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    _ = tokio::time::timeout(GRACE, connection).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: care\r\n\r\n";

    fn hello() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    /// What the other side gets, and after how long.
    async fn visited(says: &[u8], stop: bool) -> (String, Duration) {
        let (mut theirs, ours) = tokio::io::duplex(64 * 1024);
        let raised = CancellationToken::new();
        if stop {
            raised.cancel();
        }
        let began = Instant::now();
        let visits = TaskTracker::new();
        visits.spawn(visit(ours, hello(), raised));
        theirs.write_all(says).await.unwrap();
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        (heard, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_for_one_request() {
        let twice = [REQUEST, REQUEST].concat();
        let (heard, took) = visited(&twice, false).await;
        assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 1, "{heard}");
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_too_slowly_is_shown_out() {
        let silent = visited(b"", false).await;
        let slow = visited(b"GET / HTTP/1.1\r\nHo", false).await;
        assert_eq!(silent.1.as_secs(), CONNECTION_TIME.as_secs());
        assert_eq!(slow, silent);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_nobody_who_says_nothing() {
        let (heard, took) = visited(b"", true).await;
        assert!(heard.is_empty() && took <= GRACE + Duration::from_millis(2));
    }

    /// A mail provider that doesn't wait for the answer.
    #[tokio::test]
    async fn a_request_is_heard_to_its_end_although_its_asker_hangs_up() {
        let (says, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let click = |body: String| async move { says.send(body).unwrap() };
        let routes = Router::new().route("/", axum::routing::post(click));
        let (mut theirs, ours) = tokio::io::duplex(64 * 1024);
        let request = b"POST / HTTP/1.1\r\nHost: care\r\nContent-Length: 5\r\n\r\nclick";
        theirs.write_all(request).await.unwrap();
        drop(theirs);
        visit(ours, routes, CancellationToken::new()).await;
        assert_eq!(heard.recv().await.as_deref(), Some("click"));
    }

    #[tokio::test]
    async fn only_so_many_come_in_at_once() {
        let most = Arc::new(AtomicUsize::new(0));
        let inside = Arc::new(AtomicUsize::new(0));
        let leave = Arc::new(Semaphore::new(0));
        let handler = {
            let (most, inside) = (Arc::clone(&most), Arc::clone(&inside));
            let leave = Arc::clone(&leave);
            move || async move {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                leave.acquire().await.unwrap().forget();
                inside.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(handler));
        let (visits, stop) = (TaskTracker::new(), CancellationToken::new());
        visits.spawn(accept(listener, routes, visits.clone(), stop.clone()));
        let mut waiting = Vec::new();
        for _ in 0..MOST_CONNECTIONS + 3 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            waiting.push(stream);
        }
        while inside.load(Ordering::SeqCst) < MOST_CONNECTIONS {
            tokio::task::yield_now().await;
        }
        leave.add_permits(waiting.len());
        for mut stream in waiting {
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
        }
        assert_eq!(most.load(Ordering::SeqCst), MOST_CONNECTIONS);
        stop.cancel();
        visits.close();
        visits.wait().await;
    }
}
