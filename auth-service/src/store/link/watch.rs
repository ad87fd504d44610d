//! Periodic look at the master and its replicas.

use std::time::Duration;

use super::{master::Master, shared::SharedLink};

/// The interval with Sentinels. A failover that they started by themselves is noticed by then.
const WITH_SENTINELS: Duration = Duration::from_millis(500);

/// The interval without Sentinels.
const ALONE: Duration = Duration::from_secs(5);

/// The pause after a failure that puts the master in doubt.
const DOUBT: Duration = Duration::from_millis(200);

/// Follows the master and counts its replicas. Never returns.
pub(in crate::store) async fn watch(master: &Master, shared: &SharedLink) {
    loop {
        if master.has_sentinels() {
            // A timeout means that nothing puts the master in doubt.
            let doubt = tokio::time::timeout(WITH_SENTINELS, master.term.doubted()).await;
            if doubt.is_ok() {
                tokio::time::sleep(DOUBT).await;
            }
            master.refresh().await;
        } else {
            tokio::time::sleep(ALONE).await;
        }
        shared.count_replicas().await;
    }
}
