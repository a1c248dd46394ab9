//! Which requests are read leanly.

use aws_sdk_kinesis::config::{BehaviorVersion, Region};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::{Client, Config, config};
use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_schema::protocol::{ClientProtocolInner, SharedClientProtocol};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::super::protocol::LeanJson;
use crate::kinesis::Terms;

fn config() -> config::Builder {
    Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).region(Region::from_static("us-east-1"))
}

fn protocol_for(client: config::Builder) -> Option<SharedClientProtocol> {
    let terms = Terms::once(Terms::SHORT, Terms::SHORT).reading_leanly(&Client::from_conf(client.build()));
    terms.overrides().build().protocol().cloned()
}

#[test]
fn a_client_with_a_protocol_of_its_own_keeps_it() {
    let lean = protocol_for(config()).expect("ours");
    assert!(format!("{lean:?}").contains("LeanJson"), "{lean:?}");
    assert_eq!(lean.protocol_id().as_str(), "aws.protocols#awsJson1_1");
    assert!(protocol_for(config().protocol(AwsJsonRpcProtocol::aws_json_1_0())).is_none());
}

#[test]
fn what_is_refused_is_read_by_the_sdk() {
    let body = r#"{"__type":"ExpiredIteratorException","message":"gone"}"#;
    let config = ConfigBag::base();
    let response = HttpResponse::new(400.try_into().expect("a status"), SdkBody::from(body));
    let metadata = LeanJson::default().parse_error_metadata(&response, &config).expect("read").build();
    assert_eq!((metadata.code(), metadata.message()), (Some("ExpiredIteratorException"), Some("gone")));
}

#[test]
fn a_body_that_is_not_there_yet_is_read_by_the_sdk() {
    let response = HttpResponse::new(200.try_into().expect("a status"), SdkBody::taken());
    let (lean, config) = (LeanJson::default(), ConfigBag::base());
    let mut answer = lean.deserialize_response(&response, GetRecordsOutput::SCHEMA, &config).expect("an answer");
    GetRecordsOutput::deserialize(&mut *answer).expect("an empty one");
}
