//! nginx and Caddy, with the configurations of `docs/OTHER-PROXIES.md`; and how Traefik asks.

use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use gateway_tests::stack::{Stack, root};

use crate::{
    edge::{Edge, SECRET, await_listener, free_address},
    table::{self, FORGED, identity_headers, request},
};

/// A test with the stack and the edge.
type Scenario = (&'static str, fn(&Stack, &Edge));

pub const SCENARIOS: &[Scenario] = &[
    ("nginx_asks_verify_and_passes_the_identity_on", nginx),
    ("caddy_asks_verify_and_passes_the_identity_on", caddy),
    ("traefik_asks_over_few_connections_of_http2", few_connections),
];

const HOST: &str = "echo-a.mcp.localhost";
const AUTHORITY: &str = "echo-a.mcp.localhost:{port}";
/// Another server, which the proxy does not serve.
const OTHER: &str = "echo-b.mcp.localhost:{port}";

/// A proxy that runs; its files are in `directory`.
struct Proxy {
    process: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked.
        let pid = self.process.id().to_string();
        let _asked = Command::new("kill").args(["-TERM", &pid]).status();
        let _ended = self.process.wait();
    }
}

/// The configuration of the document, with the addresses of this test.
fn documented(language: &str, stack: &Stack, edge: &Edge) -> String {
    let document = fs::read_to_string(root().join("docs/OTHER-PROXIES.md")).unwrap();
    let block = document.split(&format!("```{language}\n")).nth(1).expect("a configuration");
    let text = block.split("```").next().unwrap();
    let file = |name: &str| stack.path(name).display().to_string();
    text.replace("/etc/ssl/example.com.pem", &file("cert.pem"))
        .replace("/etc/ssl/example.com.key", &file("cert-key.pem"))
        .replace("127.0.0.1:8000", &edge.auth.to_string())
        .replace("127.0.0.1:3000", &edge.server.to_string())
        .replace("the value of VERIFY_SECRET", SECRET)
        .replace(
            "Host time.example.com",
            &String::from_utf8(edge.fill(&format!("Host {AUTHORITY}"))).unwrap(),
        )
}

fn run(mut command: Command, directory: tempfile::TempDir, address: SocketAddr) -> Proxy {
    let log = fs::File::create(directory.path().join("log")).unwrap();
    let process = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
    let proxy = Proxy { process, address, directory };
    await_listener(address);
    proxy
}

fn nginx(stack: &Stack, edge: &Edge) {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let path = directory.path().display();
    let mut text = format!("daemon off;\npid {path}/pid;\nerror_log {path}/errors;\n");
    text += &documented("nginx", stack, edge)
        .replace("listen 443 ssl", &format!("listen {address} ssl"))
        .replace("time.example.com", HOST);
    // Its own files are elsewhere on a machine that it is installed on.
    let files = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {path}/{name};\n"));
    text = text.replacen("http {\n", &format!("http {{\naccess_log off;\n{}", files.concat()), 1);
    let file = directory.path().join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(root().join(".tools/nginx/usr/sbin/nginx"));
    command.args(["-e", &format!("{path}/errors"), "-p", &path.to_string(), "-c"]).arg(&file);
    let proxy = run(command, directory, address);
    checks(edge, &proxy);
}

fn caddy(stack: &Stack, edge: &Edge) {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let text = documented("caddy", stack, edge)
        .replace("time.example.com", &format!("https://{HOST}:{}", address.port()));
    let file = directory.path().join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")).unwrap();
    let mut command = Command::new(root().join(".tools/caddy/usr/bin/caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", directory.path()).env("XDG_DATA_HOME", directory.path());
    checks(edge, &run(command, directory, address));
}

fn ask(edge: &Edge, proxy: &Proxy, text: &str) -> String {
    let text = text.replacen("X-Row", "Connection: close\r\nX-Row", 1);
    let answer = edge.exchange_at(proxy.address, HOST, &edge.fill(&text));
    answer.unwrap_or_else(|| {
        let log = fs::read_to_string(proxy.directory.path().join("log")).unwrap();
        panic!("no answer: {log}")
    })
}

/// What any proxy in front of the servers has to do.
fn checks(edge: &Edge, proxy: &Proxy) {
    let of = |target: &str, token: &str, more: &str| {
        ask(edge, proxy, &request(target, AUTHORITY, token, more))
    };
    let status = |answer: &str| answer.split(' ').nth(1).unwrap().to_owned();
    for (token, error) in [("", ""), ("echo-b", "error=\"invalid_token\"")] {
        let answer = of("/mcp", token, "");
        assert_eq!(status(&answer), "401", "{answer}");
        let challenges: Vec<&str> = answer
            .lines()
            .filter(|line| line.to_ascii_lowercase().starts_with("www-authenticate: "))
            .collect();
        assert_eq!(challenges.len(), 1, "{answer}");
        assert!(challenges[0].contains("Bearer resource_metadata=\"https://echo-a."), "{answer}");
        assert!(challenges[0].contains(error), "{answer}");
    }
    for (target, expected) in [("/mcp/../x%2f", "400"), ("/elsewhere", "404"), ("/mcp;x", "400")] {
        let answer = of(target, "echo-a", "");
        assert_eq!(status(&answer), expected, "{target}: {answer}");
    }
    let known = of("/.well-known/oauth-protected-resource/mcp", "", "");
    assert!(known.contains("\"authorization_servers\""), "{known}");
    for name in identity_headers().chain(["X-Verify-Secret"]) {
        let (under, dotted) = (name.replace('-', "_"), name.replace('-', "."));
        for lines in [
            format!("{name}: {FORGED}\r\n"),
            format!("{name}: {FORGED}\r\n{name}: {FORGED}\r\n"),
            format!("{under}: {FORGED}\r\n{dotted}: {FORGED}\r\n"),
            format!("{}: {FORGED}\r\n", name.replacen('-', "_", 1)),
            format!("Connection: {name}\r\n{name}: {FORGED}\r\n"),
        ] {
            let answer = of("/mcp", "echo-a", &lines);
            assert_eq!(status(&answer), "200", "{lines}: {answer}");
            let problem = table::forged_identity(edge, "echo-a", &answer);
            assert!(problem.is_none(), "{lines}: {problem:?}");
        }
    }
    for name in ["X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-Url"] {
        let claim = format!("{name}: echo-b.mcp.localhost:{{port}}\r\n");
        assert_eq!(status(&of("/mcp", "echo-b", &claim)), "401", "{name}");
    }
    let at = |authority: &str| format!("https://{authority}/mcp");
    for (target, host) in [("/mcp", OTHER), (&*at(AUTHORITY), OTHER), (&*at(OTHER), AUTHORITY)] {
        let answer = ask(edge, proxy, &request(target, host, "echo-b", ""));
        assert!(!answer.contains("local:alice"), "{target} at {host}: {answer}");
    }
    let slow = request("/mcp/slow", AUTHORITY, "echo-a", "Accept: text/event-stream\r\n");
    let pause = edge.pause(proxy.address, &edge.fill(&slow));
    assert!(pause.as_millis() > 500, "the first event came {pause:?} before the second");
}

/// Over HTTP/1.1 most of these would open a connection of their own: Traefik keeps two.
fn few_connections(_: &Stack, edge: &Edge) {
    let text = request("/mcp", AUTHORITY, "echo-a", "Connection: close\r\n");
    let request = edge.fill(&text);
    let asked = || edge.read("auth-service.log").matches("GET /verify HTTP/2.0").count();
    let before = asked();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let answer = edge.exchange(HOST, &request).unwrap();
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                }
            });
        }
    });
    assert!(asked() >= before + 160, "not all were asked over HTTP/2");
    // Each of the five routes has a client of its own, and two may begin at once, before the first has
    // said that it speaks HTTP/2.
    let connections = edge.connections();
    assert!((1..=10).contains(&connections), "{connections} connections");
}
