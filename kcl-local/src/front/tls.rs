//! TLS with a certificate authority that is made for one run and known to nobody else.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// The names by which a client may reach the server.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a server needs to speak TLS on this machine's loopback: a certificate, and the authority that a client must
/// trust to accept it.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    authority: String,
}

/// TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsUnavailable {
    /// The certificates cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used.
    #[error("cannot use the certificate")]
    Configuration(#[from] rustls::Error),
}

impl Tls {
    /// Makes an authority and a certificate of its for `localhost`, `127.0.0.1` and `::1`. Both have new keys every time.
    ///
    /// # Errors
    ///
    /// [`TlsUnavailable`] if the machine has no randomness to give.
    pub fn generate() -> Result<Self, TlsUnavailable> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "kcl-local");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let trusted = authority.self_signed(&authority_key)?.pem();

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(NAMES.map(str::to_owned))?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;

        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), authority: trusted })
    }

    /// The authority's certificate in PEM, for a client's trust store.
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}
