//! The bare server beside which Keywatch is measured: hyper, one current-thread runtime per core, a fixed JSON answer.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Its command: `xtask bench bare-server`.
pub(super) const NAME: &str = "bare-server";

/// As long as the answer of an Encrypt of 32 bytes.
const ANSWER_BYTES: usize = 390;

#[expect(clippy::print_stdout, reason = "other programs wait for this line")]
pub(super) fn run() -> Result<(), String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    println!("bare: http://{}", listener.local_addr().map_err(|error| error.to_string())?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<_> = (0..cores).map(|_| worker()).collect();
    let next = AtomicUsize::new(0);
    for stream in listener.incoming() {
        let stream = stream.map_err(|error| error.to_string())?;
        let worker = &workers[next.fetch_add(1, Ordering::Relaxed) % workers.len()];
        worker.send(stream).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn worker() -> mpsc::UnboundedSender<std::net::TcpStream> {
    let (sender, mut streams) = mpsc::unbounded_channel::<std::net::TcpStream>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            while let Some(stream) = streams.recv().await {
                tokio::task::spawn_local(serve(stream));
            }
        });
    });
    sender
}

async fn serve(stream: std::net::TcpStream) {
    let prepared = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
    let Ok(stream) = prepared.and_then(|()| TcpStream::from_std(stream)) else { return };
    let connection = hyper::server::conn::http1::Builder::new();
    // A load generator that hangs up is no failure.
    let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // The body is read, as every server must.
    let _ = request.into_body().collect().await;
    let answer = Response::builder()
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        .body(Full::new(Bytes::from_static(&[b'x'; ANSWER_BYTES])));
    Ok(answer.expect("a fixed answer"))
}
