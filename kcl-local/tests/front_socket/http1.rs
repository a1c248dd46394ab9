use kcl_local::Fault;

use super::*;

#[tokio::test]
async fn a_get_is_answered_with_a_line_of_text() {
    let world = World::start().await;
    let response =
        send(world.address, "GET / HTTP/1.1\r\nhost: local\r\nconnection: close\r\n\r\n").await.expect("answered");
    assert_eq!(response.status, 200);
    assert_eq!(response.body.lines().count(), 1);
}

#[tokio::test]
async fn both_services_answer_on_one_socket_with_the_headers_of_their_protocol() {
    let world = World::start().await;
    for (target, content_type, member) in [
        ("DynamoDB_20120810.ListTables", "content-type: application/x-amz-json-1.0", "TableNames"),
        ("Kinesis_20131202.ListStreams", "content-type: application/x-amz-json-1.1", "StreamNames"),
    ] {
        let response = post(world.address, Some(target), JSON, "{}").await;
        assert_eq!(response.status, 200, "{}", response.body);
        assert!(response.body.contains(member), "{}", response.body);
        assert!(response.head.contains(content_type), "{}", response.head);
        assert!(response.head.contains("date: thu, 01 jan 2026 00:00:00 gmt"), "the world's time: {}", response.head);
        assert!(response.head.contains("x-amzn-requestid: 00000000-"), "{}", response.head);
    }
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_refused_in_the_services_words() {
    let world = World::start().await;
    let list = Some("Kinesis_20131202.ListStreams");
    for (target, content_type, body, kind) in [
        (list, JSON, "{", "SerializationException"),
        (list, JSON, "[1]", "SerializationException"),
        (None, JSON, "{}", "UnknownOperationException"),
        (Some("Logs_20140328.PutLogEvents"), JSON, "{}", "UnknownOperationException"),
        (Some("Kinesis_20131202.Fly"), JSON, "{}", "UnknownOperationException"),
        (Some("DynamoDB_20120810.Fly"), JSON, "{}", "com.amazon.coral.service#UnknownOperationException"),
    ] {
        let response = post(world.address, target, content_type, body).await;
        assert_eq!((response.status, &response.json()["__type"]), (400, &Value::from(kind)), "{target:?} {body}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_closed_without_an_answer() {
    let world = World::start().await;
    world.local.set_faults(|_| Fault::lost_after());
    let head = "POST / HTTP/1.1\r\nhost: local\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n";
    assert!(send(world.address, &format!("{head}content-length: 2\r\n\r\n{{}}")).await.is_none());
}

#[tokio::test]
async fn a_client_is_known_by_the_application_id_of_its_sdk() {
    let world = World::start().await;
    let target =
        "POST / HTTP/1.1\r\nhost: local\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n";
    for agent in ["aws-sdk-java/2.41.21 app/java-1", "curl"] {
        send(world.address, &format!("{target}user-agent: {agent}\r\ncontent-length: 0\r\n\r\n"))
            .await
            .expect("served");
    }
    let requests = world.local.requests();
    let clients: Vec<&str> = requests.keys().map(|(client, _, _)| client.as_str()).collect();
    assert_eq!(clients, ["http", "java-1"]);
}
