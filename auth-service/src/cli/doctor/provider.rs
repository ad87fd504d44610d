//! The login provider: reachable from here, since it is asked at each login.

use super::{
    Patient,
    finding::{Finding, Findings},
    public,
};

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("provider");
    let Some(github) = &patient.config.github else { return findings.into_vec() };
    for url in [&github.base_url, &github.api_url] {
        let subject = Some(url.as_str().trim_end_matches('/'));
        match patient.http.get(url.clone()).header("User-Agent", "auth-service").send().await {
            Ok(answer) if answer.status().is_server_error() => {
                let says = format!("answers {}", answer.status());
                findings.error(subject, says, "nobody new can log in until it is well again");
            }
            Ok(_) => findings.ok(subject, "answers"),
            Err(error) => {
                let remedy = "let this program reach it: DNS, firewall, or GITHUB_BASE_URL and \
                              GITHUB_API_URL of an Enterprise Server";
                findings.error(subject, public::why(&error).0, remedy);
            }
        }
    }
    findings.into_vec()
}
