//! Check of Redis: it answers, is recent enough, persists its data and evicts nothing.

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::{
    model::Chain,
    store::{Condition, SentinelCondition},
};

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("redis");
    let condition = match patient.store.maintenance.condition().await {
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
    if let Some(sentinels) = &condition.sentinels {
        self::sentinels(sentinels, &mut findings);
    }
    replicas(&condition, &mut findings);
    persistence(&condition, &mut findings);
    eviction(&condition, &mut findings);
    findings.into_vec()
}

/// Reports a Redis that never accepts the gateway's writes: a cluster node, a Sentinel or a replica.
fn role(condition: &Condition, findings: &mut Findings) {
    if condition.of("cluster_enabled") == "1" {
        let says = "this is a node of a Redis Cluster, which does not accept the gateway's writes";
        findings.error(None, says, "use a Redis without cluster mode, with Sentinel for failover");
    } else if condition.of("redis_mode") == "sentinel" {
        let says = "this is a Redis Sentinel, which stores nothing";
        let remedy = "write REDIS_URL as redis+sentinel://HOST:PORT/0?master=NAME";
        findings.error(None, says, remedy);
    } else if condition.of("role") == "slave" {
        let of = format!("{}:{}", condition.of("master_host"), condition.of("master_port"));
        let says = format!("this Redis is a replica of {of} and accepts no writes");
        findings.error(None, says, "set REDIS_URL to the primary");
    }
}

/// Reports Sentinels that do not answer or do not agree, and replicas that are missing.
fn sentinels(condition: &SentinelCondition, findings: &mut Findings) {
    for report in &condition.reports {
        if let Some(error) = &report.error {
            let says = format!("the Sentinel at {} does not answer: {error}", report.address);
            findings.warning(None, says, "check that it runs, and its address in REDIS_URL");
        }
    }
    let survey = match &condition.survey {
        Ok(survey) => survey,
        Err(error) => {
            let says = format!("no Sentinel names the master: {error}");
            findings.error(None, says, "check REDIS_URL and SENTINEL CKQUORUM on each Sentinel");
            return;
        }
    };
    let (agree, of) = (survey.agreeing, survey.configured);
    let says = format!("{agree} of {of} Sentinels name {} as the master", survey.address());
    if !survey.is_of_majority() {
        findings.error(None, says, "start the other Sentinels: fewer cannot replace the master");
    } else if of < 3 {
        let says = format!("{says}; fewer than three cannot outlive one of them");
        findings.warning(None, says, "run three Sentinels, and name all of them in REDIS_URL");
    } else {
        findings.ok(None, format!("{says}; {} must agree that it is down", survey.quorum));
    }
    let (known, up) = (survey.known(), survey.up());
    match (known, up) {
        (0, _) => {
            let says = "the master has no replica: nothing replaces it when it fails";
            findings.error(None, says, "add two replicas (replicaof)");
        }
        (1, _) => {
            let says = "the master has one replica: without either, nothing is written";
            findings.warning(None, says, "add a second replica");
        }
        _ if up < known => {
            let says = format!("{} of {known} replicas are down", known - up);
            let remedy = "start them; SENTINEL RESET forgets those that are gone";
            findings.warning(None, says, remedy);
        }
        _ => findings.ok(None, format!("{known} replicas are up")),
    }
}

/// Reports settings under which a master without replicas goes on taking writes that will be lost.
fn replicas(condition: &Condition, findings: &mut Findings) {
    let connected: u32 = condition.of("connected_slaves").parse().unwrap_or(0);
    if condition.sentinels.is_none() {
        if connected > 0 {
            let says = format!("a majority of {connected} replicas and the master has each write");
            findings.ok(None, says);
        }
        return;
    }
    let remedy = "set min-replicas-to-write 1 and min-replicas-max-lag 5 on every node";
    match condition.min_replicas {
        Some(0) => {
            let says = "min-replicas-to-write is 0: an isolated master goes on taking writes";
            findings.error(None, says, remedy);
        }
        Some(count) => {
            findings.ok(None, format!("the master takes writes with {count} replica(s) or more"));
        }
        None => {
            let says =
                "whether an isolated master takes writes is unknown (CONFIG is not permitted)";
            findings.warning(None, says, remedy);
        }
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
