//! Start of a server process and its handshake, after which it has a bridge.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gateway_contract::revision::Era;

use super::bridge::Bridge;
use super::connection::{Connection, ServerTimeouts};
use super::handshake::{self, Handshake};
use super::instance::ServerInstance;
use super::server::Installing;
use super::unavailable::Unavailable;
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
    /// Returns the result of `initialize`, for a client that sends `notifications/initialized` itself.
    pub async fn open(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<String, Unavailable> {
        let _starting = self.starting.lock().await;
        let bridge = match self.live() {
            Some(bridge) => bridge,
            None => self.start(permit).await?,
        };
        Ok(bridge.connection().info.result.clone())
    }

    /// Returns the bridge to a process that is ready for requests; starts and initializes one if necessary.
    pub async fn ready(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<Arc<dyn Bridge>, Unavailable> {
        let _starting = self.starting.lock().await;
        if let Some(bridge) = self.live() {
            return Ok(bridge);
        }
        let bridge = self.start(permit).await?;
        Arc::clone(&bridge).make_ready().await;
        Ok(bridge)
    }

    /// Starts a process and performs the handshake.
    async fn start(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<Arc<dyn Bridge>, Unavailable> {
        self.note_crash();
        self.server.may_start(&self.health)?;
        let user = self.key.user.as_deref();
        // A start that waits for the installation of its package must not hold a permit.
        let mut installing = self.server.starter.install(&self.server.config(), user).await;
        self.server.starter.succeed(user).await;
        let mut permit = permit.await?;
        for _ in 0..TRIES {
            let outdated = match self.try_start(permit, installing).await {
                Ok(bridge) => return Ok(bridge),
                Err(Failure::Final(why)) => return Err(why),
                Err(Failure::Outdated(process)) => process,
            };
            outdated.end();
            outdated.ended().await;
            permit = outdated.start.take_permit().ok_or(Unavailable::Closed)?;
            installing = self.server.starter.install(&self.server.config(), user).await;
        }
        Err(Unavailable::Closed)
    }

    async fn try_start(
        &self,
        permit: Permit,
        installing: Installing,
    ) -> Result<Arc<dyn Bridge>, Failure> {
        self.check_open()?;
        let user = self.key.user.as_deref();
        // Waits for a process that was evicted for this one, or for an era probe.
        self.server.starter.succeed(user).await;
        let turn = self.server.starter.turn().await;
        let process = self.server.start(permit, user)?;
        let handshake = {
            let handshake = handshake::perform(&self.server, &self.key, &process);
            tokio::pin!(handshake);
            // A package that takes minutes to install must not block the starts of others.
            let soon = tokio::time::timeout(self.server.start_timeout(), &mut handshake).await;
            drop(turn);
            match soon {
                Ok(handshake) => handshake,
                Err(_) => handshake.await,
            }
        };
        if !Arc::ptr_eq(&process.config, &self.server.config()) {
            return Err(Failure::Outdated(process));
        }
        let handshake = match handshake {
            Ok(handshake) => handshake,
            Err(error) => return Err(self.not_opened(process, error)),
        };
        installing.done();
        self.server.answered(&process);
        Ok(self.connect(process, handshake)?)
    }

    fn not_opened(&self, process: Arc<Process>, error: Unavailable) -> Failure {
        let is_refusal = matches!(error, Unavailable::Refused { .. });
        if !is_refusal && self.server.starter.forget_start(&process) && process.has_ended() {
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

    /// Makes `process` the current one, with the bridge that its handshake calls for.
    fn connect(
        &self,
        process: Arc<Process>,
        Handshake { era, result }: Handshake,
    ) -> Result<Arc<dyn Bridge>, Unavailable> {
        let result = if self.key.is_shared() { shared::offered(&result) } else { result };
        let timeouts = ServerTimeouts {
            probe: self.server.probe_timeout(),
            request: self.server.request_timeout(),
        };
        let of_server = (era, ServerInfo::new(result));
        let connection = Connection::new(process, of_server, (&self.key, &self.clients), timeouts);
        let bridge = self.server.connector.connect(connection);
        let mut current = self.bridge.lock();
        // The instance may have been closed during the start, when there was no process to stop yet.
        self.check_open().inspect_err(|_| bridge.process().end())?;
        *current = Some(Arc::clone(&bridge));
        drop(current);
        bridge.process().set_handler(bridge.clone());
        // A legacy server expects `notifications/initialized` first.
        if era == Era::Modern {
            Arc::clone(&bridge).restore();
        }
        Ok(bridge)
    }

    fn check_open(&self) -> Result<(), Unavailable> {
        if self.closed.load(Ordering::SeqCst) { Err(Unavailable::Closed) } else { Ok(()) }
    }

    fn note_crash(&self) {
        if let Some(bridge) = self.bridge.lock().take() {
            let process = bridge.process();
            if process.crashed() {
                self.server.history.crashed(&process.exit_report());
                self.server.report_failure(process.status());
                self.health.crashed(process.activity.age());
            }
        }
    }

    /// Counts a failed start against the server, unless a single user may be the cause.
    fn note_failure(&self, error: &Unavailable, why: &str) {
        if matches!(error, Unavailable::Refused { .. }) {
            // The server works; it only rejects the client's parameters.
        } else if self.server.config().program.is_personal() {
            self.health.failed();
        } else {
            self.server.failed(why);
        }
    }
}
