//! Redis: there, new enough, and forgetting nothing by itself.

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::{model::Chain, store::Condition};

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("redis");
    let condition = match patient.store.condition().await {
        Ok(condition) => condition,
        Err(error) => {
            let remedy = "check that Redis runs, and REDIS_URL and REDIS_PASSWORD";
            findings.error(None, Chain(&error).to_string(), remedy);
            return findings.into_vec();
        }
    };
    let version = condition.of("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < 7) {
        let says = format!("Redis {version} is too old: 7.0 is needed");
        findings.error(None, says, "upgrade Redis");
    } else {
        findings.ok(None, format!("Redis {version} answers"));
    }
    role(&condition, &mut findings);
    persistence(&condition, &mut findings);
    eviction(&condition, &mut findings);
    findings.into_vec()
}

/// Reports a Redis that never takes writes.
fn role(condition: &Condition, findings: &mut Findings) {
    if condition.of("cluster_enabled") == "1" {
        let says = "this is a node of a Redis Cluster, which does not take what the gateway writes";
        findings.error(None, says, "use a Redis without cluster mode");
    } else if condition.of("redis_mode") == "sentinel" {
        let says = "this is a Redis Sentinel, which stores nothing";
        findings.error(None, says, "name the Redis that it watches in REDIS_URL");
    } else if condition.of("role") == "slave" {
        let of = format!("{}:{}", condition.of("master_host"), condition.of("master_port"));
        let says = format!("this Redis is a replica of {of}, and takes no writes");
        findings.error(None, says, "name the primary in REDIS_URL");
    }
}

/// Whether a restart logs everybody out.
fn persistence(condition: &Condition, findings: &mut Findings) {
    for (name, what) in [
        ("aof_last_write_status", "its append-only file"),
        ("rdb_last_bgsave_status", "a snapshot"),
    ] {
        if condition.of(name) == "err" {
            let says = format!("Redis could not write {what}");
            findings.error(None, says, "see its log; most often the disk is full");
        }
    }
    let on = "start it with --appendonly yes and a volume for /data, as docker-compose.yml does";
    match (condition.of("aof_enabled"), condition.snapshots.as_deref()) {
        ("1", _) => findings.ok(None, "what it is told is on disk within a second"),
        (_, Some("")) => findings.error(
            None,
            "Redis keeps nothing on disk: its restart ends all logins and registrations",
            on,
        ),
        (_, Some(_)) => findings.warning(
            None,
            "Redis keeps snapshots only: after a crash the logins since the last one are gone",
            on,
        ),
        (_, None) => findings.warning(
            None,
            "Redis has no append-only file, and does not tell whether it keeps snapshots",
            on,
        ),
    }
}

/// Whether it throws away what is still needed.
fn eviction(condition: &Condition, findings: &mut Findings) {
    let policy = condition.of("maxmemory_policy");
    let number = |name: &str| condition.of(name).parse::<u64>().unwrap_or(0);
    let (used, most) = (number("used_memory"), number("maxmemory"));
    if most == 0 {
        findings.warning(
            None,
            "Redis has no limit of memory: when the machine has none left, Redis is killed",
            "set maxmemory below what it may take, with maxmemory-policy noeviction",
        );
    } else if policy != "noeviction" {
        findings.error(
            None,
            format!("when its memory is full, Redis throws logins away ({policy})"),
            "set maxmemory-policy noeviction, and alert on memory instead",
        );
    } else if used > most / 10 * 9 {
        findings.error(
            None,
            "Redis has used nine tenths of its memory, and refuses to write beyond it",
            "raise maxmemory; until then people stay connected, and nobody new can log in",
        );
    } else {
        findings.ok(None, "it throws nothing away");
    }
}
