//! Start of a server's processes. A warm process is taken if there is one. Otherwise a process is started: directly, if
//! the program of its package runner is cached, else by the configured command.

use std::collections::VecDeque;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;

use super::installing::{Installing, Waiting};
use crate::config::catalogue::{Isolation, ProgramConfig, ServerConfig};
use crate::config::environment;
use crate::config::settings::Settings;
use crate::instances::unavailable::Unavailable;
use crate::process::pool::{ProcessPool, Turn as StartSlot};
use crate::process::quota::{Claim, Permit};
use crate::process::shortcut::{Memory, Package, is_package_runner, package};
use crate::process::traffic::Traffic;
use crate::process::{Invocation, Origin, Process, Program, Reason, SpawnError};

/// The time that a predecessor gets to complete its pending work.
const GRACE: Duration = Duration::from_secs(15);

/// The starts of one server's processes: what is known of its package, and its warm processes.
pub struct Starter {
    name: Arc<str>,
    settings: Arc<Settings>,
    pool: Arc<ProcessPool>,
    /// The bytes exchanged with the processes.
    pub traffic: Arc<Traffic>,
    /// The programs that the package runner has executed.
    memory: Memory,
    /// Processes that have no client yet.
    warm: Mutex<VecDeque<Arc<Process>>>,
    /// The number of starts that wait for the installation of the package.
    waiting: AtomicUsize,
}

impl Starter {
    /// Creates the starter of the server `name`, whose processes are registered in `pool`.
    pub(super) fn new(name: Arc<str>, settings: Arc<Settings>, pool: Arc<ProcessPool>) -> Self {
        Self {
            name,
            settings,
            pool,
            traffic: Arc::default(),
            memory: Memory::default(),
            warm: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits until the start of a process for `user` cannot interfere with the installation of its package.
    pub async fn install(&self, config: &Arc<ServerConfig>, user: Option<&str>) -> Installing {
        if !self.asks_package_runner(config, user) {
            return Installing { package: None, turn: None };
        }
        let package = self.package(config);
        let _waiting = Waiting::new(&self.waiting);
        let turn = package.turn().await;
        Installing { package: Some(package), turn }
    }

    /// Returns `true` if the next start of `config` for `user` uses the package runner.
    fn asks_package_runner(&self, config: &Arc<ServerConfig>, user: Option<&str>) -> bool {
        is_package_runner(&config.program.command, &config.program.args)
            && self.memory.get(config, personal(config, user)).is_none()
    }

    fn package(&self, config: &ServerConfig) -> Arc<Package> {
        self.pool.installs.package(package(&config.program.command, &config.program.args))
    }

    /// Returns `true` while a package runner installs the package of the server.
    pub fn is_being_installed(&self) -> bool {
        let is_ours =
            |process: &Arc<Process>| process.server == self.name && process.is_being_installed();
        self.waiting.load(Ordering::Relaxed) > 0 || self.pool.all().iter().any(is_ours)
    }

    /// Waits until the stopped processes for `user` have exited, since a server may hold a file or a port
    /// until then.
    pub async fn succeed(&self, user: Option<&str>) {
        let before = self.pool.predecessors(&self.name, user);
        join_all(before.iter().map(|process| process.exit_within(GRACE))).await;
    }

    /// Waits for a slot to start a process and to await its first response.
    pub async fn turn(&self) -> StartSlot<'_> {
        self.pool.turn().await
    }

    /// Starts a process as configured in `config`, or takes a warm one. No message has been sent to it yet.
    pub(super) fn start(
        &self,
        config: &Arc<ServerConfig>,
        permit: Permit,
        user: Option<&str>,
    ) -> Result<Arc<Process>, Unavailable> {
        if config.program.is_personal() {
            let user =
                user.ok_or_else(|| Unavailable::Anonymous { server: Arc::clone(&self.name) })?;
            let filled = config.program.personal(user);
            self.make_directory(&filled)?;
            return self.spawn(&self.program(config, &filled), Some(user), permit);
        }
        while let Some(process) = self.take_warm() {
            if process.is_live() {
                process.start.count_under(permit);
                return Ok(process);
            }
            self.forget_start(&process);
        }
        self.spawn(&self.program(config, &config.program), None, permit)
    }

    /// Creates the directory of a user, who may be new.
    fn make_directory(&self, program: &ProgramConfig) -> Result<(), Unavailable> {
        let Some(cwd) = &program.cwd else { return Ok(()) };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(cwd);
        let made = made.and_then(|()| match (program.uid, program.gid) {
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
    ) -> Result<Arc<Process>, Unavailable> {
        let known = self.memory.get(&program.config, user);
        let known = known.map(|known| known.shorten(program.clone())).filter(Program::exists);
        if known.is_none() {
            self.memory.forget(&program.config, user);
        }
        let program = known.as_ref().unwrap_or(program);
        let process = self.pool.spawn(program, permit);
        Ok(process.inspect_err(|error| log::error!(server = &*self.name; "{error}"))?)
    }

    /// Returns the program for `filled`, which is that of `config` with the placeholders of one user filled in.
    fn program(&self, config: &Arc<ServerConfig>, filled: &ProgramConfig) -> Program {
        let is_package_runner = is_package_runner(&filled.command, &filled.args);
        let origin = if is_package_runner { Origin::PackageRunner } else { Origin::Configuration };
        let is_shared = self.settings.isolation_of(config) == Isolation::Shared;
        let mut env = environment::passed(std::env::vars_os(), &self.settings.pass_env);
        env.extend(filled.env.iter().map(|(name, value)| (name.into(), value.into())));
        Program {
            server: Arc::clone(&self.name),
            invocation: Invocation {
                command: filled.command.clone(),
                name: None,
                args: filled.args.clone(),
                env,
                cwd: filled.cwd.clone(),
                identity: (filled.uid, filled.gid),
            },
            limits: config.limits.clone(),
            confine: config.confine,
            line_limit: self.settings.limits.max_message,
            call_limit: self.settings.limits.max_calls,
            stop_timeouts: self.settings.stop_timeouts,
            // The stderr of a shared process may concern any of its users.
            explain: self.settings.explain_failures && !is_shared,
            traffic: Arc::clone(&self.traffic),
            origin,
            config: Arc::clone(config),
        }
    }

    /// Returns `true` if warm processes are missing. Drops those that have ended.
    pub(super) fn lacks_warm(&self, config: &ServerConfig) -> bool {
        let wanted = if config.program.is_personal() { 0 } else { config.prewarm };
        let (ready, dead) = {
            let mut warm = self.warm.lock();
            let (ready, dead): (Vec<_>, Vec<_>) =
                warm.drain(..).partition(|process| process.is_live());
            warm.extend(ready);
            (warm.len(), dead)
        };
        for process in dead {
            self.forget_start(&process);
        }
        ready < wanted
    }

    /// Starts a warm process. Returns `false` if its package is being installed, or a limit is reached.
    pub(super) fn prewarm(
        &self,
        config: &Arc<ServerConfig>,
        claim: &Claim,
    ) -> Result<bool, Unavailable> {
        let turn = if self.asks_package_runner(config, None) {
            let Ok(turn) = self.package(config).try_turn() else { return Ok(false) };
            turn
        } else {
            None
        };
        let Ok(permit) = self.pool.quota.take(claim) else { return Ok(false) };
        let process = self.spawn(&self.program(config, &config.program), None, permit)?;
        if let Some(turn) = turn {
            let process = Arc::clone(&process);
            tokio::spawn(async move {
                process.executed().await;
                drop(turn);
            });
        }
        self.warm.lock().push_back(process);
        Ok(true)
    }

    /// Stops the warm processes. Returns `true` if there were any.
    pub fn end_warm(&self) -> bool {
        let warm: Vec<_> = self.warm.lock().drain(..).collect();
        for process in &warm {
            process.end();
        }
        !warm.is_empty()
    }

    /// Returns the number of warm processes.
    pub fn warm(&self) -> usize {
        self.warm.lock().len()
    }

    fn take_warm(&self) -> Option<Arc<Process>> {
        self.warm.lock().pop_front()
    }

    /// Caches the program that a package runner has executed as `process`, which has answered its first
    /// request.
    pub fn learn(&self, process: &Process) {
        let shortcut = process.start.settle();
        let Some(shortcut) = shortcut else { return };
        log::info!(
            server = &*self.name;
            "{} runs {}, which is started directly from now on", self.name, shortcut.program()
        );
        let user = process.start.user();
        let user = personal(&process.config, user.as_deref());
        self.memory.keep(Arc::clone(&process.config), user, Arc::new(shortcut));
    }

    /// Evicts the cached start of `process`, which has failed. Returns `true` if `process` was started from
    /// memory.
    pub fn forget_start(&self, process: &Process) -> bool {
        if !process.start.is_remembered() {
            return false;
        }
        let user = process.start.user();
        self.memory.forget(&process.config, personal(&process.config, user.as_deref()));
        self.package(&process.config).set_installed(false);
        log::warn!(
            server = &*self.name;
            "{}[{}] was started without its package runner and has failed: {}; the package runner is used again",
            self.name, process.pid, process.exit_report()
        );
        true
    }
}

/// Returns the user that a start is cached for.
fn personal<'a>(config: &ServerConfig, user: Option<&'a str>) -> Option<&'a str> {
    user.filter(|_| config.program.is_personal())
}
