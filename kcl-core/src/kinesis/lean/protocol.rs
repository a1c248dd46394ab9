//! Kinesis' protocol, as the SDK speaks it, but for how answers are read.

use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_schema::codec::{DynCodec, PayloadSerializer};
use aws_smithy_schema::protocol::ClientProtocolInner;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer};
use aws_smithy_schema::{Schema, ShapeId};
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::endpoint::Endpoint;
use aws_smithy_types::error::metadata::Builder as ErrorMetadata;

use super::answer::Answer;

/// The SDK's protocol, with a lean decoder before its own.
#[derive(Debug)]
pub(super) struct LeanJson(AwsJsonRpcProtocol);

impl Default for LeanJson {
    /// As the SDK's client for Kinesis makes it, which cannot be asked for its own.
    fn default() -> Self {
        Self(AwsJsonRpcProtocol::aws_json_1_1().with_default_namespace("com.amazonaws.kinesis"))
    }
}

impl ClientProtocolInner for LeanJson {
    type Request = HttpRequest;
    type Response = HttpResponse;

    fn deserialize_response<'a>(
        &self,
        response: &'a HttpResponse,
        schema: &Schema<'_>,
        config: &'a ConfigBag,
    ) -> Result<Box<dyn ShapeDeserializer + 'a>, SerdeError> {
        let theirs = ClientProtocolInner::deserialize_response(&self.0, response, schema, config)?;
        // A streamed body has no bytes yet, and what is refused is not worth the haste.
        match response.body().bytes().filter(|_| response.status().is_success()) {
            Some(body) => Ok(Box::new(Answer::new(body, theirs))),
            None => Ok(theirs),
        }
    }

    fn payload_codec(&self) -> Option<&dyn DynCodec> {
        ClientProtocolInner::payload_codec(&self.0).map(|_| self as &dyn DynCodec)
    }

    fn protocol_id(&self) -> &ShapeId<'static> {
        ClientProtocolInner::protocol_id(&self.0)
    }

    fn serialize_request(
        &self,
        input: &dyn SerializableStruct,
        schema: &Schema<'_>,
        endpoint: &str,
        config: &ConfigBag,
    ) -> Result<HttpRequest, SerdeError> {
        ClientProtocolInner::serialize_request(&self.0, input, schema, endpoint, config)
    }

    fn parse_error_metadata(&self, response: &HttpResponse, config: &ConfigBag) -> Result<ErrorMetadata, SerdeError> {
        ClientProtocolInner::parse_error_metadata(&self.0, response, config)
    }

    fn deserialize_error_response<'a>(
        &self,
        response: &'a HttpResponse,
        config: &'a ConfigBag,
    ) -> Result<Box<dyn ShapeDeserializer + 'a>, SerdeError> {
        ClientProtocolInner::deserialize_error_response(&self.0, response, config)
    }

    fn update_endpoint(
        &self,
        request: &mut HttpRequest,
        endpoint: &Endpoint,
        config: &ConfigBag,
    ) -> Result<(), SerdeError> {
        ClientProtocolInner::update_endpoint(&self.0, request, endpoint, config)
    }

    fn event_stream_media_type(&self) -> Option<&str> {
        ClientProtocolInner::event_stream_media_type(&self.0)
    }

    fn parse_event_stream_error_metadata(&self, payload: &[u8]) -> Result<ErrorMetadata, SerdeError> {
        ClientProtocolInner::parse_event_stream_error_metadata(&self.0, payload)
    }
}

/// The payloads of an event stream.
impl DynCodec for LeanJson {
    fn create_deserializer<'a>(&self, payload: &'a [u8]) -> Box<dyn ShapeDeserializer + 'a> {
        Box::new(Answer::new(payload, self.codec().create_deserializer(payload)))
    }

    fn create_serializer(&self) -> Box<dyn PayloadSerializer + '_> {
        self.codec().create_serializer()
    }
}

impl LeanJson {
    fn codec(&self) -> &dyn DynCodec {
        ClientProtocolInner::payload_codec(&self.0).expect("asked for by `payload_codec` only if there is one")
    }
}
