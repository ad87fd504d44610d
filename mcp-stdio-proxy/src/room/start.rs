//! Start of a server process, the same for the clients however the program is found.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Room;
use crate::backend::Installing;
use crate::child::quota::Permit;
use crate::child::{Audience, Child};
use crate::translate::discover::Greeting;
use crate::translate::shared;
use crate::unavailable::Unavailable;

/// The maximum number of processes started for one request. A retry follows a stale start from memory, or an
/// entry that was edited meanwhile.
const TRIES: usize = 4;

/// A failed start.
enum Failure {
    /// A retry may succeed: the entry was edited, or a process started from memory has exited.
    Outdated(Arc<Child>),
    /// The server cannot be started.
    Final(Unavailable),
}

impl From<Unavailable> for Failure {
    fn from(why: Unavailable) -> Self {
        Self::Final(why)
    }
}

impl Room {
    /// Starts a process and performs the handshake.
    pub(super) async fn start(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<Arc<Child>, Unavailable> {
        self.note_crash();
        self.backend.may_start(&self.health)?;
        let user = self.user.as_deref();
        // A start that waits for the installation of its package must not hold a permit.
        let mut installing = self.backend.install(user).await;
        self.backend.succeed(user).await;
        let mut permit = permit.await?;
        for _ in 0..TRIES {
            let outdated = match self.try_start(permit, installing).await {
                Ok(child) => return Ok(child),
                Err(Failure::Final(why)) => return Err(why),
                Err(Failure::Outdated(child)) => child,
            };
            outdated.end();
            outdated.ended().await;
            permit = outdated.take_permit().ok_or(Unavailable::Closed)?;
            installing = self.backend.install(user).await;
        }
        Err(Unavailable::Closed)
    }

    async fn try_start(
        &self,
        permit: Permit,
        installing: Installing,
    ) -> Result<Arc<Child>, Failure> {
        self.check_open()?;
        // Waits for a process that was evicted for this one, or for an era probe.
        self.backend.succeed(self.user.as_deref()).await;
        let turn = self.backend.turn().await;
        let child = self.backend.start(permit, self.user.as_deref())?;
        let audience: std::sync::Weak<dyn Audience> = self.me.clone();
        child.set_audience(audience);
        self.to_modern.watching.reset();
        let introduced = {
            let introducing = self.introduce(&child);
            tokio::pin!(introducing);
            // A package that takes minutes to install must not block the starts of others.
            let soon = tokio::time::timeout(self.backend.start_timeout(), &mut introducing).await;
            drop(turn);
            match soon {
                Ok(introduced) => introduced,
                Err(_) => introducing.await,
            }
        };
        if !Arc::ptr_eq(&child.entry, &self.backend.entry()) {
            return Err(Failure::Outdated(child));
        }
        match introduced {
            Ok(answer) => {
                let answer = if self.is_shared() { shared::offered(&answer) } else { answer };
                *self.greeting.lock() = Some(Arc::new(Greeting::new(answer)));
            }
            Err(error) => return Err(self.not_introduced(child, error)),
        }
        installing.done();
        self.backend.answered(&child);
        self.take(&child)?;
        Ok(child)
    }

    fn not_introduced(&self, child: Arc<Child>, error: Unavailable) -> Failure {
        let is_refusal = matches!(error, Unavailable::Refused { .. });
        if !is_refusal && self.backend.forget_start(&child) && child.has_ended() {
            return Failure::Outdated(child);
        }
        child.end();
        log::error!(server = &*self.backend.name; "{error}");
        self.note_failure(&error, &child.obituary());
        if !is_refusal {
            self.backend.report_failure(child.status());
        }
        error.into()
    }

    /// Makes `child` the current process.
    fn take(&self, child: &Arc<Child>) -> Result<(), Unavailable> {
        // Without a handshake, no `notifications/initialized` is due.
        let silent = self.hello.is_none() || self.is_upgraded();
        self.greeted.store(silent, Ordering::Relaxed);
        let mut live = self.live.lock();
        *live = Some(Arc::clone(child));
        if self.is_upgraded() {
            self.watch_again(child);
        }
        // The instance may have been closed during the start, when there was no process to stop yet.
        self.check_open().inspect_err(|_| {
            child.end();
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
            self.backend.crashed(&dead.obituary());
            self.backend.report_failure(dead.status());
            self.health.crashed(dead.age());
        }
        self.forget_questions();
    }

    /// Counts a failed start against the server, unless a single user may be the cause.
    fn note_failure(&self, error: &Unavailable, why: &str) {
        if matches!(error, Unavailable::Refused { .. }) {
            // The server works; it only rejects the client's parameters.
        } else if self.backend.entry().is_personal() {
            self.health.failed();
        } else {
            self.backend.failed(why);
        }
    }
}
