//! The state of Redis and its sentinels, asked without a relay.

use std::{collections::HashMap, time::Duration};

use redis::{AsyncConnectionConfig, FromRedisValue};

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
        Ok(master)
    }

    /// Waits until all nodes are in order. Returns the last reason after `patience`.
    pub async fn settled(self, patience: Duration) -> Result<usize, String> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match self.state().await {
                Ok(master) => return Ok(master),
                Err(why) if tokio::time::Instant::now() > deadline => return Err(why),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
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
