//! Check of the settings: invalid values, and valid ones that are seldom intended.

use super::finding::{Finding, Findings};
use crate::config::{Config, Problems};

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
    match &config.github {
        None => findings.warning(
            None,
            "GitHub login is off: people need a code from `auth-service user login-code`",
            "set GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET and ALLOWED_GITHUB_USERS",
        ),
        Some(github) if github.allowed.entries().iter().any(|entry| entry.trim() == "*") => {
            findings.warning(
                None,
                "ALLOWED_GITHUB_USERS has *: everybody with a GitHub account may log in",
                "list the logins, or give each server an allow list of its own (allow)",
            );
        }
        Some(_) => {}
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
