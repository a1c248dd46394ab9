//! What an error that Kinesis answers with means.
//!
//! Errors are told apart by their code and not by the SDK's variants, because many are modelled on no operation or only on
//! some.

use std::fmt;
use std::time::Duration;

use crate::error::SourceErrorKind;

/// What the service, or something on the way to it, answered in place of what was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The HTTP status; 400 for an error in an event stream, which has none.
    pub status: u16,
    /// The error's code, as `LimitExceededException`; `None` if it is not Kinesis that answered.
    pub code: Option<&'a str>,
    /// The error's text.
    pub message: &'a str,
}

/// What a refusal means; kinds of errors, told further apart where people have different things to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
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

impl Meaning {
    /// What the worker decides by.
    pub(super) fn kind(self) -> SourceErrorKind {
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

    /// By the lists of errors of each operation in the Kinesis API reference, and its "Common Errors".
    pub(super) fn of(refusal: Refusal<'_>) -> Self {
        let Some(code) = refusal.code else {
            return of_status(refusal.status);
        };
        match code {
            "KMSThrottlingException" => Self::KeyThrottled,
            "ProvisionedThroughputExceededException"
            | "LimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded" => Self::Throttled,
            "KMSAccessDeniedException"
            | "KMSDisabledException"
            | "KMSInvalidStateException"
            | "KMSNotFoundException"
            | "KMSOptInRequired" => Self::Key,
            "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => Self::Permission,
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException" => Self::Credentials,
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
                Self::Clock
            }
            "ResourceNotFoundException" => Self::NotFound,
            "InvalidArgumentException" => of_argument(refusal.message),
            "ExpiredIteratorException" | "ExpiredNextTokenException" => Self::Expired,
            "ResourceInUseException" | "InternalFailure" | "InternalFailureException" | "ServiceUnavailable" => {
                Self::Unavailable
            }
            _ if refusal.status < 500 => Self::Invalid,
            _ => Self::Unavailable,
        }
    }
}

/// The code, or the status of an answer that has none.
impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => f.write_str(code),
            None => write!(f, "HTTP status {}", self.status),
        }
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
            assert_eq!(Meaning::of(refusal(400, code, "")), expected, "{code}");
        }
    }

    #[test]
    fn an_unknown_error_of_the_service_is_tried_again_and_one_of_the_caller_is_not() {
        assert_eq!(Meaning::of(refusal(500, "SomethingNew", "")), Meaning::Unavailable);
        assert_eq!(Meaning::of(refusal(400, "SomethingNew", "")), Meaning::Invalid);
        for (status, expected) in [
            (400, Meaning::Unavailable),
            (403, Meaning::Permission),
            (429, Meaning::Throttled),
            (502, Meaning::Unavailable),
            (503, Meaning::Unavailable),
        ] {
            assert_eq!(Meaning::of(refusal(status, "", "")), expected, "{status}");
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
            assert_eq!(Meaning::of(refusal(400, "InvalidArgumentException", message)), expected, "{message}");
        }
    }
}
