//! One signed request to a service of the server, its own or another one that speaks JSON.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use keywatch_api::Service;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::ClientError;
use crate::auth::signer::{Caller, sign};
use crate::clock::world_now;
use crate::data_dir::{self, DataDirError, ServerFile};

const CONNECT_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Calls an operation of our own service, as [`call_service`] does.
pub(super) fn call<Q: Serialize, A: DeserializeOwned>(
    directory: &Path,
    operation: &str,
    ask: &Q,
) -> Result<A, ClientError> {
    call_service(directory, Service::Keywatch, operation, ask)
}

/// Calls an operation of the server that runs on `directory`, as the root user of its default account, in the server's Region.
pub(super) fn call_service<Q: Serialize, A: DeserializeOwned>(
    directory: &Path,
    service: Service,
    operation: &str,
    ask: &Q,
) -> Result<A, ClientError> {
    let server = data_dir::read_server(directory)?;
    let key = data_dir::read_access_key(directory)?
        .ok_or_else(|| DataDirError::NoServer { path: directory.display().to_string() })?;
    let body = serde_json::to_vec(ask).map_err(ClientError::Answer)?;
    let unreachable = |cause: Cause| ClientError::Unreachable { endpoint: server.endpoint.clone(), cause };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unreachable(error.into()))?;
    let caller = Caller { id: &key.id, secret: key.secret.expose(), session_token: None };
    let exchange = exchange(&server, &caller, (service, operation), Bytes::from(body), world_now());
    let (ok, answer) = runtime.block_on(exchange).map_err(unreachable)?;
    if ok {
        // Operations that answer nothing answer with an empty body.
        let answer: &[u8] = if answer.is_empty() { b"null" } else { &answer };
        return serde_json::from_slice(answer).map_err(ClientError::Answer);
    }
    let refusal: Refusal = serde_json::from_slice(&answer).map_err(ClientError::Answer)?;
    Err(ClientError::Refused { code: refusal.code, message: refusal.message })
}

#[derive(serde::Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
    #[serde(default)]
    message: String,
}

/// Whether the call was accepted, and the body of the answer.
async fn exchange(
    server: &ServerFile,
    caller: &Caller<'_>,
    (service, operation): (Service, &str),
    body: Bytes,
    now: Timestamp,
) -> Result<(bool, Bytes), Cause> {
    let uri: Uri = server.endpoint.parse()?;
    let authority = uri.authority().ok_or("no address in the endpoint")?.clone();
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    let target = service.targets().first().ok_or("the service has no JSON protocol")?;
    headers.insert("x-amz-target", HeaderValue::from_str(&format!("{target}.{operation}"))?);
    sign(&mut headers, "POST", "/", &body, caller, &server.region, service.signing_name(), now)?;
    let mut request = Request::post("/").body(Full::new(body))?;
    *request.headers_mut() = headers;
    let connect = TcpStream::connect(authority.as_str());
    let stream = tokio::time::timeout(CONNECT_MAX, connect).await??;
    if uri.scheme_str() == Some("https") {
        let name = ServerName::try_from(authority.host().trim_matches(['[', ']']).to_owned())?;
        let stream = tls(server)?.connect(name, stream).await?;
        send(stream, request).await
    } else {
        send(stream, request).await
    }
}

fn tls(server: &ServerFile) -> Result<tokio_rustls::TlsConnector, Cause> {
    let bundle = server.ca_bundle.as_deref().ok_or("the server's certificate is not known here")?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(bundle)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// Advancing a clock over years may take long, so there is no limit on the wait for the answer.
async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(bool, Bytes), Cause> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let ok = response.status().is_success();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
    driver.abort();
    Ok((ok, body))
}
