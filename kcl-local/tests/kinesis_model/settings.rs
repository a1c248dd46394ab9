//! Limits that differ from the service's say so.

use std::time::Duration;

use kcl_local::kinesis::Settings;

#[test]
fn the_defaults_change_nothing() {
    assert_eq!(Settings::default().changed(), [""; 0]);
}

#[test]
fn each_change_is_a_line_with_both_values() {
    let settings = Settings {
        iterator_life: Duration::from_secs(5),
        region: "eu-west-1".to_owned(),
        read_calls_per_second: 50,
        ..Settings::default()
    };
    let expected = [
        r#"region = "eu-west-1" (default "us-east-1")"#,
        "iterator_life = 5s (default 300s)",
        "read_calls_per_second = 50 (default 5)",
    ];
    assert_eq!(settings.changed(), expected);
}
