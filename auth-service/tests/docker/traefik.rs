//! A real Traefik whose only provider is Docker, and a real `docker-proxy` before the Engine.

use gateway_tests::port::free_address;
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::engine::SOCKET;

/// A program that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct DockerProxy {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl DockerProxy {
    pub(crate) async fn start() -> Self {
        let address = free_address();
        let process = Command::new(env!("CARGO_BIN_EXE_auth-service"))
            .arg("docker-proxy")
            .env_clear()
            .env("DOCKER_PROXY_LISTEN", address.to_string())
            .env("DOCKER_SOCKET", SOCKET)
            .spawn()
            .unwrap();
        let proxy = Self { address, _process: Process(process) };
        json(&format!("http://{address}/version")).await;
        proxy
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        json(&format!("http://{}{path}", self.address)).await
    }
}

pub(crate) struct Traefik {
    api: SocketAddr,
    _process: Process,
}

impl Traefik {
    /// With the entry points of `traefik/traefik.yml`, at the Docker of `endpoint`.
    pub(crate) fn start(endpoint: &str) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/traefik");
        let (api, websecure, inside) = (free_address(), free_address(), free_address());
        let process = Command::new(program)
            .args(["--api.insecure", "--providers.docker.exposedByDefault=false"])
            .arg(format!("--providers.docker.endpoint={endpoint}"))
            .arg(format!("--entryPoints.traefik.address={api}"))
            .arg(format!("--entryPoints.websecure.address={websecure}"))
            .arg("--entryPoints.websecure.asDefault=true")
            .arg(format!("--entryPoints.inside.address={inside}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("traefik, which scripts/test installs");
        Self { api, _process: Process(process) }
    }

    /// The routers from Docker of which `is_ours` says so.
    pub(crate) async fn routers(&self, is_ours: impl Fn(&Value) -> bool) -> Vec<Value> {
        let url = format!("http://{}/api/http/routers?per_page=1000", self.api);
        let Value::Array(all) = json(&url).await else { return Vec::new() };
        all.into_iter().filter(|it| it["provider"] == "docker" && is_ours(it)).collect()
    }

    /// Waits for the router `name`.
    pub(crate) async fn expect(&self, name: &str) -> Value {
        let wanted = format!("{name}@docker");
        let since = Instant::now();
        loop {
            let found = self.routers(|router| router["name"] == *wanted).await;
            if let Some(router) = found.into_iter().next() {
                return router;
            }
            assert!(since.elapsed() < Duration::from_mins(1), "there is no router {name}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What answers at a URL, as soon as something does that is no error.
async fn json(url: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let since = Instant::now();
    loop {
        match http.get(url).send().await {
            Ok(answer) if answer.status().is_success() => return answer.json().await.unwrap(),
            other => assert!(since.elapsed() < Duration::from_mins(1), "{url}: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
