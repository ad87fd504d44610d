//! Events that proxies keep until they are read: who reads them, and up to where.

use std::time::Duration;

use super::AuditRecords;
use crate::store::{Error, key::Key, lease::Lease};

/// The lifetime of the lease. After a crash, another instance goes on after this time.
const LEASE: Duration = Duration::from_secs(5);

/// The part of this process in reading events of proxies. One instance at a time reads them.
#[derive(Default)]
pub struct FeedReader(Option<Lease>);

impl AuditRecords {
    /// Returns `true` if this process is the one that reads the events of proxies.
    pub async fn reads_feeds(&self, reader: &mut FeedReader) -> Result<bool, Error> {
        if let Some(lease) = &mut reader.0
            && lease.keep(&self.records).await?
        {
            return Ok(true);
        }
        reader.0 = Lease::take(&self.records, Key::FeedLease.text(), LEASE).await?;
        Ok(reader.0.is_some())
    }

    /// Returns the number of the last event of `proxy` that was added, or zero.
    pub async fn feed_position(&self, proxy: &str) -> Result<u64, Error> {
        let mut read = redis::cmd("HGET");
        read.arg(Key::FeedPositions.text()).arg(proxy);
        let position: Option<u64> = read.query_async(&mut self.records.pool.get().await?).await?;
        Ok(position.unwrap_or_default())
    }

    /// Adds events of `proxy`, the last of which has the number `position`. If it is interrupted before the position is
    /// written, the same events are read again, and recognized by their ids.
    pub async fn add_from<T: AsRef<str>>(
        &self,
        proxy: &str,
        lines: &[T],
        position: u64,
    ) -> Result<(), Error> {
        self.add(lines).await?;
        let mut write = redis::cmd("HSET");
        write.arg(Key::FeedPositions.text()).arg(proxy).arg(position);
        Ok(write.exec_async(&mut self.records.pool.get().await?).await?)
    }
}
