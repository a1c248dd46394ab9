//! The ways from a reader to the service. Each world has a server and connections of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use integration_tests::modelled::{Modelled, Patience, Reading};
use kcl_local::{Clock, Local, Settings, Tls, serve, serve_tls};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How long iterators and subscriptions live: seconds in place of minutes.
const LIFE: Duration = Duration::from_secs(6);
const PATIENCE: Patience = Patience { expire: Duration::from_secs(8), long: Duration::from_secs(12), one_try_of: 2 };

/// A way to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transport {
    pub(crate) name: &'static str,
    reading: Reading,
    secure: bool,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [
        Self { name: "polling, HTTP/1.1", reading: Reading::Polling, secure: false },
        Self { name: "fan-out, HTTP/1.1", reading: Reading::FanOut, secure: false },
        Self { name: "fan-out, TLS and HTTP/2", reading: Reading::FanOut, secure: true },
    ];

    /// A stream without records, behind a server that nobody else uses.
    pub(crate) async fn world(self, shards: usize) -> Modelled {
        let local = Local::with_clock(settings(), Clock::wall());
        let tls = self.secure.then(|| Tls::generate().expect("a certificate"));
        let connections = connections(tls.as_ref());
        let http = match self.reading {
            Reading::Polling => connections(),
            Reading::FanOut => kcl_efo::spread(connections),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port of the loopback");
        let address = listener.local_addr().expect("its own address");
        let (mut server, served) = (JoinSet::new(), local.clone());
        let scheme = match tls {
            None => {
                server.spawn(serve(served, listener));
                "http"
            }
            Some(tls) => {
                server.spawn(async move { serve_tls(served, listener, &tls).await });
                "https"
            }
        };
        let config = local.kinesis_config("reader").http_client(http).endpoint_url(format!("{scheme}://{address}"));
        let modelled = Modelled::new(local, Client::from_conf(config.build()), self.reading, shards, PATIENCE).await;
        modelled.adjusted(|polling| polling, |fan_out| fan_out.silence_timeout(Duration::from_secs(10))).served(server)
    }
}

fn settings() -> Settings {
    // The loopback is the network.
    let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
    settings.kinesis.iterator_life = LIFE;
    settings.kinesis.subscription_life = LIFE;
    settings
}

/// Makes HTTP clients, each with connections of its own.
fn connections(tls: Option<&Tls>) -> impl Fn() -> SharedHttpClient + Send + Sync + 'static {
    let context = tls.map(|tls| {
        let trusted = tls::TrustStore::empty().with_pem_certificate(tls.authority_pem());
        tls::TlsContext::builder().with_trust_store(trusted).build().expect("it was just made")
    });
    move || match &context {
        None => Builder::new().build_http(),
        Some(context) => {
            let builder = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring));
            builder.tls_context(context.clone()).build_https()
        }
    }
}
