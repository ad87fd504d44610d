//! Redis tells of every change to grants and access tokens, also of those that others make
//! (client-side caching: `CLIENT TRACKING … BCAST` over RESP3).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{AsyncConnectionConfig, Client, RedisError};

use super::{PATIENCE, key::PREFIX, witness::Witness};

/// How often it is checked that the link still carries.
const BEAT: Duration = Duration::from_millis(100);

/// For how long silence means that nothing changed. A link that was cut is known at once; this is
/// for one that swallows what it is given.
pub(super) const LEASE: Duration = Duration::from_millis(350);

/// Between attempts to make the link.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Keeps `witness` told, for ever.
pub(super) async fn follow(client: &Client, witness: &Arc<Witness>) {
    let mut pause = BACK_OFF.0;
    loop {
        let link = witness.next_link();
        let (error, worked) = listen(client, witness, link).await;
        witness.unlinked(link);
        if worked {
            pause = BACK_OFF.0;
            log::warn!("no word of revocations from redis, which is asked each time now: {error}");
        } else {
            log::debug!("no word of revocations from redis yet: {error}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACK_OFF.1);
    }
}

/// Listens until the link fails; answers why, and whether it had worked.
async fn listen(client: &Client, witness: &Arc<Witness>, link: u64) -> (RedisError, bool) {
    let told = Arc::clone(witness);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(LEASE))
        // Called in the order of what arrives, between the answers.
        .set_push_sender(move |push| {
            told.told(link, &push);
            Ok::<(), std::convert::Infallible>(())
        });
    let mut track = redis::cmd("CLIENT");
    track.arg("TRACKING").arg("ON").arg("BCAST");
    for kind in ["grant:", "access:"] {
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
    witness.linked(link);
    let mut worked = false;
    loop {
        let asked = Instant::now();
        if let Err(error) = redis::cmd("PING").exec_async(&mut connection).await {
            return (error, worked);
        }
        worked = true;
        witness.heard(asked, LEASE);
        tokio::time::sleep(BEAT).await;
    }
}
