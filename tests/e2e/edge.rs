//! What stands at the edge, with servers that answer with the bytes they received: an auth-service of
//! its own catalogue, and a Traefik with the routing of the gateway.

use gateway_tests::port::free_address;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use gateway_tests::stack::{Stack, root};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use tempfile::TempDir;

/// What Traefik and auth-service share; no client and no server may ever see it.
pub const SECRET: &str = "kept-between-traefik-and-auth-service";

const PATIENCE: Duration = Duration::from_secs(30);

/// The servers: by host, and by path on one host.
const SERVERS: [&str; 4] = ["echo-a", "echo-b", "path-a", "path-b"];

/// Everything that runs.
pub struct Edge {
    /// Where Traefik listens.
    pub address: SocketAddr,
    /// Where Traefik listens without TLS.
    pub plain: SocketAddr,
    /// Where auth-service listens without TLS.
    pub auth: SocketAddr,
    /// A server that stands for `echo-a`, for other proxies.
    pub server: SocketAddr,
    tokens: Vec<(&'static str, String)>,
    /// All that reached any server.
    arrivals: Arrivals,
    checks: Relay,
    tls: Arc<ClientConfig>,
    http2: reqwest::Client,
    processes: Vec<Child>,
    directory: TempDir,
}

/// All that reached any server.
pub type Arrivals = Arc<Mutex<Vec<String>>>;

impl Edge {
    /// Starts it beside `stack`, whose Redis, keys and certificate it uses.
    pub fn start(stack: &Stack) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, auth, auth_tls) = (free_address(), free_address(), free_address());
        let domain = "mcp.localhost";
        let by_path = |name: &str| format!("https://paths.{domain}:{}/{name}/mcp", address.port());
        let servers = serde_json::json!({ "mcpServers": {
            "echo-a": { "url": "http://127.0.0.1:1/mcp" },
            "echo-b": { "url": "http://127.0.0.1:1/mcp" },
            "path-a": { "url": "http://127.0.0.1:1/mcp", "resource": by_path("a") },
            "path-b": { "url": "http://127.0.0.1:1/mcp", "resource": by_path("b") },
        }});
        fs::write(directory.path().join("servers.json"), servers.to_string()).unwrap();
        let arrivals = Arrivals::default();
        let checks = Relay::to(auth_tls);
        let [a, b, other] = ["a", "b", "other"].map(|name| echo(name, &arrivals));
        let auth_service = |arguments: &[&str]| {
            let mut command = like(stack.pid("auth-service"));
            command
                .args(arguments)
                .current_dir(directory.path())
                .env("PUBLIC_PORT", address.port().to_string())
                .env("AUTH_LISTEN", auth.to_string())
                .env("AUTH_TLS_LISTEN", auth_tls.to_string())
                .env("AUTH_TLS_DIR", directory.path().join("auth-tls"))
                .env("MCP_SERVERS_FILE", directory.path().join("servers.json"))
                .env("VERIFY_SECRET", SECRET)
                .env("RUST_LOG", "info,access=debug");
            command
        };
        let log = fs::File::create(directory.path().join("auth-service.log")).unwrap();
        let mut processes = vec![auth_service(&["serve"]).stderr(log).spawn().unwrap()];
        await_listener(auth_tls);
        let plain = write_traefik(stack, directory.path(), address, (a, b));
        let traefik = like(stack.pid("traefik"))
            .arg(format!("--configFile={}", directory.path().join("traefik.yml").display()))
            .env("AUTH_URL", format!("http://{auth}"))
            .env("AUTH_VERIFY_URL", format!("https://{}/verify", checks.address))
            .env("AUTH_CA_FILE", directory.path().join("auth-tls/ca.pem"))
            .env("VERIFY_SECRET", SECRET)
            .env("PROXY_URL", format!("http://{other}"))
            .stdout(fs::File::create(directory.path().join("traefik.log")).unwrap())
            .spawn();
        processes.push(traefik.unwrap());
        let mint = |name: &'static str| {
            let mint = ["token", "mint", "--user", "alice", "--server", name];
            let output = auth_service(&mint).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            (name, String::from_utf8(output.stdout).unwrap().trim().to_owned())
        };
        let tokens = SERVERS.map(mint).into();
        let (tls, http2) = (client_config(stack), http2(stack));
        let (server, auth) = (a, auth);
        let edge = Self {
            address,
            plain,
            auth,
            server,
            tokens,
            arrivals,
            checks,
            tls,
            http2,
            processes,
            directory,
        };
        edge.await_routes();
        edge
    }

    /// It listens before it has read its routes and certificates.
    fn await_routes(&self) {
        let begun = Instant::now();
        let request = self.fill(
            "GET /mcp HTTP/1.1\r\nHost: echo-a.mcp.localhost:{port}\r\n\
             Authorization: Bearer {echo-a}\r\nConnection: close\r\n\r\n",
        );
        while !self.exchange("echo-a.mcp.localhost", &request).is_some_and(|a| a.contains(" 200 "))
        {
            assert!(begun.elapsed() < PATIENCE, "Traefik does not route");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `text` with `{port}` and the tokens, `{NAME of a server}`, filled in.
    pub fn fill(&self, text: &str) -> Vec<u8> {
        let text = text.replace("{port}", &self.address.port().to_string());
        let filled = self
            .tokens
            .iter()
            .fold(text, |text, (name, token)| text.replace(&format!("{{{name}}}"), token));
        // The table writes bytes beyond ASCII as characters of Latin-1.
        filled.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect()
    }

    /// The token for a server.
    pub fn token(&self, name: &str) -> &str {
        &self.tokens.iter().find(|(other, _)| *other == name).expect("a server").1
    }

    /// Sends these bytes over TLS to `host` and reads one answer, or all until the end if that is what
    /// the request asks for; nothing if the connection ends before.
    pub fn exchange(&self, host: &str, request: &[u8]) -> Option<String> {
        self.exchange_at(self.address, host, request)
    }

    /// The same with another proxy.
    pub fn exchange_at(&self, proxy: SocketAddr, host: &str, request: &[u8]) -> Option<String> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let socket = TcpStream::connect(proxy).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        // What is refused early is not read to its end.
        let _sent = stream.write_all(request).and_then(|()| stream.flush());
        let to_the_end = request.windows(17).any(|window| window == b"Connection: close");
        read_answer(&mut stream, to_the_end)
    }

    /// How long after the first event of a slow answer the second one comes.
    pub fn pause(&self, proxy: SocketAddr, request: &[u8]) -> Duration {
        let name = ServerName::try_from("echo-a.mcp.localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(proxy).unwrap());
        stream.write_all(request).unwrap();
        let (mut text, mut buffer, mut first) = (String::new(), [0; 8192], None);
        loop {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if text.contains("data: 1") {
                first.get_or_insert_with(Instant::now);
            }
            if text.contains("data: 2") {
                return first.map_or(Duration::ZERO, |first| first.elapsed());
            }
        }
    }

    /// A client of HTTP/2 that reaches all servers.
    pub fn http2(&self) -> &reqwest::Client {
        &self.http2
    }

    /// All requests that reached a server and say `text`.
    pub fn arrived(&self, text: &str) -> Vec<String> {
        let arrivals = self.arrivals.lock().unwrap();
        arrivals.iter().filter(|request| request.contains(text)).cloned().collect()
    }

    /// How many connections Traefik has opened to ask auth-service.
    pub fn connections(&self) -> usize {
        self.checks.count.load(SeqCst)
    }

    /// A file of its directory.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Reads what root alone can read: the programs of the gateway are not dumpable.
pub fn as_root(program: &str, path: &str) -> Vec<u8> {
    let direct = Command::new(program).arg(path).output().unwrap();
    if direct.status.success() {
        return direct.stdout;
    }
    let output = Command::new("sudo").args(["-n", program, path]).output();
    let output = output.unwrap_or_else(|error| panic!("{path}: sudo: {error}"));
    assert!(output.status.success(), "{path}: {output:?}");
    output.stdout
}

/// The program that runs as `pid`, with its environment.
pub fn like(pid: u32) -> Command {
    let environment = as_root("cat", &format!("/proc/{pid}/environ"));
    let variables = environment.split(|byte| *byte == 0).filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let program = as_root("readlink", &format!("/proc/{pid}/exe"));
    let mut command = Command::new(std::str::from_utf8(&program).unwrap().trim_end());
    command.env_clear().envs(variables).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The files of the gateway; only addresses differ, and the servers have routes of their own, as
/// labels of containers would give them. Returns where Traefik listens without TLS.
fn write_traefik(
    stack: &Stack,
    directory: &Path,
    address: SocketAddr,
    (a, b): (SocketAddr, SocketAddr),
) -> SocketAddr {
    let (dynamic, ours) = (root().join("traefik/dynamic"), directory.join("dynamic"));
    fs::create_dir(&ours).unwrap();
    for entry in fs::read_dir(&dynamic).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), ours.join(entry.file_name())).unwrap();
    }
    let router = |name: &str, rule: &str, service: &str| {
        format!(
            "    {name}:\n      rule: {rule}\n      service: {service}\n      middlewares: [mcp]\n      \
             entryPoints: [websecure]\n      tls: {{}}\n"
        )
    };
    let routes = [
        router("echo-a", "Host(`echo-a.mcp.localhost`)", "a"),
        router("echo-b", "Host(`echo-b.mcp.localhost`)", "b"),
        router("path-a", "Host(`paths.mcp.localhost`) && PathPrefix(`/a/`)", "a"),
        router("path-b", "Host(`paths.mcp.localhost`) && PathPrefix(`/b/`)", "b"),
    ];
    let service = |name: &str, address: SocketAddr| {
        format!(
            "    {name}:\n      loadBalancer:\n        servers: [{{ url: \"http://{address}\" }}]\n"
        )
    };
    let (routes, services) = (routes.concat(), service("a", a) + &service("b", b));
    let services = services + &service("gone", free_address());
    let gone = "    gone:\n      rule: Host(`gone.mcp.localhost`)\n      service: gone\n      \
                entryPoints: [websecure]\n      tls: {}\n";
    let text = format!("http:\n  routers:\n{routes}{gone}  services:\n{services}");
    fs::write(ours.join("echo.yml"), text).unwrap();
    let config = static_file(stack, directory, address);
    let config = config.replace(&dynamic.display().to_string(), &ours.display().to_string());
    fs::write(directory.join("traefik.yml"), &config).unwrap();
    let plain = config.lines().find_map(|line| line.trim().strip_prefix("address: ")).unwrap();
    plain.trim_matches('"').parse().unwrap()
}

/// Traefik's static file of the stack, at another address and with its log in `directory`.
pub fn static_file(stack: &Stack, directory: &Path, address: SocketAddr) -> String {
    let config = fs::read_to_string(stack.path("traefik.yml")).unwrap();
    let addresses: Vec<&str> = config
        .lines()
        .filter_map(|line| line.trim().strip_prefix("address: "))
        .map(|address| address.trim_matches('"'))
        .collect();
    let logs = format!("{}/access.log", stack.path("logs").display());
    // The twins of both on ::1, where there is one.
    let twins =
        addresses.get(2..).unwrap_or_default().iter().fold(config.clone(), |config, twin| {
            let free = format!("[::1]:{}", free_address().port());
            config.replace(twin, &free)
        });
    twins
        .replace(addresses[0], &free_address().to_string())
        .replace(addresses[1], &address.to_string())
        .replace(&logs, &directory.join("access.log").display().to_string())
}

fn client_config(stack: &Stack) -> Arc<ClientConfig> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(stack.ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

fn http2(stack: &Stack) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(&fs::read(stack.ca()).unwrap()).unwrap();
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none());
    // Each test has a runtime of its own, and a connection belongs to one.
    let client = client.pool_max_idle_per_host(0).resolve("echo-a.mcp.localhost", here);
    client.build().unwrap()
}

/// Waits until somebody listens.
pub fn await_listener(address: SocketAddr) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody listens at {address}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What comes back, as text of Latin-1; nothing if there was none.
fn read_answer(stream: &mut impl Read, to_the_end: bool) -> Option<String> {
    let (mut text, mut buffer) = (String::new(), [0; 8192]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if !to_the_end && length.is_some_and(|length: usize| body.chars().count() >= length) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return (!text.is_empty()).then_some(text),
            Ok(count) => text.extend(buffer[..count].iter().map(|byte| char::from(*byte))),
        }
    }
}

/// A server that answers with its name, a cookie and headers that would end HSTS and allow a page everything, and with
/// what it got as its body.
pub fn echo(name: &'static str, arrivals: &Arrivals) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, arrivals) = (listener.local_addr().unwrap(), Arc::clone(arrivals));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let arrivals = Arc::clone(&arrivals);
            std::thread::spawn(move || {
                let Some(request) = read_request(&mut stream) else { return };
                arrivals.lock().unwrap().push(request.clone());
                if request.starts_with("GET /mcp/slow ") {
                    answer_slowly(&mut stream);
                    return;
                }
                let body: Vec<u8> = request.chars().map(|c| c as u8).collect();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nX-Echo: {name}\r\nSet-Cookie: of={name}\r\n\
                     Strict-Transport-Security: max-age=0\r\nContent-Type: text/html\r\n\
                     Content-Security-Policy: default-src *\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n",
                    body.len()
                );
                let _sent = stream.write_all(&[head.into_bytes(), body].concat());
            });
        }
    });
    address
}

/// An event, and a second later another one.
fn answer_slowly(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    for part in [head, "data: 1\n\n"] {
        let _sent = stream.write_all(part.as_bytes());
    }
    std::thread::sleep(Duration::from_secs(1));
    let _sent = stream.write_all(b"data: 2\n\n");
}

/// One request as it came, with its trailers.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 8192]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let whole = match head.split("content-length: ").nth(1) {
                Some(rest) => body.len() >= rest.lines().next()?.trim().parse::<usize>().ok()?,
                None if head.contains("transfer-encoding: chunked") => {
                    body.ends_with("\r\n\r\n")
                        && (body.starts_with("0\r\n") || body.contains("\r\n0\r\n"))
                }
                None => true,
            };
            if whole {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return (!text.is_empty()).then_some(text),
            Ok(count) => text.extend(buffer[..count].iter().map(|byte| char::from(*byte))),
        }
    }
}

/// Passes connections on, and counts them.
struct Relay {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Relay {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { address: listener.local_addr().unwrap(), count: Arc::default() };
        let count = Arc::clone(&relay.count);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                count.fetch_add(1, SeqCst);
                let far = TcpStream::connect(target).unwrap();
                for (mut from, mut to) in
                    [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)]
                {
                    std::thread::spawn(move || {
                        let _ended = std::io::copy(&mut from, &mut to);
                        let _closed = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        relay
    }
}
