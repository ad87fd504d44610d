//! Check of this machine's clock against those of Redis and of the login provider. The validity of tokens and
//! certificates depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::header::HttpDate;

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::{
    config::ProviderKind,
    model::{Clock, SystemClock},
};

/// The difference in seconds that the delay of a response can explain.
const SUSPECT: u64 = 5;
/// The difference in seconds that breaks logins: clients and providers tolerate about a minute of clock skew.
const WRONG: u64 = 60;

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("clock");
    if let Ok(condition) = patient.store.maintenance.condition().await
        && let Some(time) = condition.time
    {
        compare(&mut findings, "Redis", time);
    }
    for provider in &patient.config.providers {
        let url = match &provider.kind {
            ProviderKind::Github(github) => github.api_url.to_string(),
            ProviderKind::Oidc(oidc) => oidc.issuer.clone(),
        };
        if let Some(seconds) = date_of(patient, &url).await {
            compare(&mut findings, &format!("the login provider {}", provider.name), seconds);
        }
    }
    findings.into_vec()
}

/// Returns the time that the server at `url` states.
async fn date_of(patient: &Patient, url: &str) -> Option<i64> {
    let answer = patient.http.head(url).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?.parse::<HttpDate>().ok()?;
    let since = SystemTime::from(date).duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

fn compare(findings: &mut Findings, whose: &str, theirs: i64) {
    let apart = SystemClock.now().0.abs_diff(theirs);
    let says = format!("{apart} s from the clock of {whose}");
    let remedy = "synchronize the clock of this machine by NTP (timedatectl set-ntp true)";
    match apart {
        0..=SUSPECT => findings.ok(None, says),
        _ if apart < WRONG => findings.warning(None, says, remedy),
        _ => findings.error(None, says, remedy),
    }
}
