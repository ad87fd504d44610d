//! auth-service, or the proxy, away for a moment: Traefik says when to come back, and changes no answer of
//! theirs.

use gateway_tests::port::free_address;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use gateway_tests::stack::{Stack, root};
use tempfile::TempDir;

use crate::edge::{Edge, SECRET, await_listener, like, static_file};

/// A test with the stack and the edge.
type Scenario = (&'static str, fn(&Stack, &Edge));

pub const SCENARIOS: &[Scenario] = &[
    ("a9_without_auth_service_every_route_says_503", without_auth_service),
    ("a9_without_the_proxy_its_servers_say_503", without_the_proxy),
    ("a9_answers_of_programs_are_passed_on", answers_are_passed_on),
];

const TOKEN: &str = "Authorization: Bearer {echo-a}\r\n";

/// A Traefik with the files of the gateway.
struct Traefik {
    process: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Drop for Traefik {
    fn drop(&mut self) {
        let _ended = (self.process.kill(), self.process.wait());
    }
}

/// Starts one with these addresses of auth-service and of the proxy. `echo-b` is a server that speaks HTTP itself.
fn start(stack: &Stack, auth: SocketAddr, proxy: SocketAddr) -> Traefik {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let (dynamic, ours) = (root().join("traefik/dynamic"), directory.path().join("dynamic"));
    fs::create_dir(&ours).unwrap();
    for entry in fs::read_dir(&dynamic).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), ours.join(entry.file_name())).unwrap();
    }
    let native = format!(
        "http:\n  routers:\n    native:\n      rule: Host(`echo-b.mcp.localhost`)\n      service: native\n      \
         middlewares: [mcp]\n      entryPoints: [websecure]\n      tls: {{}}\n  services:\n    native:\n      \
         loadBalancer: {{ servers: [{{ url: \"http://{proxy}\" }}] }}\n"
    );
    fs::write(ours.join("native.yml"), native).unwrap();
    let config = static_file(stack, directory.path(), address);
    let config = config.replace(&dynamic.display().to_string(), &ours.display().to_string());
    fs::write(directory.path().join("traefik.yml"), config).unwrap();
    let process = like(stack.pid("traefik"))
        .arg(format!("--configFile={}", directory.path().join("traefik.yml").display()))
        .env("AUTH_URL", format!("http://{auth}"))
        .env("AUTH_VERIFY_URL", format!("http://{auth}/verify"))
        .env_remove("AUTH_CA_FILE")
        .env("VERIFY_SECRET", SECRET)
        .env("PROXY_URL", format!("http://{proxy}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    await_listener(address);
    Traefik { process, address, _directory: directory }
}

/// The status, the head in lower case, and the body of the answer to a request.
fn ask(
    edge: &Edge,
    traefik: &Traefik,
    host: &str,
    (line, more): (&str, &str),
) -> (u16, String, String) {
    let text = format!(
        "{line} HTTP/1.1\r\nHost: {host}.mcp.localhost:{{port}}\r\n{more}Origin: https://app.example\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let begun = Instant::now();
    loop {
        let answer =
            edge.exchange_at(traefik.address, &format!("{host}.mcp.localhost"), &edge.fill(&text));
        let (head, body) =
            answer.as_deref().and_then(|a| a.split_once("\r\n\r\n")).unwrap_or(("", ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        // It listens before it has read its routes.
        if let Some(status) = status.filter(|status| *status != 404) {
            return (status, head.to_lowercase(), body.to_owned());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{line} at {host}: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_told_when_to_come_back((status, head, body): &(u16, String, String), what: &str) {
    assert_eq!(*status, 503, "{what}: {head}");
    assert_eq!(head.matches("retry-after: 2").count(), 1, "{what}: {head}");
    assert!(head.contains("strict-transport-security: "), "{what}: {head}");
    assert_eq!(body, "", "{what}");
}

fn without_auth_service(stack: &Stack, edge: &Edge) {
    let proxy = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let traefik = start(stack, free_address(), proxy);
    for (host, line, more) in [
        ("echo-a", "POST /mcp", TOKEN),
        ("echo-a", "POST /mcp", ""),
        ("echo-a", "GET /mcp", "Accept: text/event-stream\r\n"),
        ("echo-a", "GET /.well-known/oauth-protected-resource/mcp", ""),
        ("echo-a", "GET /authorize", ""),
        ("echo-a", "GET /mcp", "Accept: text/html\r\n"),
        ("auth", "POST /token", ""),
        ("auth", "POST /register", ""),
        ("auth", "GET /.well-known/oauth-authorization-server", ""),
        ("auth", "GET /authorize", ""),
        ("auth", "GET /", ""),
    ] {
        let answer = ask(edge, &traefik, host, (line, more));
        let what = format!("{line} at {host}, {more:?}");
        is_told_when_to_come_back(&answer, &what);
        // A page of another site can read it where it can read the other answers.
        let is_page = matches!(line, "GET /authorize" | "GET /") || more.contains("text/html");
        if !is_page || host == "echo-a" && line == "GET /authorize" {
            assert!(answer.1.contains("access-control-allow-origin: "), "{what}: {}", answer.1);
        }
    }
}

fn without_the_proxy(stack: &Stack, edge: &Edge) {
    let traefik = start(stack, edge.auth, free_address());
    let answer = ask(edge, &traefik, "echo-a", ("POST /mcp", TOKEN));
    is_told_when_to_come_back(&answer, "POST /mcp");
    let refused = ask(edge, &traefik, "echo-a", ("POST /mcp", ""));
    assert_eq!(refused.0, 401, "{refused:?}");
}

/// Traefik passes on the answers of the proxy, of auth-service, and of a server that speaks HTTP itself.
fn answers_are_passed_on(stack: &Stack, edge: &Edge) {
    for status in [503, 429, 400] {
        let own =
            format!("HTTP/1.1 {status} Own\r\nRetry-After: 77\r\nContent-Length: 3\r\n\r\nown");
        let traefik = start(stack, edge.auth, server(&own));
        let answer = ask(edge, &traefik, "echo-a", ("POST /mcp", TOKEN));
        assert_eq!((answer.0, &*answer.2), (status, "own"), "{answer:?}");
        assert!(answer.1.contains("retry-after: 77"), "{answer:?}");
    }
    for status in [500, 502, 504] {
        let own = format!("HTTP/1.1 {status} Own\r\nContent-Length: 3\r\n\r\nown");
        let traefik = start(stack, edge.auth, server(&own));
        let token = ("POST /mcp", "Authorization: Bearer {echo-b}\r\n");
        let answer = ask(edge, &traefik, "echo-b", token);
        assert_eq!((answer.0, &*answer.2), (status, "own"), "{answer:?}");
        // As an auth-service that says what is wrong.
        let traefik = start(stack, server(&own), free_address());
        let answer = ask(edge, &traefik, "auth", ("GET /authorize", ""));
        assert_eq!(answer.2, if status == 500 { "own" } else { "" }, "{answer:?}");
    }
}

/// A server with one answer.
fn server(answer: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, answer) =
        (listener.local_addr().unwrap(), answer.replacen("\r\n", "\r\nConnection: close\r\n", 1));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(count @ 1..) => head.extend_from_slice(&buffer[..count]),
                        _ => return,
                    }
                }
                let _sent = stream.write_all(answer.as_bytes());
            });
        }
    });
    address
}
