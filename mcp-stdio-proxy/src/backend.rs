//! A server of the catalogue at run time: how it is started, and what is known of its health.

use std::collections::VecDeque;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::catalogue::{Entry, Isolation};
use crate::child::nursery::{Nursery, Turn};
use crate::child::quota::{Claim, Permit};
use crate::child::shortcut;
use crate::child::traffic::Traffic;
use crate::child::{Child, Program, Reason, SpawnError, environment};
use crate::health::Health;
use crate::parking::Parking;
use crate::probe::Verdict;
use crate::settings::Settings;
use crate::sync::lock;
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
    /// What the command was found to run, and for which entry.
    shortcut: Mutex<Option<(Arc<Entry>, Vec<String>)>>,
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
            shortcut: Mutex::default(),
        })
    }

    /// How it is run.
    pub fn entry(&self) -> Arc<Entry> {
        Arc::clone(&lock(&self.entry))
    }

    /// Runs it differently from now on.
    pub fn set_entry(&self, entry: Arc<Entry>) {
        *lock(&self.entry) = entry;
        self.health.recovered();
        self.end_warm();
    }

    /// Who shares a process.
    pub fn isolation(&self) -> Isolation {
        self.entry().isolation.unwrap_or(self.settings.isolation)
    }

    /// Returns `true` if the server must read a message as the proxy does: there are rules for its tools, or
    /// its process serves several users, whose requests are told apart by their ids.
    pub fn needs_one_reading(&self) -> bool {
        self.entry().tools.is_some() || self.isolation() == Isolation::Shared
    }

    /// How long a request may take without progress.
    pub fn request_timeout(&self) -> Option<Duration> {
        let timeout = self.entry().request_timeout.unwrap_or(self.settings.request_timeout);
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

    /// A process that was not spoken to yet: one held ready, or a new one.
    pub fn start(&self, permit: Permit, user: Option<&str>) -> Result<Arc<Child>, Unavailable> {
        self.may_start(&self.health)?;
        let entry = self.entry();
        if entry.is_personal() {
            let user =
                user.ok_or_else(|| Unavailable::Anonymous { server: Arc::clone(&self.name) })?;
            let entry = entry.personal(user);
            self.make_directory(&entry)?;
            return self.spawn(&entry, permit);
        }
        while let Some(child) = self.take_warm() {
            if child.is_live() {
                child.count_under(permit);
                return Ok(child);
            }
        }
        self.spawn_shared(&entry, permit)
    }

    fn spawn_shared(&self, entry: &Arc<Entry>, permit: Permit) -> Result<Arc<Child>, Unavailable> {
        self.spawn(self.shortened(entry).as_ref().unwrap_or(entry), permit)
    }

    /// The directory of a user, who may be here for the first time.
    fn make_directory(&self, entry: &Entry) -> Result<(), Unavailable> {
        let Some(cwd) = &entry.cwd else { return Ok(()) };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(cwd);
        let made = made.and_then(|()| match (entry.uid, entry.gid) {
            (None, None) => Ok(()),
            (uid, gid) => std::os::unix::fs::chown(cwd, uid, gid),
        });
        made.map_err(|source| {
            let error = SpawnError::new(&self.name, Reason::Directory(cwd.clone(), source));
            log::error!(server = &*self.name; "{error}");
            error.into()
        })
    }

    /// A process held ready.
    fn take_warm(&self) -> Option<Arc<Child>> {
        lock(&self.warm).pop_front()
    }

    fn spawn(&self, entry: &Entry, permit: Permit) -> Result<Arc<Child>, Unavailable> {
        Ok(self.nursery.spawn(&self.program(entry), permit).inspect_err(|error| {
            log::error!(server = &*self.name; "{error}");
            self.failed("it cannot be started");
        })?)
    }

    fn program(&self, entry: &Entry) -> Program {
        let mut env = environment::passed(std::env::vars_os(), &self.settings.pass_env);
        env.extend(entry.env.iter().map(|(name, value)| (name.into(), value.into())));
        Program {
            server: Arc::clone(&self.name),
            command: entry.command.clone(),
            args: entry.args.clone(),
            env,
            cwd: entry.cwd.clone(),
            identity: (entry.uid, entry.gid),
            limits: entry.limits.clone(),
            confine: entry.confine,
            line_limit: self.settings.max_message,
            call_limit: self.settings.max_calls,
            patience: self.settings.patience,
            // What the last words of a shared process are about, and whose, cannot be told.
            explain: self.settings.explain_failures && self.isolation() != Isolation::Shared,
            traffic: Arc::clone(&self.traffic),
        }
    }

    /// What must be free for one more process of `user`.
    pub fn claim(&self, user: Option<&Arc<str>>) -> Claim {
        let own = self.entry().max_processes;
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

    /// Starts what is to be held ready and is not, one process at a time; whether it started one.
    pub fn prewarm(&self) -> bool {
        let entry = self.entry();
        let wanted = if entry.is_personal() { 0 } else { entry.prewarm };
        let ready = {
            let mut warm = lock(&self.warm);
            warm.retain(|child| child.is_live());
            warm.len()
        };
        if ready >= wanted || self.may_start(&self.health).is_err() {
            return false;
        }
        let Ok(permit) = self.nursery.quota.take(&self.claim(None)) else { return false };
        let started = self.spawn_shared(&entry, permit);
        started.map(|child| lock(&self.warm).push_back(child)).is_ok()
    }

    /// Notes what a finder such as `npx` has started, to do without it from now on.
    fn learn(&self, pid: u32) {
        let entry = self.entry();
        let known = lock(&self.shortcut).as_ref().is_some_and(|(one, _)| Arc::ptr_eq(one, &entry));
        if known || entry.is_personal() || !shortcut::is_finder(&entry.command) {
            return;
        }
        if let Some(line) = shortcut::of(pid) {
            log::info!(server = &*self.name; "{} runs {line:?}; started directly from now on", self.name);
            *lock(&self.shortcut) = Some((entry, line));
        }
    }

    /// The entry with what its command was found to run.
    fn shortened(&self, entry: &Arc<Entry>) -> Option<Entry> {
        let shortcut = lock(&self.shortcut);
        let (learnt, line) = shortcut.as_ref()?;
        let (command, args) = line.split_first().filter(|_| Arc::ptr_eq(learnt, entry))?;
        // The find may have been cleaned away.
        let there =
            args.first().is_none_or(|file| !file.starts_with('/') || Path::new(file).exists());
        let (command, args) = (command.clone(), args.to_vec());
        there.then(|| Entry { command, args, ..(**entry).clone() })
    }

    /// Ends what is held ready; whether there was anything.
    pub fn end_warm(&self) -> bool {
        let warm: Vec<_> = lock(&self.warm).drain(..).collect();
        for child in &warm {
            child.end();
        }
        !warm.is_empty()
    }

    /// Notes that a process has answered `initialize`.
    pub fn answered(&self, pid: u32) {
        self.health.recovered();
        self.initialized.store(true, Ordering::Relaxed);
        self.verdict.confirm();
        self.learn(pid);
    }

    /// How it is, in a word: whether it initializes is known only once it did or did not.
    pub fn state(&self) -> &'static str {
        match (self.health.is_failing(), self.initialized.load(Ordering::Relaxed)) {
            (true, _) => "failing",
            (false, true) => "ok",
            (false, false) => "untried",
        }
    }

    /// Refuses to start while `health`, of the server or of one user's use of it, has to wait.
    pub fn may_start(&self, health: &Health) -> Result<(), Unavailable> {
        let Some(wait) = health.wait() else { return Ok(()) };
        Err(Unavailable::Crashing { server: Arc::clone(&self.name), wait: wait.as_secs() + 1 })
    }

    /// Notes that a process ended by itself.
    pub fn crashed(&self, status: &str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        *lock(&self.last) = Some(status.to_owned());
    }

    /// Notes that a start failed.
    pub fn failed(&self, why: &str) {
        self.health.failed();
        *lock(&self.last) = Some(why.to_owned());
    }

    /// How often it was restarted, and what was last wrong.
    pub fn troubles(&self) -> (u64, Option<String>) {
        (self.restarts.load(Ordering::Relaxed), lock(&self.last).clone())
    }

    /// How many processes are held ready.
    pub fn warm(&self) -> usize {
        lock(&self.warm).len()
    }
}
