//! What DynamoDB's errors mean for the worker.

use std::fmt;

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::ThrottlingReason;
use kcl_core::error::{StoreError, StoreErrorKind};

use crate::keys::ForeignShard;
use crate::values::Malformed;

/// One request, for the message of its error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The operation of the DynamoDB API, which is also the name of the permission.
    pub(crate) operation: &'static str,
    pub(crate) table: &'a str,
    /// The item, if the request is about one.
    pub(crate) key: Option<Key<'a>>,
}

/// The key of an item, and what the item is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Lease(&'a str),
    Worker(&'a str),
    /// The lock, or a marker: known by its name.
    Known(&'a str),
}

impl<'a> Key<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Lease(key) | Self::Worker(key) | Self::Known(key) => key,
        }
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease(key) => write!(f, "lease {key}"),
            Self::Worker(key) => write!(f, "worker {key}"),
            Self::Known(key) => write!(f, "item {key}"),
        }
    }
}

impl fmt::Display for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on table {}", self.operation, self.table)?;
        self.key.map_or(Ok(()), |key| write!(f, " for {key}"))
    }
}

impl Attempt<'_> {
    /// The request failed.
    pub(crate) fn failed(&self, error: Error) -> StoreError {
        let code = error.code();
        let kind = code.map_or(StoreErrorKind::Unavailable, meaning);
        let message = match (kind, code) {
            (StoreErrorKind::Throttled, Some(code)) => format!(
                "{self} was throttled ({code}{}); if this goes on, give what is throttled more capacity",
                Reasons(reasons(&error))
            ),
            (StoreErrorKind::Denied, Some(code)) => format!(
                "{self} is denied ({code}); check the worker's credentials, and that they allow dynamodb:{} on the table \
                 and its indexes",
                self.operation
            ),
            (StoreErrorKind::Unusable, Some("ResourceNotFoundException" | "TableNotFoundException")) => {
                format!("{self} failed: there is no such table, or no such index, in this account and region")
            }
            (StoreErrorKind::Unusable, Some(code)) => format!(
                "{self} was not accepted ({code}: {}); check that the table is this application's lease table",
                error.message().unwrap_or("no message")
            ),
            (_, Some(code)) => format!("{self} failed at the service ({code}); a write may have been applied"),
            (_, None) => format!(
                "{self} got no answer; if this goes on, check the connection to DynamoDB, the client's endpoint and its credentials"
            ),
        };
        StoreError::new(kind, message).with_source(error)
    }

    /// The request was answered with an item that is not what it should be.
    pub(crate) fn unreadable(&self, why: &Malformed) -> StoreError {
        let what = match self.key {
            Some(Key::Lease(_)) | None => "a lease",
            Some(Key::Worker(_)) => "a worker's row",
            Some(Key::Known(name)) => name,
        };
        let message = format!("{self} met an item that cannot be read as {what}: {why}; repair or delete the item");
        StoreError::new(StoreErrorKind::Unusable, message)
    }
}

/// A shard was asked for that the table cannot hold.
pub(crate) fn foreign(shard: &kcl_core::ids::ShardKey, table: &str, why: &ForeignShard) -> StoreError {
    let message = format!("shard {shard} cannot have a lease in table {table}: {}", why.0);
    StoreError::new(StoreErrorKind::Unusable, message)
}

/// What an error code of the service means. By the code and not by the SDK's variants, because many are modelled on no
/// operation or only on some.
fn meaning(code: &str) -> StoreErrorKind {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "LimitExceededException" => StoreErrorKind::Throttled,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "OptInRequired" => StoreErrorKind::Denied,
        "ResourceNotFoundException"
        | "TableNotFoundException"
        | "ValidationException"
        | "SerializationException"
        | "ItemCollectionSizeLimitExceededException" => StoreErrorKind::Unusable,
        _ => StoreErrorKind::Unavailable,
    }
}

fn reasons(error: &Error) -> &[ThrottlingReason] {
    let reasons = match error {
        Error::ProvisionedThroughputExceededException(error) => &error.throttling_reasons,
        Error::ThrottlingException(error) => &error.throttling_reasons,
        Error::RequestLimitExceeded(error) => &error.throttling_reasons,
        _ => return &[],
    };
    reasons.as_deref().unwrap_or_default()
}

/// `: TableWriteKeyRangeThroughputExceeded on arn:aws:dynamodb:...`, as far as the service tells.
struct Reasons<'a>(&'a [ThrottlingReason]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, reason) in self.0.iter().enumerate() {
            let separator = if number == 0 { ": " } else { ", " };
            write!(f, "{separator}{}", reason.reason().unwrap_or("no reason given"))?;
            if let Some(resource) = reason.resource() {
                write!(f, " on {resource}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::types::error::ThrottlingException;

    use super::*;

    const ATTEMPT: Attempt<'_> = Attempt { operation: "UpdateItem", table: "app", key: Some(Key::Lease("shardId-0")) };

    #[test]
    fn a_throttled_request_says_what_was_throttled_and_why() {
        let reason = ThrottlingReason::builder()
            .reason("IndexWriteProvisionedThroughputExceeded")
            .resource("arn:aws:dynamodb:us-east-1:1:table/app/index/LeaseOwnerToLeaseKeyIndex")
            .build();
        let meta = ErrorMetadata::builder().code("ThrottlingException").build();
        let error = ThrottlingException::builder().throttling_reasons(reason).meta(meta).build();
        let error = ATTEMPT.failed(Error::ThrottlingException(error));
        assert_eq!(error.kind(), StoreErrorKind::Throttled);
        assert_eq!(
            error.to_string(),
            "UpdateItem on table app for lease shardId-0 was throttled (ThrottlingException: \
             IndexWriteProvisionedThroughputExceeded on \
             arn:aws:dynamodb:us-east-1:1:table/app/index/LeaseOwnerToLeaseKeyIndex); if this goes on, give what is \
             throttled more capacity"
        );
    }

    #[test]
    fn an_unknown_code_may_hide_a_write_that_was_applied() {
        for code in ["InternalServerError", "ReplicatedWriteConflictException", "TransactionConflictException", "New"] {
            assert_eq!(meaning(code), StoreErrorKind::Unavailable, "{code}");
        }
    }
}
