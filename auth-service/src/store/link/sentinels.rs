//! Questions to Redis Sentinel: which node is the master, and how many replicas it has.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, RedisError, RedisResult,
    aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;

use super::node::{Address, Node};
use crate::config::SentinelConfig;

/// The timeout of one question to one Sentinel.
const TIMEOUT: Duration = Duration::from_millis(700);

/// The extra time for slower Sentinels after a majority has answered.
const GRACE: Duration = Duration::from_millis(50);

/// The Sentinels of the configuration, with a connection to each.
pub(super) struct Sentinels {
    name: String,
    all: Vec<Sentinel>,
}

struct Sentinel {
    client: Client,
    link: Mutex<Option<MultiplexedConnection>>,
}

/// The answer of one Sentinel.
#[derive(Clone, Debug)]
struct View {
    master: Address,
    /// The number of the configuration, which each failover raises.
    epoch: u64,
    replicas: BTreeMap<Address, Standing>,
    quorum: usize,
}

/// The state of a replica in the eyes of Sentinel, from the least to the most able.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It is down, or its link to the master is.
    Away,
    /// It says that it is a master: it is being promoted, or it is an old master that has come back.
    Leads,
    /// It follows the master.
    Follows,
}

/// The newest answer of the Sentinels.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The address of the master.
    pub(super) master: Address,
    /// The number of the configuration, which each failover raises.
    pub(super) epoch: u64,
    /// The replicas. Sentinels that differ about one count as the most favourable of them.
    pub(super) replicas: BTreeMap<Address, Standing>,
    /// The number of Sentinels that agree.
    pub agreeing: usize,
    /// The number of Sentinels in the configuration.
    pub configured: usize,
    /// The number of Sentinels that have to agree before a failover.
    pub quorum: usize,
}

impl Survey {
    /// Returns `true` if more than half of the configured Sentinels gave this answer.
    #[must_use]
    pub const fn is_of_majority(&self) -> bool {
        self.agreeing * 2 > self.configured
    }

    /// Returns the number of replicas.
    #[must_use]
    pub fn known(&self) -> usize {
        self.replicas.len()
    }

    /// Returns the number of replicas that are considered neither down nor cut off from the master.
    #[must_use]
    pub fn up(&self) -> usize {
        self.replicas.values().filter(|standing| **standing != Standing::Away).count()
    }

    /// Returns the address of the master as text.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.master.0, self.master.1)
    }
}

/// The answer of one Sentinel for `doctor`: its place in the configuration and its error, if any.
#[derive(Debug)]
pub struct SentinelReport {
    /// The host and port.
    pub address: String,
    /// The reason why it gave no answer.
    pub error: Option<RedisError>,
}

impl Sentinels {
    pub(super) fn of(config: &SentinelConfig, authority: Option<&[u8]>) -> RedisResult<Self> {
        let sentinel = |url: &secrecy::SecretString| {
            let node = Node::parse(url.expose_secret(), authority)?;
            let client = node.client(None, ProtocolVersion::RESP2)?;
            Ok(Sentinel { client, link: Mutex::default() })
        };
        let all = config.sentinels.iter().map(sentinel).collect::<RedisResult<_>>()?;
        Ok(Self { name: config.master.clone(), all })
    }

    /// Asks all Sentinels, and returns the answer with the highest epoch: a Sentinel that is cut off
    /// still names the master from before a failover. Returns early once a majority has answered.
    pub(super) async fn survey(&self) -> RedisResult<Survey> {
        let mut asked: FuturesUnordered<_> =
            self.all.iter().map(|sentinel| sentinel.view(&self.name)).collect();
        let (mut views, mut error) = (Vec::new(), None);
        while let Some(view) = asked.next().await {
            match view {
                Ok(view) => views.push(view),
                Err(failed) => error = Some(failed),
            }
            if views.len() * 2 > self.all.len() {
                break;
            }
        }
        while let Ok(Some(view)) = tokio::time::timeout(GRACE, asked.next()).await {
            views.extend(view.ok());
        }
        let newest = views.iter().max_by_key(|view| view.epoch).cloned();
        let Some(newest) = newest else {
            return Err(error.unwrap_or_else(|| failed("no Sentinel is configured")));
        };
        views.retain(|view| view.epoch == newest.epoch && view.master == newest.master);
        let quorum = views.iter().map(|view| view.quorum).max().unwrap_or(0);
        let agreeing = views.len();
        let mut replicas = BTreeMap::new();
        for (address, standing) in views.into_iter().flat_map(|view| view.replicas) {
            let best = replicas.entry(address).or_insert(standing);
            *best = standing.max(*best);
        }
        Ok(Survey {
            replicas,
            quorum,
            agreeing,
            configured: self.all.len(),
            master: newest.master,
            epoch: newest.epoch,
        })
    }

    /// Asks each Sentinel, and reports which of them answered.
    pub(super) async fn reports(&self) -> Vec<SentinelReport> {
        let mut reports = Vec::new();
        for sentinel in &self.all {
            let address = sentinel.client.get_connection_info().addr().to_string();
            let error = sentinel.view(&self.name).await.err();
            reports.push(SentinelReport { address, error });
        }
        reports
    }
}

impl Sentinel {
    async fn view(&self, name: &str) -> RedisResult<View> {
        let view = tokio::time::timeout(TIMEOUT, self.ask(name)).await;
        let view = view.unwrap_or_else(|_| Err(failed("a Sentinel does not answer")));
        if view.is_err() {
            *self.link.lock() = None;
        }
        view
    }

    async fn ask(&self, name: &str) -> RedisResult<View> {
        let open = self.link.lock().clone();
        let mut link = if let Some(link) = open {
            link
        } else {
            let timeouts = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT));
            let link = self.client.get_multiplexed_async_connection_with_config(&timeouts);
            let link = link.await?;
            self.link.lock().insert(link).clone()
        };
        let mut pipe = redis::pipe();
        // During a failover, this command names the new master first.
        pipe.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        pipe.cmd("SENTINEL").arg("MASTER").arg(name);
        pipe.cmd("SENTINEL").arg("REPLICAS").arg(name);
        let (address, master, replicas): (Option<Address>, Fields, Vec<Fields>) =
            pipe.query_async(&mut link).await?;
        let address = address.ok_or_else(|| failed("the Sentinels do not know the master"))?;
        let number = |name: &str| master.get(name).and_then(|text| text.parse().ok());
        // During a failover, the new master is among the replicas, too.
        let replicas = replicas.iter().filter_map(standing).filter(|(place, _)| *place != address);
        Ok(View {
            replicas: replicas.collect(),
            master: address,
            epoch: number("config-epoch").unwrap_or(0),
            quorum: number("quorum").and_then(|quorum| quorum.try_into().ok()).unwrap_or(0),
        })
    }
}

type Fields = HashMap<String, String>;

/// Returns the address and the state of a replica.
fn standing(replica: &Fields) -> Option<(Address, Standing)> {
    let of = |name: &str| replica.get(name).map_or("", String::as_str);
    let address = (of("ip").to_owned(), of("port").parse().ok()?);
    let is_down = of("flags").split(',').any(|flag| matches!(flag, "s_down" | "o_down"));
    let standing = match of("role-reported") {
        _ if is_down => Standing::Away,
        "master" => Standing::Leads,
        _ if of("master-link-status") == "err" => Standing::Away,
        _ => Standing::Follows,
    };
    Some((address, standing))
}

fn failed(why: &'static str) -> RedisError {
    (ErrorKind::Client, why).into()
}
