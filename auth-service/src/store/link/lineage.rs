//! The history of a node as a master, from `INFO replication`.
//!
//! Sentinel shows a replica that is being promoted and an earlier master that has come back alike: as a replica that calls
//! itself a master. Only the former can become the master next.

use std::time::Duration;

use redis::{AsyncConnectionConfig, ProtocolVersion, RedisResult};

use super::node::{Address, Node};

/// The timeout of the question to one node.
const TIMEOUT: Duration = Duration::from_millis(400);

/// The replication IDs of a node. A master has one of its own, which its replicas take over. A replica that becomes a
/// master takes a new one, and keeps that of its master as the previous one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lineage {
    is_master: bool,
    id: String,
    /// `None` if the node has not been promoted since its start.
    previous: Option<String>,
}

impl Lineage {
    /// Asks the node at `address`.
    pub(super) async fn of(node: &Node, address: &Address) -> RedisResult<Self> {
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let client = node.client(Some(address), ProtocolVersion::RESP2)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&timeouts).await?;
        let info: String =
            redis::cmd("INFO").arg("replication").query_async(&mut connection).await?;
        Ok(Self::parse(&info))
    }

    fn parse(info: &str) -> Self {
        let of = |name: &str| {
            let pairs = info.lines().filter_map(|line| line.trim_end().split_once(':'));
            pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
        };
        // A server that names no previous ID cannot be told from one that is being promoted.
        let previous = of("master_replid2").unwrap_or("unknown");
        Self {
            is_master: of("role") == Some("master"),
            id: of("master_replid").unwrap_or_default().to_owned(),
            previous: previous.bytes().any(|byte| byte != b'0').then(|| previous.to_owned()),
        }
    }

    /// Returns `true` if this node certainly is an earlier master, and is not being promoted in place of `master`: it
    /// was not promoted since its start, or `master` was promoted from it.
    pub(super) fn is_behind(&self, master: &Self) -> bool {
        self.is_master
            && master.is_master
            && (self.previous.is_none() || master.previous.as_ref() == Some(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "0000000000000000000000000000000000000000";

    fn node(role: &str, id: &str, previous: &str) -> Lineage {
        Lineage::parse(&format!(
            "# Replication\r\nrole:{role}\r\nmaster_replid:{id}\r\nmaster_replid2:{previous}\r\n"
        ))
    }

    #[test]
    fn a_replica_that_is_being_promoted_is_no_earlier_master() {
        let master = node("master", "a1", NONE);
        assert!(!node("master", "b1", "a1").is_behind(&master));
        assert!(!node("slave", "a1", NONE).is_behind(&master));
    }

    #[test]
    fn an_earlier_master_is_recognized() {
        let master = node("master", "b1", "a1");
        assert!(node("master", "a1", "z1").is_behind(&master), "it was cut off");
        assert!(node("master", "a2", NONE).is_behind(&master), "it was started again");
    }

    #[test]
    fn what_is_not_certain_does_not_count() {
        let restarted = node("master", "a2", NONE);
        assert!(
            !node("master", "b1", "a1").is_behind(&restarted),
            "after a short crash of the master"
        );
        assert!(!Lineage::parse("role:master").is_behind(&node("master", "b1", "a1")));
        assert!(!node("master", "a1", NONE).is_behind(&node("slave", "b1", "a1")));
    }
}
