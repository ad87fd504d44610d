//! The state of Redis and its sentinels, asked without a relay.

use std::{collections::HashMap, time::Duration};

use redis::{AsyncConnectionConfig, FromRedisValue};
use tokio::time::{Instant, sleep};

use crate::names::{MASTER_SET, NODES, Name};

/// The longest time for an answer of Redis or a sentinel.
const PATIENCE: Duration = Duration::from_millis(500);

/// The largest difference of offsets at which a replica counts as up to date, in bytes.
const LAG: u64 = 64 * 1024;

/// Sends a command to a Redis node or a sentinel.
pub async fn ask<T: FromRedisValue>(name: Name, command: &[&str]) -> redis::RedisResult<T> {
    let client = redis::Client::open(format!("redis://{}", name.address()))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut line = redis::cmd(command[0]);
    line.arg(&command[1..]);
    line.query_async(&mut connection).await
}

/// The Redis nodes: one, or three with sentinels.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// `true` if there is one Redis alone.
    pub is_single: bool,
}

impl Cluster {
    /// Returns the Redis nodes.
    pub fn nodes(self) -> Vec<Name> {
        (0..if self.is_single { 1 } else { NODES }).map(Name::Redis).collect()
    }

    /// Returns the sentinels.
    pub fn sentinels(self) -> Vec<Name> {
        (0..if self.is_single { 0 } else { NODES }).map(Name::Sentinel).collect()
    }

    /// Returns the master that a majority of the sentinels names.
    pub async fn master(self) -> Option<usize> {
        if self.is_single {
            return Some(0);
        }
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for sentinel in self.sentinels() {
            let command = ["SENTINEL", "get-master-addr-by-name", MASTER_SET];
            let Ok((_, port)) = ask::<(String, u16)>(sentinel, &command).await else { continue };
            if let Some(node) = (0..NODES).find(|node| Name::Redis(*node).relay().port() == port) {
                *votes.entry(node).or_default() += 1;
            }
        }
        votes.into_iter().find(|(_, votes)| *votes > NODES / 2).map(|(node, _)| node)
    }

    /// Returns the reason why not all nodes are in order, or the master if they are.
    pub async fn state(self) -> Result<usize, String> {
        let master = self.master().await.ok_or("the sentinels name no master")?;
        let lead = info(Name::Redis(master)).await?;
        if self.is_single {
            return Ok(master);
        }
        if lead.text("role") != "master" {
            return Err(format!("{} is no master", Name::Redis(master)));
        }
        for node in self.nodes().into_iter().filter(|node| *node != Name::Redis(master)) {
            let follower = info(node).await?;
            let follows = follower.text("role") == "slave"
                && follower.number("master_port") == u64::from(Name::Redis(master).relay().port())
                && follower.text("master_link_status") == "up";
            if !follows {
                return Err(format!("{node} does not follow the master"));
            }
            let (ahead, behind) =
                (lead.number("master_repl_offset"), follower.number("slave_repl_offset"));
            if ahead.saturating_sub(behind) > LAG {
                return Err(format!("{node} is {} bytes behind", ahead - behind));
            }
        }
        if lead.text("connected_slaves") != "2" {
            return Err(format!("the master has {} replicas", lead.text("connected_slaves")));
        }
        let mut agreeing = 0;
        for sentinel in self.sentinels() {
            agreeing += usize::from(sees_followers(sentinel).await);
        }
        if agreeing <= NODES / 2 {
            return Err(format!("{agreeing} sentinels see all replicas follow"));
        }
        Ok(master)
    }

    /// Waits until all nodes are in order. Returns the last reason after `patience`.
    pub async fn settled(self, patience: Duration) -> Result<usize, String> {
        until(patience, || self.state()).await
    }

    /// Waits until each sentinel knows all replicas and all other sentinels. A replica that they do not know when the
    /// first master dies stays behind: no sentinel tells it of the new master.
    pub async fn acquainted(self, patience: Duration) -> Result<(), String> {
        until(patience, || self.acquaintance()).await
    }

    /// Returns the reason why a sentinel does not know all others.
    async fn acquaintance(self) -> Result<(), String> {
        for sentinel in self.sentinels() {
            let command = ["SENTINEL", "MASTER", MASTER_SET];
            let known: HashMap<String, String> =
                ask(sentinel, &command).await.map_err(|error| format!("{sentinel}: {error}"))?;
            for key in ["num-slaves", "num-other-sentinels"] {
                let count = known.get(key).map_or("", String::as_str);
                if count != (NODES - 1).to_string() {
                    return Err(format!("{key} of {sentinel} is {count:?}"));
                }
            }
        }
        Ok(())
    }
}

/// Repeats `check` until it succeeds. Returns its last error after `patience`.
async fn until<T, F: Future<Output = Result<T, String>>>(
    patience: Duration,
    check: impl Fn() -> F,
) -> Result<T, String> {
    let deadline = Instant::now() + patience;
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(why) if Instant::now() > deadline => return Err(why),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Returns `true` if a sentinel sees that all replicas follow the master. Until then it may promote one that has been
/// away, and instances of auth-service do not wait for that one.
async fn sees_followers(sentinel: Name) -> bool {
    let asked = ask(sentinel, &["SENTINEL", "REPLICAS", MASTER_SET]).await;
    let replicas: Vec<HashMap<String, String>> = asked.unwrap_or_default();
    let follows = |replica: &HashMap<String, String>| {
        let is = |key: &str, value: &str| replica.get(key).is_some_and(|text| text == value);
        is("flags", "slave") && is("role-reported", "slave") && is("master-link-status", "ok")
    };
    replicas.len() == NODES - 1 && replicas.iter().all(follows)
}

struct Info(HashMap<String, String>);

impl Info {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn number(&self, key: &str) -> u64 {
        self.text(key).parse().unwrap_or(0)
    }
}

async fn info(node: Name) -> Result<Info, String> {
    let text: String = ask(node, &["INFO", "replication"])
        .await
        .map_err(|error| format!("{node} does not answer: {error}"))?;
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    Ok(Info(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()))
}
