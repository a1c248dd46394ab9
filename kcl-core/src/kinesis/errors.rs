//! Failed requests as errors that say what was tried, on what, and what to do.

use std::fmt;
use std::time::Duration;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

use super::meaning::{Meaning, Refusal};
use super::target::Target;
use crate::error::{Cause, SourceError, SourceErrorKind};
use crate::ids::ShardId;

/// Whether the service knows this caller, and does not allow it the request.
pub fn lacks_permission<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| Meaning::of(Refusal { status: 400, code: Some(code), message: "" }) == Meaning::Permission)
}

/// One request, for the message of its error.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The operation of the Kinesis API, which is also the name of the permission.
    pub operation: &'static str,
    /// The stream.
    pub stream: &'a Target,
    /// The shard, if the request is about one.
    pub shard: Option<&'a ShardId>,
}

impl Attempt<'_> {
    /// The request failed. `within` is the time that it had.
    pub fn failed<E>(&self, error: SdkError<E>, within: Duration) -> SourceError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let refused = error.raw_response().map(|response| response.status().as_u16()).filter(|status| *status >= 400);
        let failed = match refused {
            Some(status) => {
                let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
                let code = metadata.and_then(|metadata| metadata.code());
                let message = metadata.and_then(|metadata| metadata.message()).unwrap_or_default();
                self.refused(Refusal { status, code, message })
            }
            None => self.not_answered(&error, within),
        };
        // Without the raw response, which may have records in it.
        match error.into_source() {
            Ok(cause) => failed.with_source(cause),
            Err(_none) => failed,
        }
    }

    fn not_answered<E>(&self, error: &SdkError<E>, within: Duration) -> SourceError {
        let (kind, what) = match error {
            SdkError::TimeoutError(_) => return self.unanswered(within),
            SdkError::ConstructionFailure(_) => {
                (SourceErrorKind::Invalid, "could not be made; check the Kinesis client's configuration")
            }
            SdkError::ResponseError(_) => (
                SourceErrorKind::Unavailable,
                "got an answer that broke off or cannot be understood; it is tried again. If this goes on, check what \
                 answers at the client's endpoint",
            ),
            _ => (
                SourceErrorKind::Unavailable,
                "got no answer; it is tried again. If this goes on, check the connection to Kinesis, the client's endpoint \
                 and its credentials",
            ),
        };
        SourceError::new(kind, format!("{self} {what}"))
    }

    /// The request was not answered in its time.
    pub fn unanswered(&self, within: Duration) -> SourceError {
        let large = if self.operation == "GetRecords" {
            "; on a slow one, raise `request_timeout` or lower `limit`"
        } else {
            ""
        };
        let message = format!(
            "{self} was not answered within {within:?}; it is tried again. If this goes on, check the connection to \
             Kinesis{large}"
        );
        SourceError::new(SourceErrorKind::Unavailable, message)
    }

    /// The caller may not make the request; there is something else to do than to allow it.
    pub fn denied(&self, otherwise: &str) -> SourceError {
        let message = format!(
            "{self} is denied; allow kinesis:{} on the stream to this worker's credentials, {otherwise}",
            self.operation
        );
        SourceError::new(SourceErrorKind::Denied, message)
    }

    /// The answer is not what the API promises.
    pub fn malformed(&self, what: &str, cause: Option<Cause>) -> SourceError {
        let message = format!("{self} was answered with {what}; check what answers at the client's endpoint");
        let error = SourceError::new(SourceErrorKind::Invalid, message);
        match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }

    /// The service refused the request, or ended its answer with an error.
    pub fn refused(&self, refusal: Refusal<'_>) -> SourceError {
        let meaning = Meaning::of(refusal);
        let message = format!("{self} {}", self.told(meaning, &refusal));
        let error = SourceError::new(meaning.kind(), message);
        match meaning {
            Meaning::Future(Some(by)) => error.with_retry_after(by),
            _ => error,
        }
    }

    /// Whether the request is for a registered consumer, and not for the stream.
    fn is_of_a_consumer(&self) -> bool {
        ["SubscribeToShard", "DescribeStreamConsumer", "DeregisterStreamConsumer"].contains(&self.operation)
    }

    fn told(&self, meaning: Meaning, code: &Refusal<'_>) -> String {
        match meaning {
            Meaning::Throttled if self.operation == "SubscribeToShard" => format!(
                "was throttled ({code}); a consumer may subscribe to a shard once a second. If this goes on, two \
                 applications use one consumer: give each a name of its own"
            ),
            Meaning::Throttled if self.shard.is_some() => format!(
                "was throttled ({code}); if this goes on, too many consumers poll the shard (they share its 5 calls and \
                 2 MiB a second): take some away, or give them enhanced fan-out"
            ),
            Meaning::Throttled => {
                format!("was throttled ({code}); if this goes on, too many callers ask about streams")
            }
            Meaning::KeyThrottled => format!(
                "was throttled ({code}) by the key that encrypts the stream; if this goes on, ask for a higher AWS KMS \
                 request quota"
            ),
            Meaning::Key => format!(
                "failed ({code}): the key that encrypts the stream cannot be used; enable it, and allow this worker \
                 kms:Decrypt on it. Reading goes on by itself then"
            ),
            Meaning::Permission => {
                let on = if self.is_of_a_consumer() { "consumer" } else { "stream" };
                format!(
                    "is denied ({code}); allow kinesis:{} on the {on} to this worker's credentials, and for a stream of \
                     another account also in the {on}'s resource policy",
                    self.operation
                )
            }
            Meaning::Credentials => {
                format!("is denied ({code}): this worker's credentials are not valid, or no longer; renew them")
            }
            Meaning::Clock => format!(
                "is denied ({code}): its signature is not accepted; check this machine's clock, and the secret key of its \
                 credentials"
            ),
            Meaning::NotFound => {
                let what = match self.shard {
                    Some(_) if self.is_of_a_consumer() => "stream, no such shard in it, or no such consumer of it",
                    Some(_) => "stream, or no such shard in it",
                    None => "stream",
                };
                format!("failed ({code}): there is no such {what}, in this account and region")
            }
            Meaning::Foreign => format!(
                "was given a position that is not of this shard ({code}): if the stream was deleted and created again \
                 under its name, delete the application's leases, or reset the application to a starting position"
            ),
            Meaning::Future(by) => format!(
                "asked for a time in the future ({code}){}; it is asked again then. Check this machine's clock if it was \
                 to be the present",
                By(by)
            ),
            Meaning::Expired if self.shard.is_some() => {
                format!("was made with an iterator that has expired ({code}), 5 minutes after it was given")
            }
            Meaning::Expired => format!("took too long ({code}): its pages must be asked for within 5 minutes"),
            Meaning::Invalid => format!("was not accepted ({code}); as it is, it will not be"),
            Meaning::Unavailable => format!("failed ({code}); it is tried again"),
        }
    }
}

impl fmt::Display for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on ", self.operation)?;
        if let Some(shard) = self.shard {
            write!(f, "shard {shard} of ")?;
        }
        write!(f, "stream {}", self.stream)
    }
}

struct By(Option<Duration>);

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |by| write!(f, ", by {by:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target::parse("orders", None).expect("a name")
    }

    fn refusal(status: u16, code: &str) -> Refusal<'_> {
        Refusal { status, code: (!code.is_empty()).then_some(code), message: "the service's words" }
    }

    #[test]
    fn a_message_names_the_request_and_what_to_do() {
        let (stream, shard) = (target(), ShardId::new("shardId-0"));
        let reading = Attempt { operation: "GetRecords", stream: &stream, shard: Some(&shard) };
        let listing = Attempt { operation: "ListShards", stream: &stream, shard: None };
        let error = reading.refused(refusal(400, "KMSDisabledException"));
        assert_eq!(error.kind(), SourceErrorKind::Key);
        assert_eq!(
            error.to_string(),
            "GetRecords on shard shardId-0 of stream orders failed (KMSDisabledException): the key that encrypts the \
             stream cannot be used; enable it, and allow this worker kms:Decrypt on it. Reading goes on by itself then"
        );
        let error = listing.refused(refusal(400, "AccessDeniedException"));
        assert_eq!(error.kind(), SourceErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "ListShards on stream orders is denied (AccessDeniedException); allow kinesis:ListShards on the stream to \
             this worker's credentials, and for a stream of another account also in the stream's resource policy"
        );
        assert_eq!(
            listing.refused(refusal(503, "")).to_string(),
            "ListShards on stream orders failed (HTTP status 503); it is tried again"
        );
    }

    #[test]
    fn a_time_in_the_future_is_waited_for() {
        let (stream, shard) = (target(), ShardId::new("shardId-0"));
        let attempt = Attempt { operation: "GetShardIterator", stream: &stream, shard: Some(&shard) };
        let message = "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                       timestampInMillis: 1700000000300, currentTimestampInMillis: 1700000000000";
        let error = attempt.refused(Refusal { message, ..refusal(400, "InvalidArgumentException") });
        assert_eq!((error.kind(), error.retry_after()), (SourceErrorKind::Future, Some(Duration::from_millis(300))));
        assert!(error.to_string().contains("asked for a time in the future (InvalidArgumentException), by 300ms;"));
    }
}
