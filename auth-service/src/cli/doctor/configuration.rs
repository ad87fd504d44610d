//! Check of the settings: invalid values, and valid ones that are seldom intended.

use super::finding::{Finding, Findings};
use crate::{
    admission::PolicyFile,
    config::{AccessSource, Config, Problems},
};

const NAME: &str = "configuration";

/// Returns the findings for settings that prevent the service from starting.
pub(super) fn wrong(problems: &Problems) -> Vec<Finding> {
    let mut findings = Findings::of(NAME);
    for problem in problems.iter() {
        findings.error(None, problem, "correct it in .env; .env.example documents each setting");
    }
    findings.into_vec()
}

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Findings::of(NAME);
    findings.ok(None, format!("complete; the issuer is {}", config.issuer.as_str()));
    if config.providers.is_empty() {
        findings.warning(
            None,
            "there is no login provider: people need a code from `auth-service user login-code`",
            "set GITHUB_CLIENT_ID or OIDC_ISSUER, or declare providers in ACCESS_FILE",
        );
    }
    match &config.access {
        AccessSource::Lists { github, .. } if github.iter().any(|entry| entry == "*") => {
            findings.warning(
                None,
                "ALLOWED_GITHUB_USERS has *: everybody with a GitHub account may log in",
                "list the logins, or give each server an allow list of its own (allow)",
            );
        }
        AccessSource::Lists { oidc, .. } if oidc.is_empty() && config.has_oidc() => {
            findings.warning(
                None,
                "OIDC_ALLOW is empty: nobody may log in with the OpenID provider",
                "list people such as group:staff, or * for everybody of the provider",
            );
        }
        AccessSource::File { .. } => {
            if let Err(problems) = PolicyFile::start(config) {
                findings.error(
                    Some("ACCESS_FILE"),
                    problems,
                    "correct the file; see docs/ACCESS.md",
                );
            }
        }
        AccessSource::Lists { .. } => {}
    }
    if config.docker.is_some() && config.verify_secret.is_none() {
        findings.warning(
            None,
            "VERIFY_SECRET is not set: other containers on Traefik's network may call /verify, too",
            "set VERIFY_SECRET to the same random text for auth-service and Traefik",
        );
    }
    findings.into_vec()
}
