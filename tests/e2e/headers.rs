//! What reaches a server: the identity from `/verify`, nothing that the client made up, no token.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use gateway_tests::{
    client::McpClient,
    stack::{Stack, root},
};
use url::Url;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[
    ("identity_headers_of_a_client_never_reach_a_server", identity_headers),
    ("a_proxy_that_is_reached_around_the_gateway_serves_nobody", around_the_gateway),
    ("no_log_has_a_credential", no_log_has_a_credential),
];

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// A second Traefik with the same routing, in front of a server that notes what it gets.
struct Mirror {
    traefik: Child,
    address: SocketAddr,
    seen: Seen,
}

impl Mirror {
    fn start(stack: &Stack) -> Self {
        let (server, seen) = noting_server();
        let config = std::fs::read_to_string(stack.path("traefik.yml")).unwrap();
        let addresses: Vec<&str> = config
            .lines()
            .filter_map(|line| line.trim().strip_prefix("address: "))
            .map(|address| address.trim_matches('"'))
            .collect();
        let (plain, tls) = (free_address(), free_address());
        let config = config
            .replace(addresses[0], &plain.to_string())
            .replace(addresses[1], &tls.to_string())
            .replace("/logs/access.log", "/logs/mirror-access.log");
        std::fs::write(stack.path("mirror.yml"), config).unwrap();
        let auth = format!("/proc/{}/environ", stack.pid("traefik"));
        let environment = std::fs::read(auth).unwrap();
        let variables = environment.split(|byte| *byte == 0).filter_map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        });
        let traefik = Command::new(root().join(".tools/python/bin/traefik"))
            .arg(format!("--configFile={}", stack.path("mirror.yml").display()))
            .env_clear()
            .envs(variables)
            .env("PROXY_URL", format!("http://{server}"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mirror = Self { traefik, address: tls, seen };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(tls).is_err() {
            assert!(Instant::now() < deadline, "Traefik does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        mirror
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _ = self.traefik.kill();
        let _ = self.traefik.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn noting_server() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let notes = web::Data::new(Arc::clone(&seen));
    let note = async |notes: web::Data<Seen>, request: HttpRequest| {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = request.headers().iter();
        *notes.lock().unwrap() =
            headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        HttpResponse::Ok().finish()
    };
    let app = move || App::new().app_data(notes.clone()).default_service(web::to(note));
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
    (address, seen)
}

fn identity_headers(stack: &Stack) {
    let mirror = Mirror::start(stack);
    run(async {
        let client = McpClient::log_in(stack, "time", "alice").await;
        let url = Url::parse(&client.url).unwrap();
        let pem = std::fs::read(stack.ca()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .no_proxy()
            // In HTTP/2 the host is part of the URL and cannot differ from it.
            .http1_only()
            .resolve("time.mcp.localhost", mirror.address)
            .build()
            .unwrap();
        // The host as the client writes it is the public one; only the port on the wire differs.
        let target = format!("https://time.mcp.localhost:{}/mcp", mirror.address.port());
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let mut request = http.post(&target).header("Host", url.authority());
            request = request.bearer_auth(&client.token);
            for name in [
                "X-MCP-Server",
                "X_MCP_Server",
                "X-User-Id",
                "x-user-id",
                "X_User_Id",
                "X.User.Id",
                "X-User-Name",
                "X_User_Name",
                "X-User-Email",
                "X-Client-Id",
                "X-Auth-Scopes",
                "X_Auth_Scopes",
                "X-MCP-Identity",
                "X_MCP_Identity",
                "X-Forwarded-User",
                "Forwarded",
            ] {
                request = request.header(name, "spoofed-admin");
            }
            // It listens before it has read its routes and certificates.
            let status = request.send().await.map(|answer| answer.status());
            if status.as_ref().is_ok_and(|status| *status == 200) {
                break;
            }
            assert!(Instant::now() < deadline, "{status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let seen = mirror.seen.lock().unwrap().clone();
    let of = |name: &str| -> Vec<&str> {
        let alike = |other: &str| other.replace(['_', '.'], "-") == name;
        seen.iter().filter(|(other, _)| alike(other)).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(of("x-mcp-server"), ["time"], "{seen:?}");
    assert_eq!(of("x-user-id"), ["local:alice"], "{seen:?}");
    assert_eq!(of("x-user-name"), ["alice"], "{seen:?}");
    assert_eq!(of("x-auth-scopes"), ["mcp"], "{seen:?}");
    assert!(of("x-user-email").iter().all(|value| value.is_empty()), "{seen:?}");
    let identity = of("x-mcp-identity");
    assert_eq!(identity.len(), 1, "{seen:?}");
    assert_eq!(identity[0].split('.').count(), 3, "{seen:?}");
    assert!(of("authorization").is_empty(), "{seen:?}");
    assert!(of("forwarded").is_empty(), "{seen:?}");
}

/// Whoever gets to the port of the proxy cannot say who they are.
fn around_the_gateway(stack: &Stack) {
    let ports = std::fs::read_to_string(stack.path("ports")).unwrap();
    let port = ports.lines().find_map(|line| line.strip_prefix("PROXY_PORT=")).unwrap();
    run(async {
        let client = McpClient::log_in(stack, "time", "alice").await;
        assert_eq!(client.call("tools/list", serde_json::json!({})).await.status, 200);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        // An access token has the same keys and is no identity.
        for identity in ["", client.token.as_str()] {
            let request = http.post(format!("http://127.0.0.1:{port}/time/mcp"));
            let request = request
                .header("Accept", "application/json, text/event-stream")
                .header("X-MCP-Server", "time")
                .header("X-User-Id", "local:alice")
                .header("X-Auth-Scopes", "mcp")
                .header("X-MCP-Identity", identity)
                .bearer_auth(&client.token);
            let answer = request.json(&ask).send().await.unwrap();
            assert_eq!(answer.status(), 401);
            let text = answer.text().await.unwrap();
            assert!(text.contains("through its gateway only"), "{text}");
        }
    });
}

/// Everything that was written while a person logged in and worked, searched for what is secret.
fn no_log_has_a_credential(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "time", "logged-user").await;
        let code = stack.login_code("logged-user");
        let reply = client.call("tools/list", serde_json::json!({})).await;
        assert_eq!(reply.status, 200);
        let requests = stack.log("access.log");
        assert!(requests.contains("/authorize"), "the access log is not there");
        let logs = ["access.log", "traefik.log", "auth-service.log", "proxy.log"];
        for name in logs {
            let text = stack.log(name);
            for secret in [&client.token, &code] {
                assert!(!text.contains(secret.as_str()), "{name}");
            }
            for parameter in ["code=", "state=", "code_challenge=", "Bearer "] {
                assert!(!text.contains(parameter), "{name} has {parameter}");
            }
        }
    });
}
