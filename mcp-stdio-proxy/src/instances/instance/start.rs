//! Start of a server process, the same for the clients however the program is found.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ServerInstance;
use crate::instances::server::Installing;
use crate::instances::unavailable::Unavailable;
use crate::messages::translate::discover::ServerInfo;
use crate::messages::translate::shared;
use crate::process::Process;
use crate::process::quota::Permit;

/// The maximum number of processes started for one request. A retry follows a stale start from memory, or an
/// entry that was edited meanwhile.
const TRIES: usize = 4;

/// A failed start.
enum Failure {
    /// A retry may succeed: the entry was edited, or a process started from memory has exited.
    Outdated(Arc<Process>),
    /// The server cannot be started.
    Final(Unavailable),
}

impl From<Unavailable> for Failure {
    fn from(why: Unavailable) -> Self {
        Self::Final(why)
    }
}

impl ServerInstance {
    /// Starts a process and performs the handshake.
    pub(super) async fn start(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<Arc<Process>, Unavailable> {
        self.note_crash();
        self.server.may_start(&self.health)?;
        let user = self.user.as_deref();
        // A start that waits for the installation of its package must not hold a permit.
        let mut installing = self.server.install(user).await;
        self.server.succeed(user).await;
        let mut permit = permit.await?;
        for _ in 0..TRIES {
            let outdated = match self.try_start(permit, installing).await {
                Ok(process) => return Ok(process),
                Err(Failure::Final(why)) => return Err(why),
                Err(Failure::Outdated(process)) => process,
            };
            outdated.end();
            outdated.ended().await;
            permit = outdated.start.take_permit().ok_or(Unavailable::Closed)?;
            installing = self.server.install(user).await;
        }
        Err(Unavailable::Closed)
    }

    async fn try_start(
        &self,
        permit: Permit,
        installing: Installing,
    ) -> Result<Arc<Process>, Failure> {
        self.check_open()?;
        // Waits for a process that was evicted for this one, or for an era probe.
        self.server.succeed(self.user.as_deref()).await;
        let turn = self.server.turn().await;
        let process = self.server.start(permit, self.user.as_deref())?;
        if let Some(handler) = self.me.upgrade() {
            process.set_handler(handler);
        }
        self.to_modern.watching.reset();
        let introduced = {
            let introducing = self.introduce(&process);
            tokio::pin!(introducing);
            // A package that takes minutes to install must not block the starts of others.
            let soon = tokio::time::timeout(self.server.start_timeout(), &mut introducing).await;
            drop(turn);
            match soon {
                Ok(introduced) => introduced,
                Err(_) => introducing.await,
            }
        };
        if !Arc::ptr_eq(&process.config, &self.server.config()) {
            return Err(Failure::Outdated(process));
        }
        match introduced {
            Ok(answer) => {
                let answer = if self.is_shared() { shared::offered(&answer) } else { answer };
                *self.greeting.lock() = Some(Arc::new(ServerInfo::new(answer)));
            }
            Err(error) => return Err(self.not_introduced(process, error)),
        }
        installing.done();
        self.server.answered(&process);
        self.take(&process)?;
        Ok(process)
    }

    fn not_introduced(&self, process: Arc<Process>, error: Unavailable) -> Failure {
        let is_refusal = matches!(error, Unavailable::Refused { .. });
        if !is_refusal && self.server.forget_start(&process) && process.has_ended() {
            return Failure::Outdated(process);
        }
        process.end();
        log::error!(server = &*self.server.name; "{error}");
        self.note_failure(&error, &process.exit_report());
        if !is_refusal {
            self.server.report_failure(process.status());
        }
        error.into()
    }

    /// Makes `process` the current process.
    fn take(&self, process: &Arc<Process>) -> Result<(), Unavailable> {
        // Without a handshake, no `notifications/initialized` is due.
        let silent = self.initialize.is_none() || self.is_upgraded();
        self.greeted.store(silent, Ordering::Relaxed);
        let mut live = self.live.lock();
        *live = Some(Arc::clone(process));
        if self.is_upgraded() {
            self.watch_again(process);
        }
        // The instance may have been closed during the start, when there was no process to stop yet.
        self.check_open().inspect_err(|_| {
            process.end();
            *live = None;
        })
    }

    fn check_open(&self) -> Result<(), Unavailable> {
        if self.closed.load(Ordering::SeqCst) { Err(Unavailable::Closed) } else { Ok(()) }
    }

    fn note_crash(&self) {
        if let Some(dead) = self.live.lock().take()
            && dead.crashed()
        {
            self.server.crashed(&dead.exit_report());
            self.server.report_failure(dead.status());
            self.health.crashed(dead.activity.age());
        }
        self.forget_questions();
    }

    /// Counts a failed start against the server, unless a single user may be the cause.
    fn note_failure(&self, error: &Unavailable, why: &str) {
        if matches!(error, Unavailable::Refused { .. }) {
            // The server works; it only rejects the client's parameters.
        } else if self.server.config().is_personal() {
            self.health.failed();
        } else {
            self.server.failed(why);
        }
    }
}
