//! A client whose answers are made up, for what the model never answers.

use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use kcl_core::polling::Polling;

type Answer = dyn Fn(&str) -> (u16, String) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Canned {
    answer: Arc<Answer>,
    /// The hosts that were asked, and for what.
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Canned {
    /// Answers by the operation: a status and a body.
    pub(crate) fn new(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default() }
    }

    /// A client that has no endpoint URL of its own.
    pub(crate) fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "canned"))
            .http_client(self.clone());
        Client::from_conf(config.build())
    }

    pub(crate) fn polling(&self, stream: &str) -> Polling {
        Polling::new(self.client(), stream).expect("valid")
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
        let (status, body) = (self.answer)(&operation);
        self.asked.lock().expect("whole").push((host, operation));
        let status = StatusCode::try_from(status).expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

impl std::fmt::Debug for Canned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canned")
    }
}
