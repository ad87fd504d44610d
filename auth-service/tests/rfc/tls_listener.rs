//! The listener inside the gateway: HTTP/2 by ALPN (RFC 7301), and a certificate that is always good.

use std::{collections::BTreeMap, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use auth_service::{
    config::CertificateSource,
    keys,
    model::{Clock, SystemClock, UnixTime},
};
use reqwest::{Certificate, ClientBuilder, Version};

use crate::support::Gateway;

/// So many days from now.
struct InDays(i64);

impl Clock for InDays {
    fn now(&self) -> UnixTime {
        UnixTime(SystemClock.now().0 + self.0 * 86_400)
    }
}

fn own(directory: &Path, names: &[&str]) -> CertificateSource {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateSource::Own { directory: directory.to_owned(), names }
}

/// The files, by name.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text)
    };
    entries.map(read).collect()
}

fn trusting(ca: &Path, port: u16) -> ClientBuilder {
    let ca = Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let names = ["auth-service", "gw-auth.internal", "elsewhere.example"];
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]);
    names.into_iter().fold(client, |client, name| client.resolve(name, address))
}

#[tokio::test]
async fn both_versions_of_http_are_offered() {
    let directory = tempfile::tempdir().unwrap();
    let tls = directory.path().join("auth-tls");
    let gateway = Gateway::with(&[
        ("AUTH_TLS_LISTEN", "127.0.0.1:0"),
        ("AUTH_TLS_DIR", tls.to_str().unwrap()),
        ("AUTH_TLS_NAMES", "gw-auth.internal"),
    ]);
    let (ca, port) = (tls.join("ca.pem"), gateway.tls_port.unwrap());
    let both = trusting(&ca, port).build().unwrap();
    for host in ["auth-service", "localhost", "127.0.0.1", "gw-auth.internal"] {
        let verify = both.get(format!("https://{host}:{port}/verify"));
        let request = verify.header("X-Forwarded-Host", "time.gw.example");
        let answer = request.header("X-Forwarded-Uri", "/mcp").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (401, Version::HTTP_2), "{host}");
    }
    let elsewhere = both.get(format!("https://elsewhere.example:{port}/health")).send().await;
    assert!(elsewhere.is_err(), "the certificate is for its names alone");
    let old = trusting(&ca, port).http1_only().build().unwrap();
    let answer = old.get(format!("https://localhost:{port}/health")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));
}

#[test]
fn a_certificate_that_holds_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let source = own(directory.path(), &["localhost", "::1"]);
    keys::server_config(&source, &SystemClock).unwrap();
    let first = files(directory.path());
    assert_eq!(first.keys().collect::<Vec<_>>(), ["ca-key.pem", "ca.pem", "cert.pem", "key.pem"]);
    for (name, mode) in [("ca-key.pem", 0o600), ("key.pem", 0o600)] {
        let metadata = directory.path().join(name).metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
    keys::server_config(&source, &InDays(360)).unwrap();
    assert_eq!(files(directory.path()), first, "37 days are left");
}

#[test]
fn a_certificate_that_does_not_hold_is_replaced_by_the_same_authority() {
    let directory = tempfile::tempdir().unwrap();
    let (path, names) = (directory.path(), ["localhost"]);
    keys::server_config(&own(path, &names), &SystemClock).unwrap();
    let mut before = files(path);
    let mut replaced = |why: &str, names: &[&str], days| {
        keys::server_config(&own(path, names), &InDays(days)).unwrap();
        let now = files(path);
        assert_eq!(now["ca.pem"], before["ca.pem"], "{why}");
        assert_ne!(now["cert.pem"], before["cert.pem"], "{why}");
        assert_ne!(now["key.pem"], before["key.pem"], "{why}");
        before = now;
    };
    replaced("29 days are left", &names, 368);
    replaced("a name is missing", &["localhost", "auth.internal"], 368);
    std::fs::write(path.join("cert.pem"), "cut of").unwrap();
    replaced("the file is no certificate", &names, 368);
    std::fs::remove_file(path.join("key.pem")).unwrap();
    replaced("the key is gone", &names, 368);
}

#[test]
fn an_authority_that_is_gone_is_replaced_and_does_not_end() {
    let directory = tempfile::tempdir().unwrap();
    let source = own(directory.path(), &["localhost"]);
    keys::server_config(&source, &SystemClock).unwrap();
    let mut before = files(directory.path());
    keys::server_config(&source, &InDays(10_000)).unwrap();
    assert_eq!(files(directory.path())["ca.pem"], before["ca.pem"]);
    let mut replaced = |why: &str| {
        keys::server_config(&source, &SystemClock).unwrap();
        let now = files(directory.path());
        assert_ne!(now["ca.pem"], before["ca.pem"], "{why}");
        assert_ne!(now["cert.pem"], before["cert.pem"], "{why}");
        before = now;
    };
    std::fs::remove_file(directory.path().join("ca.pem")).unwrap();
    replaced("its certificate is gone");
    std::fs::write(directory.path().join("ca.pem"), "").unwrap();
    std::fs::remove_file(directory.path().join("ca-key.pem")).unwrap();
    replaced("its key is gone");
}

#[test]
fn files_that_are_given_are_used_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    keys::server_config(&own(directory.path(), &["localhost"]), &SystemClock).unwrap();
    let before = files(directory.path());
    let given = |chain: &str, key: &str| CertificateSource::Given {
        chain: directory.path().join(chain),
        key: directory.path().join(key),
    };
    keys::server_config(&given("cert.pem", "key.pem"), &InDays(10_000)).unwrap();
    assert_eq!(files(directory.path()), before);
    for (chain, key) in
        [("cert.pem", "ca-key.pem"), ("cert.pem", "none.pem"), ("key.pem", "key.pem")]
    {
        let error = keys::server_config(&given(chain, key), &SystemClock);
        assert!(error.is_err(), "{chain} with {key}");
    }
    // It cannot start, rather than without TLS.
    let file = directory.path().join("cert.pem/below-a-file");
    assert!(keys::server_config(&own(&file, &["localhost"]), &SystemClock).is_err());
}
