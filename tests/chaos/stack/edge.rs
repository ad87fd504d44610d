//! Traefik with the files of the gateway, and mcp-stdio-proxy.

use std::{fs, path::Path};

use gateway_tests::stack::root;
use serde_json::json;

use super::{DOMAIN, SERVER, built, texts};
use crate::{
    fleet::Recipe,
    names::{CHECKS_PORT, INSTANCES, KEYS_PORT, Name, PUBLIC_PORT},
};

/// The parts of Traefik's static file that a start without containers leaves out.
const LEFT_OUT: [&str; 2] = ["docker", "front"];

/// Writes the catalogue, which auth-service and the proxy read.
pub(super) fn write_servers(home: &Path) {
    let reader = root().join("tests/fixtures/reader.py").display().to_string();
    let server = json!({ "command": "python3", "isolation": "shared", "args": [reader] });
    let servers = json!({ "mcpServers": { SERVER: server } });
    fs::write(home.join("mcp-servers.json"), servers.to_string()).expect("written");
}

/// Writes the files of Traefik, and returns how both are started.
pub(super) fn recipes(home: &Path) -> Vec<(Name, Recipe)> {
    let text = |path: &Path| path.display().to_string();
    fs::write(home.join("traefik.yml"), static_file(home)).expect("written");
    let pair = |key: &str, value: String| (key.to_owned(), value);
    let recipe = |name: Name, program, arguments, environment| {
        let log = home.join(format!("logs/{name}.log"));
        (name, Recipe { program, arguments, environment, directory: home.to_owned(), log })
    };
    let instances = (0..INSTANCES).map(|number| format!("http://{}", Name::Auth(number).address()));
    let instances: Vec<_> = instances.collect();
    let traefik = recipe(
        Name::Traefik,
        root().join(".tools/python/bin/traefik"),
        texts(&[&format!("--configFile={}", text(&home.join("traefik.yml")))]),
        vec![
            pair("BASE_DOMAIN", DOMAIN.to_owned()),
            pair("PUBLIC_PORT", PUBLIC_PORT.to_string()),
            pair("AUTH_URL", instances.join(",")),
            pair("AUTH_VERIFY_URL", format!("http://127.0.0.1:{CHECKS_PORT}/verify")),
            pair("CHECKS_ENTRY_POINT", "checks".to_owned()),
            pair("KEYS_ENTRY_POINT", "inside".to_owned()),
            pair("PROXY_URL", format!("http://{}", Name::Proxy.address())),
            pair("CERT_FILE", text(&home.join("cert.pem"))),
            pair("KEY_FILE", text(&home.join("cert-key.pem"))),
        ],
    );
    let proxy = recipe(
        Name::Proxy,
        built("mcp-stdio-proxy"),
        texts(&[
            "--listen",
            &Name::Proxy.address().to_string(),
            "--config",
            &text(&home.join("mcp-servers.json")),
            "--allow-host",
            &format!("*.{DOMAIN}"),
            "--identity-jwks",
            &format!("http://127.0.0.1:{KEYS_PORT}/jwks"),
        ]),
        vec![pair("RUST_LOG", "info".to_owned())],
    );
    vec![proxy, traefik]
}

/// Returns Traefik's static file as `scripts/quickstart` writes it, with the inner entry points of the container.
fn static_file(home: &Path) -> String {
    let text = fs::read_to_string(root().join("traefik/traefik.yml")).expect("traefik.yml");
    let mut lines = Vec::new();
    let mut inside: Option<String> = None;
    for line in text.lines() {
        let mark = |part: &str, end: &str| line.trim() == format!("# --- {part} only: {end}");
        match &inside {
            Some(part) if mark(part, "end") => inside = None,
            Some(_) => {}
            None => match LEFT_OUT.into_iter().find(|part| mark(part, "begin")) {
                Some(part) => inside = Some(part.to_owned()),
                None => lines.push(line),
            },
        }
    }
    let inner = format!(
        "entryPoints:\n  checks:\n    address: \"127.0.0.1:{CHECKS_PORT}\"\n    \
         forwardedHeaders:\n      trustedIPs: [\"127.0.0.1/32\"]\n  inside:\n    \
         address: \"127.0.0.1:{KEYS_PORT}\"\n"
    );
    let log = format!("accessLog:\n  filePath: \"{}\"", home.join("logs/access.log").display());
    lines
        .join("\n")
        .replacen("entryPoints:\n", &inner, 1)
        .replace("address: \":80\"", "address: \"127.0.0.1:8080\"")
        .replace("address: \":443\"", &format!("address: \"127.0.0.1:{PUBLIC_PORT}\""))
        .replace("to: websecure", &format!("to: \":{PUBLIC_PORT}\""))
        .replace("/etc/traefik/dynamic", &root().join("traefik/dynamic").display().to_string())
        .replacen("accessLog:", &log, 1)
        + "\n"
}
