//! The listener that speaks HTTP/2 does so with h2 0.3, which queues the empty DATA frames of a body that
//! nobody reads without limit (RUSTSEC-2026-0258). So no body is taken there, and nowhere else is HTTP/2.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Certificate, Version};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::support::{Gateway, TIME};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame of RFC 9113 §4.1.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A header field (RFC 7541 §6.2.2), not indexed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        // The length in seven bits, and what remains after it.
        let length = text.len();
        let mut encoded = if length < 127 {
            vec![u8::try_from(length).unwrap()]
        } else {
            let mut rest = length - 127;
            let mut encoded = vec![127];
            while rest >= 128 {
                encoded.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            encoded.push(u8::try_from(rest).unwrap());
            encoded
        };
        encoded.extend_from_slice(text.as_bytes());
        encoded
    };
    [vec![0], text(name), text(value)].concat()
}

/// A header block may be longer than one byte tells.
fn headers(stream: u8, block: &[u8]) -> Vec<u8> {
    let mut pieces = block.chunks(200).peekable();
    let (mut frames, mut kind) = (Vec::new(), 1);
    while let Some(piece) = pieces.next() {
        let end_headers = if pieces.peek().is_none() { 4 } else { 0 };
        frames.extend(frame(kind, end_headers, stream, piece));
        kind = 9; // CONTINUATION
    }
    frames
}

fn settings(directory: &std::path::Path) -> [(&'static str, String); 2] {
    let tls = directory.join("auth-tls").display().to_string();
    [("AUTH_TLS_LISTEN", "127.0.0.1:0".into()), ("AUTH_TLS_DIR", tls)]
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn s12_no_body_is_taken_over_http2() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let gateway = Gateway::with(&settings.each_ref().map(|(name, value)| (*name, value.as_str())));
    let port = gateway.tls_port.unwrap();
    let ca = std::fs::read(directory.path().join("auth-tls/ca.pem")).unwrap();
    let ca = Certificate::from_pem(&ca).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]);
    let client = client.build().unwrap();
    for path in ["/token", "/register", "/authorize/consent", "/nowhere"] {
        let request = client.post(format!("https://localhost:{port}{path}")).body("client_id=a");
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (405, Version::HTTP_2), "{path}");
    }
    let health = client.get(format!("https://localhost:{port}/health")).send().await.unwrap();
    assert_eq!((health.status().as_u16(), health.version()), (200, Version::HTTP_2));
    // Whatever the method, as Traefik asks.
    let verify = client.post(format!("https://localhost:{port}/verify")).body("a body");
    let verify = verify.header("X-Forwarded-Host", "time.gw.example");
    let verify = verify.header("X-Forwarded-Uri", "/mcp").send().await.unwrap();
    assert_eq!((verify.status().as_u16(), verify.version()), (401, Version::HTTP_2));
}

/// While a check waits for Redis its stream is open; a peer then sends a million empty frames.
#[tokio::test(flavor = "multi_thread")]
async fn s12_empty_data_frames_of_an_open_stream_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (gateway, link) = Gateway::over_a_link_with(&settings);
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    link.cut();
    link.mend();
    link.stall();
    let mut roots = RootCertStore::empty();
    let ca = directory.path().join("auth-tls/ca.pem");
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], gateway.tls_port.unwrap()));
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let bearer = format!("Bearer {token}");
    let block: Vec<u8> = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/verify"),
        (":authority", "localhost"),
        ("authorization", bearer.as_str()),
        ("x-forwarded-host", "time.gw.example"),
        ("x-forwarded-uri", "/mcp"),
    ]
    .into_iter()
    .flat_map(|(name, value)| field(name, value))
    .collect();
    let opening = [PREFACE.to_vec(), frame(4, 0, 0, &[]), headers(1, &block)].concat();
    stream.write_all(&opening).unwrap();
    stream.flush().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let before = resident_kilobytes();
    let many = frame(0, 0, 1, &[]).repeat(1000);
    let begun = Instant::now();
    for _ in 0..1000 {
        // Ending the connection is as good.
        if stream.write_all(&many).is_err() {
            break;
        }
    }
    let grown = resident_kilobytes().saturating_sub(before) / 1024;
    assert!(grown < 50, "{grown} MB more after {:?}", begun.elapsed());
}

/// RFC 9113 §3.3, "prior knowledge": without TLS there is HTTP/1.1 alone.
#[tokio::test]
async fn s12_the_listener_without_tls_speaks_no_http2() {
    let gateway = Gateway::start();
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _sent = stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat());
    let mut answer = Vec::new();
    let _ended = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    // Nor by an upgrade, which RFC 9113 took away.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let upgrade = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_ne!(&answer, b"HTTP/1.1 101");
}
