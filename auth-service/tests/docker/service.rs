//! The program as it is run: documents, audiences and the command line follow the containers.

use gateway_tests::port::free_port;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use auth_service::keys::generate_key;
use gateway_tests::redis::Redis;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::engine::{Engine, SOCKET};

struct Service {
    process: Child,
    redis: Redis,
    directory: TempDir,
    base: String,
    http: reqwest::Client,
}

impl Service {
    async fn start() -> Self {
        let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
        std::fs::write(directory.path().join("key.pem"), generate_key().unwrap()).unwrap();
        let port = free_port();
        let process = program(directory.path(), &redis)
            .env("AUTH_LISTEN", format!("127.0.0.1:{port}"))
            .arg("serve")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let service = Self { process, redis, directory, base, http };
        let deadline = Instant::now() + Duration::from_secs(10);
        while service.http.get(format!("{}/ready", service.base)).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        service
    }

    /// The metadata of the server at `host`.
    async fn metadata(&self, host: &str) -> (StatusCode, Value) {
        let url = format!("{}/.well-known/oauth-protected-resource/mcp", self.base);
        let answer = self.http.get(url).header("Host", host).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn challenge(&self, host: &str) -> (StatusCode, String) {
        let request = self.http.get(format!("{}/verify", self.base));
        let request = request.header("X-Forwarded-Host", host).header("X-Forwarded-Uri", "/mcp");
        let answer = request.send().await.unwrap();
        let header = answer.headers().get("www-authenticate");
        (answer.status(), header.map_or("", |value| value.to_str().unwrap()).to_owned())
    }

    fn cli_json(&self, arguments: &[&str]) -> Value {
        let output = program(self.directory.path(), &self.redis).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(directory: &Path, redis: &Redis) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
    command
        .env_clear()
        .current_dir(directory)
        .env("BASE_DOMAIN", "gw.example")
        .env("REDIS_URL", redis.url())
        .env("SIGNING_KEY_FILE", "key.pem")
        .env("DOCKER_ENDPOINT", format!("unix://{SOCKET}"));
    command
}

#[tokio::test]
async fn documents_and_challenges_follow_a_container() {
    let engine = Engine::new("serve");
    let service = Service::start().await;
    let name = engine.name("time");
    let host = format!("{name}.gw.example");
    assert_eq!(service.metadata(&host).await.0, StatusCode::NOT_FOUND);

    let labels = [("mcp.enable", "true"), ("mcp.scopes", "time:read"), ("mcp.title", "Time")];
    engine.run("time", &labels);
    let since = Instant::now();
    let metadata = loop {
        let (status, metadata) = service.metadata(&host).await;
        if status == StatusCode::OK {
            break metadata;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "no metadata");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(metadata["resource"], format!("https://{host}/mcp"));
    assert_eq!(metadata["scopes_supported"], serde_json::json!(["time:read"]));
    let (status, challenge) = service.challenge(&host).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(challenge.contains("scope=\"time:read\""), "{challenge}");

    let listed = service.cli_json(&["server", "list", "--json"]);
    let entry = listed["servers"].as_array().unwrap().iter().find(|entry| entry["name"] == *name);
    let entry = entry.unwrap();
    assert_eq!(entry["source"], format!("container {name}"));
    assert_eq!(entry["resource"], format!("https://{host}/mcp"));

    engine.remove("time");
    let since = Instant::now();
    while service.challenge(&host).await.0 != StatusCode::NOT_FOUND {
        assert!(since.elapsed() < Duration::from_secs(20), "it is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A proxy that demands signed identities is seen by its environment or its command line.
#[test]
fn the_doctor_sees_who_demands_identities() {
    let engine = Engine::new("doctor");
    let redis = Redis::start();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.pem"), generate_key().unwrap()).unwrap();
    let demand = ["--env", "MCP_IDENTITY_JWKS=http://auth-service:8000/jwks"];
    engine.run_with("demands", &[], &demand);
    engine.run("does-not", &[]);
    let doctor = || {
        let mut command = program(directory.path(), &redis);
        command.args(["doctor", "--json", "--address", "127.0.0.1"]);
        command.env("SIGNED_IDENTITY", "false").env("PUBLIC_PORT", "1");
        let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let all = report["findings"].as_array().unwrap();
        let ours = all.iter().filter(|finding| finding["check"] == "identity");
        ours.filter(|finding| finding["level"] == "error")
            .map(|finding| finding["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let subject = |short: &str| format!("container {}", engine.name(short));
    let found = doctor();
    assert!(found.contains(&subject("demands")), "{found:?}");
    assert!(!found.contains(&subject("does-not")), "{found:?}");
}
