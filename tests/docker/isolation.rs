//! What a server that was taken over would reach: Traefik's public face, the public keys, and nothing else.

use serde_json::{Value, json};

use crate::{Scenario, Stage, compose::Compose};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_server_reaches_no_other_container", a_server_reaches_no_other_container),
    ("a_server_gets_from_traefik_only_what_everybody_gets", traefik_is_the_public_one),
    ("around_traefik_nobody_is_served", around_traefik_nobody_is_served),
    ("containers_have_no_rights", containers_have_no_rights),
];

/// Everything that listens in any container of the gateway, and Docker's own port.
const PORTS: [u16; 8] = [80, 443, 2375, 3000, 6379, 8000, 8080, 8443];

/// Tries each address and says which took a connection.
const PROBE: &str = r#"
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def open_at(target):
    try:
        socket.create_connection(target, timeout=1.5).close()
        return target
    except OSError:
        return None

targets = [tuple(target) for target in json.loads(sys.argv[1])]
with ThreadPoolExecutor(64) as pool:
    print(json.dumps([target for target in pool.map(open_at, targets) if target]))
"#;

/// Asks the proxy of its own container, as somebody.
const AROUND: &str = r#"
import json, urllib.error, urllib.request

params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
headers = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "X-User-Id": "local:alice",
    "X-MCP-Server": "SERVICE",
    "X-MCP-Identity": "e30.e30.e30",
}
try:
    print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:3000/mcp", body, headers)).status)
except urllib.error.HTTPError as refused:
    print(refused.code)
"#;

/// The addresses of a service on all its networks.
fn addresses(compose: &Compose, service: &str) -> Vec<String> {
    let container = compose.inspect(&compose.container(service));
    let networks = container["NetworkSettings"]["Networks"].as_object().expect("networks").clone();
    let addresses = networks.values().filter_map(|network| network["IPAddress"].as_str());
    addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

fn probe(compose: &Compose, from: &str, targets: &[(String, u16)]) -> Vec<(String, u16)> {
    let targets = json!(targets).to_string();
    let command = ["compose", "exec", "-T", from, "python", "-c", PROBE, &targets];
    let open = compose.run("docker", &command);
    serde_json::from_str(&open).unwrap_or_else(|error| panic!("{open}: {error}"))
}

/// Only a request with an identity signed by auth-service is served, and only Traefik is given one.
fn around_traefik_nobody_is_served(stage: &Stage) {
    for service in ["time", "fetch", "file"] {
        let status = stage.compose.python(service, &AROUND.replace("SERVICE", service));
        assert_eq!(status.trim(), "401", "{service}");
    }
}

/// By name and by every address, from a server without the internet, one with it, and the shared one.
fn a_server_reaches_no_other_container(stage: &Stage) {
    let compose = &stage.compose;
    let services = compose.services();
    assert!(services.len() >= 15, "{services:?}");
    for from in ["time", "fetch", "file"] {
        let mut targets = Vec::new();
        for service in services.iter().filter(|name| *name != from && *name != "traefik") {
            let places = addresses(compose, service).into_iter().chain([service.clone()]);
            targets.extend(places.flat_map(|place| PORTS.map(|port| (place.clone(), port))));
        }
        let open = probe(compose, from, &targets);
        assert!(open.is_empty(), "{from} reaches {open:?}");
        println!("{from}: {} addresses and names tried, none open", targets.len());
        // The probe does find what is open.
        assert_eq!(probe(compose, from, &[("traefik".into(), 8000)]).len(), 1);
    }
}

/// On all of its addresses, also those on networks of others.
fn traefik_is_the_public_one(stage: &Stage) {
    let compose = &stage.compose;
    for from in ["time", "fetch"] {
        let places = addresses(compose, "traefik").into_iter().chain(["traefik".to_owned()]);
        let targets: Vec<_> =
            places.flat_map(|place| PORTS.map(|port| (place.clone(), port))).collect();
        let open = probe(compose, from, &targets);
        let public = |port: &u16| [80, 443, 8000].contains(port);
        assert!(open.iter().all(|(_, port)| public(port)), "{from} reaches {open:?}");
        assert!(open.iter().any(|(_, port)| *port == 8000));
    }
    let asked = r#"
import json, urllib.error, urllib.request

def ask(path, **headers):
    request = urllib.request.Request("http://traefik:8000" + path, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code

paths = ["/jwks", "/ended-grants", "/verify", "/metrics", "/ready", "/api/rawdata", "/token", "/mcp", "/ping"]
print(json.dumps({path: [ask(path), ask(path, Host="git.mcp.localhost")] for path in paths}))
"#;
    let told: Value = serde_json::from_str(&compose.python("time", asked)).unwrap();
    for (path, statuses) in told.as_object().unwrap() {
        let expected = if path == "/jwks" || path == "/ended-grants" { 200 } else { 404 };
        assert_eq!(statuses, &json!([expected, expected]), "{path}");
    }
}

/// What Docker was told of each container.
fn containers_have_no_rights(stage: &Stage) {
    for service in stage.compose.services() {
        let container = stage.compose.inspect(&stage.compose.container(&service));
        let host = &container["HostConfig"];
        assert_eq!(host["CapDrop"], json!(["ALL"]), "{service}");
        assert_eq!(host["ReadonlyRootfs"], true, "{service}");
        assert_eq!(host["Privileged"], false, "{service}");
        assert!(host["SecurityOpt"].to_string().contains("no-new-privileges"), "{service}");
        assert!(
            host["Memory"].as_u64() > Some(0) && host["PidsLimit"].as_i64() > Some(0),
            "{service}"
        );
        assert!(host["LogConfig"]["Config"]["max-size"].is_string(), "{service}");
        let published = host["PortBindings"].as_object().is_some_and(|ports| !ports.is_empty());
        assert_eq!(published, service == "traefik", "{service}");
        let socket = host["Binds"].to_string().contains("docker.sock:ro");
        assert_eq!(socket, service == "socket-proxy", "{service}");
        let user = container["Config"]["User"].as_str().unwrap();
        let root = user.is_empty() || user.starts_with("root") || user.starts_with('0');
        assert_eq!(root, service == "traefik" || service == "socket-proxy", "{service} is {user}");
    }
}
