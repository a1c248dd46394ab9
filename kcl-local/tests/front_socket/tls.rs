//! TLS: what is spoken under it, and the program that makes its own authority.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// A connection to a server by this name, from a client that trusts the authority and offers these protocols.
async fn connect(address: SocketAddr, name: &str, authority: &str, offers: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM")).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
    let stream = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("trusted")
}

#[tokio::test]
async fn a_client_has_http_2_if_it_offers_it_and_reaches_the_server_by_each_of_its_names() {
    let tls = Tls::generate().expect("TLS");
    let world = World::start_with(Some(tls.clone())).await;
    for name in ["localhost", "127.0.0.1", "::1"] {
        for (offers, chosen) in
            [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
        {
            let stream = connect(world.address, name, tls.authority_pem(), offers).await;
            assert_eq!(stream.get_ref().1.alpn_protocol(), chosen, "{name} {offers:?}");
        }
    }
}

#[tokio::test]
async fn the_program_speaks_tls_and_writes_down_whom_to_trust() {
    let file = std::env::temp_dir().join(format!("kcl-local-test-ca-{}.pem", std::process::id()));
    let mut program = Command::new(env!("CARGO_BIN_EXE_kcl-local"));
    program.args(["--tls", "--ca-file"]).arg(&file).args(["--stream", "orders:1"]);
    let mut child = program.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the program starts");
    let mut printed = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (mut address, mut bundle) = (None, None);
    while let Some(line) = printed.next_line().await.expect("text") {
        address = line.strip_prefix("export AWS_ENDPOINT_URL_KINESIS=https://").map(str::to_owned).or(address);
        bundle = line.strip_prefix("export AWS_CA_BUNDLE=").map(str::to_owned).or(bundle);
        if line == "# ready" {
            break;
        }
    }
    assert_eq!(bundle.as_deref(), file.to_str());
    let authority = std::fs::read_to_string(&file).expect("written");
    std::fs::remove_file(&file).expect("removed");
    let address: SocketAddr = address.expect("printed").parse().expect("an address");
    let mut stream = connect(address, "127.0.0.1", &authority, &[b"http/1.1"]).await;
    let head = "POST / HTTP/1.1\r\nhost: local\r\nconnection: close\r\nx-amz-target: Kinesis_20131202.ListStreams\r\n";
    stream.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read until the end");
    assert!(answer.contains("\"StreamNames\":[\"orders\"]"), "{answer}");
}

#[tokio::test]
async fn an_authority_that_cannot_be_written_down_is_an_error_at_the_start() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kcl-local"));
    let output = program.args(["--tls", "--ca-file", "/no/such/folder/file"]).output().await.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("kcl-local: cannot write the CA file /no/such/folder/file: "), "{said}");
}
