//! Cache of the programs that package runners executed, per entry, and per user for entries with placeholders
//! for the user.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::direct::Shortcut;
use crate::config::catalogue::ServerConfig;

/// The maximum number of shortcuts kept per server; beyond it, the oldest is evicted.
const MOST: usize = 256;

struct Start {
    config: Arc<ServerConfig>,
    user: Option<Box<str>>,
    shortcut: Arc<Shortcut>,
}

impl Start {
    fn is_of(&self, config: &Arc<ServerConfig>, user: Option<&str>) -> bool {
        Arc::ptr_eq(&self.config, config) && self.user.as_deref() == user
    }
}

/// The shortcuts of one server.
#[derive(Default)]
pub struct Memory(Mutex<VecDeque<Start>>);

impl Memory {
    /// Returns the shortcut for `config` and `user`.
    pub fn get(&self, config: &Arc<ServerConfig>, user: Option<&str>) -> Option<Arc<Shortcut>> {
        let starts = self.0.lock();
        let start = starts.iter().find(|one| one.is_of(config, user))?;
        Some(Arc::clone(&start.shortcut))
    }

    /// Stores `shortcut` and evicts those of other versions of the entry.
    pub fn keep(&self, config: Arc<ServerConfig>, user: Option<&str>, shortcut: Arc<Shortcut>) {
        let mut starts = self.0.lock();
        starts.retain(|one| Arc::ptr_eq(&one.config, &config) && one.user.as_deref() != user);
        if starts.len() >= MOST {
            starts.pop_front();
        }
        starts.push_back(Start { config, user: user.map(Into::into), shortcut });
    }

    /// Evicts the shortcut for `config` and `user`.
    pub fn forget(&self, config: &Arc<ServerConfig>, user: Option<&str>) {
        self.0.lock().retain(|one| !one.is_of(config, user));
    }
}
