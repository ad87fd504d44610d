//! Registry of all server processes: limits their number, stops them at shutdown, and reaps their orphans,
//! also as PID 1 of a container (stdio transport, "Shutdown").

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::Process;
use super::confinement::Confinement;
use super::quota::Quota;
use super::shortcut::Installs;

/// The maximum number of concurrent starts; too many at once would make each miss its deadline.
const STARTS: usize = 8;
/// The maximum time to wait for a start slot. A start then proceeds without one, so that unresponsive servers
/// cannot block others indefinitely.
const TURN: Duration = Duration::from_secs(2);

/// A start slot, released when dropped.
pub type Turn<'a> = Option<SemaphorePermit<'a>>;

/// The maximum time for killed orphans to disappear.
const STRAYS: Duration = Duration::from_millis(500);

/// The pool of server processes.
pub struct ProcessPool {
    /// The limits on processes.
    pub quota: Arc<Quota>,
    /// The packages that package runners install.
    pub installs: Installs,
    pub(super) confinement: Confinement,
    /// Cancelled when the shutdown of the proxy must be hurried.
    pub(super) haste: CancellationToken,
    starts: Semaphore,
    /// The children. Locked while a process is started, so that it is never mistaken for an orphan.
    all: Mutex<Vec<Weak<Process>>>,
    /// Children of this process that existed before it was executed.
    inherited: Vec<Pid>,
}

impl ProcessPool {
    /// Creates an empty pool with the limits of `quota`.
    #[must_use]
    pub fn new(quota: Arc<Quota>) -> Arc<Self> {
        let starts = Semaphore::new(STARTS);
        Arc::new(Self {
            quota,
            installs: Installs::default(),
            confinement: Confinement::detect(),
            haste: CancellationToken::new(),
            starts,
            all: Mutex::default(),
            inherited: children(),
        })
    }

    /// Makes this process the subreaper, so that it adopts orphans of its children.
    pub fn adopt_orphans(&self) {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            log::warn!("cannot become the subreaper of server processes: {error}");
        }
    }

    /// Logs the level of confinement.
    pub fn report_confinement(&self) {
        self.confinement.report();
    }

    /// Waits for a start slot, for a limited time.
    pub async fn turn(&self) -> Turn<'_> {
        tokio::time::timeout(TURN, self.starts.acquire()).await.ok()?.ok()
    }

    /// Registers the process that `start` starts.
    pub(super) fn register<E>(
        &self,
        start: impl FnOnce() -> Result<Arc<Process>, E>,
    ) -> Result<Arc<Process>, E> {
        let mut all = self.all.lock();
        all.retain(|one| one.strong_count() > 0);
        let process = start()?;
        all.push(Arc::downgrade(&process));
        Ok(process)
    }

    /// Returns the processes that have not been dropped.
    pub fn all(&self) -> Vec<Arc<Process>> {
        self.all.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns `true` if a process is shutting down, so that its permit will be released.
    pub fn is_one_ending(&self) -> bool {
        self.all().iter().any(|process| process.is_ending())
    }

    /// Returns the processes of `server` for `user` that are shutting down.
    pub fn predecessors(&self, server: &str, user: Option<&str>) -> Vec<Arc<Process>> {
        let theirs = |process: &Arc<Process>| {
            &*process.server == server
                && process.lifecycle.is_leaving()
                && process.start.user().as_deref() == user
        };
        self.all().into_iter().filter(theirs).collect()
    }

    /// Reaps exited orphans and returns those that still run. Servers themselves are reaped by their
    /// supervisors.
    pub fn reap(&self) -> Vec<Pid> {
        let all = self.all.lock();
        let known: Vec<_> =
            all.iter().filter_map(Weak::upgrade).map(|process| process.pid).collect();
        let mut strays = children();
        strays.retain(|pid| {
            !self.inherited.contains(pid)
                && !known.contains(&pid.as_raw_nonzero().get().cast_unsigned())
        });
        strays.retain(|pid| matches!(waitpid(Some(*pid), WaitOptions::NOHANG), Ok(None)));
        strays
    }

    /// Stops all processes and waits until nothing of them is left. After `grace`, the shutdown is hurried.
    pub async fn end_all(&self, grace: Duration) {
        self.quota.close();
        let all = self.all();
        for process in &all {
            process.end();
        }
        let ended = futures_util::future::join_all(all.iter().map(|process| process.ended()));
        tokio::pin!(ended);
        if tokio::time::timeout(grace, &mut ended).await.is_err() {
            self.haste.cancel();
            ended.await;
        }
        let gone = async {
            // These have left the process group of their server.
            loop {
                let strays = self.reap();
                if strays.is_empty() {
                    return;
                }
                for pid in strays {
                    let _gone = kill_process(pid, Signal::KILL);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(STRAYS, gone).await.is_err() {
            log::error!("processes are left that cannot be killed");
        }
    }
}

/// Returns the child processes of the proxy, over all of its threads.
fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}
