//! The master of the moment: its address, its reign, and new connections to it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, RedisError, aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::{
    fitness::{self, Unfit},
    node::{Address, Node},
    patient,
    replication::{Effect, Replicas},
    sentinels::{SentinelReport, Sentinels, Survey},
};
use crate::config::{RedisConfig, RedisServer};

/// The time for which the answer of the Sentinels is used without asking again.
const FRESH: Duration = Duration::from_secs(1);

/// The error codes of a node that is not a usable master (any more).
const DEPOSED: [&str; 3] = ["READONLY", "MASTERDOWN", "LOADING"];

/// The error of a new connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection failed, or no Sentinel answered.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The node cannot store the records of this program.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// A connection, and the reign in which it was opened.
#[derive(Clone)]
pub(in crate::store) struct Linked {
    pub(in crate::store) connection: MultiplexedConnection,
    pub(in crate::store) reign: u64,
    /// Tells connections of one reign apart.
    pub(super) number: u64,
}

/// The master of the moment.
pub(in crate::store) struct Master {
    node: Node,
    sentinels: Option<Sentinels>,
    state: Mutex<State>,
    /// Held while Sentinels are asked, so that concurrent callers share the answer.
    asking: tokio::sync::Mutex<()>,
    doubted: Notify,
    opened: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The number of masters so far.
    reign: u64,
    address: Option<Address>,
    epoch: u64,
    /// The time at which the Sentinels were asked. `None` if their answer is in doubt.
    asked: Option<Instant>,
    replicas: Replicas,
    /// The end of the time for which a majority has confirmed the master of this reign.
    confirmed: Option<Instant>,
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
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            doubted: Notify::new(),
            opened: AtomicU64::new(0),
        })
    }

    /// Returns the number of the current reign.
    pub(in crate::store) fn reign(&self) -> u64 {
        self.state.lock().reign
    }

    /// Opens a connection to the master, and checks that it is one.
    pub(in crate::store) async fn connect(
        &self,
        config: &AsyncConnectionConfig,
        protocol: ProtocolVersion,
    ) -> Result<Linked, ConnectError> {
        let (address, reign) = self.locate().await?;
        let linked = self.open(address.as_ref(), config, protocol).await;
        match linked {
            Ok((connection, connected)) => {
                self.meet(reign, connected);
                let number = self.opened.fetch_add(1, Ordering::Relaxed);
                Ok(Linked { connection, reign, number })
            }
            Err(error) => {
                self.doubt(reign);
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
        let (address, _) = self.locate().await?;
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
        let connected = fitness::check(&mut connection).await??;
        Ok((connection, connected))
    }

    /// Returns the address of the master, unless the URL names it, and its reign.
    async fn locate(&self) -> Result<(Option<Address>, u64), RedisError> {
        let Some(sentinels) = &self.sentinels else { return Ok((None, self.reign())) };
        let arrived = Instant::now();
        let known = |since: Option<Instant>| {
            let state = self.state.lock();
            let is_known = state.asked.is_some_and(|asked| {
                since.map_or_else(|| asked.elapsed() < FRESH, |since| asked >= since)
            });
            is_known.then(|| (state.address.clone(), state.reign))
        };
        if let Some(place) = known(None) {
            return Ok(place);
        }
        let _asking = self.asking.lock().await;
        if let Some(place) = known(Some(arrived)) {
            return Ok(place);
        }
        match self.ask(sentinels).await {
            Ok(_) => {}
            // The node may work although all Sentinels are gone.
            Err(error) if self.state.lock().address.is_none() => return Err(error),
            Err(error) => log::warn!("no Redis Sentinel answers: {error}"),
        }
        let state = self.state.lock();
        Ok((state.address.clone(), state.reign))
    }

    async fn ask(&self, sentinels: &Sentinels) -> Result<Survey, RedisError> {
        let asked = Instant::now();
        let survey = sentinels.survey().await?;
        let mut state = self.state.lock();
        state.asked = Some(asked);
        // A minority that is cut off may still name the master from before.
        if survey.epoch < state.epoch && !survey.is_of_majority() {
            return Ok(survey);
        }
        state.epoch = survey.epoch;
        if state.address.as_ref() != Some(&survey.master) {
            if state.address.is_some() {
                log::warn!("the Redis master is now {}", survey.address());
            }
            state.address = Some(survey.master.clone());
            state.depose();
        }
        state.replicas.learn(&survey);
        Ok(survey)
    }

    /// Asks the Sentinels again. Does nothing without Sentinels.
    pub(super) async fn refresh(&self) {
        let Some(sentinels) = &self.sentinels else { return };
        let _asking = self.asking.lock().await;
        if let Err(error) = self.ask(sentinels).await {
            log::debug!("no Redis Sentinel answers: {error}");
        }
    }

    /// Waits until the address of the master is in doubt.
    pub(super) async fn doubted(&self) {
        self.doubted.notified().await;
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

    /// Notes the number of replicas that are connected to the master of `reign`.
    pub(super) fn meet(&self, reign: u64, connected: Option<usize>) {
        let mut state = self.state.lock();
        if let Some(connected) = connected.filter(|_| state.reign == reign) {
            state.replicas.meet(connected);
        }
    }

    /// Has the Sentinels asked again before the next connection.
    fn doubt(&self, reign: u64) {
        let mut state = self.state.lock();
        if state.reign == reign {
            state.asked = None;
            self.doubted.notify_one();
        }
    }

    /// Handles an error of a connection of `reign`. Returns `true` if the connection is unusable. If
    /// the node is no master any more, so are all others of this reign.
    pub(in crate::store) fn failed(&self, reign: u64, error: &RedisError) -> bool {
        if error.code().is_some_and(|code| DEPOSED.contains(&code)) {
            self.depose(reign);
            return true;
        }
        let is_lost = error.is_io_error() || error.is_unrecoverable_error();
        if is_lost {
            self.doubt(reign);
        }
        is_lost
    }

    /// Ends `reign`, because its node is no usable master any more.
    pub(super) fn depose(&self, reign: u64) {
        let mut state = self.state.lock();
        if state.reign == reign {
            log::warn!("Redis is not a usable master any more; all connections to it are renewed");
            state.depose();
            state.asked = None;
            self.doubted.notify_one();
        }
    }

    /// Returns the number of replicas that must confirm an operation over a connection of `reign`.
    /// Returns `None` if that reign is over.
    pub(super) fn needed(&self, reign: u64, effect: Effect) -> Option<usize> {
        let state = self.state.lock();
        (state.reign == reign).then(|| state.replicas.needed(effect))
    }

    /// Returns the number of replicas that must confirm the invalidation lease, or `None` if
    /// `reign` is over. It is 0 unless another node can replace the master.
    pub(in crate::store) fn needed_for_lease(&self, reign: u64) -> Option<usize> {
        self.needed(reign, Effect::Read)
    }

    /// Notes that a majority confirmed the master of `reign`, until `end`.
    pub(in crate::store) fn confirm(&self, reign: u64, end: Instant) {
        let mut state = self.state.lock();
        if state.reign == reign {
            state.confirmed = Some(end);
        }
    }

    /// Returns `true` if what a connection of `reign` has read until now is the word of the master:
    /// no other node has replaced it and acknowledged a revocation since.
    pub(in crate::store) fn is_confirmed(&self, reign: u64) -> bool {
        let state = self.state.lock();
        state.reign == reign
            && (state.replicas.needed(Effect::Read) == 0
                || state.confirmed.is_some_and(|end| Instant::now() < end))
    }
}

impl State {
    /// Ends the reign.
    fn depose(&mut self) {
        self.reign += 1;
        self.confirmed = None;
        self.replicas.succeed();
    }
}
