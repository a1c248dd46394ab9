//! The way in for other processes: HTTP/1.1 and HTTP/2 on one socket, with TLS and without.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::events::Events;
use super::exchange::{Answer, exchange};
use super::label::label;
use super::tls::Tls;
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
/// The answer to `SubscribeToShard` goes on as long as the subscription does: as chunks of HTTP/1.1, as frames of
/// HTTP/2.
///
/// Where a fault says that the connection is lost, HTTP/1.1 closes it, and HTTP/2 resets the one stream.
pub async fn serve(local: Local, listener: TcpListener) -> Infallible {
    listen(&local, &listener, None).await
}

/// As [`serve`], with TLS. By ALPN a client has HTTP/2 if it offers that, and HTTP/1.1 else.
pub async fn serve_tls(local: Local, listener: TcpListener, tls: &Tls) -> Infallible {
    listen(&local, &listener, Some(&tls.acceptor())).await
}

async fn listen(local: &Local, listener: &TcpListener, tls: Option<&TlsAcceptor>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(secure(local.clone(), stream, tls.cloned()));
                }
                // Too many open files, or a client that was gone at once: neither is a reason to stop.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn secure(local: Local, stream: TcpStream, tls: Option<TlsAcceptor>) {
    // Without it small answers wait for the client's acknowledgements. A socket that refuses is slower, not wrong.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(local, stream).await,
        // A client that does not trust the certificate says so itself.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(local, stream).await;
            }
        }
    }
}

async fn converse(local: Local, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let service = service_fn(move |request| handle(local.clone(), request));
    // Each stream of HTTP/2 is a task, which ends with its connection: hyper sees to it, and a test to hyper.
    let server = auto::Builder::new(TokioExecutor::new());
    // A connection that breaks is its client's to notice.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

type Sent = Either<Full<Bytes>, Events>;

async fn handle(local: Local, request: Request<Incoming>) -> Result<Response<Sent>, ConnectionLost> {
    if request.method() == Method::GET {
        return Ok(text(StatusCode::OK, "kcl-local: POST requests of the AWS protocols for Kinesis and DynamoDB\n"));
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(text(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 MiB, or broke off\n"));
    };
    let response = exchange(&local, label(&parts.headers), &parts.headers, &body.to_bytes()).await?;
    Ok(response.map(|answer| match answer {
        Answer::Whole(body) => Either::Left(Full::new(body)),
        Answer::Events(events) => Either::Right(*events),
    }))
}

fn text(status: StatusCode, words: &'static str) -> Response<Sent> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(words.as_bytes()))));
    *response.status_mut() = status;
    response
}
