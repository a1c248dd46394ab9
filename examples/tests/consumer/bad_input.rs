//! What cannot work ends with a message that says so.

use crate::world::{World, patiently};

/// Runs the program to its end; answers the exit code and the last line that it said.
async fn run(world: &World, options: &[&str]) -> (Option<i32>, String) {
    let output = world.command(options).output().await.expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn bad_settings_end_with_code_2_and_one_line_that_names_them_before_any_request() {
    patiently(async {
        let world = World::start().await;
        let too_long = "a".repeat(129);
        let table: [(&[&str], &str); 10] = [
            (&[], "the following required arguments were not provided: --stream"),
            (&["--stream", "words"], "--app"),
            (&["--stream", "", "--app", "test-app"], "stream"),
            (&["--stream", "words", "--app", "x"], "table"),
            (&["--stream", "words", "--app", "test-app", "--retrieval", "nonsense"], "polling, efo"),
            (&["--stream", "words", "--app", &too_long, "--retrieval", "efo"], "consumer_name"),
            (&["--stream", "words", "--app", "test-app", "--worker-id", "Leader"], "worker_id"),
            (&["--stream", "words", "--app", "test-app", "--failover-ms", "0"], "failover_after"),
            (&["--stream", "words", "--app", "test-app", "--failover-ms", "soon"], "`soon` is not a number"),
            (&["--stream", "words", "--app", "test-app", "--start", "yesterday"], "`yesterday` is not a time"),
        ];
        for (options, names) in table {
            let output = world.command(options).output().await.expect("the program runs");
            let said = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(2), "{options:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{options:?}: {said}");
            assert!(said.contains(names), "{options:?}: {said}");
            assert!(output.stdout.is_empty(), "{options:?}");
        }
        assert_eq!(world.requests(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_does_not_exist_ends_with_code_1_and_the_causes() {
    patiently(async {
        let world = World::start().await;
        let (code, said) = run(&world, &["--stream", "words", "--app", "test-app", "--worker-id", "w-1"]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with("consumer: worker w-1: stream words cannot be read: "), "{said}");
        assert!(said.contains("ResourceNotFoundException"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn without_a_region_it_says_what_to_set() {
    patiently(async {
        let world = World::start().await;
        let mut command = world.command(&["--stream", "words", "--app", "test-app"]);
        let output = command.env_remove("AWS_REGION").output().await.expect("the program runs");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("AWS_REGION"), "{said}");
    })
    .await;
}
