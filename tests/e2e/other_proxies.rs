//! nginx and Caddy, with the configurations of `docs/OTHER-PROXIES.md`; and how Traefik asks.

use gateway_tests::port::free_address;
use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use gateway_tests::{
    browser::Browser,
    pkce,
    stack::{Stack, root},
    wait::eventually,
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    edge::{Edge, SECRET, await_listener, like},
    run as run_async,
    table::{self, FORGED, identity_headers, request},
};

/// A test with the stack and the edge.
type Scenario = (&'static str, fn(&Stack, &Edge));

pub const SCENARIOS: &[Scenario] = &[
    ("nginx_asks_verify_and_passes_the_identity_on", nginx),
    ("caddy_asks_verify_and_passes_the_identity_on", caddy),
    ("a2_a_login_works_through_nginx", login_through_nginx),
    ("a2_a_login_works_through_caddy", login_through_caddy),
    ("traefik_asks_over_few_connections_of_http2", few_connections),
];

pub const HOST: &str = "echo-a.mcp.localhost";
const LOGIN_HOST: &str = "auth.mcp.localhost";
const AUTHORITY: &str = "echo-a.mcp.localhost:{port}";
/// Another server, which the proxy does not serve.
const OTHER: &str = "echo-b.mcp.localhost:{port}";

/// A proxy that runs; its files are in `directory`.
pub struct Proxy {
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

/// The servers behind a proxy: auth-service, and what stands for the proxy of the MCP servers.
struct Behind {
    auth: SocketAddr,
    server: SocketAddr,
    /// The port of the public URLs.
    port: u16,
}

/// The configuration in a document, with the certificate of `stack`.
pub fn configuration(document: &str, language: &str, stack: &Stack) -> String {
    let document = fs::read_to_string(root().join("docs").join(document)).unwrap();
    let block = document.split(&format!("```{language}\n")).nth(1).expect("a configuration");
    let text = block.split("```").next().unwrap();
    let file = |name: &str| stack.path(name).display().to_string();
    text.replace("/etc/ssl/example.com.pem", &file("cert.pem"))
        .replace("/etc/ssl/example.com.key", &file("cert-key.pem"))
}

/// The configuration of the document, with the addresses of this test.
fn documented(language: &str, stack: &Stack, behind: &Behind) -> String {
    configuration("OTHER-PROXIES.md", language, stack)
        .replace("127.0.0.1:8000", &behind.auth.to_string())
        .replace("127.0.0.1:3000", &behind.server.to_string())
        .replace("the value of VERIFY_SECRET", SECRET)
        .replace("Host time.example.com", &format!("Host {HOST}:{}", behind.port))
        .replace("Host auth.example.com", &format!("Host {LOGIN_HOST}:{}", behind.port))
}

fn run(mut command: Command, directory: tempfile::TempDir, address: SocketAddr) -> Proxy {
    let log = fs::File::create(directory.path().join("log")).unwrap();
    let process = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
    let proxy = Proxy { process, address, directory };
    await_listener(address);
    proxy
}

fn behind(edge: &Edge) -> Behind {
    Behind { auth: edge.auth, server: edge.server, port: edge.address.port() }
}

fn nginx(stack: &Stack, edge: &Edge) {
    let text = documented("nginx", stack, &behind(edge));
    checks(edge, &run_nginx(&text, free_address()));
}

pub fn run_nginx(text: &str, address: SocketAddr) -> Proxy {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    let mut config = format!("daemon off;\npid {path}/pid;\nerror_log {path}/errors;\n");
    config += &text
        .replace("listen 443 ssl", &format!("listen {address} ssl"))
        .replace("time.example.com", HOST)
        .replace("auth.example.com", LOGIN_HOST);
    // Its own files are elsewhere on a machine that it is installed on.
    let files = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {path}/{name};\n"));
    config =
        config.replacen("http {\n", &format!("http {{\naccess_log off;\n{}", files.concat()), 1);
    let file = directory.path().join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(root().join(".tools/nginx/usr/sbin/nginx"));
    command.args(["-e", &format!("{path}/errors"), "-p", &path.to_string(), "-c"]).arg(&file);
    run(command, directory, address)
}

fn caddy(stack: &Stack, edge: &Edge) {
    let text = documented("caddy", stack, &behind(edge));
    checks(edge, &run_caddy(&text, free_address()));
}

pub fn run_caddy(text: &str, address: SocketAddr) -> Proxy {
    let directory = tempfile::tempdir().unwrap();
    let text = text
        .replace("time.example.com", &format!("https://{HOST}:{}", address.port()))
        .replace("auth.example.com", &format!("https://{LOGIN_HOST}:{}", address.port()));
    let file = directory.path().join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")).unwrap();
    let mut command = Command::new(root().join(".tools/caddy/usr/bin/caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", directory.path()).env("XDG_DATA_HOME", directory.path());
    run(command, directory, address)
}

/// The login host as the document has it, and as other instructions for nginx have it: what it is called by
/// them makes no difference.
fn login_through_nginx(stack: &Stack, edge: &Edge) {
    for host in ["", "$host:$server_port", "$http_host", "$host"] {
        let address = free_address();
        let auth = Issuer::start(stack, address);
        let behind = Behind { auth: auth.address, server: edge.server, port: address.port() };
        let mut text = documented("nginx", stack, &behind);
        if !host.is_empty() {
            // All but what `/verify` is told.
            for name in [HOST, LOGIN_HOST] {
                let documented = format!("proxy_set_header Host {name}:{};", address.port());
                text = text.replace(&documented, &format!("proxy_set_header Host {host};"));
            }
        }
        let _proxy = run_nginx(&text, address);
        run_async(log_in(stack, address, host));
    }
}

fn login_through_caddy(stack: &Stack, edge: &Edge) {
    let address = free_address();
    let auth = Issuer::start(stack, address);
    let behind = Behind { auth: auth.address, server: edge.server, port: address.port() };
    let _proxy = run_caddy(&documented("caddy", stack, &behind), address);
    run_async(log_in(stack, address, "caddy"));
}

/// An auth-service whose public URLs have the port of a proxy.
pub struct Issuer {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Issuer {
    /// Starts one beside `stack`, whose Redis and keys it uses.
    pub fn start(stack: &Stack, public: SocketAddr) -> Self {
        let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
        let servers = json!({ "mcpServers": {
            "echo-a": { "url": "http://127.0.0.1:1/mcp" },
            "echo-b": { "url": "http://127.0.0.1:1/mcp" },
        }});
        let file = directory.path().join("servers.json");
        fs::write(&file, servers.to_string()).unwrap();
        let mut command = like(stack.pid("auth-service"));
        command
            .arg("serve")
            .current_dir(directory.path())
            .env_remove("AUTH_TLS_LISTEN")
            .env("ISSUER", format!("https://{LOGIN_HOST}:{}", public.port()))
            .env("PUBLIC_PORT", public.port().to_string())
            .env("AUTH_LISTEN", address.to_string())
            .env("MCP_SERVERS_FILE", file)
            .env("VERIFY_SECRET", SECRET);
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let process = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        await_listener(address);
        Self { process, address, _directory: directory }
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// As a client of MCP 2025-03-26: from the metadata on the server's host, without `resource`. Returns the access
/// token.
pub async fn log_in(stack: &Stack, proxy: SocketAddr, what: &str) -> String {
    let (port, callback) = (proxy.port(), "http://127.0.0.1:7777/callback");
    let pem = fs::read(stack.ca()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    let client = client.resolve(HOST, proxy).resolve(LOGIN_HOST, proxy);
    let http = client.build().unwrap();
    let at = |host: &str, path: &str| format!("https://{host}:{port}{path}");
    let get = async |url: String| -> Value {
        let answer = http.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{what}: {url}");
        answer.json().await.unwrap()
    };
    let resource = at(HOST, "/mcp");
    for path in ["", "/mcp"] {
        let document = get(at(HOST, &format!("/.well-known/oauth-protected-resource{path}"))).await;
        assert_eq!(document["resource"], resource, "{what}");
    }
    get(at(HOST, "/mcp/.well-known/openid-configuration")).await;
    get(at(LOGIN_HOST, "/.well-known/oauth-authorization-server")).await;
    let metadata = get(at(HOST, "/.well-known/oauth-authorization-server")).await;
    assert_eq!(metadata["issuer"], at(LOGIN_HOST, ""), "{what}");
    let registration = json!({ "redirect_uris": [callback], "token_endpoint_auth_method": "none" });
    let endpoint = metadata["registration_endpoint"].as_str().unwrap();
    let registered = http.post(endpoint).json(&registration).send().await.unwrap();
    let registered: Value = registered.json().await.unwrap();
    let id = registered["client_id"].as_str().unwrap();
    let (verifier, challenge) = pkce::pair();
    let endpoint = metadata["authorization_endpoint"].as_str().unwrap();
    assert_eq!(endpoint, at(HOST, "/authorize"), "{what}");
    let mut url = Url::parse(endpoint).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", callback),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let mut browser = Browser::new(http.clone());
    let sent = browser.get(&url).await;
    let login = sent.next().unwrap_or_else(|| panic!("{what}: {sent:?}"));
    assert!(login.as_str().starts_with(&at(LOGIN_HOST, "/authorize")), "{what}: {login}");
    let page = browser.get(&login).await;
    assert_eq!(page.status, 200, "{what}: {page:?}");
    assert!(page.body.contains(&resource), "{what}: {}", page.body);
    let done = browser.decide(&page, "local", &stack.login_code("alice")).await;
    let back = browser.follow(done, callback).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("redirect_uri", callback),
        ("code", &code),
        ("code_verifier", &verifier),
    ];
    let endpoint = metadata["token_endpoint"].as_str().unwrap();
    let tokens: Value = http.post(endpoint).form(&form).send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{what}: {tokens}"));
    let called = http.post(&resource).bearer_auth(token).send().await.unwrap();
    assert_eq!(called.status(), 200, "{what}");
    assert!(
        called.text().await.unwrap().to_lowercase().contains("x-user-id: local:alice"),
        "{what}"
    );
    for path in ["/verify", "/ended-grants", "/ready", "/metrics"] {
        let inner = http.get(at(LOGIN_HOST, path)).send().await.unwrap();
        assert!(inner.status() == 404 || inner.text().await.unwrap().is_empty(), "{what}: {path}");
    }
    token.to_owned()
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
    eventually("all are asked over HTTP/2", || asked() >= before + 160);
    // Each of the five routes has a client of its own, and two may begin at once, before the first has
    // said that it speaks HTTP/2.
    let connections = edge.connections();
    assert!((1..=10).contains(&connections), "{connections} connections");
}
