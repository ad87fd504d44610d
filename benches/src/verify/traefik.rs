//! Traefik with a server behind it, and a route for each who may be asked before
//! (`ForwardAuth`, as `traefik/dynamic/middlewares.yml` has it).

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Map, Value, json};

use super::contender::{Row, Service};
use super::stage::Stage;
use crate::process::Program;
use gateway_tests::port::free_address;

/// The header that chooses the route.
pub const ROW: &str = "X-Row";

/// How long Traefik may take to know its routes.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module.
pub struct Traefik {
    /// Traefik itself.
    pub program: Program,
    /// The server behind it.
    pub backend: Program,
    services: Vec<(Row, Program)>,
}

impl Traefik {
    /// Starts it, and waits until every route is there.
    pub fn start(
        stage: &Stage,
        backend: Program,
        services: Vec<(Row, Program)>,
    ) -> anyhow::Result<Self> {
        let address = free_address();
        let (fixed, routes) = (stage.path().join("traefik.yml"), stage.path().join("routes.yml"));
        // JSON is YAML.
        std::fs::write(&fixed, static_file(&address.to_string(), &routes).to_string())?;
        let mut routers = Map::new();
        let mut middlewares = Map::new();
        routers.insert("none".to_owned(), router(Row::NoAuth, None));
        for (row, service) in &services {
            let name = format!("{row:?}");
            let speaks_tls = row.service().is_some_and(Service::speaks_tls);
            let ca = speaks_tls.then(|| stage.tls_directory().join("ca.pem"));
            middlewares.insert(name.clone(), forward_auth(service, ca.as_deref()));
            routers.insert(name.clone(), router(*row, Some(&name)));
        }
        let url = format!("http://{}", backend.address);
        let servers = json!({ "backend": { "loadBalancer": { "servers": [{ "url": url }] } } });
        let dynamic = json!({
            "http": { "routers": routers, "middlewares": middlewares, "services": servers }
        });
        std::fs::write(&routes, dynamic.to_string())?;
        let mut command = Command::new(&stage.places.traefik);
        command.arg(format!("--configFile={}", fixed.display()));
        let program = stage.start(&mut command, address, "traefik.log")?;
        let traefik = Self { program, backend, services };
        traefik.await_routes(&stage.host())?;
        Ok(traefik)
    }

    /// The service that a row asks.
    #[must_use]
    pub fn service(&self, row: Row) -> Option<&Program> {
        self.services.iter().find(|(one, _)| *one == row).map(|(_, program)| program)
    }

    fn await_routes(&self, host: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut rows: Vec<_> = self.services.iter().map(|(row, _)| *row).collect();
        rows.push(Row::NoAuth);
        while let Some(row) = rows.last() {
            let url = format!("http://{}/mcp", self.program.address);
            let header = format!("{ROW}: {row:?}");
            let code = Command::new("curl")
                .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "-H"])
                .args([&header, "-H", &format!("Host: {host}"), &url])
                .output()?;
            if code.stdout == b"404" || code.stdout == b"000" {
                ensure!(Instant::now() < deadline, "Traefik does not know {header}");
                std::thread::sleep(Duration::from_millis(50));
            } else {
                rows.pop();
            }
        }
        Ok(())
    }
}

fn static_file(address: &str, routes: &Path) -> Value {
    json!({
        "global": { "checkNewVersion": false, "sendAnonymousUsage": false },
        "entryPoints": {
            "web": { "address": address, "http": { "aliasHeadersStrategy": "delete" } },
        },
        "providers": { "file": { "filename": routes, "watch": false } },
        "log": { "level": "ERROR" },
    })
}

fn router(row: Row, middleware: Option<&str>) -> Value {
    let middlewares: Vec<_> = middleware.into_iter().collect();
    json!({
        "rule": format!("Header(`{ROW}`, `{row:?}`)"), "entryPoints": ["web"], "service": "backend",
        "middlewares": middlewares,
    })
}

fn forward_auth(service: &Program, ca: Option<&Path>) -> Value {
    let mut forward = json!({
        "address": format!("http://{}/verify", service.address),
        "trustForwardHeader": false,
        "maxResponseBodySize": 1023,
        "authRequestHeaders": [
            "Authorization", "X-Verify-Secret", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version",
        ],
        "authResponseHeaders": [
            "X-Mcp-Server", "X-User-Id", "X-User-Name", "X-User-Email", "X-Client-Id",
            "X-Auth-Scopes", "X-Mcp-Challenge", "X-Mcp-Identity",
            "X-Request-Id", "X-Client-Address",
        ],
    });
    if let Some(ca) = ca {
        forward["address"] = json!(format!("https://{}/verify", service.address));
        forward["tls"] = json!({ "ca": ca });
    }
    json!({ "forwardAuth": forward })
}
