//! The decoder beside the SDK's own, on the same texts.

mod events;
mod generated;
mod hook;
mod json;
mod table;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_schema::protocol::ClientProtocolInner;
use aws_smithy_schema::serde::SerdeError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::protocol::LeanJson;
use super::reader::Reader;

fn by<P>(protocol: &P, text: &[u8]) -> Result<GetRecordsOutput, SerdeError>
where
    P: ClientProtocolInner<Response = HttpResponse>,
{
    let response = HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(text));
    let config = ConfigBag::base();
    let mut answer = protocol.deserialize_response(&response, GetRecordsOutput::SCHEMA, &config)?;
    GetRecordsOutput::deserialize(&mut *answer)
}

/// By the SDK alone.
fn theirs(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    by(&AwsJsonRpcProtocol::aws_json_1_1().with_default_namespace("com.amazonaws.kinesis"), text)
}

/// As a request has it: leanly, or else by the SDK.
fn ours(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    by(&LeanJson::default(), text)
}

/// Leanly or not at all.
fn leanly(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    let mut reader = Reader::new(text);
    let answer = GetRecordsOutput::deserialize(&mut reader)?;
    reader.end()?;
    Ok(answer)
}

/// Holds the two against each other. Says whether the answer was read leanly.
fn compare(text: &[u8]) -> bool {
    let (theirs, ours, leanly) = (theirs(text), ours(text), leanly(text));
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
