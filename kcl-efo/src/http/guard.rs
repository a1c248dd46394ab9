//! One subscription on its lane: from the request to the end of the answer, however that comes about.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::lanes::Lanes;

/// Dropped when nobody waits any more, it says so to the lanes.
#[derive(Debug)]
pub(super) struct Guard<C> {
    lanes: Arc<Mutex<Lanes<C>>>,
    lane: u64,
    /// The answer is not over.
    waited: bool,
}

impl<C: Send + std::fmt::Debug + 'static> Guard<C> {
    pub(super) fn new(lanes: Arc<Mutex<Lanes<C>>>, lane: u64) -> Self {
        Self { lanes, lane, waited: true }
    }

    /// Waits for the head of the answer; the guard goes on with its body.
    pub(super) async fn watch(mut self, call: HttpConnectorFuture) -> Result<HttpResponse, ConnectorError> {
        match call.await {
            Ok(mut response) => {
                self.heard();
                let body = std::mem::replace(response.body_mut(), SdkBody::taken());
                *response.body_mut() = SdkBody::from_body_1_x(Guarded { body, guard: self });
                Ok(response)
            }
            Err(error) => {
                // Of a connection that broke the client knows; one that says nothing it goes on using.
                self.waited = error.is_timeout();
                Err(error)
            }
        }
    }

    fn heard(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).heard(self.lane, Instant::now());
    }
}

impl<C> Drop for Guard<C> {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.leave(self.lane, Instant::now(), self.waited);
    }
}

#[derive(Debug)]
struct Guarded<C> {
    body: SdkBody,
    guard: Guard<C>,
}

impl<C: Send + std::fmt::Debug + 'static> Body for Guarded<C> {
    type Data = Bytes;
    type Error = aws_smithy_types::body::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(_)) => self.guard.heard(),
            Some(Err(_)) | None => self.guard.waited = false,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
