//! A gateway of `docker-compose.yml` in a directory of its own, set up as a user does.

use gateway_tests::port::free_port;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use gateway_tests::{
    github::FakeGitHub,
    stack::{Gateway, root},
};
use serde_json::Value;
use tempfile::TempDir;

/// Apart from a gateway that this machine may have.
const PROJECT: &str = "mcp-gateway-test";
const DOMAIN: &str = "mcp.localhost";
/// What a user unpacks, but the sources: the images are there already.
const SHIPPED: [&str; 6] =
    ["docker-compose.yml", "docker", "traefik", "scripts", "servers", "certificates"];

/// A running gateway.
pub(crate) struct Compose {
    pub(crate) github: FakeGitHub,
    directory: TempDir,
    ca: String,
    issuer: String,
    port: u16,
}

impl Compose {
    /// Sets it up, starts it and waits until every container is healthy.
    pub(crate) fn start() -> Self {
        let github = FakeGitHub::start_at(bridge());
        let directory = tempfile::tempdir().expect("a directory");
        for name in SHIPPED {
            let copied = Command::new("cp")
                .args(["-a", &root().join(name).display().to_string()])
                .arg(directory.path())
                .status();
            assert!(copied.is_ok_and(|status| status.success()), "{name}");
        }
        let port = free_port();
        let compose = Self {
            ca: directory.path().join("certificates/ca.pem").display().to_string(),
            issuer: format!("https://auth.{DOMAIN}:{port}"),
            github,
            directory,
            port,
        };
        compose.set_up();
        compose.run("docker", &["compose", "down", "--volumes", "--remove-orphans"]);
        compose.run("docker", &["compose", "up", "--detach", "--wait"]);
        compose
    }

    fn set_up(&self) {
        let mut setup = Command::new(self.path("scripts/setup"));
        setup.args(["--domain", DOMAIN, "--port", &self.port.to_string()]);
        setup.args(["--users", "octocat", "--servers", "all", "--yes"]);
        setup.args(["--github-id", FakeGitHub::CLIENT.0]);
        setup.env("GITHUB_CLIENT_SECRET", FakeGitHub::CLIENT.1);
        let done = setup.output().expect("it runs");
        assert!(done.status.success(), "{done:?}");
        let mut env = OpenOptions::new().append(true).open(self.path(".env")).expect(".env");
        let github = &self.github.url;
        let more = [
            format!("COMPOSE_PROJECT_NAME={PROJECT}"),
            format!("HTTP_PORT={}", free_port()),
            "MCP_FILE_ENABLED=true".to_owned(),
            format!("GITHUB_BASE_URL={github}"),
            format!("GITHUB_API_URL={github}/api/v3"),
            // All clients of these tests have one address.
            "RATE_LIMIT_ADDRESS=6000".to_owned(),
            "RATE_LIMIT_REGISTER=600".to_owned(),
        ];
        writeln!(env, "{}", more.join("\n")).expect("written");
    }

    /// A file of its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A value of `.env`.
    pub(crate) fn setting(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(".env")).expect(".env");
        let prefix = format!("{name}=");
        let value = text.lines().rev().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    /// The URL of a server.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://{name}.{DOMAIN}:{}/mcp", self.port)
    }

    /// Runs a program in its directory; its output. A failure ends the test.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.output(program, arguments);
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// The same, however it ends.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let program = match program.strip_prefix("scripts/") {
            Some(_) => self.path(program),
            None => Path::new(program).to_owned(),
        };
        Command::new(program)
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .expect("it runs")
    }

    /// The id of the container of a service.
    pub(crate) fn container(&self, service: &str) -> String {
        let id = self.run("docker", &["compose", "ps", "--quiet", service]);
        assert!(!id.is_empty(), "{service} does not run");
        id
    }

    /// The services that run.
    pub(crate) fn services(&self) -> Vec<String> {
        let names = self.run("docker", &["compose", "ps", "--services", "--status", "running"]);
        names.lines().map(str::to_owned).collect()
    }

    /// What Docker knows of a container.
    pub(crate) fn inspect(&self, container: &str) -> Value {
        let text = self.run("docker", &["inspect", container]);
        serde_json::from_str::<Value>(&text).expect("JSON")[0].clone()
    }

    /// Waits until the container of a service runs, and is healthy if it can tell.
    pub(crate) fn healthy(&self, service: &str) {
        eventually(&format!("{service} is healthy"), || {
            let state = &self.inspect(&self.container(service))["State"];
            let health = state["Health"]["Status"].as_str().unwrap_or("healthy");
            state["Running"] == true && health == "healthy"
        });
    }

    /// Ends the first process of a container as a crash would: Docker starts it again.
    pub(crate) fn crash(&self, service: &str) {
        let pid = &self.inspect(&self.container(service))["State"]["Pid"];
        self.run("kill", &["-KILL", &pid.to_string()]);
        let before = pid.clone();
        eventually(&format!("{service} is started again"), || {
            let now = &self.inspect(&self.container(service))["State"];
            now["Running"] == true && now["Pid"] != before
        });
        self.healthy(service);
    }

    /// Runs Python in the container of a server that has it.
    pub(crate) fn python(&self, service: &str, program: &str) -> String {
        self.run("docker", &["compose", "exec", "-T", service, "python", "-c", program])
    }
}

impl Gateway for Compose {
    fn ca(&self) -> &str {
        &self.ca
    }

    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn http(&self) -> reqwest::Client {
        let pem = fs::read(&self.ca).expect("the CA");
        let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client")
    }

    fn login_code(&self, name: &str) -> String {
        let code = ["compose", "exec", "-T", "auth-service", "/auth-service", "user", "login-code"];
        self.run("docker", &[&code[..], &[name]].concat())
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let output = self.output("docker", &["compose", "logs", "--tail", "30"]);
            eprintln!("{}", String::from_utf8_lossy(&output.stdout));
        }
        let ended = self.output("docker", &["compose", "down", "--volumes", "--remove-orphans"]);
        if !ended.status.success() {
            eprintln!("docker compose down failed: {ended:?}");
        }
    }
}

/// Waits until `holds`.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < deadline, "did not happen in 90 s: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Where containers reach this machine.
pub(crate) fn bridge() -> Ipv4Addr {
    // Not every Engine states the address; then it is the first of the network.
    let format = "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}";
    let output = Command::new("docker")
        .args(["network", "inspect", "bridge", "--format", format])
        .output()
        .expect("docker runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let (address, subnet) = text.trim().split_once('/').map_or((text.trim(), 0), |(a, _)| (a, 1));
    let address: Ipv4Addr =
        address.parse().unwrap_or_else(|error| panic!("no bridge, {text:?}: {error}"));
    Ipv4Addr::from_bits(address.to_bits() + subnet)
}
