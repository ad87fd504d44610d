//! A server of the catalogue at run time: its processes and its health.

mod checks;
mod start;

pub use checks::{Checked, Checks, Examined};
pub use start::Installing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_contract::revision::Era;
use parking_lot::Mutex;

use crate::config::catalogue::{Isolation, ServerConfig};
use crate::config::settings::Settings;
use crate::instances::bridge::Connector;
use crate::instances::era_probe::EraCache;
use crate::instances::health::Health;
use crate::instances::unavailable::Unavailable;
use crate::process::Process;
use crate::process::pool::{ProcessPool, Turn};
use crate::process::quota::Claim;
use crate::process::shortcut::Memory;
use crate::process::traffic::Traffic;

/// A server of the catalogue.
pub struct Server {
    /// The name in the catalogue.
    pub name: Arc<str>,
    config: Mutex<Arc<ServerConfig>>,
    settings: Arc<Settings>,
    pool: Arc<ProcessPool>,
    /// The back-off state of its starts.
    pub health: Health,
    /// The bytes exchanged with its processes.
    pub traffic: Arc<Traffic>,
    /// `true` once any of its processes has answered `initialize`.
    initialized: AtomicBool,
    restarts: AtomicU64,
    last: Mutex<Option<String>>,
    warm: Mutex<VecDeque<Arc<Process>>>,
    /// The factory of the bridges to its processes.
    pub connector: Arc<dyn Connector>,
    /// The detected protocol era.
    pub eras: EraCache,
    /// The results of health checks.
    pub checks: Checks,
    /// The programs that its package runner has executed.
    memory: Memory,
    /// The number of starts that wait for the installation of the package.
    waiting: AtomicUsize,
}

impl Server {
    /// Creates a server whose processes are registered in `nursery`.
    #[must_use]
    pub fn new(
        (name, config): (Arc<str>, Arc<ServerConfig>),
        settings: Arc<Settings>,
        pool: Arc<ProcessPool>,
        connector: Arc<dyn Connector>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            config: Mutex::new(config),
            settings,
            pool,
            health: Health::default(),
            traffic: Arc::default(),
            initialized: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            last: Mutex::default(),
            warm: Mutex::default(),
            connector,
            eras: EraCache::default(),
            checks: Checks::default(),
            memory: Memory::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.lock())
    }

    /// Replaces the configuration and resets back-off, checks and warm processes.
    pub fn set_entry(&self, config: Arc<ServerConfig>) {
        *self.config.lock() = config;
        self.health.recovered();
        self.checks.forget();
        self.end_warm();
    }

    /// Returns the isolation level of its processes.
    pub fn isolation(&self) -> Isolation {
        self.config.lock().isolation.unwrap_or(self.settings.isolation)
    }

    /// Returns `true` if clients of `era` are served.
    pub fn serves(&self, era: Era) -> bool {
        self.config.lock().era.or(self.settings.era).is_none_or(|only| only == era)
    }

    /// Returns `true` if the server must parse messages exactly like the proxy. This is the case if there are
    /// rules for its tools, or if its process serves several users, whose requests are distinguished by their
    /// ids.
    pub fn needs_one_reading(&self) -> bool {
        self.has_tool_rules() || self.isolation() == Isolation::Shared
    }

    /// Returns `true` if the use of tools is restricted.
    pub fn has_tool_rules(&self) -> bool {
        self.config.lock().tools.is_some()
    }

    /// Returns the timeout of a request without progress.
    pub fn request_timeout(&self) -> Option<Duration> {
        let timeout =
            self.config.lock().request_timeout.unwrap_or(self.settings.timeouts.request_timeout);
        (!timeout.is_zero()).then_some(timeout)
    }

    /// Returns the timeout of `initialize`.
    pub fn start_timeout(&self) -> Duration {
        self.settings.timeouts.start_timeout
    }

    /// Returns the timeout of the era probe.
    pub fn probe_timeout(&self) -> Duration {
        self.settings.timeouts.probe_timeout.min(self.settings.timeouts.start_timeout)
    }

    /// Returns the quota claim for one more process of `user`.
    pub fn claim(&self, user: Option<&Arc<str>>) -> Claim {
        let own = self.config.lock().max_processes;
        Claim {
            server: Arc::clone(&self.name),
            of_server: own.unwrap_or(self.settings.limits.max_children_per_server),
            user: user.cloned(),
        }
    }

    /// Waits for a slot to start a process and to await its first response.
    pub async fn turn(&self) -> Turn<'_> {
        self.pool.turn().await
    }

    /// Stops the warm processes. Returns `true` if there were any.
    pub fn end_warm(&self) -> bool {
        let warm: Vec<_> = self.warm.lock().drain(..).collect();
        for process in &warm {
            process.end();
        }
        !warm.is_empty()
    }

    /// Records that a process has answered `initialize`.
    pub fn answered(&self, process: &Process) {
        self.health.recovered();
        self.initialized.store(true, Ordering::Relaxed);
        self.checks.answered();
        self.eras.confirm();
        self.learn(process);
    }

    /// Returns the state as a word. It is `untried` until an `initialize` has succeeded or failed.
    pub fn state(&self) -> &'static str {
        match (self.health.is_failing(), self.initialized.load(Ordering::Relaxed)) {
            (true, _) => "failing",
            (false, true) => "ok",
            (false, false) => "untried",
        }
    }

    /// Returns `true` if the server works, `false` if it fails, and `None` if it was never tried.
    pub fn is_up(&self) -> Option<bool> {
        let is_up = !self.health.is_failing() && !self.checks.is_down();
        (!is_up || self.initialized.load(Ordering::Relaxed)).then_some(is_up)
    }

    /// Rejects a start while `health`, of the server or of one user's instance, is backing off.
    pub fn may_start(&self, health: &Health) -> Result<(), Unavailable> {
        let Some(wait) = health.wait() else { return Ok(()) };
        Err(Unavailable::Crashing { server: Arc::clone(&self.name), wait: wait.as_secs() + 1 })
    }

    /// Records a crash of a process.
    pub fn crashed(&self, status: &str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        *self.last.lock() = Some(status.to_owned());
    }

    /// Records a failed start.
    pub fn failed(&self, why: &str) {
        self.health.failed();
        *self.last.lock() = Some(why.to_owned());
    }

    /// Writes the audit event of a crash or a failed start.
    pub fn report_failure(&self, status: &str) {
        self.settings.audit.server_failed(&self.name, status);
    }

    /// Returns the number of restarts and the last failure.
    pub fn last_failure(&self) -> (u64, Option<String>) {
        (self.restarts.load(Ordering::Relaxed), self.last.lock().clone())
    }

    /// Returns the number of warm processes.
    pub fn warm(&self) -> usize {
        self.warm.lock().len()
    }
}
