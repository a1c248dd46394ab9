//! An HTTP client for many subscriptions: they are spread over connections, and a connection that is dead is left.
//!
//! The SDK's client keeps one HTTP/2 connection to a host. All streams on it share one window of 5 MiB, of which one
//! that is not read takes up to 2 MiB (the defaults of `hyper`; the client has no setting for either), the service
//! bounds how many there may be, and a connection that is silently gone takes all of them with it, later ones too: the
//! client sends no pings, and uses a connection until it is told that it is closed.

mod guard;
mod lanes;

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::time::Instant;

use self::guard::Guard;
use self::lanes::{Lanes, Rules};

/// The recommended HTTP client for a Kinesis client that subscribes to many shards: the SDK's own, over TLS with the
/// system's root certificates, [`spread`] over connections. Use it for nothing else: lease renewal, above all, must have
/// connections of its own.
#[cfg(feature = "https")]
#[must_use]
pub fn http_client() -> SharedHttpClient {
    use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
    use aws_smithy_http_client::{Builder, tls};

    spread(|| Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https())
}

/// An HTTP client that makes subscriptions over several others, and all other requests over one more.
///
/// `make` makes an HTTP client with connections of its own: whatever you would give to the SDK, with your proxy, your
/// certificates. One is made for each 50 subscriptions that are open, one for everything else, and one in place of each on
/// which a request got no answer while nothing at all came on it for some seconds.
#[must_use]
pub fn spread(make: impl Fn() -> SharedHttpClient + Send + Sync + 'static) -> SharedHttpClient {
    let lanes = |rules| Arc::new(Mutex::new(Lanes::new(rules)));
    let (subscriptions, others) = (lanes(Rules::SUBSCRIPTIONS), lanes(Rules::OTHERS));
    SharedHttpClient::new(Spread { make: Arc::new(make), subscriptions, others })
}

type Make = dyn Fn() -> SharedHttpClient + Send + Sync;

#[derive(Clone)]
struct Spread {
    make: Arc<Make>,
    subscriptions: Arc<Mutex<Lanes<SharedHttpClient>>>,
    others: Arc<Mutex<Lanes<SharedHttpClient>>>,
}

/// A connector for one kind of requests, over all lanes.
#[derive(Debug)]
struct SpreadConnector {
    spread: Spread,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpClient for Spread {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let (settings, components) = (settings.clone(), components.clone());
        SharedHttpConnector::new(SpreadConnector { spread: self.clone(), settings, components })
    }
}

impl HttpConnector for SpreadConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let subscribes = target.ends_with(".SubscribeToShard");
        let lanes = if subscribes { &self.spread.subscriptions } else { &self.spread.others };
        let (guard, client) = self.spread.enter(lanes);
        let call = client.http_connector(&self.settings, &self.components).call(request);
        HttpConnectorFuture::new(async move { guard.watch(call).await })
    }
}

impl Spread {
    /// The lane for one more request.
    fn enter(&self, lanes: &Arc<Mutex<Lanes<SharedHttpClient>>>) -> (Guard<SharedHttpClient>, SharedHttpClient) {
        let entered = lanes.lock().unwrap_or_else(PoisonError::into_inner).enter(Instant::now(), || (self.make)());
        (Guard::new(Arc::clone(lanes), entered.0), entered.1)
    }
}

impl std::fmt::Debug for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spread")
    }
}
