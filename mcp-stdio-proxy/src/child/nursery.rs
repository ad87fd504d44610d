//! All processes of this program: how many there may be, and that each is found at the end.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Child;
use crate::sync::lock;

/// See the module.
pub struct Nursery {
    permits: Arc<Semaphore>,
    all: Mutex<Vec<Weak<Child>>>,
}

impl Nursery {
    /// Room for `limit` processes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { permits: Arc::new(Semaphore::new(limit)), all: Mutex::default() })
    }

    /// The right to start one more.
    pub fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// The same, for one who can wait.
    pub async fn permit_within(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        tokio::time::timeout(wait, permit).await.ok()?.ok()
    }

    /// Notes a process.
    pub fn adopt(&self, child: &Arc<Child>) {
        let mut all = lock(&self.all);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(child));
    }

    /// Those that are not gone.
    pub fn all(&self) -> Vec<Arc<Child>> {
        lock(&self.all).iter().filter_map(Weak::upgrade).collect()
    }

    /// Ends all and waits until nothing of them is left.
    pub async fn end_all(&self) {
        let all = self.all();
        for child in &all {
            child.end();
        }
        for child in all {
            child.ended().await;
        }
    }
}
