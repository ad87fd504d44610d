//! The part of the internet that programs rely on: the host that publishes their metadata document, and a name
//! server that knows no name. Addresses of hosts are in /etc/hosts, which `scripts/test --clients` prepares.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
};

use actix_web::{App, HttpResponse, HttpServer, web::get};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::json;

/// The public address of the host, which loopback has in the network of this test.
pub(crate) const PUBLIC: &str = "140.82.121.3";

const HOST: &str = "github.com";
const DOCUMENT: &str = "/copilot/cli/client-metadata.json";

/// Starts both, with certificates in `directory`. Returns the authority to trust.
pub(crate) fn start(directory: &Path) -> PathBuf {
    answer_names();
    let (authority, certificate, key) = certificates(directory);
    let chain = vec![CertificateDer::from_pem_file(certificate).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    let listener = TcpListener::bind((PUBLIC, 443)).expect("run by scripts/test --clients");
    let app = || App::new().route(DOCUMENT, get().to(document));
    let server = HttpServer::new(app).workers(1).disable_signals();
    let server = server.listen_rustls_0_23(listener, tls).expect("listens").run();
    std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
    authority
}

/// The document of GitHub Copilot CLI, as far as the program shows it: its id and its redirect.
async fn document() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "client_id": format!("https://{HOST}{DOCUMENT}"),
        "client_name": "GitHub Copilot CLI",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }))
}

/// Answers every question about a name with nothing, at once.
fn answer_names() {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("run by scripts/test --clients");
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if length < 12 {
                continue;
            }
            // RFC 1035 §4.1.1: an answer without an error, which has the question and no records. What follows
            // the question, such as EDNS, goes.
            let labels = buffer[12..length].iter().position(|&byte| byte == 0);
            let end = (12 + labels.unwrap_or(0) + 5).min(length);
            let mut answer = buffer[..end].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
            let _ = socket.send_to(&answer, from);
        }
    });
}

/// Makes an authority, a certificate for the host, and its key.
fn certificates(directory: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let file = |name: &str| directory.join(name);
    let name = format!("subjectAltName=DNS:{HOST}");
    fs::write(file("extensions"), &name).expect("written");
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
        directory,
        &[
            &["req", "-x509", "-subj", "/CN=The internet"],
            &curve[..],
            &["-keyout", "ca-key.pem", "-out", "ca.pem"],
        ],
    );
    openssl(
        directory,
        &[
            &["req", "-subj", "/CN=host"],
            &curve[..],
            &["-keyout", "key.pem", "-out", "request.pem"],
        ],
    );
    openssl(
        directory,
        &[&[
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca-key.pem",
            "-days",
            "7",
            "-set_serial",
            "1",
            "-extfile",
            "extensions",
            "-out",
            "cert.pem",
        ]],
    );
    (file("ca.pem"), file("cert.pem"), file("key.pem"))
}

fn openssl(directory: &Path, arguments: &[&[&str]]) {
    let output = Command::new("openssl").current_dir(directory).args(arguments.concat()).output();
    let output = output.expect("openssl runs");
    assert!(output.status.success(), "{output:?}");
}
