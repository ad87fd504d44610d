//! What finders were seen to execute, for each entry, and for each user where the entry is filled in for them.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Shortcut;
use crate::catalogue::Entry;

/// The most starts that are remembered of a server; then the oldest go.
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

/// The memory of one server.
#[derive(Default)]
pub struct Memory(Mutex<VecDeque<Start>>);

impl Memory {
    /// Returns what the finder of `entry` executes for `user`.
    pub fn get(&self, entry: &Arc<Entry>, user: Option<&str>) -> Option<Arc<Shortcut>> {
        let starts = self.0.lock();
        let start = starts.iter().find(|one| one.is_of(entry, user))?;
        Some(Arc::clone(&start.shortcut))
    }

    /// Remembers `shortcut`; what another version of the entry executes is forgotten.
    pub fn keep(&self, entry: Arc<Entry>, user: Option<&str>, shortcut: Arc<Shortcut>) {
        let mut starts = self.0.lock();
        starts.retain(|one| Arc::ptr_eq(&one.entry, &entry) && one.user.as_deref() != user);
        if starts.len() >= MOST {
            starts.pop_front();
        }
        starts.push_back(Start { entry, user: user.map(Into::into), shortcut });
    }

    /// Forgets what the finder of `entry` executes for `user`.
    pub fn forget(&self, entry: &Arc<Entry>, user: Option<&str>) {
        self.0.lock().retain(|one| !one.is_of(entry, user));
    }
}
