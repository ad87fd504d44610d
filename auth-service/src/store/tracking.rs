//! Invalidation messages of Redis for every change to grants, access tokens and facts about people,
//! including changes by other instances (client-side caching: `CLIENT TRACKING … BCAST` over RESP3).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use gateway_contract::backoff::Backoff;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisError, aio::MultiplexedConnection};

use super::{
    key::PREFIX,
    link::{ConnectError, Fence, Linked, Master, OPERATION_TIMEOUT},
    revocation_tracker::RevocationTracker,
};

/// The interval between pings on the invalidation connection.
const BEAT: Duration = Duration::from_millis(100);

/// The invalidation lease: the time after a ping for which silence means that nothing changed. A
/// closed connection is detected immediately; the lease detects one that silently drops data.
pub(super) const INVALIDATION_LEASE: Duration = Duration::from_millis(350);

/// The time that replicas get to confirm the lease. A later confirmation would be useless.
const PATIENCE: Duration = Duration::from_millis(250);

/// The delays between connection attempts.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// Feeds invalidations into `tracker`, and reconnects after failures. Sets `started` once the first
/// lease is there, or once Redis has refused to send invalidations. Never returns.
pub(super) async fn follow(
    master: &Master,
    tracker: &Arc<RevocationTracker>,
    started: &AtomicBool,
) {
    let mut backoff = BACKOFF;
    loop {
        let link = tracker.next_link();
        let (error, worked) = listen(master, tracker, link, started).await;
        tracker.unlinked(link);
        if worked {
            backoff.reset();
            log::warn!("invalidations from redis stopped; each liveness check asks redis: {error}");
        } else {
            log::debug!("invalidations from redis are not available yet: {error}");
        }
        tokio::time::sleep(backoff.delay()).await;
    }
}

/// Receives invalidations until the connection fails. Returns the error, and `true` if the lease was
/// renewed at least once.
async fn listen(
    master: &Master,
    tracker: &Arc<RevocationTracker>,
    link: u64,
    started: &AtomicBool,
) -> (ConnectError, bool) {
    let pushes = Arc::clone(tracker);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(OPERATION_TIMEOUT))
        .set_response_timeout(Some(INVALIDATION_LEASE))
        // Called in the order of arrival, interleaved with replies.
        .set_push_sender(move |push| {
            pushes.handle_push(link, &push);
            Ok::<(), std::convert::Infallible>(())
        });
    let mut track = redis::cmd("CLIENT");
    track.arg("TRACKING").arg("ON").arg("BCAST");
    for kind in ["grant:", "access:", "gen:", "facts:"] {
        track.arg("PREFIX").arg(format!("{PREFIX}{kind}"));
    }
    let mut linked = match master.connect(&config, ProtocolVersion::RESP3).await {
        Ok(linked) => linked,
        Err(error) => return (error, false),
    };
    if let Err(error) = track.exec_async(&mut linked.connection).await {
        // Such as a user without the permission: then each liveness check queries Redis.
        started.fetch_or(error.code().is_some(), Relaxed);
        return (error.into(), false);
    }
    tracker.linked(link);
    let mut worked = false;
    loop {
        let asked = Instant::now();
        match renew(master, &mut linked).await {
            Ok(()) => {
                worked = true;
                started.store(true, Relaxed);
                tracker.renew_lease(asked, INVALIDATION_LEASE);
                master.term.confirm(linked.term, asked + INVALIDATION_LEASE);
            }
            // The connection works, but this node may not be the master any more.
            Err(error) if !master.term.failed(linked.term, &error) => {
                log::debug!("the invalidation lease is not renewed: {error}");
            }
            Err(error) => return (error.into(), worked),
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Asks for a sign of life. If another node can replace the master, a majority must confirm it, so
/// that an instance beside an isolated master stops trusting it.
async fn renew(master: &Master, linked: &mut Linked) -> Result<(), RedisError> {
    let connection: &mut MultiplexedConnection = &mut linked.connection;
    match master.term.needed_for_lease(linked.term) {
        Some(0) => redis::cmd("PING").exec_async(connection).await,
        Some(needed) => Fence::new(needed, PATIENCE).pass(connection).await,
        None => {
            let gone = std::io::Error::from(std::io::ErrorKind::NotConnected);
            Err(RedisError::from(gone))
        }
    }
}
