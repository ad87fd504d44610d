//! The catalogue: who names servers, and which of them cannot be one.

use super::finding::{Finding, Findings};
use crate::{
    config::Config,
    model::{AllowList, Chain, Listing},
    ports::{DockerServers, ServersFile},
};

/// What is listed, as far as it can be told, and the findings.
pub(super) async fn check(config: &Config) -> (Listing, Vec<Finding>) {
    let mut findings = Findings::of("servers");
    let file = ServersFile::new(config).read().unwrap_or_else(|error| {
        let remedy = "correct the file: docs/ARCHITECTURE.md has its keys. A service that runs keeps \
                      what it read last, and does not start with this";
        findings.error(None, Chain(&error).to_string(), remedy);
        Listing::default()
    });
    let docker = match DockerServers::new(config) {
        None => Listing::default(),
        Some(docker) => docker.read().await.unwrap_or_else(|error| {
            let remedy = "check that Docker runs and that this program may use the socket, or that the \
                          socket proxy permits GET /containers/json and /events";
            findings.error(None, Chain(&error).to_string(), remedy);
            Listing::default()
        }),
    };
    let whole = Listing::merged([&file, &docker]);
    for mistake in &whole.mistakes {
        let remedy = "correct its labels, or those of the one it conflicts with";
        findings.error(Some(&mistake.source.to_string()), mistake.problem.clone(), remedy);
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

/// A bare name in `allow` is meant for somebody; with `*` in `ALLOWED_GITHUB_USERS` anybody can take it at
/// GitHub.
fn ambiguous(config: &Config, listing: &Listing, findings: &mut Findings) {
    let github = config.github.as_ref();
    let open = github
        .is_some_and(|github| github.allowed.entries().iter().any(|entry| entry.trim() == "*"));
    if !open || !config.local_login {
        return;
    }
    for server in listing.offers.iter().map(|offer| &offer.server) {
        let entries = server.allow.iter().flat_map(AllowList::entries);
        let bare = entries.filter(|entry| !entry.contains(':') && entry.trim() != "*");
        let names: Vec<&str> = bare.map(|entry| entry.trim()).collect();
        if !names.is_empty() {
            let says = format!(
                "allow names {} without a provider: the login code and the GitHub account of the name",
                names.join(", ")
            );
            let remedy =
                "write github:NAME or local:NAME: everybody with a GitHub account may log in";
            findings.warning(Some(server.name.as_str()), says, remedy);
        }
    }
}
