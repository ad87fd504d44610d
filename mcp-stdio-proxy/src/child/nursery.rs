//! All processes of this program: how many there may be, that each is found at the end, and that
//! what they leave behind is reaped, also as PID 1 of a container (stdio transport, "Shutdown").

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::confinement::Confinement;
use super::quota::{Permit, Quota};
use super::shortcut::Installs;
use super::{Child, Program, SpawnError};

/// Processes that may be starting at once: many at once make each miss its deadline.
const STARTS: usize = 8;
/// How long one waits for its turn. One that never gets it starts nevertheless: servers that do not
/// answer must not stop others for ever.
const TURN: Duration = Duration::from_secs(2);

/// The turn to start, given back when dropped.
pub type Turn<'a> = Option<SemaphorePermit<'a>>;

/// How long killed strays may take to vanish.
const STRAYS: Duration = Duration::from_millis(500);

/// See the module.
pub struct Nursery {
    /// How many there may be.
    pub quota: Arc<Quota>,
    /// The packages that finders install.
    pub installs: Installs,
    /// How processes are separated from each other.
    pub(super) confinement: Confinement,
    /// There is no time left: the proxy ends.
    pub(super) haste: CancellationToken,
    starts: Semaphore,
    /// Held while a process is started, so that it is never taken for a stray.
    all: Mutex<Vec<Weak<Child>>>,
    /// Children of this process that it has not started.
    inherited: Vec<Pid>,
}

impl Nursery {
    /// An empty one, with room as `quota` says.
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

    /// Makes this process the parent of what its children leave behind.
    pub fn adopt_orphans(&self) {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            log::warn!("orphans of servers cannot be adopted: {error}");
        }
    }

    /// Logs how processes are separated from each other.
    pub fn report_confinement(&self) {
        self.confinement.report();
    }

    /// Waits for the turn to start a process.
    pub async fn turn(&self) -> Turn<'_> {
        tokio::time::timeout(TURN, self.starts.acquire()).await.ok()?.ok()
    }

    /// Starts a process.
    pub fn spawn(
        self: &Arc<Self>,
        program: &Program,
        permit: Permit,
    ) -> Result<Arc<Child>, SpawnError> {
        let mut all = self.all.lock();
        all.retain(|one| one.strong_count() > 0);
        let child = program.spawn(permit, self)?;
        all.push(Arc::downgrade(&child));
        Ok(child)
    }

    /// Those that are not gone.
    pub fn all(&self) -> Vec<Arc<Child>> {
        self.all.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns the processes of `server` for `user` that make way for others.
    pub fn predecessors(&self, server: &str, user: Option<&str>) -> Vec<Arc<Child>> {
        let theirs = |child: &Arc<Child>| {
            &*child.server == server && child.is_leaving() && child.user().as_deref() == user
        };
        self.all().into_iter().filter(theirs).collect()
    }

    /// Reaps what servers left behind, and returns what of it still runs. Servers themselves are
    /// reaped by their supervisors.
    pub fn reap(&self) -> Vec<Pid> {
        let all = self.all.lock();
        let known: Vec<_> = all.iter().filter_map(Weak::upgrade).map(|child| child.pid).collect();
        let mut strays = children();
        strays.retain(|pid| {
            !self.inherited.contains(pid)
                && !known.contains(&pid.as_raw_nonzero().get().cast_unsigned())
        });
        strays.retain(|pid| matches!(waitpid(Some(*pid), WaitOptions::NOHANG), Ok(None)));
        strays
    }

    /// Ends all and waits until nothing of them is left. After `grace` they are ended faster.
    pub async fn end_all(&self, grace: Duration) {
        self.quota.close();
        let all = self.all();
        for child in &all {
            child.end();
        }
        let ended = futures_util::future::join_all(all.iter().map(|child| child.ended()));
        tokio::pin!(ended);
        if tokio::time::timeout(grace, &mut ended).await.is_err() {
            self.haste.cancel();
            ended.await;
        }
        let gone = async {
            // Those that have left the process group of their server.
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

/// The children of this process, of whichever of its threads.
fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}
