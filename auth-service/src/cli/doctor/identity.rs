//! Signed identities: a proxy that demands them gets them.

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::ports::DockerServers;

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("identity");
    if patient.config.signed_identity {
        return findings.into_vec();
    }
    let says = "SIGNED_IDENTITY is false, and a mcp-stdio-proxy with --identity-jwks refuses everybody \
                then";
    let remedy =
        "take SIGNED_IDENTITY out of .env, or --identity-jwks (MCP_IDENTITY_JWKS) from the proxy";
    let demanding = match DockerServers::new(&patient.config) {
        Some(docker) => docker.demanding_identity().await.unwrap_or_default(),
        None => Vec::new(),
    };
    for container in &demanding {
        findings.error(Some(&format!("container {container}")), says, remedy);
    }
    if demanding.is_empty() {
        // One that runs elsewhere is not seen from here.
        findings.warning(None, says, remedy);
    }
    findings.into_vec()
}
