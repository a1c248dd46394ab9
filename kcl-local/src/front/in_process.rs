//! The way in for a process of its own: the SDK's HTTP client, replaced. Everything above it is the SDK as shipped.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;

use super::exchange::{Answer, exchange};
use crate::world::Local;

/// The HTTP client of one SDK client, or of several that share a label.
#[derive(Debug, Clone)]
struct InProcess {
    local: Local,
    label: Arc<str>,
}

impl Local {
    /// An HTTP client for the AWS SDK that reaches this world instead of a network. Faults know its requests by
    /// `label`.
    pub fn http_client(&self, label: &str) -> SharedHttpClient {
        SharedHttpClient::new(InProcess { local: self.clone(), label: label.into() })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.send(request).await })
    }
}

impl InProcess {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        // Read as a connection would: the SDK takes a body that nobody reads for a stalled upload.
        let body = body.collect().await.map_err(ConnectorError::io)?.to_bytes();
        let response = exchange(&self.local, &self.label, &parts.headers, &body)
            .await
            .map_err(|lost| ConnectorError::io(lost.into()))?;
        response
            .map(|answer| match answer {
                Answer::Whole(body) => SdkBody::from(body),
                Answer::Events(events) => SdkBody::from_body_1_x(*events),
            })
            .try_into()
            .map_err(|error: aws_smithy_runtime_api::http::HttpError| ConnectorError::other(error.into(), None))
    }
}
