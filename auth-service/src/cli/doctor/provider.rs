//! Check of the login providers: each is reachable from here, as each login requires, and accepts the credentials of
//! its client.

use std::sync::Arc;

use super::{
    Patient,
    finding::{Finding, Findings},
    public,
};
use crate::{
    config::{GithubProvider, OidcProvider, Provider, ProviderKind},
    model::{Prompt, SystemClock, WantedFacts},
    oauth::callback_path,
    upstream::{GitHub, GithubError, LoginRequest, OidcClient, OidcError},
};

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("provider");
    for provider in &patient.config.providers {
        let callback = patient.config.issuer.at(&callback_path(&provider.name));
        match &provider.kind {
            ProviderKind::Github(github) => {
                check_github(patient, (provider, github), callback, &mut findings).await;
            }
            ProviderKind::Oidc(oidc) => {
                check_oidc(patient, (provider, oidc), callback, &mut findings).await;
            }
        }
    }
    findings.into_vec()
}

async fn check_github(
    patient: &Patient,
    (provider, github): (&Provider, &GithubProvider),
    callback: String,
    findings: &mut Findings,
) {
    for url in [&github.base_url, &github.api_url] {
        let subject = Some(url.as_str().trim_end_matches('/'));
        match patient.http.get(url.clone()).header("User-Agent", "auth-service").send().await {
            Ok(answer) if answer.status().is_server_error() => {
                let says = format!("answers {}", answer.status());
                findings.error(
                    subject,
                    says,
                    "wait until it recovers; until then no new logins are possible",
                );
            }
            Ok(_) => findings.ok(subject, "answers"),
            Err(error) => {
                let remedy = "check DNS, the firewall, or GITHUB_BASE_URL and \
                              GITHUB_API_URL of an Enterprise Server";
                findings.error(subject, public::why(&error).says, remedy);
            }
        }
    }
    let app = GitHub::new(provider.name.clone(), github, callback, Arc::new(SystemClock));
    match app {
        Ok(app) => github_credentials(findings, app.try_credentials().await),
        Err(error) => findings.error(None, error.to_string(), "correct GITHUB_BASE_URL"),
    }
}

fn github_credentials(findings: &mut Findings, tried: Result<(), GithubError>) {
    match tried {
        Ok(()) => findings.ok(None, "accepts GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET"),
        Err(GithubError::Misconfigured(refusal)) => {
            findings.error(None, refusal.code().to_owned(), refusal.remedy());
        }
        Err(error) => {
            let says = format!("GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET were not tried: {error}");
            findings.warning(None, says, "run the doctor again when the login provider answers");
        }
    }
}

async fn check_oidc(
    patient: &Patient,
    (provider, oidc): (&Provider, &OidcProvider),
    callback: String,
    findings: &mut Findings,
) {
    let (name, title) = (provider.name.clone(), provider.name.to_string());
    let subject = Some(title.as_str());
    let client = OidcClient::new(name, oidc.clone(), callback.clone(), Arc::new(SystemClock));
    let client = match client {
        Ok(client) => client,
        Err(error) => return findings.error(subject, error.to_string(), "correct its settings"),
    };
    let summary = match client.summary().await {
        Ok(summary) => summary,
        Err(error) => return findings.error(subject, error.to_string(), remedy(&error)),
    };
    findings.ok(
        subject,
        format!("{} answers, with {} key(s) for signatures", summary.issuer, summary.keys),
    );
    if summary.keys == 0 {
        let remedy = "let the provider sign ID tokens with RS256, PS256, ES256 or EdDSA";
        findings.error(subject, "no key can verify a signature", remedy);
    }
    match client.try_credentials().await {
        Ok(()) => findings.ok(subject, format!("accepts the client {}", oidc.client_id)),
        Err(error @ OidcError::Misconfigured(_)) => {
            let remedy =
                format!("register the client at the provider with the callback {callback}");
            findings.error(subject, error.to_string(), &remedy);
        }
        Err(error) => {
            let says = format!("the client {} was not tried: {error}", oidc.client_id);
            findings.warning(subject, says, "run the doctor again when the provider answers");
        }
    }
    let request = LoginRequest { state: "doctor", prompt: Prompt::Needed, offline: false };
    if let Ok(start) = client.start(&request).await
        && let Ok(answer) = patient.http.get(start.url).send().await
        && answer.status().is_client_error()
    {
        let says = format!("refuses a login with status {}", answer.status());
        let remedy = format!("register the callback {callback} for the client {}", oidc.client_id);
        findings.warning(subject, says, &remedy);
    }
    let wanted = patient.access.wanted(provider.name.as_str());
    facts(findings, subject, (&summary, wanted));
}

/// Reports what the provider does not say although the access policy asks for it.
fn facts(
    findings: &mut Findings,
    subject: Option<&str>,
    (summary, wanted): (&crate::upstream::OidcSummary, &WantedFacts),
) {
    if wanted.groups && summary.groups == Some(false) && !summary.userinfo {
        findings.warning(
            subject,
            "does not list the claim of the groups, which the access policy asks for",
            "add the claim at the provider, or name it with groups = \"/CLAIM\"",
        );
    }
    if !wanted.is_empty() && summary.offline_access == Some(false) {
        findings.warning(
            subject,
            "does not list the scope offline_access: facts about people may not be checked again",
            "allow refresh tokens for the client; else people log in again after FACTS_MAX_AGE",
        );
    }
    if summary.backchannel_logout {
        findings.ok(subject, "can send logout tokens to /backchannel-logout");
    }
}

fn remedy(error: &OidcError) -> &'static str {
    match error {
        OidcError::Misconfigured(_) => {
            "write the issuer exactly as the provider states it, with or without the slash at its end"
        }
        _ => "check DNS, the firewall and the issuer; until then nobody can log in there",
    }
}
