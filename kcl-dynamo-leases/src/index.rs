//! What is known about the index from owners to leases. It takes minutes to appear, and nobody waits for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::IndexStatus;
use kcl_core::error::StoreError;
use tokio::time::Instant;

use crate::requests::Requests;
use crate::table::index_status;

/// The time between two looks at whether the index is there.
const PAUSE: Duration = Duration::from_secs(10);

/// Whether the index can be asked, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndex(Mutex<Known>);

#[derive(Debug, Clone, Copy, Default)]
enum Known {
    #[default]
    Nothing,
    Active,
    /// Not active when it was looked at last.
    Absent {
        since: Instant,
    },
}

impl OwnerIndex {
    /// Whether the index can be asked. Looks it up if that is not known, but not again and again.
    pub(crate) async fn is_active(&self, requests: &Requests) -> Result<bool, StoreError> {
        let known = *self.known();
        match known {
            Known::Active => return Ok(true),
            Known::Absent { since } if since.elapsed() < PAUSE => return Ok(false),
            Known::Absent { .. } | Known::Nothing => {}
        }
        let table = requests.describe().await?;
        let active = table.as_ref().and_then(index_status) == Some(&IndexStatus::Active);
        *self.known() = if active { Known::Active } else { Known::Absent { since: Instant::now() } };
        Ok(active)
    }

    /// The index could not be asked after all.
    pub(crate) fn is_gone(&self) {
        *self.known() = Known::Absent { since: Instant::now() };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
