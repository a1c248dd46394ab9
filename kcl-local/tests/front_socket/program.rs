use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::*;

/// Starts the program and reads what it prints until it is ready.
async fn start(options: &[&str]) -> (Child, Vec<String>) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kcl-local"));
    let mut child =
        program.args(options).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the program starts");
    let mut printed = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut lines = Vec::new();
    while let Some(line) = printed.next_line().await.expect("text") {
        lines.push(line);
        if lines.last().is_some_and(|line| line == "# ready") {
            break;
        }
    }
    (child, lines)
}

fn address(lines: &[String], variable: &str) -> SocketAddr {
    let prefix = format!("export {variable}=http://");
    let line = lines.iter().find_map(|line| line.strip_prefix(&prefix)).expect("printed");
    line.parse().expect("an address")
}

#[tokio::test]
async fn the_program_says_where_it_listens_serves_and_ends_cleanly() {
    let options =
        ["--stream", "orders:3", "--region", "eu-west-1", "--table-creating-ms", "0", "--stream-delay-ms", "0"];
    let (mut child, lines) = start(&options).await;
    let changed: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("# changed: ")).collect();
    assert!(changed.contains(&"dynamodb table_creating = 0ns (default 8s)"), "{lines:?}");
    for line in ["export AWS_REGION=eu-west-1", "export AWS_DEFAULT_REGION=eu-west-1", "export AWS_ACCESS_KEY_ID=local"]
    {
        assert!(lines.iter().any(|printed| printed == line), "{line} in {lines:?}");
    }
    assert_eq!(lines.last().map(String::as_str), Some("# ready"));

    let kinesis = address(&lines, "AWS_ENDPOINT_URL_KINESIS");
    let shards = post(kinesis, Some("Kinesis_20131202.ListShards"), JSON, r#"{"StreamName": "orders"}"#).await;
    let shards = shards.json();
    assert_eq!(shards["Shards"].as_array().map(Vec::len), Some(3), "{shards}");
    let dynamodb = address(&lines, "AWS_ENDPOINT_URL_DYNAMODB");
    assert_eq!(post(dynamodb, Some("DynamoDB_20120810.ListTables"), JSON, "{}").await.status, 200);

    let id = child.id().expect("running").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs").success());
    assert_eq!(child.wait().await.expect("ended").code(), Some(0));
}

#[tokio::test]
async fn a_stream_that_cannot_be_created_is_an_error_at_the_start() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kcl-local"));
    let output = program.args(["--stream", "orders:0"]).output().await.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("kcl-local: --stream orders:0 was refused: "), "{said}");
}

#[tokio::test]
async fn a_recording_has_a_line_for_every_request() {
    let file = std::env::temp_dir().join(format!("kcl-local-recording-{}.jsonl", std::process::id()));
    let path = file.to_str().expect("text");
    let (_child, lines) = start(&["--stream", "orders:1", "--record", path]).await;
    let kinesis = address(&lines, "AWS_ENDPOINT_URL_KINESIS");
    post(kinesis, Some("Kinesis_20131202.ListShards"), JSON, r#"{"StreamName": "invoices"}"#).await;
    let recorded = std::fs::read_to_string(&file).expect("written");
    std::fs::remove_file(&file).expect("removed");
    let mut lines = recorded.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let created = lines.next().expect("the stream of the command line");
    assert_eq!((&created["client"], &created["operation"]), (&Value::from("ask"), &Value::from("CreateStream")));
    let asked = lines.next().expect("the request");
    assert!(asked["at"].as_u64() >= created["at"].as_u64(), "{asked}");
    for (member, expected) in [
        ("/client", Value::from("http")),
        ("/service", "kinesis".into()),
        ("/operation", "ListShards".into()),
        ("/request/StreamName", "invoices".into()),
        ("/status", 400.into()),
        ("/answer/__type", "ResourceNotFoundException".into()),
    ] {
        assert_eq!(asked.pointer(member), Some(&expected), "{member} of {asked}");
    }
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn a_recording_that_cannot_be_written_is_an_error_at_the_start() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kcl-local"));
    let output = program.args(["--record", "/no/such/folder/file"]).output().await.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("kcl-local: cannot write the recording /no/such/folder/file: "), "{said}");
}
