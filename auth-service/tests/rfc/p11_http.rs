//! HTTP at the edges: compressed bodies and clients of HTTP/1.0.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::support::{Gateway, answer};

/// RFC 9110 §15.5.16.
#[tokio::test]
async fn p11_a_compressed_body_is_refused_as_such() {
    let gateway = Gateway::start();
    for (path, kind, body) in [
        ("/token", "application/x-www-form-urlencoded", "grant_type=refresh_token"),
        ("/revoke", "application/x-www-form-urlencoded", "token=x"),
        ("/register", "application/json", "{}"),
    ] {
        let post = |coding: &str| {
            let request = gateway.http.post(format!("{}{path}", gateway.base));
            let request = request.header("Host", "auth.gw.example").header("Content-Type", kind);
            answer(request.header("Content-Encoding", coding).body(body))
        };
        for coding in ["gzip", "identity, br", "ZSTD"] {
            let refused = post(coding).await;
            assert_eq!(refused.error(), (415, "invalid_request"), "{path} {coding}");
            assert_eq!(refused.headers["accept-encoding"], "identity");
        }
        assert_ne!(post("identity").await.status, 415, "{path}");
    }
}

#[tokio::test]
async fn p11_a_client_of_http_1_0_gets_no_chunks() {
    let gateway = Gateway::start();
    let address = gateway.base.strip_prefix("http://").unwrap().to_owned();
    for path in ["/health", "/jwks", "/ended-grants", "/authorize", "/nothing"] {
        let mut tcp = TcpStream::connect(&address).unwrap();
        tcp.write_all(format!("GET {path} HTTP/1.0\r\nHost: auth.gw.example\r\n\r\n").as_bytes())
            .unwrap();
        let mut text = String::new();
        tcp.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        assert!(!body.is_empty(), "{path}: {head}");
    }
}
