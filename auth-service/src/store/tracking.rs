//! Invalidation messages of Redis for every change to grants and access tokens, including changes
//! by other instances (client-side caching: `CLIENT TRACKING … BCAST` over RESP3).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{AsyncConnectionConfig, Client, RedisError};

use super::{OPERATION_TIMEOUT, key::PREFIX, revocation_tracker::RevocationTracker};

/// The interval between pings on the invalidation connection.
const BEAT: Duration = Duration::from_millis(100);

/// The invalidation lease: the time after a ping for which silence means that nothing changed. A
/// closed connection is detected immediately; the lease detects one that silently drops data.
pub(super) const INVALIDATION_LEASE: Duration = Duration::from_millis(350);

/// The first and the longest delay of the exponential backoff between connection attempts.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Feeds invalidations into `tracker`, and reconnects after failures. Never returns.
pub(super) async fn follow(client: &Client, tracker: &Arc<RevocationTracker>) {
    let mut pause = BACK_OFF.0;
    loop {
        let link = tracker.next_link();
        let (error, worked) = listen(client, tracker, link).await;
        tracker.unlinked(link);
        if worked {
            pause = BACK_OFF.0;
            log::warn!("invalidations from redis stopped; each liveness check asks redis: {error}");
        } else {
            log::debug!("invalidations from redis are not available yet: {error}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACK_OFF.1);
    }
}

/// Receives invalidations until the connection fails. Returns the error, and `true` if at least one
/// ping had succeeded.
async fn listen(
    client: &Client,
    tracker: &Arc<RevocationTracker>,
    link: u64,
) -> (RedisError, bool) {
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
    for kind in ["grant:", "access:", "gen:"] {
        track.arg("PREFIX").arg(format!("{PREFIX}{kind}"));
    }
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(error) => return (error, false),
    };
    if let Err(error) = track.exec_async(&mut connection).await {
        return (error, false);
    }
    tracker.linked(link);
    let mut worked = false;
    loop {
        let asked = Instant::now();
        if let Err(error) = redis::cmd("PING").exec_async(&mut connection).await {
            return (error, worked);
        }
        worked = true;
        tracker.renew_lease(asked, INVALIDATION_LEASE);
        tokio::time::sleep(BEAT).await;
    }
}
