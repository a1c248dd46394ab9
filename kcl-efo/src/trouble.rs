//! What ends a subscription, as errors that say what happened and what to do.

use std::time::Duration;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError as Refused;
use aws_smithy_types::event_stream::RawMessage;
use kcl_core::error::{Cause, SourceError, SourceErrorKind};
use kcl_core::ids::ShardId;
use kcl_core::kinesis::{Attempt, KinesisStream, Refusal};

use crate::event::Malformed;

/// One subscription, for the message of its error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble<'a> {
    attempt: Attempt<'a>,
    consumer: &'a str,
}

impl<'a> Trouble<'a> {
    pub(crate) fn new(stream: &'a KinesisStream, shard: &'a ShardId, consumer: &'a str) -> Self {
        Self { attempt: stream.attempt("SubscribeToShard", Some(shard)), consumer }
    }

    /// The service ended it with an error, or it broke off.
    pub(crate) fn broken(&self, error: SdkError<Refused, RawMessage>) -> SourceError {
        let told = match error.as_service_error() {
            Some(refused) => {
                let (code, message) = (code(refused), refused.message().unwrap_or_default());
                // One that even the SDK has no name for is the service's, and passes.
                let status = if code.is_some() { 400 } else { 500 };
                self.attempt.refused(Refusal { status, code: code.or(Some("an error without a name")), message })
            }
            None => self.unavailable(
                "broke off; it is begun again where it was. If this goes on, check the connection to Kinesis, and what \
                 answers at the client's endpoint",
            ),
        };
        match error.into_source() {
            Ok(cause) => told.with_source(cause),
            Err(_none) => told,
        }
    }

    /// Something came that is no event.
    pub(crate) fn malformed(&self, cause: Malformed) -> SourceError {
        self.attempt.malformed("what is no event of a subscription", Some(Cause::from(cause)))
    }

    /// It ended before anything came.
    pub(crate) fn fruitless(&self) -> SourceError {
        self.unavailable("ended before anything came on it, as did the one before; it is begun again")
    }

    /// Nothing has come for so long.
    pub(crate) fn silent(&self, silence: Duration) -> SourceError {
        let what = format!(
            "has been silent for {silence:?}, and the service sends an event every few seconds: the connection is taken for \
             dead, and the subscription begun again on another. If this goes on, look for what drops connections on the way"
        );
        self.unavailable(&what)
    }

    /// Another one has it.
    pub(crate) fn taken_over(&self) -> SourceError {
        let what = format!(
            "was taken over by another subscriber of consumer {}: another worker has the shard now, and this one is about \
             to learn it. If this goes on, two applications use one consumer: give each a name of its own",
            self.consumer
        );
        self.unavailable(&what)
    }

    /// The service gave it to a renewal whose answer is lost.
    pub(crate) fn renewed_elsewhere(&self) -> SourceError {
        self.unavailable(
            "ended because it was renewed, and the answer to that was lost; it is begun again where it was",
        )
    }

    /// Another one had it, and still has.
    pub(crate) fn in_the_way(&self, refused: SourceError) -> SourceError {
        let what = format!(
            "is refused, since consumer {} has subscribed to the shard elsewhere again and again, or is not ACTIVE; it is \
             tried again. If this goes on, two applications use one consumer: give each a name of its own",
            self.consumer
        );
        SourceError::new(refused.kind(), format!("{} {what}", self.attempt)).with_source(refused)
    }

    fn unavailable(&self, what: &str) -> SourceError {
        SourceError::new(SourceErrorKind::Unavailable, format!("{} {what}", self.attempt))
    }
}

/// The code of an error in the stream. Where the SDK knows the error it keeps the message and not the code.
fn code(refused: &Refused) -> Option<&str> {
    Some(match refused {
        Refused::ResourceNotFoundException(_) => "ResourceNotFoundException",
        Refused::ResourceInUseException(_) => IN_USE,
        Refused::KmsDisabledException(_) => "KMSDisabledException",
        Refused::KmsInvalidStateException(_) => "KMSInvalidStateException",
        Refused::KmsAccessDeniedException(_) => "KMSAccessDeniedException",
        Refused::KmsNotFoundException(_) => "KMSNotFoundException",
        Refused::KmsOptInRequired(_) => "KMSOptInRequired",
        Refused::KmsThrottlingException(_) => "KMSThrottlingException",
        Refused::InternalFailureException(_) => "InternalFailureException",
        other => return other.code(),
    })
}

const IN_USE: &str = "ResourceInUseException";

/// Whether the service ended a subscription because another call took it over.
pub(crate) fn is_taken_over(error: &SdkError<Refused, RawMessage>) -> bool {
    error.as_service_error().and_then(code) == Some(IN_USE)
}
