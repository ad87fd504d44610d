//! Check of Redis: it answers, is recent enough, persists its data and evicts nothing.

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
            let remedy = "check that Redis runs, and check REDIS_URL and REDIS_PASSWORD";
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

/// Reports a Redis that never accepts the gateway's writes: a cluster node, a Sentinel or a replica.
fn role(condition: &Condition, findings: &mut Findings) {
    if condition.of("cluster_enabled") == "1" {
        let says = "this is a node of a Redis Cluster, which does not accept the gateway's writes";
        findings.error(None, says, "use a Redis without cluster mode");
    } else if condition.of("redis_mode") == "sentinel" {
        let says = "this is a Redis Sentinel, which stores nothing";
        findings.error(None, says, "set REDIS_URL to the Redis that it monitors");
    } else if condition.of("role") == "slave" {
        let of = format!("{}:{}", condition.of("master_host"), condition.of("master_port"));
        let says = format!("this Redis is a replica of {of} and accepts no writes");
        findings.error(None, says, "set REDIS_URL to the primary");
    }
}

/// Reports persistence settings under which logins are lost by a restart or a crash.
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
        ("1", _) => findings.ok(None, "every write is on disk within a second"),
        (_, Some("")) => findings.error(
            None,
            "Redis keeps nothing on disk: a restart ends all logins and registrations",
            on,
        ),
        (_, Some(_)) => findings.warning(
            None,
            "Redis keeps snapshots only: a crash loses the logins since the last one",
            on,
        ),
        (_, None) => findings.warning(
            None,
            "Redis has no append-only file, and whether it keeps snapshots is unknown",
            on,
        ),
    }
}

/// Reports memory settings under which Redis evicts live data or is killed.
fn eviction(condition: &Condition, findings: &mut Findings) {
    let policy = condition.of("maxmemory_policy");
    let number = |name: &str| condition.of(name).parse::<u64>().unwrap_or(0);
    let (used, most) = (number("used_memory"), number("maxmemory"));
    if most == 0 {
        findings.warning(
            None,
            "Redis has no memory limit: when the machine runs out of memory, Redis is killed",
            "set maxmemory below the memory available to it, with maxmemory-policy noeviction",
        );
    } else if policy != "noeviction" {
        findings.error(
            None,
            format!("Redis evicts logins when its memory is full ({policy})"),
            "set maxmemory-policy noeviction, and alert on memory instead",
        );
    } else if used > most / 10 * 9 {
        findings.error(
            None,
            "Redis has used nine tenths of its memory limit, beyond which it refuses writes",
            "raise maxmemory; once full, people stay connected but new logins fail",
        );
    } else {
        findings.ok(None, "it evicts nothing");
    }
}
