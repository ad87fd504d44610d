//! Check of signed identities: they are on if a proxy requires them.

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::servers::DockerServers;

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("identity");
    if patient.config.signed_identity {
        return findings.into_vec();
    }
    let says = "SIGNED_IDENTITY is false, so an mcp-stdio-proxy with --identity-jwks refuses every \
                request";
    let remedy =
        "remove SIGNED_IDENTITY from .env, or --identity-jwks (MCP_IDENTITY_JWKS) from the proxy";
    let demanding = match DockerServers::new(&patient.config) {
        Some(docker) => docker.demanding_identity().await.unwrap_or_default(),
        None => Vec::new(),
    };
    for container in &demanding {
        findings.error(Some(&format!("container {container}")), says, remedy);
    }
    if demanding.is_empty() {
        // A proxy on another machine cannot be seen from here.
        findings.warning(None, says, remedy);
    }
    findings.into_vec()
}
