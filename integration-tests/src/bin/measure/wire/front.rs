//! Kinesis on a socket, with a backlog whose answers cost next to nothing to make.
//!
//! What reads records is answered here, everything else by the model behind it. Requests that name no operation in a
//! header are those of CloudWatch, which another library may want: they are taken and forgotten.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use kcl_core::error::Failure;
use kcl_local::{Local, Reply, Service};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answers::Answers;
use super::pushed::{self, Pushed};

/// A protocol of the SDKs; its answers must name it.
const PROTOCOL: &str = "smithy-protocol";

/// The service. Dropping it closes all connections.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    open: watch::Sender<bool>,
    _server: JoinSet<Infallible>,
}

struct Shared {
    local: Local,
    answers: Arc<Answers>,
    open: watch::Receiver<bool>,
}

type Sent = Either<Full<Bytes>, Pushed>;

impl Front {
    /// Begins to serve. The backlog is there when it is [opened](Front::open).
    pub(crate) async fn start(local: Local, answers: Answers) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (open, is_open) = watch::channel(false);
        let mut server = JoinSet::new();
        server.spawn(serve(Arc::new(Shared { local, answers: Arc::new(answers), open: is_open }), listener));
        Ok(Self { address, open, _server: server })
    }

    /// All records are there at once.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn serve(shared: Arc<Shared>, listener: TcpListener) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A connection that cannot be taken is its client's to notice.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(converse(Arc::clone(&shared), stream));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(shared: Arc<Shared>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(Arc::clone(&shared), request));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Sent>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) else {
        return Ok(forgotten(&parts.headers));
    };
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let backlog = !shared.answers.0.is_empty();
    let answered = match operation {
        "SubscribeToShard" if backlog => return Ok(subscribed(&shared, &request)),
        "GetShardIterator" if backlog => shared.answers.iterator(&request),
        "GetRecords" if backlog => shared.answers.records(&request, *shared.open.borrow()),
        _ => modelled(&shared.local, operation, request).await,
    };
    Ok(answered.map_or_else(|refused| refuse(&refused), |body| respond(200, body)))
}

/// What the model says.
async fn modelled(local: &Local, operation: &str, request: Value) -> Result<Bytes, Reply> {
    let answered = local.call("front", Service::Kinesis, operation, request).await;
    let reply = answered.map_err(|lost| Reply::error(500, "InternalFailure", &lost.to_string()))?.reply;
    if reply.status == 200 { Ok(reply.body.to_string().into()) } else { Err(reply) }
}

/// The beginning of a subscription.
fn subscribed(shared: &Arc<Shared>, request: &Value) -> Response<Sent> {
    match pushed::subscribe(Arc::clone(&shared.answers), shared.open.clone(), request) {
        Ok(pushed) => {
            let mut response = Response::new(Either::Right(pushed));
            let content_type = HeaderValue::from_static(pushed::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
        Err(refused) => refuse(&refused),
    }
}

fn refuse(reply: &Reply) -> Response<Sent> {
    respond(reply.status, reply.body.to_string().into())
}

fn respond(status: u16, body: Bytes) -> Response<Sent> {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}

/// The answer to a measurement that nobody will ask for: an empty map, in CBOR.
fn forgotten(headers: &HeaderMap) -> Response<Sent> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(&[0xA0]))));
    if let Some(protocol) = headers.get(PROTOCOL) {
        response.headers_mut().insert(PROTOCOL, protocol.clone());
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
    response
}
