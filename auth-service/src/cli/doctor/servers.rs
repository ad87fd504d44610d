//! Check of the catalogue: the sources of servers, and rejected definitions.

use std::os::unix::fs::PermissionsExt;

use super::finding::{Finding, Findings};
use crate::{
    config::{AccessSource, Config},
    model::{AllowList, Chain, Listing},
    servers::{DockerServers, ServersFile},
};

async fn containers(findings: &mut Findings, docker: &DockerServers) -> Listing {
    if docker.is_filtered().await.is_ok_and(|filtered| !filtered) {
        let says = "DOCKER_ENDPOINT is not `auth-service docker-proxy`: a Traefik that uses it obeys \
                    labels of images, which can take any route";
        let remedy = "let Traefik and auth-service use docker-proxy, as docker-compose.yml does";
        findings.warning(None, says, remedy);
    }
    docker.read().await.unwrap_or_else(|error| {
        let remedy = "check that Docker runs and that this program may use the socket, or that the socket \
                      proxy permits GET /containers/json, /events and /images/*/json";
        findings.error(None, Chain(&error).to_string(), remedy);
        Listing::default()
    })
}

/// Reports a servers file that has secrets and is world-readable.
fn private(findings: &mut Findings, config: &Config) {
    let file = &config.servers_file;
    let Ok(metadata) = std::fs::metadata(file) else { return };
    let text = std::fs::read(file).unwrap_or_default();
    let whole: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let entries = whole.get("mcpServers").and_then(|servers| servers.as_object());
    let with_env = |entry: &serde_json::Value| {
        entry.get("env").and_then(|env| env.as_object()).is_some_and(|env| !env.is_empty())
    };
    let secrets = entries.is_some_and(|entries| entries.values().any(with_env));
    if secrets && metadata.permissions().mode() & 0o004 != 0 {
        let says = "every user of this machine can read the environments of servers in the file";
        let remedy = format!("chmod 640 {}, with the group of this program", file.display());
        findings.warning(None, says, &remedy);
    }
}

/// Checks all sources of servers. Returns the listing, as far as the sources can be read, and the findings.
pub(super) async fn check(config: &Config) -> (Listing, Vec<Finding>) {
    let mut findings = Findings::of("servers");
    let file = ServersFile::new(config).read().unwrap_or_else(|error| {
        let remedy = "correct the file: docs/CATALOGUE.md lists its keys. A running service keeps the \
                      last valid state, but cannot start with this file";
        findings.error(None, Chain(&error).to_string(), remedy);
        Listing::default()
    });
    private(&mut findings, config);
    let docker = match DockerServers::new(config) {
        None => Listing::default(),
        Some(docker) => containers(&mut findings, &docker).await,
    };
    let whole = Listing::merged([&file, &docker]);
    for mistake in &whole.mistakes {
        let remedy = "correct its labels, or those of the one it conflicts with";
        findings.error(Some(&mistake.source.to_string()), mistake.problem.clone(), remedy);
    }
    for claim in &whole.claims {
        let remedy =
            "change this label: it takes requests meant for the gateway or for another server";
        findings.error(Some(&claim.source.to_string()), claim.problem.clone(), remedy);
    }
    for ignored in &whole.ignored {
        let remedy = "nothing, unless you set one of them to the same value: then write its key with other \
                      capitals (traefik.Enable), since a label equal to one of the image is not used";
        findings.warning(Some(&ignored.source.to_string()), ignored.problem.clone(), remedy);
    }
    for unknown in &whole.unknown {
        let remedy = "remove the key, or correct its name: docs/CATALOGUE.md lists the keys";
        findings.warning(Some(&unknown.source.to_string()), unknown.problem.clone(), remedy);
    }
    if whole.offers.is_empty() {
        let remedy = "add one to MCP_SERVERS_FILE, or start a container with the label mcp.enable=true \
                      (and DOCKER_ENDPOINT set)";
        findings.warning(None, "there are no servers", remedy);
    } else {
        let names = whole.offers.iter().map(|offer| offer.server.name.as_str());
        findings.ok(None, names.collect::<Vec<_>>().join(", "));
    }
    ambiguous(config, &whole, &mut findings);
    (whole, findings.into_vec())
}

/// Returns `true` if everybody with a GitHub account may log in.
fn admits_all_of_github(config: &Config) -> bool {
    matches!(&config.access, AccessSource::Lists { github, .. } if github.iter().any(|one| one == "*"))
}

/// Reports names in `allow` that lack a provider. With `*` in `ALLOWED_GITHUB_USERS`, anybody who registers that name
/// at GitHub would be admitted.
fn ambiguous(config: &Config, listing: &Listing, findings: &mut Findings) {
    if !admits_all_of_github(config) || !config.local_login {
        return;
    }
    for server in listing.offers.iter().map(|offer| &offer.server) {
        let entries = server.allow.iter().flat_map(AllowList::entries);
        let bare = entries.filter(|entry| !entry.contains(':') && entry.trim() != "*");
        let names: Vec<&str> = bare.map(|entry| entry.trim()).collect();
        if !names.is_empty() {
            let says = format!(
                "allow names {} without a provider: it matches both the login code and the GitHub account",
                names.join(", ")
            );
            let remedy =
                "write github:NAME or local:NAME: everybody with a GitHub account may log in";
            findings.warning(Some(server.name.as_str()), says, remedy);
        }
    }
}
