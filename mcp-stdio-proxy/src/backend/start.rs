//! Start of a server's processes. A process is started by the configured command, or from memory of the
//! program that its package runner has executed. Otherwise, a warm one is taken.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::Backend;
use crate::catalogue::{Entry, Isolation};
use crate::child::quota::Permit;
use crate::child::shortcut::{Package, Turn, is_finder, package};
use crate::child::{Child, Origin, Program, Reason, SpawnError, environment};
use crate::unavailable::Unavailable;

/// The time that a predecessor gets to complete its pending work.
const GRACE: Duration = Duration::from_secs(15);

/// A start that may install the package of the server. Other starts of the same package wait for it.
pub struct Installing {
    package: Option<Arc<Package>>,
    turn: Turn,
}

impl Installing {
    /// Records that the server has answered, so its package is installed.
    pub fn done(self) {
        if let Some(package) = &self.package {
            package.set_installed(true);
        }
        drop(self.turn);
    }
}

/// The registration of a start that waits for an installation.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Backend {
    /// Waits until the start of a process for `user` cannot interfere with the installation of its package.
    pub async fn install(&self, user: Option<&str>) -> Installing {
        let entry = self.entry();
        if !self.asks_finder(&entry, user) {
            return Installing { package: None, turn: None };
        }
        let package = self.package(&entry);
        let _waiting = Waiting::new(&self.waiting);
        let turn = package.turn().await;
        Installing { package: Some(package), turn }
    }

    /// Returns `true` if the next start of `entry` for `user` uses the package runner.
    fn asks_finder(&self, entry: &Arc<Entry>, user: Option<&str>) -> bool {
        is_finder(&entry.command, &entry.args)
            && self.memory.get(entry, personal(entry, user)).is_none()
    }

    fn package(&self, entry: &Entry) -> Arc<Package> {
        self.nursery.installs.package(package(&entry.command, &entry.args))
    }

    /// Returns `true` while a package runner installs the package of the server.
    pub fn is_being_installed(&self) -> bool {
        let is_ours = |child: &Arc<Child>| child.server == self.name && child.is_being_installed();
        self.waiting.load(Ordering::Relaxed) > 0 || self.nursery.all().iter().any(is_ours)
    }

    /// Waits until the stopped processes for `user` have exited, since a server may hold a file or a port
    /// until then.
    pub async fn succeed(&self, user: Option<&str>) {
        let before = self.nursery.predecessors(&self.name, user);
        join_all(before.iter().map(|child| child.make_way(GRACE))).await;
    }

    /// Starts a process, or takes a warm one. No message has been sent to it yet.
    pub fn start(&self, permit: Permit, user: Option<&str>) -> Result<Arc<Child>, Unavailable> {
        self.may_start(&self.health)?;
        let entry = self.entry();
        if entry.is_personal() {
            let user =
                user.ok_or_else(|| Unavailable::Anonymous { server: Arc::clone(&self.name) })?;
            let filled = entry.personal(user);
            self.make_directory(&filled)?;
            return self.spawn(&self.program(&entry, &filled), Some(user), permit);
        }
        while let Some(child) = self.take_warm() {
            if child.is_live() {
                child.count_under(permit);
                return Ok(child);
            }
            self.forget_start(&child);
        }
        self.spawn(&self.program(&entry, &entry), None, permit)
    }

    /// Creates the directory of a user, who may be new.
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

    /// Starts `program`, or the program that its package runner is known to execute for `user`.
    fn spawn(
        &self,
        program: &Program,
        user: Option<&str>,
        permit: Permit,
    ) -> Result<Arc<Child>, Unavailable> {
        let known = self.memory.get(&program.entry, user);
        let known = known.map(|known| known.shorten(program.clone())).filter(Program::exists);
        if known.is_none() {
            self.memory.forget(&program.entry, user);
        }
        let program = known.as_ref().unwrap_or(program);
        Ok(self.nursery.spawn(program, permit).inspect_err(|error| {
            log::error!(server = &*self.name; "{error}");
            self.failed("it cannot be started");
        })?)
    }

    /// Returns the program for `filled`, which is `entry` with the placeholders of one user filled in.
    fn program(&self, entry: &Arc<Entry>, filled: &Entry) -> Program {
        let is_finder = is_finder(&filled.command, &filled.args);
        let origin = if is_finder { Origin::Finder } else { Origin::Entry };
        let mut env = environment::passed(std::env::vars_os(), &self.settings.pass_env);
        env.extend(filled.env.iter().map(|(name, value)| (name.into(), value.into())));
        Program {
            server: Arc::clone(&self.name),
            command: filled.command.clone(),
            name: None,
            args: filled.args.clone(),
            env,
            cwd: filled.cwd.clone(),
            identity: (filled.uid, filled.gid),
            limits: filled.limits.clone(),
            confine: filled.confine,
            line_limit: self.settings.max_message,
            call_limit: self.settings.max_calls,
            patience: self.settings.patience,
            // The stderr of a shared process may concern any of its users.
            explain: self.settings.explain_failures && self.isolation() != Isolation::Shared,
            traffic: Arc::clone(&self.traffic),
            origin,
            entry: Arc::clone(entry),
        }
    }

    /// Starts one missing warm process. Returns `true` if it did.
    pub fn prewarm(&self) -> bool {
        let entry = self.entry();
        let wanted = if entry.is_personal() { 0 } else { entry.prewarm };
        let (ready, dead) = {
            let mut warm = self.warm.lock();
            let (ready, dead): (Vec<_>, Vec<_>) = warm.drain(..).partition(|child| child.is_live());
            warm.extend(ready);
            (warm.len(), dead)
        };
        for child in dead {
            self.forget_start(&child);
        }
        if ready >= wanted || self.may_start(&self.health).is_err() {
            return false;
        }
        let turn = if self.asks_finder(&entry, None) {
            let Ok(turn) = self.package(&entry).try_turn() else { return false };
            turn
        } else {
            None
        };
        let Ok(permit) = self.nursery.quota.take(&self.claim(None)) else { return false };
        let Ok(child) = self.spawn(&self.program(&entry, &entry), None, permit) else {
            return false;
        };
        if let Some(turn) = turn {
            let child = Arc::clone(&child);
            tokio::spawn(async move {
                child.executed().await;
                drop(turn);
            });
        }
        self.warm.lock().push_back(child);
        true
    }

    fn take_warm(&self) -> Option<Arc<Child>> {
        self.warm.lock().pop_front()
    }

    /// Caches the program that a package runner has executed as `child`, which has answered its first
    /// request.
    pub fn learn(&self, child: &Child) {
        let shortcut = child.settle_start();
        let Some(shortcut) = shortcut else { return };
        log::info!(
            server = &*self.name;
            "{} runs {}, which is started directly from now on", self.name, shortcut.program()
        );
        let user = child.user();
        let user = personal(&child.entry, user.as_deref());
        self.memory.keep(Arc::clone(&child.entry), user, Arc::new(shortcut));
    }

    /// Evicts the cached start of `child`, which has failed. Returns `true` if `child` was started from
    /// memory.
    pub fn forget_start(&self, child: &Child) -> bool {
        if !child.is_remembered() {
            return false;
        }
        let user = child.user();
        self.memory.forget(&child.entry, personal(&child.entry, user.as_deref()));
        self.package(&child.entry).set_installed(false);
        log::warn!(
            server = &*self.name;
            "{}[{}] was started without its package runner and has failed: {}; the package runner is used again",
            self.name, child.pid, child.obituary()
        );
        true
    }
}

/// Returns the user that a start is cached for.
fn personal<'a>(entry: &Entry, user: Option<&'a str>) -> Option<&'a str> {
    user.filter(|_| entry.is_personal())
}
