//! The way in for other processes: HTTP/1.1 and HTTP/2 without TLS, on one socket.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::exchange::exchange;
use super::label::label;
use crate::world::{ConnectionLost, Local};

/// The largest body: 10 MiB of records in base64 is a third more.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Serves both services on `listener` until the future is dropped, which closes every connection.
///
/// A connection is HTTP/2 if it begins with the preface of HTTP/2 (RFC 9113, 3.3: the client knows beforehand), and
/// HTTP/1.1 else. The service and the operation are told by the header `x-amz-target`. Requests are those of a client
/// whose label is the application id in its user agent, which the AWS SDKs take from the environment variable
/// `AWS_SDK_UA_APP_ID`; without one it is `http`. Signatures are not checked.
///
/// Where a fault says that the connection is lost, HTTP/1.1 closes it without an answer, and HTTP/2 resets the one
/// stream.
pub async fn serve(local: Local, listener: TcpListener) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(local.clone(), stream));
                }
                // Too many open files, or a client that was gone at once: neither is a reason to stop.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(local: Local, stream: TcpStream) {
    // Without it small answers wait for the client's acknowledgements. A socket that refuses is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(local.clone(), request));
    // Each stream of HTTP/2 is a task, which ends with its connection: hyper sees to it, and a test to hyper.
    let server = auto::Builder::new(TokioExecutor::new());
    // A connection that breaks is its client's to notice.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(local: Local, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, ConnectionLost> {
    if request.method() == Method::GET {
        return Ok(text(StatusCode::OK, "kcl-local: POST requests of the AWS protocols for Kinesis and DynamoDB\n"));
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(text(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 MiB, or broke off\n"));
    };
    Ok(exchange(&local, label(&parts.headers), &parts.headers, &body.to_bytes()).await?.map(Full::new))
}

fn text(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(words.as_bytes())));
    *response.status_mut() = status;
    response
}
