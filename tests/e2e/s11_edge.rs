//! What Traefik answers at the edge: HSTS on every host, and the errors that are Traefik's own.

use gateway_tests::port::free_address;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Stdio,
    time::{Duration, Instant},
};

use gateway_tests::stack::Stack;

use crate::edge::{Arrivals, Edge, await_listener, echo, like};

type Scenario = (&'static str, fn(&Stack, &Edge));

/// With servers that answer themselves.
pub const SCENARIOS: &[Scenario] = &[
    ("s11_every_answer_over_tls_has_hsts", every_answer_has_hsts),
    ("s11_malformed_chunks_are_500_in_a_bare_traefik_too", malformed_chunks),
];

const HSTS: &str = "strict-transport-security: ";

/// The status of an answer, and its headers of this name.
fn look(answer: &str) -> (u16, Vec<String>) {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    let lines = head.lines().map(str::to_ascii_lowercase);
    let found = lines.filter_map(|line| line.strip_prefix(HSTS).map(str::to_owned)).collect();
    (status.unwrap_or_else(|| panic!("{answer}")), found)
}

/// Of the login, of servers, whoever answers, and whether anybody does; once, and as we say it.
fn every_answer_has_hsts(_: &Stack, edge: &Edge) {
    let bearer = "Authorization: Bearer {echo-a}\r\n";
    let preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
    let tls_hosts = [
        // The server itself says max-age=0.
        ("echo-a", "echo-a.mcp.localhost:{port}", "GET /mcp", bearer, 200),
        ("echo-a", "echo-a.mcp.localhost:{port}", "GET /mcp", "", 401),
        ("echo-a", "echo-a.mcp.localhost:{port}", "OPTIONS /mcp", preflight, 200),
        ("echo-a", "echo-a.mcp.localhost:{port}", "GET /nowhere", bearer, 404),
        (
            "echo-a",
            "echo-a.mcp.localhost:{port}",
            "GET /.well-known/oauth-protected-resource",
            "",
            200,
        ),
        ("echo-a", "echo-a.mcp.localhost:{port}", "GET /authorize", "", 303),
        (
            "auth",
            "auth.mcp.localhost:{port}",
            "GET /.well-known/oauth-authorization-server",
            "",
            200,
        ),
        // Its port is not that of the issuer, which the browser is sent to.
        ("auth", "auth.mcp.localhost:{port}", "GET /authorize", "", 400),
        ("auth", "auth.mcp.localhost:{port}", "GET /token", "", 405),
        // No router of the login has these paths.
        ("auth", "auth.mcp.localhost:{port}", "GET /nowhere", "", 404),
        ("auth", "auth.mcp.localhost:{port}", "GET /verify", "", 404),
        ("auth", "auth.mcp.localhost:{port}", "GET /", "", 404),
        ("paths", "paths.mcp.localhost:{port}", "GET /", "", 404),
        ("unknown", "unknown.mcp.localhost:{port}", "GET /mcp", "", 404),
        // No router has this host.
        ("echo-a", "elsewhere.example", "GET /mcp", "", 404),
        ("echo-a", "a.b.mcp.localhost:{port}", "GET /mcp", "", 404),
        // Nobody listens behind this one.
        ("gone", "gone.mcp.localhost:{port}", "GET /mcp", "", 502),
    ];
    for (sni, host, line, more, status) in tls_hosts {
        let text = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
        let answer = edge.exchange(&format!("{sni}.mcp.localhost"), &edge.fill(&text));
        let answer = answer.unwrap_or_else(|| panic!("{line} at {host}: no answer"));
        let expected = (status, vec!["max-age=31536000".to_owned()]);
        assert_eq!(look(&answer), expected, "{line} at {host}: {answer}");
    }
    // RFC 6797 §7.2: not over plain HTTP.
    let mut plain = TcpStream::connect(edge.plain).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = b"GET /mcp HTTP/1.1\r\nHost: echo-a.mcp.localhost\r\nConnection: close\r\n\r\n";
    plain.write_all(request).unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    assert_eq!(look(&answer), (301, vec![]), "{answer}");
}

/// The status of the answer to malformed chunks. An end of the connection that overtakes the answer is
/// no answer of the program, so it is asked again.
fn status_of_malformed(address: SocketAddr, host: &str, path: &str) -> u16 {
    let answers = std::iter::repeat_with(|| answer_to_malformed(address, host, path));
    let answer = answers.take(20).find(|answer| !answer.is_empty());
    look(&answer.expect("an answer")).0
}

fn answer_to_malformed(address: SocketAddr, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut buffer) = (String::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    answer
}

/// Traefik without any configuration of ours answers 500 to malformed chunks, whoever is behind it.
/// Asked without Traefik, both programs say 400, which their own tests show.
fn malformed_chunks(stack: &Stack, _: &Edge) {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let path = |name: &str| directory.path().join(name).display().to_string();
    let backend = echo("bare", &Arrivals::default());
    let file = format!(
        "entryPoints: {{ web: {{ address: \"{address}\" }} }}\n\
         providers: {{ file: {{ filename: \"{}\" }} }}\n",
        path("routes.yml")
    );
    fs::write(path("traefik.yml"), file).unwrap();
    let routes = format!(
        "http:\n  routers: {{ all: {{ rule: \"PathPrefix(`/`)\", service: all }} }}\n  \
         services: {{ all: {{ loadBalancer: {{ servers: [{{ url: \"http://{backend}\" }}] }} }} }}\n"
    );
    fs::write(path("routes.yml"), routes).unwrap();
    let mut bare = like(stack.pid("traefik"))
        .env_clear()
        .arg(format!("--configFile={}", path("traefik.yml")))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    await_listener(address);
    let begun = Instant::now();
    let mut status = 404;
    // It listens before it has read its routes.
    while status == 404 && begun.elapsed() < Duration::from_secs(30) {
        status = status_of_malformed(address, "bare.example", "/");
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ended = (bare.kill(), bare.wait());
    assert_eq!(status, 500);
}
