//! A listener: how many come in at once, how long they may stay, and how it ends.
//!
//! May not know what is asked or answered.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::trail;

/// The longest head.
const HEAD_BYTES: usize = 16 * 1024;
/// A connection is for one request and ends after this long, however slowly somebody asks or
/// listens.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
/// After a stop is asked for, visitors have this long to get their answers.
const GRACE: Duration = Duration::from_secs(5);
/// Without file descriptors there is nothing to accept; look again soon.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// Whoever was answered before they had said everything may go on for so long …
const LAST_WORDS: Duration = Duration::from_secs(3);
/// … and say so much. It is thrown away; but without anybody to hear it, the answer would be lost.
const LAST_BYTES: u64 = 32 * 1024 * 1024;

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1024;
/// Threads that answer visitors.
const THREADS: usize = 2;

/// Threads of the visitors' own. Those that write and send letters are busy for long stretches, and a
/// page would wait for its turn among them at each of its steps; between threads the system divides time
/// at once.
#[derive(Debug)]
pub(super) struct Porter(Option<Runtime>);

impl Porter {
    /// # Errors
    /// The system gives no threads.
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("web");
        Ok(Self(Some(builder.enable_all().build()?)))
    }

    pub(super) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for Porter {
    fn drop(&mut self) {
        // Everybody has their answer, or their time was over; and to wait is not for here.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who is at the other end of the connection; a request's extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Trouble with a listener at start.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The address can't be listened on.
    #[error(
        "{section} bind = \"{address}\" can't be listened on ({error}); choose another port, or \
         stop whoever has this one"
    )]
    Bind {
        /// Whose it is.
        section: &'static str,
        /// What the settings say.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Other machines reach the console, and nobody could sign in.
    #[error(
        "[console] asks everybody to sign in, and nobody can yet: `fondly console-user add NAME \
         --role owner` makes the first user"
    )]
    NoUser,
    /// The pages can't be made; there is no known case.
    #[error("pages for browsers: {0}")]
    Pages(#[from] minijinja::Error),
    /// The system gives no threads.
    #[error("no threads can be had for whoever comes by web ({0}); is the machine out of memory?")]
    Threads(io::Error),
    /// The settings can't be followed.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
}

/// An open door; it closes by itself when the stop is raised.
#[derive(Debug)]
pub(super) struct Door {
    /// Where it is.
    pub(super) address: SocketAddr,
    visits: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    /// Lets in up to `most` at once, at the address that this section names.
    pub(super) fn open(
        (section, bind): (&'static str, SocketAddr),
        routes: Router,
        most: usize,
        (stop, threads): (&CancellationToken, &Handle),
    ) -> Result<Self, ReviewError> {
        let failed = |error| ReviewError::Bind {
            section,
            address: bind,
            error,
        };
        let listener = listen(bind, threads).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (visits, stop) = (TaskTracker::new(), stop.child_token());
        let name = section.trim_matches(['[', ']']);
        let routes = routes.layer(middleware::from_fn_with_state(name, trail::follow));
        let room = Arc::new(Semaphore::new(most));
        let accepting = accept(listener, routes, (room, visits.clone()), stop.clone());
        visits.spawn_on(accepting, threads);
        Ok(Self {
            address,
            visits,
            stop,
        })
    }

    /// Closes it, and waits until everybody has their answer or their time is over.
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.visits.close();
        // Every visit ends by itself within the grace.
        self.visits.wait().await;
    }
}

/// Listens at this address, on these threads.
fn listen(bind: SocketAddr, threads: &Handle) -> io::Result<TcpListener> {
    let _inside = threads.enter();
    let socket = if bind.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart needn't wait until the old connections are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    routes: Router,
    (room, visits): (Arc<Semaphore>, TaskTracker),
    stop: CancellationToken,
) {
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
            Ok((stream, peer)) => {
                let routes = routes.clone().layer(Extension(Peer(peer.ip())));
                let visit = visit(stream, routes, stop.clone());
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
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    routes: Router,
    stop: CancellationToken,
) {
    answer(&mut stream, routes, &stop).await;
    if stop.is_cancelled() || stream.shutdown().await.is_err() {
        return;
    }
    let mut nowhere = tokio::io::sink();
    let mut rest = stream.take(LAST_BYTES);
    tokio::select! {
        _ = tokio::time::timeout(LAST_WORDS, tokio::io::copy(&mut rest, &mut nowhere)) => {}
        () = stop.cancelled() => {}
    }
}

async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    routes: Router,
    stop: &CancellationToken,
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

    const MOST: usize = 16;
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

    /// A connection that is closed while its visitor still speaks is reset, and a reset takes the answer
    /// with it.
    #[tokio::test]
    async fn who_says_too_much_is_answer_out_and_gets_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut theirs = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let routes = Router::new().route("/", axum::routing::post(|| async { "too much" }));
        let visits = TaskTracker::new();
        visits.spawn(visit(ours, routes, CancellationToken::new()));
        let much = vec![b'x'; 8 * 1024 * 1024];
        let head = format!(
            "POST / HTTP/1.1\r\nHost: care\r\nContent-Length: {}\r\n\r\n",
            much.len()
        );
        theirs.write_all(head.as_bytes()).await.unwrap();
        theirs.write_all(&much).await.unwrap();
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("too much"), "{answer}");
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
        let room = (Arc::new(Semaphore::new(MOST)), visits.clone());
        visits.spawn(accept(listener, routes, room, stop.clone()));
        let mut waiting = Vec::new();
        for _ in 0..MOST + 3 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            waiting.push(stream);
        }
        while inside.load(Ordering::SeqCst) < MOST {
            tokio::task::yield_now().await;
        }
        leave.add_permits(waiting.len());
        for mut stream in waiting {
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
        }
        assert_eq!(most.load(Ordering::SeqCst), MOST);
        stop.cancel();
        visits.close();
        visits.wait().await;
    }
}
