//! A proxy in front of Traefik that ends TLS, with the configurations of `docs/FRONT.md`.

use gateway_tests::port::free_address;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use gateway_tests::stack::{Stack, root};
use reqwest::header::HOST as HOST_HEADER;
use tempfile::TempDir;

use crate::{
    edge::{Edge, SECRET, await_listener, like},
    other_proxies::{HOST, Issuer, configuration, log_in, run_caddy, run_nginx},
    run,
};

/// A test with the stack and the edge.
type Scenario = (&'static str, fn(&Stack, &Edge));

pub const SCENARIOS: &[Scenario] = &[
    ("a8_a_login_works_with_nginx_in_front", nginx),
    ("a8_a_login_works_with_caddy_in_front", caddy),
    ("a8_only_what_stands_in_front_is_believed", strangers),
];

/// Traefik as its container starts it.
struct Traefik {
    process: Child,
    /// Where it listens without TLS.
    plain: SocketAddr,
    _directory: TempDir,
}

impl Drop for Traefik {
    fn drop(&mut self) {
        // With what rotates its log.
        let group = format!("-{}", self.process.id());
        let _asked = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ended = self.process.wait();
    }
}

/// Starts `traefik/entrypoint.sh` with other addresses, trusting 127.0.0.1.
fn start(stack: &Stack, edge: &Edge, auth: &Issuer, public: SocketAddr) -> Traefik {
    let (directory, plain) = (tempfile::tempdir().unwrap(), free_address());
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(root().join("traefik")).arg(directory.path());
    assert!(copy.status().unwrap().success());
    let file = path("traefik/traefik.yml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (theirs, ours) in [
        ("\":80\"", format!("\"{plain}\"")),
        ("\":443\"", format!("\"{}\"", free_address())),
        ("\":8000\"", format!("\"{}\"", free_address())),
        ("127.0.0.1:8001", free_address().to_string()),
        ("@API_ADDRESS@:8080", free_address().to_string()),
        ("tcp://socket-proxy:2375", format!("tcp://{}", free_address())),
        ("/etc/traefik/dynamic", path("traefik/dynamic")),
    ] {
        assert!(text.contains(theirs), "{theirs}");
        text = text.replace(theirs, &ours);
    }
    fs::write(&file, text).unwrap();
    let mut command = like(stack.pid("traefik"));
    let environment: Vec<_> = command
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
        .collect();
    let program = std::path::PathBuf::from(command.get_program());
    let search = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    command = Command::new("sh");
    command.arg(path("traefik/entrypoint.sh")).env_clear();
    command.envs(environment.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let process = command
        .env("PATH", search)
        .env("TRAEFIK_CONFIG", path("traefik.yml"))
        .env("TRAEFIK_ACCESS_LOG", path("access.log"))
        .env("FRONT_PROXIES", "127.0.0.1, 192.0.2.0/24")
        .env("PUBLIC_PORT", public.port().to_string())
        .env("AUTH_URL", format!("http://{}", auth.address))
        .env("AUTH_VERIFY_URL", format!("http://{}/verify", auth.address))
        .env("VERIFY_SECRET", SECRET)
        .env("PROXY_URL", format!("http://{}", edge.server))
        .envs(["AUTH_CA_FILE", "CERT_FILE", "KEY_FILE", "ACME_EMAIL"].map(|name| (name, "")))
        .env_remove("ENTRY_POINTS")
        .stdin(Stdio::null())
        .stdout(fs::File::create(path("log")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    await_listener(plain);
    await_routes(plain);
    Traefik { process, plain, _directory: directory }
}

/// It listens before it has read its routes.
fn await_routes(plain: SocketAddr) {
    let request = format!(
        "GET /mcp HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    );
    for _ in 0..200 {
        let mut stream = TcpStream::connect(plain).unwrap();
        let mut answer = String::new();
        let asked =
            stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        if asked.is_ok() && !answer.contains(" 404 ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("Traefik does not route");
}

/// The configuration of the document, with the addresses of this test.
fn documented(language: &str, stack: &Stack, traefik: &Traefik) -> String {
    configuration("FRONT.md", language, stack).replace("127.0.0.1:8080", &traefik.plain.to_string())
}

fn nginx(stack: &Stack, edge: &Edge) {
    let public = free_address();
    let auth = Issuer::start(stack, public);
    let traefik = start(stack, edge, &auth, public);
    let text = documented("nginx", stack, &traefik);
    let text = text.replace("example.com *.example.com", "mcp.localhost *.mcp.localhost");
    let _proxy = run_nginx(&text, public);
    logs_in(stack, public, "nginx");
}

fn caddy(stack: &Stack, edge: &Edge) {
    let public = free_address();
    let auth = Issuer::start(stack, public);
    let traefik = start(stack, edge, &auth, public);
    let text = documented("caddy", stack, &traefik);
    let at = |host: &str| format!("https://{host}:{}", public.port());
    let hosts = format!("{}, {} {{", at("*.mcp.localhost"), at("mcp.localhost"));
    let _proxy = run_caddy(&text.replace("*.example.com, example.com {", &hosts), public);
    logs_in(stack, public, "caddy");
}

/// Logs in, and calls a server from another address, which it gets to see.
fn logs_in(stack: &Stack, public: SocketAddr, what: &str) {
    run(async {
        let token = log_in(stack, public, what).await;
        let pem = fs::read(stack.ca()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .local_address(IpAddr::from([127, 0, 0, 5]))
            .resolve(HOST, public)
            .no_proxy()
            .build()
            .unwrap();
        let url = format!("https://{HOST}:{}/mcp", public.port());
        let request = client.post(url).bearer_auth(token).header("X-User-Id", "forged");
        let answer = request.header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{what}");
        let arrived = answer.text().await.unwrap().to_lowercase();
        assert!(
            arrived.contains("\r\nx-forwarded-for: 127.0.0.5, 127.0.0.1\r\n"),
            "{what}: {arrived}"
        );
        assert!(
            !arrived.contains("forged") && !arrived.contains("203.0.113.9"),
            "{what}: {arrived}"
        );
    });
}

/// Traefik redirects plain HTTP unless a listed proxy says that its client came by https. An address that is not
/// listed is redirected in every case.
fn strangers(stack: &Stack, edge: &Edge) {
    let public = free_address();
    let auth = Issuer::start(stack, public);
    let traefik = start(stack, edge, &auth, public);
    run(async {
        let ask = async |from: [u8; 4], path: &str, said: &[(&str, &str)]| {
            let client = reqwest::Client::builder()
                .local_address(IpAddr::from(from))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap();
            let mut request = client.get(format!("http://{}{path}", traefik.plain));
            request = request.header(HOST_HEADER, format!("{HOST}:{}", public.port()));
            for (name, value) in said {
                request = request.header(*name, *value);
            }
            let answer = request.send().await.unwrap();
            let to = answer.headers().get("location").map(|url| url.to_str().unwrap().to_owned());
            (answer.status().as_u16(), to)
        };
        let https = ("X-Forwarded-Proto", "https");
        let (front, stranger) = ([127, 0, 0, 1], [127, 0, 0, 2]);
        let begun = ask(front, "/mcp", &[https]).await;
        assert_eq!(begun.0, 401, "{begun:?}");
        assert_eq!(ask(front, "/elsewhere", &[https]).await.0, 404);
        let sent_on = |path: &str| (301, Some(format!("https://{HOST}:{}{path}", public.port())));
        for path in ["/mcp", "/.well-known/oauth-protected-resource", "/elsewhere"] {
            for said in [
                &[][..],
                &[https],
                &[https, ("X-Forwarded-For", "127.0.0.1")],
                &[https, ("Forwarded", "for=127.0.0.1;proto=https")],
                &[https, ("X-Real-Ip", "127.0.0.1")],
            ] {
                assert_eq!(ask(stranger, path, said).await, sent_on(path), "{said:?}");
            }
            for said in [&[][..], &[("X-Forwarded-Proto", "http")]] {
                assert_eq!(ask(front, path, said).await, sent_on(path), "{said:?}");
            }
        }
    });
}
