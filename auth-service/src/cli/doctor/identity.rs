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
    let remedy = "take SIGNED_IDENTITY out of .env, or --identity-jwks from the proxy";
    let containers = match DockerServers::new(&patient.config) {
        Some(docker) => docker.containers().await.unwrap_or_default(),
        None => Vec::new(),
    };
    let demanding: Vec<_> =
        containers.iter().filter(|it| it.command.contains("--identity-jwks")).collect();
    for container in &demanding {
        findings.error(Some(&format!("container {}", container.name)), says, remedy);
    }
    if demanding.is_empty() {
        // One that runs elsewhere, or has it in its environment, is not seen from here.
        findings.warning(None, says, remedy);
    }
    findings.into_vec()
}
