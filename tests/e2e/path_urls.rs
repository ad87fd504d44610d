//! `SERVER_URLS=path`: one DNS name for everything, with a Traefik, an auth-service and a proxy of its
//! own beside the stack.

use gateway_tests::port::free_address;
use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gateway_tests::{
    client::{McpClient, Reply},
    stack::Stack,
};
use serde_json::{Value, json};

use crate::{
    Scenario,
    doctor::{await_health, of},
    edge::{Arrivals, await_listener, echo, like, static_file},
    run,
};

pub const SCENARIOS: &[Scenario] = &[
    ("servers_are_used_by_path_below_one_name", by_path),
    ("servers_by_path_share_no_cookies_with_the_login", no_cookies),
];

struct OneName {
    origin: String,
    http: reqwest::Client,
    processes: Vec<Child>,
    variables: Vec<(&'static str, String)>,
    _directory: tempfile::TempDir,
}

impl OneName {
    /// With the servers behind a proxy of its own, or `other` in place of all of them.
    fn start(stack: &Stack, other: Option<SocketAddr>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let (public, auth, auth_tls, proxy) =
            (free_address(), free_address(), free_address(), free_address());
        let origin = format!("https://mcp.localhost:{}", public.port());
        let all: Value =
            serde_json::from_slice(&fs::read(stack.path("mcp-servers.json")).unwrap()).unwrap();
        let servers = ["time", "everything"].map(|name| (name, all["mcpServers"][name].clone()));
        let servers: serde_json::Map<String, Value> =
            servers.into_iter().map(|(name, entry)| (name.to_owned(), entry)).collect();
        fs::write(file("servers.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
        let variables = vec![
            ("SERVER_URLS", "path".to_owned()),
            ("ISSUER", String::new()),
            // There are no pages for administrators here.
            ("ADMIN_USERS", String::new()),
            ("PUBLIC_PORT", public.port().to_string()),
            ("AUTH_LISTEN", auth.to_string()),
            ("AUTH_TLS_LISTEN", auth_tls.to_string()),
            ("AUTH_TLS_DIR", file("auth-tls")),
            ("MCP_SERVERS_FILE", file("servers.json")),
            ("AUTH_URL", format!("http://{auth}")),
            ("AUTH_VERIFY_URL", format!("https://{auth_tls}/verify")),
            ("AUTH_CA_FILE", file("auth-tls/ca.pem")),
            ("PROXY_URL", format!("http://{}", other.unwrap_or(proxy))),
        ];
        let spawn = |name: &str, arguments: &[String]| {
            let log = fs::File::create(directory.path().join(name)).unwrap();
            let mut command = like(stack.pid(name));
            command.args(arguments).envs(variables.iter().cloned());
            command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
        };
        let mut processes = vec![spawn("auth-service", &["serve".to_owned()])];
        await_listener(auth_tls);
        let listen = format!("--listen={proxy}");
        let config = format!("--config={}", file("servers.json"));
        let keys = format!("--identity-jwks=http://{auth}/jwks");
        let host = "--allow-host=mcp.localhost".to_owned();
        if other.is_none() {
            processes.push(spawn("proxy", &[listen, config, host, keys]));
            await_listener(proxy);
        }
        let traefik = static_file(stack, directory.path(), public);
        fs::write(file("traefik.yml"), traefik).unwrap();
        processes.push(spawn("traefik", &[format!("--configFile={}", file("traefik.yml"))]));
        await_listener(public);
        let http = client(stack);
        Self { origin, http, processes, variables, _directory: directory }
    }

    /// auth-service with its settings.
    fn program(&self, stack: &Stack, arguments: &[&str]) -> Command {
        let mut command = like(stack.pid("auth-service"));
        command.args(arguments).envs(self.variables.iter().cloned());
        command
    }

    /// It listens before it has read its routes.
    async fn await_routes(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let url = format!("{}/.well-known/oauth-authorization-server", self.origin);
        loop {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(Instant::now() < deadline, "Traefik does not route");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for OneName {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn client(stack: &Stack) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(&fs::read(stack.ca()).unwrap()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .resolve("mcp.localhost", ([127, 0, 0, 1], 0).into())
        .build()
        .unwrap()
}

fn by_path(stack: &Stack) {
    let gateway = OneName::start(stack, None);
    run(async {
        gateway.await_routes().await;
        let url = |name: &str| format!("{}/{name}/mcp", gateway.origin);
        let metadata = |name: &str| {
            format!("{}/.well-known/oauth-protected-resource/{name}/mcp", gateway.origin)
        };
        for name in ["time", "everything"] {
            let refused = Reply::read(gateway.http.post(url(name))).await;
            assert_eq!(refused.status, 401, "{refused:?}");
            assert!(refused.header("www-authenticate").contains(&metadata(name)), "{refused:?}");
            let document = Reply::read(gateway.http.get(metadata(name))).await;
            assert_eq!(document.body["resource"], url(name));
            assert_eq!(document.body["authorization_servers"], json!([gateway.origin]));
        }
        let code = stack.login_code("alice");
        let client =
            McpClient::log_in_at(gateway.http.clone(), &gateway.origin, &url("time"), &code).await;
        let tools = client.call("tools/list", json!({})).await;
        let listed = tools.body["result"]["tools"].to_string();
        assert!(listed.contains("get_current_time"), "{tools:?}");
        let other = McpClient { url: url("everything"), ..client };
        let refused = other.call("tools/list", json!({})).await;
        assert_eq!(refused.status, 401, "a token for one path is none for another: {refused:?}");
        for path in ["/verify", "/ended-grants", "/ready", "/mcp", "/unknown/mcp"] {
            let hidden = Reply::read(gateway.http.get(format!("{}{path}", gateway.origin))).await;
            assert_eq!(hidden.status, 404, "{path}: {hidden:?}");
        }
    });
    let findings =
        await_health(|| gateway.program(stack, &["doctor", "--json", "--ca", stack.ca()]));
    assert_eq!(of(&findings, "discovery").len(), 3, "{findings:#?}");
}

/// All of them are one origin for a browser: what the login keeps there is not for servers.
fn no_cookies(stack: &Stack) {
    let gateway = OneName::start(stack, Some(echo("any", &Arrivals::default())));
    let mint = ["token", "mint", "--user", "alice", "--server", "time"];
    let output = gateway.program(stack, &mint).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    run(async {
        gateway.await_routes().await;
        let request = gateway.http.get(format!("{}/time/mcp", gateway.origin));
        let request = request.bearer_auth(token.trim()).header("Cookie", "__Host-x=of-the-login");
        let echoed = Reply::read(request.header("X-Kept", "kept")).await;
        assert_eq!((echoed.status.as_u16(), echoed.header("x-echo")), (200, "any"), "{echoed:?}");
        assert_eq!(echoed.header("set-cookie"), "");
        let seen = echoed.body.as_str().unwrap();
        assert!(seen.contains("kept") && seen.contains("GET /time/mcp"), "{seen}");
        assert!(!seen.contains("of-the-login") && !seen.contains(token.trim()), "{seen}");
    });
}
