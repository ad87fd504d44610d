//! The whole gateway as a user starts it: `scripts/quickstart`, in a directory of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::{browser::Browser, github::FakeGitHub};

/// What a client needs to know of a gateway, however it was started.
pub trait Gateway {
    /// The CA to trust.
    fn ca(&self) -> &str;
    /// The issuer.
    fn issuer(&self) -> &str;
    /// A client that trusts the CA, reaches every host of the gateway and follows nothing.
    fn http(&self) -> reqwest::Client;
    /// A fresh login code.
    fn login_code(&self, name: &str) -> String;
}

/// A running gateway with a stand-in for GitHub.
pub struct Stack {
    /// What `scripts/quickstart` says about itself.
    pub state: Value,
    /// GitHub.
    pub github: FakeGitHub,
    directory: TempDir,
}

impl Stack {
    /// Starts one and waits until it is ready.
    pub fn start() -> Self {
        // All clients of the tests have one address.
        Self::start_with(&[
            ("RATE_LIMIT_ADDRESS", "6000"),
            ("RATE_LIMIT_REGISTER", "600"),
            ("GATEWAY_NAME", "Team gateway"),
            ("OPERATOR_CONTACT", "it@example.com"),
            ("ADMIN_USERS", "local:root"),
        ])
    }

    /// Starts one with these settings of `.env.example`, and waits until it is ready.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let github = FakeGitHub::start();
        let directory = tempfile::tempdir().expect("a directory");
        write_servers(directory.path());
        let mut command = quickstart(directory.path());
        command
            .args(["start", "--detach"])
            .env("GITHUB_CLIENT_ID", FakeGitHub::CLIENT.0)
            .env("GITHUB_CLIENT_SECRET", FakeGitHub::CLIENT.1)
            .env("GITHUB_BASE_URL", &github.url)
            .env("GITHUB_API_URL", format!("{}/api/v3", github.url))
            .env("ALLOWED_GITHUB_USERS", "octocat")
            .envs(settings.iter().copied());
        let mut stack = Self { state: Value::Null, github, directory };
        assert!(command.status().expect("it runs").success(), "scripts/quickstart failed");
        let state = std::fs::read(stack.path("state.json")).expect("state.json");
        stack.state = serde_json::from_slice(&state).expect("JSON");
        stack
    }

    /// A file of its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The local CA.
    pub fn ca(&self) -> &str {
        self.state["ca"].as_str().expect("a path")
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        self.state["issuer"].as_str().expect("a URL")
    }

    /// The names of the servers.
    pub fn servers(&self) -> Vec<&str> {
        let servers = self.state["servers"].as_object().expect("an object");
        servers.keys().map(String::as_str).collect()
    }

    /// The URL of a server.
    pub fn url(&self, name: &str) -> &str {
        self.state["servers"][name].as_str().unwrap_or_else(|| panic!("no server {name}"))
    }

    /// The process id of one of its programs.
    pub fn pid(&self, name: &str) -> u32 {
        let pid = self.state["pids"][name].as_u64().unwrap_or_else(|| panic!("no program {name}"));
        u32::try_from(pid).expect("a pid")
    }

    /// The loopback port that `scripts/quickstart` chose, by its name in the file `ports`.
    pub fn port(&self, name: &str) -> u16 {
        let text = std::fs::read_to_string(self.path("ports")).expect("ports");
        let ports = text.lines().filter_map(|line| line.split_once('='));
        let mut chosen = ports.filter(|(other, _)| *other == name).map(|(_, port)| port);
        chosen.next().and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Runs `scripts/quickstart` with these arguments.
    pub fn quickstart(&self, arguments: &[&str]) -> Output {
        quickstart(self.directory.path()).args(arguments).output().expect("it runs")
    }

    /// A fresh login code.
    pub fn login_code(&self, name: &str) -> String {
        let output = self.quickstart(&["login-code", name]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// A client that trusts the CA, reaches every host of the gateway and follows nothing.
    pub fn http(&self) -> reqwest::Client {
        let pem = std::fs::read(self.ca()).expect("the CA");
        let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let mut client = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            // Servers close an idle connection after some seconds, perhaps while it is used again.
            .pool_idle_timeout(std::time::Duration::from_secs(2))
            .no_proxy();
        let issuer = Url::parse(self.issuer()).expect("a URL");
        let port = issuer.port_or_known_default().expect("a port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let hosts = self.servers().into_iter().chain(["auth", "unknown"]);
        for host in hosts {
            client = client.resolve(&format!("{host}.mcp.localhost"), address);
        }
        client.build().expect("a client")
    }

    /// A browser of this gateway.
    pub fn browser(&self) -> Browser {
        Browser::new(self.http())
    }

    /// The log of one of its programs.
    pub fn log(&self, name: &str) -> String {
        let path = self.path("logs").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Gateway for Stack {
    fn ca(&self) -> &str {
        Self::ca(self)
    }

    fn issuer(&self) -> &str {
        Self::issuer(self)
    }

    fn http(&self) -> reqwest::Client {
        Self::http(self)
    }

    fn login_code(&self, name: &str) -> String {
        Self::login_code(self, name)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let output = quickstart(self.directory.path()).arg("stop").output();
        if !output.is_ok_and(|output| output.status.success()) {
            eprintln!("scripts/quickstart stop failed");
        }
    }
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent")
}

/// The catalogue of the quickstart, except that `fetch` may fetch from this machine.
fn write_servers(directory: &Path) {
    let template = std::fs::read_to_string(root().join("scripts/quickstart-servers.json"));
    let data = directory.join("data").display().to_string();
    let text = template.expect("the catalogue").replace("@DATA@", &data);
    let mut servers: Value = serde_json::from_str(&text).expect("JSON");
    servers["mcpServers"]["fetch"]["args"] = serde_json::json!(["--allow-private-ips"]);
    std::fs::write(directory.join("mcp-servers.json"), servers.to_string()).expect("written");
}

fn quickstart(directory: &Path) -> Command {
    let mut command = Command::new(root().join("scripts/quickstart"));
    command.env("QUICKSTART_DIR", directory).env_remove("RUST_LOG");
    command
}
