//! Check of the login provider: it is reachable from here, as each login requires, and accepts the credentials of the
//! OAuth app.

use super::{
    Patient,
    finding::{Finding, Findings},
    public,
};
use crate::{
    oauth::Endpoint,
    upstream::{GitHub, GithubError},
};

fn credentials(findings: &mut Findings, tried: Result<(), GithubError>) {
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

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("provider");
    let Some(github) = &patient.config.github else { return findings.into_vec() };
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
    match GitHub::new(github, patient.config.issuer.at(Endpoint::Callback.path())) {
        Ok(app) => credentials(&mut findings, app.try_credentials().await),
        Err(error) => findings.error(None, error.to_string(), "correct GITHUB_BASE_URL"),
    }
    findings.into_vec()
}
