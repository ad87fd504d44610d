//! Connections to the Redis server, or to the current master that Redis Sentinel names.
//!
//! Each connection belongs to a *term*: the time for which one node is known as the master. A
//! connection of an earlier term is never used again. With replicas, an operation counts only
//! after a majority of the nodes has it ([`replication`]).

mod connections;
mod fence;
mod fitness;
mod lineage;
mod master;
mod node;
mod quorum;
mod replication;
mod sentinels;
mod shared;
mod term;
mod watch;

use std::time::Duration;

use redis::AsyncConnectionConfig;

pub(in crate::store) use self::{
    connections::Connections,
    fence::Fence,
    master::{ConnectError, Linked, Master},
    shared::SharedLink,
    watch::watch,
};
pub use self::{
    fitness::Unfit,
    sentinels::{SentinelReport, Survey},
};

/// The timeout of a Redis operation. A request that exceeds it is answered with 503.
pub(in crate::store) const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the settings of a connection for commands.
pub(in crate::store) fn patient() -> AsyncConnectionConfig {
    // The default response timeout of the client library is half a second.
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(OPERATION_TIMEOUT))
        .set_response_timeout(Some(OPERATION_TIMEOUT))
}
