//! Cache of the programs that package runners executed, per entry, and per user for entries with placeholders
//! for the user.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Shortcut;
use crate::catalogue::Entry;

/// The maximum number of shortcuts kept per server; beyond it, the oldest is evicted.
const MOST: usize = 256;

struct Start {
    entry: Arc<Entry>,
    user: Option<Box<str>>,
    shortcut: Arc<Shortcut>,
}

impl Start {
    fn is_of(&self, entry: &Arc<Entry>, user: Option<&str>) -> bool {
        Arc::ptr_eq(&self.entry, entry) && self.user.as_deref() == user
    }
}

/// The shortcuts of one server.
#[derive(Default)]
pub struct Memory(Mutex<VecDeque<Start>>);

impl Memory {
    /// Returns the shortcut for `entry` and `user`.
    pub fn get(&self, entry: &Arc<Entry>, user: Option<&str>) -> Option<Arc<Shortcut>> {
        let starts = self.0.lock();
        let start = starts.iter().find(|one| one.is_of(entry, user))?;
        Some(Arc::clone(&start.shortcut))
    }

    /// Stores `shortcut` and evicts those of other versions of the entry.
    pub fn keep(&self, entry: Arc<Entry>, user: Option<&str>, shortcut: Arc<Shortcut>) {
        let mut starts = self.0.lock();
        starts.retain(|one| Arc::ptr_eq(&one.entry, &entry) && one.user.as_deref() != user);
        if starts.len() >= MOST {
            starts.pop_front();
        }
        starts.push_back(Start { entry, user: user.map(Into::into), shortcut });
    }

    /// Evicts the shortcut for `entry` and `user`.
    pub fn forget(&self, entry: &Arc<Entry>, user: Option<&str>) {
        self.0.lock().retain(|one| !one.is_of(entry, user));
    }
}
