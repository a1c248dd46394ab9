//! Faults of the key that encrypts a stream.

use super::error::{Error, ErrorCode};
use super::{Kinesis, Timestamp};

/// Why the service cannot use a stream's key (Kinesis API reference, GetRecords, errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KmsFault {
    /// The reader may not use the key.
    AccessDenied,
    /// The key is disabled.
    Disabled,
    /// The key is in a state that does not allow the use, such as waiting for its deletion.
    InvalidState,
    /// The key does not exist.
    NotFound,
    /// The account has not subscribed to the key service.
    OptInRequired,
    /// The key service is asked too often.
    Throttling,
}

impl KmsFault {
    /// The name on the wire. `KMSOptInRequired` is the only one without the ending.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "KMSAccessDeniedException",
            Self::Disabled => "KMSDisabledException",
            Self::InvalidState => "KMSInvalidStateException",
            Self::NotFound => "KMSNotFoundException",
            Self::OptInRequired => "KMSOptInRequired",
            Self::Throttling => "KMSThrottlingException",
        }
    }
}

impl Kinesis {
    /// From now on `GetRecords` and `SubscribeToShard` fail on this stream as they do when its key cannot be used, and
    /// every subscription to one of its shards ends with that failure; `None` heals it.
    ///
    /// Writes go on: a producer encrypts with a permission of its own, and a test that breaks the readers wants a
    /// backlog to grow meanwhile.
    pub fn set_kms_fault(&mut self, stream: &str, fault: Option<KmsFault>, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        self.stream_mut(stream)?.kms_fault = fault;
        Ok(())
    }

    pub(super) fn check_key(&self, stream: &str) -> Result<(), Error> {
        match self.stream(stream)?.kms_fault {
            None => Ok(()),
            Some(fault) => {
                let account = &self.settings.account;
                let text = format!("The key of stream {stream} under account {account} cannot be used.");
                Err(Error::new(ErrorCode::Kms(fault), text))
            }
        }
    }
}
