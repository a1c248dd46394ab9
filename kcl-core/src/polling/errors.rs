//! What Kinesis's errors mean for a reader.
//!
//! They are told apart by their code and not by the SDK's variants, because many are modelled on no operation or only on
//! some.

use std::fmt;
use std::time::Duration;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

use super::target::Target;
use crate::error::{Cause, SourceError, SourceErrorKind};
use crate::ids::ShardId;

/// Whether the service knows this caller, and does not allow it the request.
pub(super) fn lacks_permission<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| meaning(Refusal { status: 400, code: Some(code), message: "" }) == Meaning::Permission)
}

/// One request, for the message of its error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// The operation of the Kinesis API, which is also the name of the permission.
    pub(super) operation: &'static str,
    pub(super) stream: &'a Target,
    /// The shard, if the request is about one.
    pub(super) shard: Option<&'a ShardId>,
}

/// What the service, or something on the way to it, answered in place of what was asked for.
#[derive(Debug, Clone, Copy)]
struct Refusal<'a> {
    status: u16,
    code: Option<&'a str>,
    message: &'a str,
}

/// What a refusal means; kinds of errors, told further apart where people have different things to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Throttled,
    KeyThrottled,
    Key,
    Permission,
    Credentials,
    Clock,
    NotFound,
    Foreign,
    /// By how much, if the service says so.
    Future(Option<Duration>),
    Expired,
    Invalid,
    Unavailable,
}

impl Attempt<'_> {
    /// The request failed. `within` is the time that it had.
    pub(super) fn failed<E>(&self, error: SdkError<E>, within: Duration) -> SourceError
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
    pub(super) fn unanswered(&self, within: Duration) -> SourceError {
        let message = format!(
            "{self} was not answered within {within:?}; it is tried again. If this goes on, check the connection to \
             Kinesis; on a slow one raise `request_timeout` or lower `limit`"
        );
        SourceError::new(SourceErrorKind::Unavailable, message)
    }

    /// The answer is not what the API promises.
    pub(super) fn malformed(&self, what: &str, cause: Option<Cause>) -> SourceError {
        let message = format!("{self} was answered with {what}; check what answers at the client's endpoint");
        let error = SourceError::new(SourceErrorKind::Invalid, message);
        match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }

    fn refused(&self, refusal: Refusal<'_>) -> SourceError {
        let meaning = meaning(refusal);
        let message = format!("{self} {}", self.told(meaning, &CodeOrStatus(refusal)));
        let error = SourceError::new(meaning.kind(), message);
        match meaning {
            Meaning::Future(Some(by)) => error.with_retry_after(by),
            _ => error,
        }
    }

    fn told(&self, meaning: Meaning, code: &CodeOrStatus<'_>) -> String {
        match meaning {
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
            Meaning::Permission => format!(
                "is denied ({code}); allow kinesis:{} on the stream to this worker's credentials, and for a stream of \
                 another account also in the stream's resource policy",
                self.operation
            ),
            Meaning::Credentials => {
                format!("is denied ({code}): this worker's credentials are not valid, or no longer; renew them")
            }
            Meaning::Clock => format!(
                "is denied ({code}): its signature is not accepted; check this machine's clock, and the secret key of its \
                 credentials"
            ),
            Meaning::NotFound => {
                let what = if self.shard.is_some() { "stream, or no such shard in it" } else { "stream" };
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

struct CodeOrStatus<'a>(Refusal<'a>);

impl fmt::Display for CodeOrStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code {
            Some(code) => f.write_str(code),
            None => write!(f, "HTTP status {}", self.0.status),
        }
    }
}

struct By(Option<Duration>);

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |by| write!(f, ", by {by:?}"))
    }
}

impl Meaning {
    fn kind(self) -> SourceErrorKind {
        match self {
            Self::Throttled | Self::KeyThrottled => SourceErrorKind::Throttled,
            Self::Key => SourceErrorKind::Key,
            Self::Permission | Self::Credentials | Self::Clock => SourceErrorKind::Denied,
            Self::NotFound => SourceErrorKind::NotFound,
            Self::Foreign => SourceErrorKind::Foreign,
            Self::Future(_) => SourceErrorKind::Future,
            Self::Expired => SourceErrorKind::Expired,
            Self::Invalid => SourceErrorKind::Invalid,
            Self::Unavailable => SourceErrorKind::Unavailable,
        }
    }
}

/// By the lists of errors of each operation in the Kinesis API reference, and its "Common Errors".
fn meaning(refusal: Refusal<'_>) -> Meaning {
    let Some(code) = refusal.code else {
        return of_status(refusal.status);
    };
    match code {
        "KMSThrottlingException" => Meaning::KeyThrottled,
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => Meaning::Throttled,
        "KMSAccessDeniedException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException"
        | "KMSOptInRequired" => Meaning::Key,
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => Meaning::Permission,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => Meaning::Credentials,
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
            Meaning::Clock
        }
        "ResourceNotFoundException" => Meaning::NotFound,
        "InvalidArgumentException" => of_argument(refusal.message),
        "ExpiredIteratorException" | "ExpiredNextTokenException" => Meaning::Expired,
        "ResourceInUseException" | "InternalFailure" | "InternalFailureException" | "ServiceUnavailable" => {
            Meaning::Unavailable
        }
        _ if refusal.status < 500 => Meaning::Invalid,
        _ => Meaning::Unavailable,
    }
}

/// An answer without a code is not Kinesis's: a proxy's, a load balancer's.
fn of_status(status: u16) -> Meaning {
    match status {
        401 | 403 => Meaning::Permission,
        429 => Meaning::Throttled,
        _ => Meaning::Unavailable,
    }
}

/// One code for everything that can be wrong with an argument; only the text tells what.
fn of_argument(message: &str) -> Meaning {
    if message.contains("did not come from this stream") || message.contains("used in a call to a shard with") {
        Meaning::Foreign
    } else if message.contains("timestampInMillis") && message.contains("greater than") {
        Meaning::Future(ahead(message))
    } else {
        Meaning::Invalid
    }
}

/// The text gives both times, in milliseconds since 1970: numbers of 13 digits until the year 2286.
fn ahead(message: &str) -> Option<Duration> {
    let numbers = message.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 13);
    let [asked, now] = numbers.filter_map(|digits| digits.parse::<u64>().ok()).collect::<Vec<_>>()[..] else {
        return None;
    };
    asked.checked_sub(now).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "StartingSequenceNumber 49590338271490256608559692538361571095921575989136588898 used in \
                           GetShardIterator on shard shardId-000000000000 in stream orders under account 123456789012 is \
                           invalid because it did not come from this stream.";
    const OTHER_SHARD: &str = "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call \
                               to a shard with shardId-000000000000";
    const FUTURE: &str = "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                          timestampInMillis: 1700000000300, currentTimestampInMillis: 1700000000000";

    fn target() -> Target {
        Target::parse("orders", None).expect("a name")
    }

    fn refusal<'a>(status: u16, code: &'a str, message: &'a str) -> Refusal<'a> {
        Refusal { status, code: (!code.is_empty()).then_some(code), message }
    }

    #[test]
    fn every_code_has_a_meaning() {
        let cases = [
            ("ProvisionedThroughputExceededException", Meaning::Throttled),
            ("LimitExceededException", Meaning::Throttled),
            ("ThrottlingException", Meaning::Throttled),
            ("Throttling", Meaning::Throttled),
            ("RequestLimitExceeded", Meaning::Throttled),
            ("KMSThrottlingException", Meaning::KeyThrottled),
            ("KMSAccessDeniedException", Meaning::Key),
            ("KMSDisabledException", Meaning::Key),
            ("KMSInvalidStateException", Meaning::Key),
            ("KMSNotFoundException", Meaning::Key),
            ("KMSOptInRequired", Meaning::Key),
            ("AccessDeniedException", Meaning::Permission),
            ("UnrecognizedClientException", Meaning::Credentials),
            ("ExpiredTokenException", Meaning::Credentials),
            ("IncompleteSignature", Meaning::Credentials),
            ("InvalidSignatureException", Meaning::Clock),
            ("RequestExpired", Meaning::Clock),
            ("ResourceNotFoundException", Meaning::NotFound),
            ("ExpiredIteratorException", Meaning::Expired),
            ("ExpiredNextTokenException", Meaning::Expired),
            ("ResourceInUseException", Meaning::Unavailable),
            ("InternalFailureException", Meaning::Unavailable),
            ("ServiceUnavailable", Meaning::Unavailable),
            ("ValidationException", Meaning::Invalid),
            ("SerializationException", Meaning::Invalid),
            ("UnknownOperationException", Meaning::Invalid),
        ];
        for (code, expected) in cases {
            assert_eq!(meaning(refusal(400, code, "")), expected, "{code}");
        }
    }

    #[test]
    fn an_unknown_error_of_the_service_is_tried_again_and_one_of_the_caller_is_not() {
        assert_eq!(meaning(refusal(500, "SomethingNew", "")), Meaning::Unavailable);
        assert_eq!(meaning(refusal(400, "SomethingNew", "")), Meaning::Invalid);
        for (status, expected) in [
            (400, Meaning::Unavailable),
            (403, Meaning::Permission),
            (429, Meaning::Throttled),
            (502, Meaning::Unavailable),
            (503, Meaning::Unavailable),
        ] {
            assert_eq!(meaning(refusal(status, "", "")), expected, "{status}");
        }
    }

    #[test]
    fn the_text_tells_what_is_wrong_with_an_argument() {
        let by = |millis| Meaning::Future(Some(Duration::from_millis(millis)));
        let cases = [
            (FOREIGN, Meaning::Foreign),
            (OTHER_SHARD, Meaning::Foreign),
            (FUTURE, by(300)),
            ("timestampInMillis cannot be greater than currentTimestampInMillis", Meaning::Future(None)),
            ("timestampInMillis is greater than: 1700000000000, 1700000000300", Meaning::Future(None)),
            ("Invalid ShardIterator.", Meaning::Invalid),
            ("", Meaning::Invalid),
        ];
        for (message, expected) in cases {
            assert_eq!(meaning(refusal(400, "InvalidArgumentException", message)), expected, "{message}");
        }
    }

    #[test]
    fn a_message_names_the_request_and_what_to_do() {
        let (stream, shard) = (target(), ShardId::new("shardId-0"));
        let reading = Attempt { operation: "GetRecords", stream: &stream, shard: Some(&shard) };
        let listing = Attempt { operation: "ListShards", stream: &stream, shard: None };
        let error = reading.refused(refusal(400, "KMSDisabledException", "secret"));
        assert_eq!(error.kind(), SourceErrorKind::Key);
        assert_eq!(
            error.to_string(),
            "GetRecords on shard shardId-0 of stream orders failed (KMSDisabledException): the key that encrypts the \
             stream cannot be used; enable it, and allow this worker kms:Decrypt on it. Reading goes on by itself then"
        );
        let error = listing.refused(refusal(400, "AccessDeniedException", ""));
        assert_eq!(error.kind(), SourceErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "ListShards on stream orders is denied (AccessDeniedException); allow kinesis:ListShards on the stream to \
             this worker's credentials, and for a stream of another account also in the stream's resource policy"
        );
        assert_eq!(
            listing.refused(refusal(503, "", "")).to_string(),
            "ListShards on stream orders failed (HTTP status 503); it is tried again"
        );
    }

    #[test]
    fn a_time_in_the_future_is_waited_for() {
        let (stream, shard) = (target(), ShardId::new("shardId-0"));
        let attempt = Attempt { operation: "GetShardIterator", stream: &stream, shard: Some(&shard) };
        let error = attempt.refused(refusal(400, "InvalidArgumentException", FUTURE));
        assert_eq!((error.kind(), error.retry_after()), (SourceErrorKind::Future, Some(Duration::from_millis(300))));
        assert!(error.to_string().contains("asked for a time in the future (InvalidArgumentException), by 300ms;"));
    }
}
