//! RFC 9112 §7.1: a chunked body that breaks the rules of HTTP is 400 in JSON, and ends the connection.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::support::Proxy;

/// Bodies that are malformed.
const MALFORMED: [(&str, &[u8]); 17] = [
    ("no size", b"\r\nabc\r\n0\r\n\r\n"),
    ("no number", b"zz\r\nabc\r\n0\r\n\r\n"),
    ("negative", b"-1\r\nabc\r\n0\r\n\r\n"),
    ("signed", b"+3\r\nabc\r\n0\r\n\r\n"),
    ("prefixed", b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("blank first", b" 3\r\nabc\r\n0\r\n\r\n"),
    ("blank within", b"1 0\r\nabc\r\n0\r\n\r\n"),
    ("beyond 64 bits", b"10000000000000000\r\nabc"),
    ("line feeds alone", b"3\nabc\n0\n\n"),
    ("longer than it says", b"3\r\nabcd\r\n0\r\n\r\n"),
    ("line feed after the data", b"3\r\nabc\n0\r\n\r\n"),
    ("the second chunk", b"3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n"),
    ("control in an extension", b"3;a=\x01\r\nabc\r\n0\r\n\r\n"),
    ("line feed in an extension", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("no bytes of text", b"\xff\xfe\r\nabc\r\n0\r\n\r\n"),
    ("another request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a bad end", b"3\r\nabc\r\n0\r\n\rX"),
];

fn exchange(port: u16, pieces: &[&[u8]], shut: bool) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for piece in pieces {
        // The connection may end before all is sent.
        if stream.write_all(piece).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    if shut {
        let _ended = stream.shutdown(Shutdown::Write);
    }
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(method: &str, path: &str, more: &str) -> Vec<u8> {
    let accept =
        "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n";
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{accept}{more}\r\n").into_bytes()
}

fn assert_bad_request(answer: &str, what: &str) {
    assert!(answer.starts_with("HTTP/1.1 400 "), "{what}: {answer}");
    assert!(answer.contains(r#""jsonrpc":"2.0""#), "{what}: {answer}");
    assert!(!answer.contains("HTTP/1.1 5"), "{what}: {answer}");
}

#[test]
fn s11_malformed_chunks_are_a_bad_request() {
    let proxy = Proxy::start(&[]);
    for path in ["/mcp", "/"] {
        let head = head("POST", path, "Transfer-Encoding: chunked\r\n");
        for (name, body) in MALFORMED {
            let whole = [head.as_slice(), body].concat();
            let answer = exchange(proxy.port, &[whole.as_slice()], false);
            assert_bad_request(&answer, &format!("{path} {name}"));
            let answer = exchange(proxy.port, &[head.as_slice(), body], false);
            // A client that goes on to send may lose the answer with the connection.
            if !answer.is_empty() {
                assert_bad_request(&answer, &format!("{path} {name}, the head first"));
            }
        }
    }
    assert!(proxy.session().pid() > 0);
}

#[test]
fn s11_a_body_that_ends_early_is_a_bad_request() {
    let proxy = Proxy::start(&[]);
    for (length, body) in
        [("Content-Length: 50\r\n", "{\"a\":"), ("Transfer-Encoding: chunked\r\n", "9\r\n{\"a")]
    {
        let head = head("POST", "/mcp", length);
        let answer = exchange(proxy.port, &[head.as_slice(), body.as_bytes()], true);
        assert_bad_request(&answer, length);
    }
}

/// What reads no body answers as ever, or refuses; it does not fail.
#[test]
fn s11_malformed_chunks_break_nothing_that_reads_no_body() {
    let proxy = Proxy::start(&[]);
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/servers"),
        ("DELETE", "/mcp"),
        ("PUT", "/mcp"),
        ("POST", "/nowhere"),
    ] {
        for (name, body) in MALFORMED {
            let head = head(method, path, "Transfer-Encoding: chunked\r\n");
            let whole = [head.as_slice(), body].concat();
            let answer = exchange(proxy.port, &[whole.as_slice()], false);
            assert!(answer.starts_with("HTTP/1.1 "), "{method} {path} {name}: {answer}");
            assert!(!answer.contains("HTTP/1.1 5"), "{method} {path} {name}: {answer}");
        }
    }
}
