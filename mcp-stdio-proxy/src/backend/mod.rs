//! A server of the catalogue at run time: how it is started, and what is known of its health.

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

use crate::catalogue::{Entry, Isolation};
use crate::child::Child;
use crate::child::nursery::{Nursery, Turn};
use crate::child::quota::Claim;
use crate::child::shortcut::Memory;
use crate::child::traffic::Traffic;
use crate::health::Health;
use crate::parking::Parking;
use crate::probe::Verdict;
use crate::settings::Settings;
use crate::unavailable::Unavailable;

/// A server.
pub struct Backend {
    /// Its name.
    pub name: Arc<str>,
    entry: Mutex<Arc<Entry>>,
    settings: Arc<Settings>,
    nursery: Arc<Nursery>,
    /// How its starts went.
    pub health: Health,
    /// The bytes exchanged with its processes.
    pub traffic: Arc<Traffic>,
    /// Whether one of them has answered `initialize`, ever.
    initialized: AtomicBool,
    restarts: AtomicU64,
    last: Mutex<Option<String>>,
    warm: Mutex<VecDeque<Arc<Child>>>,
    /// Its calls that wait for input of a client of 2026-07-28.
    pub parking: Parking,
    /// Of which era it is.
    pub verdict: Verdict,
    /// What checks found of it.
    pub checks: Checks,
    /// What its finder was seen to execute.
    memory: Memory,
    /// Starts that wait for the installation of the package.
    waiting: AtomicUsize,
}

impl Backend {
    /// A server whose processes are in `nursery`.
    #[must_use]
    pub fn new(
        name: Arc<str>,
        entry: Arc<Entry>,
        settings: Arc<Settings>,
        nursery: Arc<Nursery>,
    ) -> Arc<Self> {
        let parking = Parking::new(&name, settings.input_timeout);
        Arc::new(Self {
            name,
            entry: Mutex::new(entry),
            settings,
            nursery,
            health: Health::default(),
            traffic: Arc::default(),
            initialized: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            last: Mutex::default(),
            warm: Mutex::default(),
            parking,
            verdict: Verdict::default(),
            checks: Checks::default(),
            memory: Memory::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// How it is run.
    pub fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.entry.lock())
    }

    /// Runs it differently from now on.
    pub fn set_entry(&self, entry: Arc<Entry>) {
        *self.entry.lock() = entry;
        self.health.recovered();
        self.checks.forget();
        self.end_warm();
    }

    /// Who shares a process.
    pub fn isolation(&self) -> Isolation {
        self.entry.lock().isolation.unwrap_or(self.settings.isolation)
    }

    /// Returns `true` if clients of `era` are served.
    pub fn serves(&self, era: Era) -> bool {
        self.entry.lock().era.or(self.settings.era).is_none_or(|only| only == era)
    }

    /// Returns `true` if the server must read a message as the proxy does: there are rules for its tools, or
    /// its process serves several users, whose requests are told apart by their ids.
    pub fn needs_one_reading(&self) -> bool {
        self.has_tool_rules() || self.isolation() == Isolation::Shared
    }

    /// Returns `true` if not every client may use every tool.
    pub fn has_tool_rules(&self) -> bool {
        self.entry.lock().tools.is_some()
    }

    /// How long a request may take without progress.
    pub fn request_timeout(&self) -> Option<Duration> {
        let timeout = self.entry.lock().request_timeout.unwrap_or(self.settings.request_timeout);
        (!timeout.is_zero()).then_some(timeout)
    }

    /// How long it may take to answer `initialize`.
    pub fn start_timeout(&self) -> Duration {
        self.settings.start_timeout
    }

    /// How long it may take to say of which era it is.
    pub fn probe_timeout(&self) -> Duration {
        self.settings.probe_timeout.min(self.settings.start_timeout)
    }

    /// What must be free for one more process of `user`.
    pub fn claim(&self, user: Option<&Arc<str>>) -> Claim {
        let own = self.entry.lock().max_processes;
        Claim {
            server: Arc::clone(&self.name),
            of_server: own.unwrap_or(self.settings.max_children_per_server),
            user: user.cloned(),
        }
    }

    /// The turn to start a process and to wait for its first answer.
    pub async fn turn(&self) -> Turn<'_> {
        self.nursery.turn().await
    }

    /// Ends what is held ready; whether there was anything.
    pub fn end_warm(&self) -> bool {
        let warm: Vec<_> = self.warm.lock().drain(..).collect();
        for child in &warm {
            child.end();
        }
        !warm.is_empty()
    }

    /// Notes that a process has answered `initialize`.
    pub fn answered(&self, child: &Child) {
        self.health.recovered();
        self.initialized.store(true, Ordering::Relaxed);
        self.checks.answered();
        self.verdict.confirm();
        self.learn(child);
    }

    /// How it is, in a word: whether it initializes is known only once it did or did not.
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

    /// Refuses to start while `health`, of the server or of one user's use of it, has to wait.
    pub fn may_start(&self, health: &Health) -> Result<(), Unavailable> {
        let Some(wait) = health.wait() else { return Ok(()) };
        Err(Unavailable::Crashing { server: Arc::clone(&self.name), wait: wait.as_secs() + 1 })
    }

    /// Notes that a process ended by itself.
    pub fn crashed(&self, status: &str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        *self.last.lock() = Some(status.to_owned());
    }

    /// Notes that a start failed.
    pub fn failed(&self, why: &str) {
        self.health.failed();
        *self.last.lock() = Some(why.to_owned());
    }

    /// Reports that a process ended by itself, or that a start failed.
    pub fn report_failure(&self, status: &str) {
        self.settings.audit.server_failed(&self.name, status);
    }

    /// How often it was restarted, and what was last wrong.
    pub fn troubles(&self) -> (u64, Option<String>) {
        (self.restarts.load(Ordering::Relaxed), self.last.lock().clone())
    }

    /// How many processes are held ready.
    pub fn warm(&self) -> usize {
        self.warm.lock().len()
    }
}
