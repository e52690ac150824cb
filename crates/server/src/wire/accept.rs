//! Connections: accepted by one task, served by one single-threaded runtime per core.
//!
//! A connection stays on its worker, so a request crosses no thread on its way except into the group commit.
//! Every wait has a limit: the first byte, the TLS handshake, the request head, the drain at the end. HTTP/1.1 and
//! HTTP/2 are told apart by ALPN under TLS and by the connection preface on plain connections (RFC 9113 section 3.3).
//! What a request means is not decided here: see [`Answer`].

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::{Peer, tls};

/// From accepting to the first byte of a request, and for the TLS handshake.
pub const FIRST_BYTE_MAX: Duration = Duration::from_secs(20);
/// For a request's head once its connection waits for one; also how long an idle connection is kept.
pub const HEAD_MAX: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of a request.
pub const HEADERS_MAX: usize = 128;
pub const CONNECTIONS_MAX: usize = 16_384;
pub const REQUESTS_MAX: usize = 4_096;
const STREAMS_PER_CONNECTION_MAX: u32 = 256;
/// How long answers that are under way may take once the server stops.
pub const DRAIN_MAX: Duration = Duration::from_secs(20);
/// Accepted connections that wait for their worker.
const HANDED_OVER_MAX: usize = 1_024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PREFACE_PAUSE: Duration = Duration::from_millis(5);

const _: () = assert!(HEADERS_MAX * 8 < HEAD_BYTES_MAX);
const _: () = assert!(REQUESTS_MAX <= CONNECTIONS_MAX);

/// What answers the requests.
pub trait Answer: Send + Sync + 'static {
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Answers one request; refusals are answers too.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// The answer when [`REQUESTS_MAX`] requests are being answered already.
    fn overloaded(&self) -> Response<Self::Body>;
}

/// A running set of workers; [`Front::stop`] ends it.
#[derive(Debug)]
pub struct Front {
    stop: watch::Sender<bool>,
    acceptor: tokio::task::JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
}

/// Takes the port.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Front {
    /// Starts accepting. To be called on the background runtime, which runs the acceptor; each of the `workers`
    /// is a thread with a runtime of its own.
    pub fn start<A: Answer>(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: Arc<A>,
        workers: usize,
    ) -> io::Result<Self> {
        assert!(workers > 0, "a server without workers");
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            answer,
            tls: tls.map(TlsAcceptor::from),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            requests: Semaphore::new(REQUESTS_MAX),
        });
        let mut hand_over = Vec::with_capacity(workers);
        let mut threads = Vec::with_capacity(workers);
        for number in 0..workers {
            let (sender, receiver) = mpsc::channel(HANDED_OVER_MAX);
            hand_over.push(sender);
            let (shared, stopped) = (shared.clone(), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            threads.push(thread.spawn(move || runtime.block_on(work(shared, receiver, stopped)))?);
        }
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let acceptor = tokio::spawn(accept(listener, hand_over, shared.connections.clone(), stopped));
        Ok(Self { stop, acceptor, workers: threads })
    }

    /// Accepts no more, lets the answers under way finish (for at most [`DRAIN_MAX`]), ends the workers.
    pub async fn stop(self) {
        // The receivers live as long as the workers; a worker that is gone needs no telling.
        let _ = self.stop.send(true);
        if let Err(error) = self.acceptor.await {
            warn!(%error, "The acceptor did not end in order");
        }
        let joined = tokio::task::spawn_blocking(move || {
            self.workers.into_iter().filter_map(|worker| worker.join().err()).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(failed) => warn!(failed, "{failed} workers did not end in order"),
            Err(error) => warn!(%error, "The workers could not be awaited"),
        }
    }
}

struct Shared<A> {
    answer: Arc<A>,
    tls: Option<TlsAcceptor>,
    connections: Arc<Semaphore>,
    requests: Semaphore,
}

struct Accepted {
    stream: TcpStream,
    address: SocketAddr,
    /// Returned when the connection ends.
    permit: OwnedSemaphorePermit,
}

/// Accepts connections and hands them to the workers in turn.
async fn accept(
    listener: tokio::net::TcpListener,
    workers: Vec<mpsc::Sender<Accepted>>,
    connections: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut turns = (0..workers.len()).cycle();
    loop {
        let accepted = tokio::select! {
            accepted = accept_one(&listener, &connections) => accepted,
            _ = stopped.changed() => return,
        };
        let (Some(accepted), Some(turn)) = (accepted, turns.next()) else { continue };
        if workers[turn].send(accepted).await.is_err() {
            return;
        }
    }
}

async fn accept_one(listener: &tokio::net::TcpListener, connections: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = connections.clone().acquire_owned().await.ok()?;
    let accepted = match listener.accept().await {
        Ok((stream, address)) => stream.into_std().map(|stream| (stream, address)),
        Err(error) => Err(error),
    };
    match accepted {
        Ok((stream, address)) => Some(Accepted { stream, address, permit }),
        Err(error) => {
            // Out of descriptors, or a connection that was gone before it was accepted.
            warn!(%error, "Cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// One worker: serves its connections until the acceptor ends, then waits for them to drain.
async fn work<A: Answer>(
    shared: Arc<Shared<A>>,
    mut accepted: mpsc::Receiver<Accepted>,
    stopped: watch::Receiver<bool>,
) {
    // Nothing is ever sent: the channel closes when the last connection has dropped its sender.
    let (alive, mut drained) = mpsc::channel::<Infallible>(1);
    while let Some(connection) = accepted.recv().await {
        let (shared, stopped, alive) = (shared.clone(), stopped.clone(), alive.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(shared, connection, stopped).await {
                debug!(%error, "A connection ended early");
            }
            drop(alive);
        });
    }
    drop(alive);
    if tokio::time::timeout(DRAIN_MAX, drained.recv()).await.is_err() {
        warn!(
            "Requests were still being answered after {} s; their connections are closed",
            DRAIN_MAX.as_secs()
        );
    }
}

type ServeError = Box<dyn std::error::Error + Send + Sync>;

async fn serve<A: Answer>(
    shared: Arc<Shared<A>>,
    accepted: Accepted,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let Accepted { stream, address, permit } = accepted;
    stream.set_nodelay(true)?;
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let begun = async {
        let Some(acceptor) = &shared.tls else {
            let http2 = speaks_http2(&stream).await?;
            return Ok::<_, ServeError>((Stream::Plain(stream), http2, None));
        };
        let stream = acceptor.accept(stream).await?;
        let connection = stream.get_ref().1;
        let http2 = connection.alpn_protocol() == Some(b"h2");
        let facts = Arc::new(tls::TlsFacts::of(connection));
        Ok((Stream::Tls(Box::new(stream)), http2, Some(facts)))
    };
    let (stream, http2, tls) = tokio::select! {
        begun = tokio::time::timeout(FIRST_BYTE_MAX, begun) => begun??,
        _ = stopped.changed() => return Ok(()),
    };
    let peer = Peer::new(address, tls);
    match stream {
        Stream::Plain(stream) => speak(shared, stream, peer, http2, stopped).await?,
        Stream::Tls(stream) => speak(shared, stream, peer, http2, stopped).await?,
    }
    drop(permit);
    Ok(())
}

enum Stream {
    Plain(tokio::net::TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<tokio::net::TcpStream>>),
}

/// Looks at the first bytes without taking them: HTTP/2 with prior knowledge begins with a fixed preface.
async fn speaks_http2(stream: &tokio::net::TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await?;
        if seen == PREFACE.len() || first[..seen] != PREFACE[..seen] || seen == 0 {
            return Ok(seen == PREFACE.len() && first == PREFACE);
        }
        // Part of a preface: the rest is on its way, and a socket with unread bytes is always ready.
        tokio::time::sleep(PREFACE_PAUSE).await;
    }
}

async fn speak<A: Answer>(
    shared: Arc<Shared<A>>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    http2: bool,
    stopped: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    let peer = Arc::new(peer);
    let service = service_fn(move |request| {
        let (shared, peer) = (shared.clone(), peer.clone());
        async move {
            let Ok(_permit) = shared.requests.try_acquire() else {
                return Ok::<_, Infallible>(shared.answer.overloaded());
            };
            Ok(shared.answer.answer(request, &peer).await)
        }
    });
    let stream = TokioIo::new(stream);
    if http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .keep_alive_interval(Some(HEAD_MAX))
            .serve_connection(stream, service);
        until_stopped(connection, stopped).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            // Answers are small: one buffer costs less than a list of two.
            .writev(false)
            .serve_connection(stream, service);
        until_stopped(connection, stopped).await
    }
}

/// Drives a connection; once the server stops, it finishes the answers under way and closes.
async fn until_stopped<C: GracefulConnection<Error = hyper::Error>>(
    connection: C,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
