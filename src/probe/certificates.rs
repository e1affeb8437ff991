//! What is said of certificates, with real ones. Which authorities are trusted is the system's business: a process of its
//! own is given one on Linux, where `SSL_CERT_FILE` names it.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Prober;
use super::http::Network;
use crate::model::probe::{Probe, Replied};
use crate::model::time::Span;

const HOST: &str = "hello.example.com";
/// Where the process that asks learns which ports it is to ask.
const PORTS: &str = "AMIABLE_TEST_PORTS";

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

/// A server with a certificate for `host`, and its port.
async fn server(authority: &Authority, host: &str, expired: bool) -> u16 {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that turns away is what some of the tests are about.
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfine\n").await;
        let _ = stream.shutdown().await;
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_the_hosts_in_date_and_of_an_authority_that_is_trusted() {
    let (trusted, foreign) = (authority("Trusted"), authority("Foreign"));
    let ports = [
        server(&trusted, HOST, false).await,
        server(&foreign, HOST, false).await,
        server(&trusted, "other.example.com", false).await,
        server(&trusted, HOST, true).await,
    ];
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, &trusted.pem).unwrap();
    let mut asking = Command::new(std::env::current_exe().unwrap());
    asking.args(["--exact", "probe::certificates::ask_as_another_process", "--ignored", "--nocapture"]);
    asking
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .env(PORTS, ports.map(|port| port.to_string()).join(","));
    let told = asking.stderr(Stdio::null()).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let told = told.lines().filter_map(|line| line.split_once("told: ").map(|(_, told)| told));
    // What follows tells the time.
    let told: Vec<&str> =
        told.map(|told| told.split_once(": verification time").map_or(told, |(told, _)| told)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    200 fine
    Unreachable("invalid peer certificate: UnknownIssuer")
    Unreachable("invalid peer certificate: certificate not valid for name \"hello.example.com\"; certificate is only valid for DnsName(\"other.example.com\")")
    Unreachable("invalid peer certificate: certificate expired
    "#);
}

#[tokio::test]
#[ignore = "run by the test before, as another process"]
async fn ask_as_another_process() {
    for port in std::env::var(PORTS).unwrap_or_default().split(',').filter_map(|port| port.parse().ok()) {
        let probe = Probe {
            via: Some("127.0.0.1".to_owned()),
            secure: true,
            host: HOST.to_owned(),
            port,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
            body: None,
            token_variable: None,
            timeout: Span::seconds(5),
        };
        match Network.ask(&probe).await {
            Replied::Answer(answer) => println!("told: {} {}", answer.status, answer.body.trim()),
            other => println!("told: {other:?}"),
        }
    }
}
