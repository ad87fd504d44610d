//! A server of the catalogue at run time: its processes and its health.

mod checks;
mod history;
mod installing;
mod starter;

pub use checks::{Checked, Checks, Examined};
pub use history::History;
pub use installing::Installing;
pub use starter::Starter;

use std::sync::Arc;
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
use crate::process::pool::ProcessPool;
use crate::process::quota::{Claim, Permit};

/// A server of the catalogue.
pub struct Server {
    /// The name in the catalogue.
    pub name: Arc<str>,
    config: Mutex<Arc<ServerConfig>>,
    settings: Arc<Settings>,
    /// The back-off state of its starts.
    pub health: Health,
    /// The starts of its processes.
    pub starter: Starter,
    /// The factory of the bridges to its processes.
    pub connector: Arc<dyn Connector>,
    /// The detected protocol era.
    pub eras: EraCache,
    /// The results of health checks.
    pub checks: Checks,
    /// The starts and failures so far.
    pub history: History,
}

impl Server {
    /// Creates a server whose processes are registered in `pool`.
    #[must_use]
    pub fn new(
        (name, config): (Arc<str>, Arc<ServerConfig>),
        settings: Arc<Settings>,
        pool: Arc<ProcessPool>,
        connector: Arc<dyn Connector>,
    ) -> Arc<Self> {
        let starter = Starter::new(Arc::clone(&name), Arc::clone(&settings), pool);
        Arc::new(Self {
            name,
            config: Mutex::new(config),
            settings,
            health: Health::default(),
            starter,
            connector,
            eras: EraCache::default(),
            checks: Checks::default(),
            history: History::default(),
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.lock())
    }

    /// Replaces the configuration and resets back-off, checks and warm processes.
    pub fn set_config(&self, config: Arc<ServerConfig>) {
        *self.config.lock() = config;
        self.health.recovered();
        self.checks.forget();
        self.starter.end_warm();
    }

    /// Returns the isolation level of its processes.
    pub fn isolation(&self) -> Isolation {
        self.settings.isolation_of(&self.config())
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

    /// Starts a process, or takes a warm one. No message has been sent to it yet.
    pub fn start(&self, permit: Permit, user: Option<&str>) -> Result<Arc<Process>, Unavailable> {
        self.may_start(&self.health)?;
        let process = self.starter.start(&self.config(), permit, user);
        process.inspect_err(|why| self.note_spawn_error(why))
    }

    /// Starts one missing warm process. Returns `true` if it did.
    pub fn prewarm(&self) -> bool {
        let config = self.config();
        if !self.starter.lacks_warm(&config) || self.may_start(&self.health).is_err() {
            return false;
        }
        let started = self.starter.prewarm(&config, &self.claim(None));
        started.inspect_err(|why| self.note_spawn_error(why)).unwrap_or(false)
    }

    fn note_spawn_error(&self, why: &Unavailable) {
        if matches!(why, Unavailable::Spawn(_)) {
            self.failed("it cannot be started");
        }
    }

    /// Records that a process has answered `initialize`.
    pub fn answered(&self, process: &Process) {
        self.health.recovered();
        self.history.opened();
        self.checks.answered();
        self.eras.confirm();
        self.starter.learn(process);
    }

    /// Returns the state as a word. It is `untried` until an `initialize` has succeeded or failed.
    pub fn state(&self) -> &'static str {
        match (self.health.is_failing(), self.history.is_opened()) {
            (true, _) => "failing",
            (false, true) => "ok",
            (false, false) => "untried",
        }
    }

    /// Returns `true` if the server works, `false` if it fails, and `None` if it was never tried.
    pub fn is_up(&self) -> Option<bool> {
        let is_up = !self.health.is_failing() && !self.checks.is_down();
        (!is_up || self.history.is_opened()).then_some(is_up)
    }

    /// Rejects a start while `health`, of the server or of one user's instance, is backing off.
    pub fn may_start(&self, health: &Health) -> Result<(), Unavailable> {
        let Some(wait) = health.wait() else { return Ok(()) };
        Err(Unavailable::Crashing { server: Arc::clone(&self.name), wait: wait.as_secs() + 1 })
    }

    /// Records a failed start.
    pub fn failed(&self, why: &str) {
        self.health.failed();
        self.history.failed(why);
    }

    /// Writes the audit event of a crash or a failed start.
    pub fn report_failure(&self, status: &str) {
        self.settings.audit.server_failed(&self.name, status);
    }
}
