//! What the modelled service refuses, with the names it uses on the wire.

use std::fmt;

use super::kms::KmsFault;
use crate::wire::Reply;

/// The kind of a refusal. `Display` gives the name on the wire (the field `__type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A shard iterator is older than five minutes.
    ExpiredIterator,
    /// A `NextToken` is older than 300 seconds.
    ExpiredNextToken,
    /// A parameter has a value that the operation cannot use.
    InvalidArgument,
    /// The key that encrypts the stream cannot be used.
    Kms(KmsFault),
    /// Too many calls, or a quota of the account or the stream is full.
    LimitExceeded,
    /// The throughput of a shard is used up.
    ProvisionedThroughputExceeded,
    /// The stream is not in a state that allows the operation, or its name is taken.
    ResourceInUse,
    /// There is no such stream or shard, or no longer.
    ResourceNotFound,
    /// The request is not what the operation's schema asks for.
    Serialization,
    /// The service has no such operation, or this model has not.
    UnknownOperation,
    /// A parameter breaks a constraint of the operation's schema, or the stream's mode does not have the operation.
    Validation,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::ExpiredNextToken => "ExpiredNextTokenException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::Kms(fault) => fault.code(),
            Self::LimitExceeded => "LimitExceededException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::Validation => "ValidationException",
        })
    }
}

/// A request that the modelled service refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// The kind of refusal.
    pub code: ErrorCode,
    /// What the service says about it.
    pub message: String,
}

impl Error {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    pub(super) fn in_use(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceInUse, message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::LimitExceeded, message)
    }

    /// A broken constraint of the operation's schema, worded as the service words it.
    pub(super) fn constraint(field: &str, constraint: &str) -> Self {
        let text =
            format!("1 validation error detected: Value at '{field}' failed to satisfy constraint: {constraint}");
        Self::new(ErrorCode::Validation, text)
    }
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        // Every refusal of this model is the caller's doing: the API gives 400 for all of them.
        Self::error(400, &error.code.to_string(), &error.message)
    }
}
