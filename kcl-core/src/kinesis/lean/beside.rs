//! The decoder beside the SDK's own, on the same texts: for the tests, and for the fuzzer.

use std::fmt::Debug;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::SubscribeToShardEvent;
use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_schema::protocol::ClientProtocolInner;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::protocol::LeanJson;
use super::reader::Reader;

/// Checks what must be so for any bytes, taken for an answer and for the payload of an event.
#[cfg_attr(test, expect(unreachable_pub, reason = "public for the fuzzer only"))]
pub fn fuzz_lean(data: &[u8]) {
    compare(data);
    compare_events(data);
}

/// Holds the two against each other on an answer to `GetRecords`. Says whether it was read leanly.
pub(super) fn compare(text: &[u8]) -> bool {
    agree(text, theirs(text), ours(text), leanly(text, GetRecordsOutput::deserialize))
}

/// As [`compare`], on an event of `SubscribeToShard`.
pub(super) fn compare_events(text: &[u8]) -> bool {
    let (theirs, ours) = (event_by(&sdk(), text), event_by(&LeanJson::default(), text));
    agree(text, theirs, ours, leanly(text, SubscribeToShardEvent::deserialize))
}

/// As a request has it: leanly, or else by the SDK.
pub(super) fn ours(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    answer_by(&LeanJson::default(), text)
}

/// Leanly or not at all.
pub(super) fn leanly<T>(
    text: &[u8],
    read: impl FnOnce(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>,
) -> Result<T, SerdeError> {
    let mut reader = Reader::new(text);
    let answer = read(&mut reader)?;
    reader.end()?;
    Ok(answer)
}

/// By the SDK alone.
fn theirs(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    answer_by(&sdk(), text)
}

fn sdk() -> AwsJsonRpcProtocol {
    AwsJsonRpcProtocol::aws_json_1_1().with_default_namespace("com.amazonaws.kinesis")
}

fn answer_by<P>(protocol: &P, text: &[u8]) -> Result<GetRecordsOutput, SerdeError>
where
    P: ClientProtocolInner<Response = HttpResponse>,
{
    let response = HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(text));
    let config = ConfigBag::base();
    let mut answer = protocol.deserialize_response(&response, GetRecordsOutput::SCHEMA, &config)?;
    GetRecordsOutput::deserialize(&mut *answer)
}

fn event_by(protocol: &impl ClientProtocolInner, text: &[u8]) -> Result<SubscribeToShardEvent, SerdeError> {
    let codec = protocol.payload_codec().expect("one for events");
    let mut payload = codec.create_deserializer(text);
    SubscribeToShardEvent::deserialize(&mut *payload)
}

fn agree<T: Debug + PartialEq>(
    text: &[u8],
    theirs: Result<T, SerdeError>,
    ours: Result<T, SerdeError>,
    leanly: Result<T, SerdeError>,
) -> bool {
    let shown = String::from_utf8_lossy(text);
    match (&theirs, ours) {
        (Ok(theirs), Ok(ours)) => assert_eq!(*theirs, ours, "{shown}"),
        (Err(theirs), Err(ours)) => assert_eq!(theirs.to_string(), ours.to_string(), "{shown}"),
        (theirs, ours) => panic!("theirs {theirs:?}, ours {ours:?}: {shown}"),
    }
    match (theirs, leanly) {
        (Ok(theirs), Ok(leanly)) => assert_eq!(theirs, leanly, "{shown}"),
        (Err(error), Ok(_)) => panic!("read leanly, but the SDK says {error}: {shown}"),
        (_, Err(_)) => return false,
    }
    true
}
