//! auth-service.

use std::path::Path;

use super::{DOMAIN, built, faketime, texts};
use crate::{
    cluster::Cluster,
    fleet::Recipe,
    names::{MASTER_SET, Name, PUBLIC_PORT},
};

/// The settings besides addresses and files. All clients have one address, and nothing expires in a run.
const SETTINGS: [(&str, &str); 10] = [
    ("BASE_DOMAIN", DOMAIN),
    ("RATE_LIMIT_ADDRESS", "0"),
    ("RATE_LIMIT_REGISTER", "0"),
    ("RATE_LIMIT_CLIENT", "0"),
    ("MAX_CLIENTS", "100000"),
    ("ACCESS_TOKEN_LIFETIME", "24h"),
    ("AUTH_WORKERS", "2"),
    ("DEVICE_GRANT", "false"),
    ("SHUTDOWN_DELAY", "3s"),
    ("RUST_LOG", "info"),
];

/// Returns how an instance is started, or (with [`Name::Other`]) a command of the operator.
pub(super) fn recipe(home: &Path, redis_url: &str, name: Name, clocks: &[Name]) -> Recipe {
    let mut environment: Vec<(String, String)> =
        SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let own = [
        ("AUTH_LISTEN", name.address().to_string()),
        ("PUBLIC_PORT", PUBLIC_PORT.to_string()),
        ("REDIS_URL", redis_url.to_owned()),
        ("MCP_SERVERS_FILE", home.join("mcp-servers.json").display().to_string()),
        ("SIGNING_KEY_FILE", home.join("signing-key.pem").display().to_string()),
        ("SECRETS_KEY_FILE", home.join("secrets-key.pem").display().to_string()),
    ];
    environment.extend(own.map(|(key, value)| (key.to_owned(), value)));
    if clocks.contains(&name) {
        environment.extend(faketime(home, name, ""));
    }
    let arguments = if name == Name::Other { Vec::new() } else { texts(&["serve"]) };
    let (program, directory) = (built("auth-service"), home.to_owned());
    Recipe {
        program,
        arguments,
        environment,
        directory,
        log: home.join(format!("logs/{name}.log")),
    }
}

/// Returns `REDIS_URL`: Redis or the sentinels, behind their relays.
pub(super) fn redis_url(cluster: Cluster) -> String {
    if cluster.is_single {
        return format!("redis://{}/0", Name::Redis(0).relay());
    }
    let sentinels = cluster.sentinels().into_iter().map(|name| name.relay().to_string());
    format!("redis+sentinel://{}/0?master={MASTER_SET}", sentinels.collect::<Vec<_>>().join(","))
}
