//! RFC 9112 §7.1: a body that breaks the rules of HTTP is the sender's fault, 400, and ends the
//! connection; whatever the endpoint, and however the bytes arrive.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::json;

use crate::support::{CALLBACK, Gateway};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// How the bytes arrive.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    Whole,
    HeadFirst,
    ByteByByte,
    AfterContinue,
}

/// Bodies that are malformed, or end before their end.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("no size", text("\r\nabc\r\n0\r\n\r\n")),
        ("no number", text("zz\r\nabc\r\n0\r\n\r\n")),
        ("negative", text("-1\r\nabc\r\n0\r\n\r\n")),
        ("signed", text("+3\r\nabc\r\n0\r\n\r\n")),
        ("prefixed", text("0x3\r\nabc\r\n0\r\n\r\n")),
        ("blank first", text(" 3\r\nabc\r\n0\r\n\r\n")),
        ("blank within", text("1 0\r\nabc\r\n0\r\n\r\n")),
        ("beyond 64 bits", text("10000000000000000\r\nabc")),
        ("far beyond", format!("{}\r\nabc", "f".repeat(4000)).into_bytes()),
        ("line feeds alone", text("3\nabc\n0\n\n")),
        ("carriage return alone", text("3\rabc\r0\r\r")),
        ("longer than it says", text("3\r\nabcd\r\n0\r\n\r\n")),
        ("line feed after the data", text("3\r\nabc\n0\r\n\r\n")),
        ("the second chunk", text("3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n")),
        ("control in an extension", text("3;a=\x01\r\nabc\r\n0\r\n\r\n")),
        ("line feed in an extension", text("3;a\nb\r\nabc\r\n0\r\n\r\n")),
        ("no bytes of text", b"\xff\xfe\r\nabc\r\n0\r\n\r\n".to_vec()),
        ("another request", text("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a bad end", text("3\r\nabc\r\n0\r\n\rX")),
    ]
}

struct Target {
    method: &'static str,
    path: String,
    kind: &'static str,
    authorization: String,
}

impl Target {
    fn post(path: &str, kind: &'static str) -> Self {
        Self { method: "POST", path: path.into(), kind, authorization: String::new() }
    }

    fn head(&self, more: &str) -> Vec<u8> {
        let Self { method, path, kind, authorization } = self;
        let lines =
            format!("Host: auth.gw.example\r\nContent-Type: {kind}\r\n{authorization}{more}");
        format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").into_bytes()
    }
}

/// All that take a body.
async fn targets(gateway: &Gateway) -> Vec<Target> {
    let registered = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let token = registered.text("registration_access_token");
    let forms = ["/token", "/revoke", "/introspect", "/device_authorization", "/authorize/consent"];
    let mut all: Vec<_> = forms.into_iter().map(|path| Target::post(path, FORM)).collect();
    all.push(Target::post("/register", JSON));
    all.push(Target {
        method: "PUT",
        path: format!("/register/{}", registered.text("client_id")),
        kind: JSON,
        authorization: format!("Authorization: Bearer {token}\r\n"),
    });
    all
}

/// Sends the request, and returns all that comes back before the connection ends.
fn exchange(gateway: &Gateway, head: &[u8], body: &[u8], arrival: Arrival) -> String {
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    // The connection may end before all is sent.
    match arrival {
        Arrival::Whole => drop(stream.write_all(&[head, body].concat())),
        Arrival::HeadFirst => {
            stream.write_all(head).unwrap();
            std::thread::sleep(Duration::from_millis(5));
            drop(stream.write_all(body));
        }
        Arrival::ByteByByte => {
            stream.write_all(head).unwrap();
            let _sent = body.iter().take(40).try_for_each(|byte| {
                std::thread::sleep(Duration::from_micros(100));
                stream.write_all(&[*byte])
            });
        }
        Arrival::AfterContinue => {
            stream.write_all(head).unwrap();
            let mut interim = [0; 25];
            stream.read_exact(&mut interim).unwrap();
            assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
            drop(stream.write_all(body));
        }
    }
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn assert_refused(answer: &str, status: u16, what: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
    assert!(!answer.contains("HTTP/1.1 5"), "{what}: {answer}");
    if what.contains("/consent") {
        assert!(answer.contains("text/html"), "{what}: {answer}");
    } else {
        assert!(answer.contains(r#""error":"invalid_request""#), "{what}: {answer}");
    }
}

#[tokio::test]
async fn s11_malformed_chunks_are_a_bad_request() {
    let gateway = Gateway::start();
    for target in targets(&gateway).await {
        for (name, body) in malformed() {
            for arrival in
                [Arrival::Whole, Arrival::HeadFirst, Arrival::ByteByByte, Arrival::AfterContinue]
            {
                // Not malformed yet after so few bytes.
                if name == "far beyond" && matches!(arrival, Arrival::ByteByByte) {
                    continue;
                }
                let expect = match arrival {
                    Arrival::AfterContinue => "Expect: 100-continue\r\n",
                    _ => "",
                };
                let head = target.head(&format!("{expect}Transfer-Encoding: chunked\r\n"));
                let answer = exchange(&gateway, &head, &body, arrival);
                let what = format!("{} {}: {name} {arrival:?}", target.method, target.path);
                // A client that goes on to send may lose the answer with the connection.
                if answer.is_empty() && !matches!(arrival, Arrival::Whole) {
                    continue;
                }
                assert_refused(&answer, 400, &what);
            }
        }
    }
    assert_eq!(gateway.get("auth.gw.example", "/health").await.status, 200);
}

/// §6.3: a message that ends before its length is incomplete.
#[tokio::test]
async fn s11_a_body_that_ends_early_is_a_bad_request() {
    let gateway = Gateway::start();
    for target in targets(&gateway).await {
        for (length, body) in
            [("Content-Length: 50", "a=b"), ("Transfer-Encoding: chunked", "5\r\nab")]
        {
            let request = [target.head(&format!("{length}\r\n")), body.into()].concat();
            let address = gateway.base.strip_prefix("http://").unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(&request).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert_refused(&answer, 400, &format!("{} {length}", target.path));
        }
    }
}

/// Too large is 413 also where the length was not announced; extensions and trailers are no fault.
#[tokio::test]
async fn s11_a_payload_error_is_answered_by_its_cause() {
    let gateway = Gateway::start();
    for target in targets(&gateway).await {
        let head = target.head("Connection: close\r\nTransfer-Encoding: chunked\r\n");
        let huge = format!("20000\r\n{}\r\n0\r\n\r\n", "a".repeat(0x20000));
        let answer = exchange(&gateway, &head, huge.as_bytes(), Arrival::Whole);
        assert_refused(&answer, 413, &format!("{} huge", target.path));
        for body in ["3;name=\"v\"\r\na=b\r\n0\r\n\r\n", "3\r\na=b\r\n0\r\nX-Trailer: y\r\n\r\n"] {
            let answer = exchange(&gateway, &head, body.as_bytes(), Arrival::Whole);
            assert!(answer.starts_with("HTTP/1.1 4"), "{} {body}: {answer}", target.path);
            assert!(!answer.contains("malformed"), "{} {body}: {answer}", target.path);
        }
    }
}

/// What reads no body answers as ever, or refuses; it does not fail.
#[tokio::test]
async fn s11_malformed_chunks_break_nothing_that_reads_no_body() {
    let gateway = Gateway::start();
    for (method, path) in [
        ("GET", "/authorize?x"),
        ("GET", "/jwks"),
        ("GET", "/verify"),
        ("POST", "/verify"),
        ("POST", "/jwks"),
        ("POST", "/nowhere"),
        ("DELETE", "/register/x"),
        ("GET", "/.well-known/oauth-authorization-server"),
    ] {
        for (name, body) in malformed() {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: auth.gw.example\r\nTransfer-Encoding: chunked\r\n\r\n"
            );
            let answer = exchange(&gateway, head.as_bytes(), &body, Arrival::Whole);
            assert!(answer.starts_with("HTTP/1.1 "), "{method} {path} {name}: {answer}");
            assert!(!answer.contains("HTTP/1.1 5"), "{method} {path} {name}: {answer}");
        }
    }
}
