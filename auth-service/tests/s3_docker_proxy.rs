//! `docker-proxy` and the catalogue before a Docker of JSON: what goes in, what comes out. The real one is
//! in `tests/docker`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

#[path = "s3_docker_proxy/engine.rs"]
mod engine;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gateway_tests::redis::Redis;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::engine::{Container, FakeEngine};

/// Labels with which an image takes the login, the inner keys, Traefik's API and a server.
const EVIL: [(&str, &str); 9] = [
    ("traefik.enable", "true"),
    ("traefik.http.routers.evil.rule", "Host(`auth.gw.example`) && PathPrefix(`/token`)"),
    ("traefik.http.routers.keys.rule", "Path(`/jwks`)"),
    ("traefik.http.routers.keys.entrypoints", "inside"),
    ("traefik.http.routers.api.service", "api@internal"),
    ("mcp.enable", "true"),
    ("mcp.name", "bank"),
    ("MCP.Resource", "https://bank.example/mcp"),
    ("com.docker.compose.service", "auth"),
];

struct Proxy {
    process: Child,
    base: String,
}

impl Proxy {
    async fn start(engine: &FakeEngine) -> Self {
        let address = gateway_tests::port::free_address();
        let process = Command::new(env!("CARGO_BIN_EXE_auth-service"))
            .arg("docker-proxy")
            .env_clear()
            .env("DOCKER_PROXY_LISTEN", address.to_string())
            .env("DOCKER_SOCKET", &engine.socket)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let proxy = Self { process, base: format!("http://{address}") };
        let deadline = Instant::now() + Duration::from_secs(30);
        while http().get(format!("{}/_ping", proxy.base)).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy
    }

    fn endpoint(&self) -> String {
        self.base.replace("http://", "tcp://")
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = http().get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A container of an evil image beside one of an image that says nothing.
fn two() -> FakeEngine {
    let honest = Container::new("honest", &[]).labels(&[("mcp.enable", "true"), ("own", "1")]);
    let evil = Container::new("evil", &EVIL).labels(&[
        ("mcp.enable", "True"),
        ("mcp.title", "Notes"),
        ("traefik.enable", "True"),
        ("traefik.http.routers.notes.middlewares", "mcp@file"),
    ]);
    FakeEngine::start(vec![honest, evil])
}

#[tokio::test]
async fn s3_list_and_inspection_have_the_labels_of_the_operator_only() {
    let engine = two();
    let proxy = Proxy::start(&engine).await;
    let expected = json!({
        "mcp.enable": "True",
        "mcp.title": "Notes",
        "traefik.enable": "True",
        "traefik.http.routers.notes.middlewares": "mcp@file",
    });
    let of_operator = |labels: &Value| {
        let mut labels = labels.as_object().unwrap().clone();
        labels.retain(|key, _| !key.starts_with("gateway.labels."));
        Value::Object(labels)
    };
    for prefix in ["", "/v1.41", "/v1.44"] {
        let (status, list) = proxy.get(&format!("{prefix}/containers/json?all=1")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(of_operator(&list[0]["Labels"]), json!({ "mcp.enable": "true", "own": "1" }));
        assert_eq!(of_operator(&list[1]["Labels"]), expected);
        let id = list[1]["Id"].as_str().unwrap();
        let (status, one) = proxy.get(&format!("{prefix}/containers/{id}/json")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(of_operator(&one["Config"]["Labels"]), expected);
        assert_eq!(one["NetworkSettings"]["Networks"]["net"]["IPAddress"], "172.18.0.2");
        assert_eq!(one["State"]["Health"]["Status"], "healthy");
        assert_eq!(one["HostConfig"], json!({ "NetworkMode": "net" }));
    }
    // Each image once, whoever asks.
    assert_eq!(engine.asked("/images/"), 2);
}

#[tokio::test]
async fn s3_no_secret_of_a_container_is_told() {
    let engine = two();
    let proxy = Proxy::start(&engine).await;
    let (_, list) = proxy.get("/containers/json").await;
    let id = list[0]["Id"].as_str().unwrap();
    let (_, one) = proxy.get(&format!("/containers/{id}/json")).await;
    assert_eq!(one["Config"]["Env"], json!(["MCP_IDENTITY_JWKS=set"]));
    let events = proxy.get("/events").await.1;
    assert_eq!(events["Actor"]["Attributes"], json!({ "name": "honest" }));
    for answer in [list, one, events] {
        let text = answer.to_string();
        assert!(!text.contains("secret") && !text.contains("api@internal"), "{text}");
    }
    let (_, version) = proxy.get("/version").await;
    assert_eq!(version["ApiVersion"], "1.41");
    assert!(version.get("KernelVersion").is_none());
}

#[tokio::test]
async fn s3_nothing_else_is_answered_or_asked() {
    let engine = two();
    let proxy = Proxy::start(&engine).await;
    for path in
        ["/info", "/images/json", "/containers/x/logs", "/containers/x/archive", "/v1.41/secrets"]
    {
        assert_eq!(proxy.get(path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let url = format!("{}/containers/json", proxy.base);
        let answer = http().request(method.clone(), url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method}");
    }
    let url = format!("{}/_ping", proxy.base);
    let ping = http().head(url).send().await.unwrap();
    assert_eq!(ping.headers()["api-version"], "1.41");
    assert_eq!(engine.asked("/images/json") + engine.asked("/info") + engine.asked("POST"), 0);
    // What Docker refuses is refused, in its words.
    let (status, refusal) = proxy.get("/containers/missing/json").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(refusal["message"].as_str().unwrap().contains("No such container"));
}

#[tokio::test]
async fn s3_an_image_that_cannot_be_inspected_leaves_no_label() {
    let orphan = Container::new("lost", &EVIL).without_image().labels(&[("mcp.enable", "True")]);
    let engine = FakeEngine::start(vec![orphan]);
    let proxy = Proxy::start(&engine).await;
    let (_, list) = proxy.get("/containers/json").await;
    let labels = list[0]["Labels"].as_object().unwrap();
    assert_eq!(labels.keys().collect::<Vec<_>>(), ["gateway.labels.withheld"]);
}

/// The program with the settings of a gateway that asks Docker at `endpoint`.
fn program(directory: &TempDir, redis: &Redis, endpoint: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
    command
        .env_clear()
        .current_dir(directory.path())
        .env("BASE_DOMAIN", "gw.example")
        .env("PUBLIC_PORT", "1")
        .env("REDIS_URL", redis.url())
        .env("SIGNING_KEY_FILE", "key.pem")
        .env("DOCKER_ENDPOINT", endpoint);
    command
}

fn output(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"))
}

/// Through the proxy, and at a socket, where the catalogue itself asks for the labels of images.
#[tokio::test]
async fn s3_the_catalogue_has_servers_of_operators_only() {
    let engine = FakeEngine::start(vec![
        Container::new("plain", &EVIL),
        Container::new("notes", &EVIL).labels(&[("mcp.enable", "True"), ("mcp.title", "Notes")]),
        Container::new("guessed", &[("mcp.allow", "alice")])
            .labels(&[("mcp.enable", "true"), ("mcp.allow", "alice")]),
        Container::new("lost", &[]).without_image().labels(&[("mcp.enable", "true")]),
    ]);
    let proxy = Proxy::start(&engine).await;
    let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    for endpoint in [proxy.endpoint(), format!("unix://{}", engine.socket.display())] {
        let listed =
            output(program(&directory, &redis, &endpoint).args(["server", "list", "--json"]));
        let servers = listed["servers"].as_array().unwrap();
        assert_eq!(servers.len(), 1, "{endpoint}: {listed}");
        assert_eq!(servers[0]["name"], "notes");
        assert_eq!(servers[0]["resource"], "https://notes.gw.example:1/mcp");
        let mistakes = listed["mistakes"].to_string();
        assert!(mistakes.contains("guessed: all labels are ignored: its image has"), "{mistakes}");
        assert!(mistakes.contains("lost: all labels are ignored: its image cannot"), "{mistakes}");
    }
}

#[tokio::test]
async fn s3_the_doctor_tells_of_labels() {
    let taken = [
        ("traefik.enable", "true"),
        ("traefik.http.routers.x.rule", "Host(`auth.gw.example`)"),
        ("traefik.http.routers.x.service", "api@internal"),
        ("traefik.http.routers.x.entrypoints", "inside"),
        ("traefik.http.routers.y.rule", "Host(`notes.gw.example`)"),
    ];
    let engine = FakeEngine::start(vec![
        Container::new("notes", &[("mcp.title", "Evil")])
            .labels(&[("mcp.enable", "true"), ("mcp.title", "Evil")]),
        Container::new("taker", &[]).labels(&taken),
    ]);
    let proxy = Proxy::start(&engine).await;
    let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    let says = |endpoint: &str| {
        let mut doctor = program(&directory, &redis, endpoint);
        let report = output(doctor.args(["doctor", "--json", "--address", "127.0.0.1"]));
        let all = report["findings"].as_array().unwrap().clone();
        let told = all.iter().filter(|finding| finding["check"] == "servers").map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or("").to_owned();
            format!("{} {}: {}", text("level"), text("subject"), text("says"))
        });
        told.collect::<Vec<_>>().join("\n")
    };
    let told = says(&proxy.endpoint());
    for part in [
        "error container taker: router x claims the login host auth.gw.example",
        "error container taker: router x is on the inner entry point inside",
        "error container taker: traefik.http.routers.x.service publishes api@internal",
        "error container taker: router y claims the address of notes of container notes",
        "warning container notes: labels are ignored because its image has them, too: mcp.title",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("is not `auth-service docker-proxy`"), "{told}");
    let told = says(&format!("unix://{}", engine.socket.display()));
    assert!(told.contains("DOCKER_ENDPOINT is not `auth-service docker-proxy`"), "{told}");
}
