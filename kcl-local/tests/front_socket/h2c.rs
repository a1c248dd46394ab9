//! HTTP/2 without TLS, from a client that knows beforehand that the server speaks it.

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kcl_local::Fault;

use super::*;

/// One connection, and the task that reads and writes it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a connection");
        let mut driver = JoinSet::new();
        driver.spawn(async move { connection.await.unwrap_or_default() });
        Self { sender, _driver: driver }
    }

    pub(crate) async fn post(
        &mut self,
        target: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> hyper::Result<Response<Bytes>> {
        let (parts, body) = self.open_answer(target, content_type, body).await?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    /// As [`Connection::post`], with an answer that may go on.
    pub(crate) async fn open_answer(
        &mut self,
        target: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::post("http://local/").header("x-amz-target", target);
        let request = request.header("content-type", content_type).body(Full::from(body)).expect("a request");
        let response = self.sender.send_request(request).await?;
        assert_eq!(response.version(), Version::HTTP_2);
        Ok(response)
    }
}

const TABLES: &str = "DynamoDB_20120810.ListTables";

#[tokio::test]
async fn many_requests_are_served_at_once_on_one_connection() {
    let world = World::start().await;
    let connection = Connection::open(world.address).await;
    let mut asked = JoinSet::new();
    for _ in 0..50 {
        let sender = connection.sender.clone();
        let mut connection = Connection { sender, _driver: JoinSet::new() };
        asked.spawn(async move { connection.post(TABLES, JSON, b"{}".to_vec()).await.expect("an answer").status() });
    }
    assert!(asked.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(world.local.requests().values().sum::<u64>(), 50);
}

#[tokio::test]
async fn a_large_body_passes_both_ways_and_a_larger_one_is_refused() {
    let world = World::start().await;
    let mut connection = Connection::open(world.address).await;
    let large = format!(r#"{{"Padding": "{}"}}"#, "x".repeat(12 * 1024 * 1024));
    assert_eq!(connection.post(TABLES, JSON, large.into_bytes()).await.expect("an answer").status(), 200);
    let larger = vec![b' '; 17 * 1024 * 1024];
    assert_eq!(connection.post(TABLES, JSON, larger).await.expect("an answer").status(), 413);
}

#[tokio::test]
async fn a_lost_connection_is_a_reset_of_its_stream_only() {
    let world = World::start().await;
    let mut connection = Connection::open(world.address).await;
    world.local.set_faults(|request| if request.number == 1 { Fault::lost_after() } else { Fault::none() });
    assert!(connection.post(TABLES, JSON, b"{}".to_vec()).await.is_err());
    assert_eq!(connection.post(TABLES, JSON, b"{}".to_vec()).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn requests_that_hang_end_with_the_server() {
    let mut world = World::start().await;
    world.local.set_faults(|_| Fault::hang_before());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let mut connection = Connection::open(world.address).await;
    let mut asked = JoinSet::new();
    asked.spawn(async move { connection.post(TABLES, JSON, b"{}".to_vec()).await.expect_err("no answer") });
    while world.local.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    world.server.shutdown().await;
    asked.join_next().await.expect("asked").expect("ended");
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), before - 1, "of the server and its streams nothing is left");
}
