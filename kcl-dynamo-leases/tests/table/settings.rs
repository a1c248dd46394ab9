//! Settings that cannot work are refused before anything is sent.

use std::time::Duration;

use kcl_dynamo_leases::{Billing, Builder, DynamoLeases};

use super::{STREAM, TABLE, world};

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-app";

fn refused(table: &str, stream: &str, change: impl FnOnce(Builder) -> Builder) -> Option<&'static str> {
    let client = world().dynamodb_client("leases");
    let builder = change(DynamoLeases::single_stream(client, table, stream));
    builder.build().err().map(|error| error.setting)
}

#[tokio::test(start_paused = true)]
async fn each_setting_is_checked() {
    let provisioned = |read_units, write_units| Billing::Provisioned { read_units, write_units };
    let same = |builder| builder;
    assert_eq!(refused(TABLE, STREAM, same), None);
    assert_eq!(refused(ARN, STREAM, same), None);
    for table in ["", "ab", "with space", "arn:aws:dynamodb:us-east-1:1:index/x", &"x".repeat(256)] {
        assert_eq!(refused(table, STREAM, same), Some("table"), "{table}");
    }
    for stream in ["", "1:orders:1", "stream/orders"] {
        assert_eq!(refused(TABLE, stream, same), Some("stream"), "{stream}");
    }
    assert_eq!(refused(ARN, STREAM, |builder| builder.create_table(true)), Some("create_table"));
    assert_eq!(refused(ARN, STREAM, |builder| builder.deletion_protection(true)), Some("create_table"));
    assert_eq!(refused(TABLE, STREAM, |builder| builder.create_table(false).tags([("a", "b")])), Some("create_table"));
    assert_eq!(refused(TABLE, STREAM, |builder| builder.billing(provisioned(1, 1))), None);
    assert_eq!(refused(TABLE, STREAM, |builder| builder.billing(provisioned(0, 1))), Some("billing"));
    assert_eq!(refused(TABLE, STREAM, |builder| builder.billing(provisioned(1, 0))), Some("billing"));
    for (millis, expected) in [(99, Some("operation_timeout")), (100, None)] {
        let timeout = Duration::from_millis(millis);
        assert_eq!(refused(TABLE, STREAM, |builder| builder.operation_timeout(timeout)), expected);
    }
}
