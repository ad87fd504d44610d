//! The current master: where it is, and new connections to it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use futures_util::future::join_all;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, RedisError,
    aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;

use super::{
    fitness::{self, Unfit},
    lineage::Lineage,
    node::{Address, Node},
    patient,
    sentinels::{SentinelReport, Sentinels, Survey},
    term::{CurrentTerm, Place},
};
use crate::config::{RedisConfig, RedisServer};

/// The error of a new connection.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::store) enum ConnectError {
    /// The connection failed, or no Sentinel answered.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The node cannot store the records of this program.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// A connection, and the term in which it was opened.
#[derive(Clone)]
pub(in crate::store) struct Linked {
    pub(in crate::store) connection: MultiplexedConnection,
    pub(in crate::store) term: u64,
    /// Tells connections of one term apart.
    pub(super) number: u64,
}

/// The current master.
pub(in crate::store) struct Master {
    node: Node,
    sentinels: Option<Sentinels>,
    pub(in crate::store) term: CurrentTerm,
    /// Held while Sentinels are asked, so that concurrent callers share the answer.
    asking: tokio::sync::Mutex<()>,
    opened: AtomicU64,
}

impl Master {
    pub(in crate::store) fn of(config: &RedisConfig) -> Result<Self, RedisError> {
        let authority = config.authority.as_deref();
        let (url, sentinels) = match &config.server {
            RedisServer::Single(url) => (url, None),
            RedisServer::Sentinel(sentinel) => {
                (&sentinel.node, Some(Sentinels::of(sentinel, authority)?))
            }
        };
        Ok(Self {
            node: Node::parse(url.expose_secret(), authority)?,
            sentinels,
            term: CurrentTerm::default(),
            asking: tokio::sync::Mutex::default(),
            opened: AtomicU64::new(0),
        })
    }

    /// Returns a number that tells connections, or pools of them, apart.
    pub(super) fn next_number(&self) -> u64 {
        self.opened.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns a client for the node at `address`, or at the address of the URL.
    pub(super) fn client(
        &self,
        address: Option<&Address>,
        protocol: ProtocolVersion,
    ) -> Result<Client, RedisError> {
        self.node.client(address, protocol)
    }

    /// Opens a connection to the master, and checks that it is one.
    pub(in crate::store) async fn connect(
        &self,
        config: &AsyncConnectionConfig,
        protocol: ProtocolVersion,
    ) -> Result<Linked, ConnectError> {
        let Place { address, term } = self.locate().await?;
        match self.open(address.as_ref(), config, protocol).await {
            Ok((connection, replicas)) => {
                self.term.meet(term, replicas);
                Ok(Linked { connection, term, number: self.next_number() })
            }
            Err(error) => {
                self.term.doubt(term);
                Err(match error {
                    ConnectError::Unfit(Unfit::Replica) if self.has_sentinels() => {
                        let why = "the node that Redis Sentinel names as the master is a replica";
                        RedisError::from((ErrorKind::Client, why)).into()
                    }
                    error => error,
                })
            }
        }
    }

    /// Checks that the node can store the records, if it answers.
    pub(in crate::store) async fn check_fitness(&self) -> Result<(), Unfit> {
        match self.connect(&patient(), ProtocolVersion::RESP2).await {
            Err(ConnectError::Unfit(unfit)) => Err(unfit),
            Err(ConnectError::Redis(error)) => {
                log::warn!("Redis is not reached yet: {error}");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Opens a connection to the node that is the master as far as is known, whatever its role.
    pub(in crate::store) async fn connect_unchecked(
        &self,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        let address = self.locate().await?.address;
        let client = self.node.client(address.as_ref(), ProtocolVersion::RESP2)?;
        client.get_multiplexed_async_connection_with_config(config).await
    }

    async fn open(
        &self,
        address: Option<&Address>,
        config: &AsyncConnectionConfig,
        protocol: ProtocolVersion,
    ) -> Result<(MultiplexedConnection, Option<usize>), ConnectError> {
        let client = self.node.client(address, protocol)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(config).await?;
        let replicas = fitness::check(&mut connection).await??;
        Ok((connection, replicas))
    }

    /// Returns the place of the master. Asks the Sentinels first, unless their answer is fresh.
    pub(super) async fn locate(&self) -> Result<Place, RedisError> {
        let Some(sentinels) = &self.sentinels else { return Ok(self.term.place()) };
        let arrived = Instant::now();
        if let Some(place) = self.term.fresh_place() {
            return Ok(place);
        }
        let _asking = self.asking.lock().await;
        if let Some(place) = self.term.place_since(arrived) {
            return Ok(place);
        }
        let asked = self.ask(sentinels).await;
        let place = self.term.place();
        match asked {
            // The node may work although all Sentinels are gone.
            Err(error) if place.address.is_some() => {
                log::warn!("no Redis Sentinel answers: {error}");
                Ok(place)
            }
            asked => asked.map(|()| place),
        }
    }

    async fn ask(&self, sentinels: &Sentinels) -> Result<(), RedisError> {
        let asked = Instant::now();
        self.term.learn(&sentinels.survey().await?, asked);
        self.examine_leaders().await;
        Ok(())
    }

    /// Asks the replicas that call themselves masters, and the master, which of them are earlier masters. This
    /// happens only for some seconds after the master has changed.
    async fn examine_leaders(&self) {
        let (Place { address: Some(master), term }, leaders) = self.term.unknown_leaders() else {
            return;
        };
        if leaders.is_empty() {
            return;
        }
        let all = std::iter::once(&master).chain(&leaders);
        let mut asked =
            join_all(all.map(|address| Lineage::of(&self.node, address))).await.into_iter();
        let Some(Ok(master)) = asked.next() else { return };
        for (leader, lineage) in leaders.iter().zip(asked) {
            if lineage.is_ok_and(|lineage| lineage.is_behind(&master)) {
                self.term.depose(term, leader);
            }
        }
    }

    /// Asks the Sentinels again. Does nothing without Sentinels.
    pub(super) async fn refresh(&self) {
        let Some(sentinels) = &self.sentinels else { return };
        let _asking = self.asking.lock().await;
        if let Err(error) = self.ask(sentinels).await {
            log::debug!("no Redis Sentinel answers: {error}");
        }
    }

    /// Returns `true` if Sentinels name the master.
    pub(in crate::store) const fn has_sentinels(&self) -> bool {
        self.sentinels.is_some()
    }

    /// Returns the answer of the Sentinels and a report of each. Returns `None` without Sentinels.
    pub(in crate::store) async fn survey(
        &self,
    ) -> Option<(Result<Survey, RedisError>, Vec<SentinelReport>)> {
        let sentinels = self.sentinels.as_ref()?;
        Some((sentinels.survey().await, sentinels.reports().await))
    }
}
