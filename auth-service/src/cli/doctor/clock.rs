//! Check of this machine's clock against those of Redis and of the login provider. The validity of tokens and
//! certificates depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::header::HttpDate;

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::model::{Clock, SystemClock};

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
    if let Some(github) = &patient.config.github
        && let Ok(answer) = patient.http.head(github.api_url.clone()).send().await
        && let Some(date) = answer.headers().get("date").and_then(|date| date.to_str().ok())
        && let Ok(date) = date.parse::<HttpDate>()
        && let Ok(since) = SystemTime::from(date).duration_since(UNIX_EPOCH)
    {
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        compare(&mut findings, "the login provider", seconds);
    }
    findings.into_vec()
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
