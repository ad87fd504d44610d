//! Shutdown of a process: closes its input, then sends TERM, then KILL, to its whole process group (stdio
//! transport, "Shutdown").

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::time::{sleep, timeout};

use super::Process;
use super::pool::ProcessPool;
use crate::config::settings::StopTimeouts;

/// The timeouts at the shutdown of the proxy, for which an orchestrator grants only a few seconds.
const HASTE: StopTimeouts =
    StopTimeouts { eof: Duration::from_millis(800), term: Duration::from_millis(700) };

/// The process group of a process. Dropping it kills the remaining processes, so that no exit path of the
/// supervisor leaks a process.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn of(pid: u32) -> Self {
        Self(i32::try_from(pid).ok().and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The only possible failure is that no process is left.
            let _gone = kill_process_group(pid, signal);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_none_or(|pid| test_kill_process_group(pid).is_err())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_empty() {
            self.signal(Signal::KILL);
        }
    }
}

/// The supervisor of a process. It waits for the exit, for whatever reason, and cleans up everything it
/// leaves behind.
pub(super) struct Supervisor {
    pub(super) process: Arc<Process>,
    pub(super) group: Group,
    pub(super) timeouts: StopTimeouts,
    pub(super) pool: Arc<ProcessPool>,
}

impl Supervisor {
    pub(super) async fn run(self, mut os_process: tokio::process::Child) {
        let ended = tokio::select! {
            status = os_process.wait() => status.ok(),
            () = self.process.lifecycle.asked_to_end() => None,
        };
        let status = match ended {
            Some(status) => Some(status),
            None => self.stop(&mut os_process).await,
        };
        self.record_exit(&describe(status));
        // Processes started by the server may outlive it.
        if !self.group.is_empty() {
            self.group.signal(Signal::TERM);
            if !self.emptied().await {
                self.group.signal(Signal::KILL);
                self.emptied().await;
            }
        }
        self.process.lifecycle.mark_gone();
    }

    /// Records that the process has exited.
    fn record_exit(&self, status: &str) {
        let process = &self.process;
        let (server, pid) = (&*process.server, process.pid);
        if process.is_ending() {
            log::info!(server, pid; "{server}[{pid}] ended: {status}");
        } else {
            log::warn!(server, pid; "{server}[{pid}] ended by itself: {status}");
        }
        process.lifecycle.mark_exited(status);
    }

    async fn stop(&self, os_process: &mut tokio::process::Child) -> Option<ExitStatus> {
        self.process.input.close();
        tokio::select! {
            biased;
            status = os_process.wait() => return status.ok(),
            () = self.late(self.timeouts.eof, HASTE.eof) => self.group.signal(Signal::TERM),
        }
        tokio::select! {
            biased;
            status = os_process.wait() => return status.ok(),
            () = self.late(self.timeouts.term, HASTE.term) => self.group.signal(Signal::KILL),
        }
        os_process.wait().await.ok()
    }

    /// Waits for `patience`, but no longer than `in_haste` once the proxy shuts down.
    async fn late(&self, patience: Duration, in_haste: Duration) {
        let hasty = async {
            self.pool.haste.cancelled().await;
            sleep(in_haste).await;
        };
        let _first = timeout(patience, hasty).await;
    }

    /// Waits until the process group is empty. Returns `false` on timeout.
    async fn emptied(&self) -> bool {
        let emptied = async {
            let mut pause = Duration::from_millis(1);
            loop {
                self.pool.reap();
                if self.group.is_empty() {
                    return;
                }
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(20));
            }
        };
        tokio::select! {
            biased;
            () = emptied => true,
            () = self.late(self.timeouts.term, HASTE.term) => false,
        }
    }
}

fn describe(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => format!("exit code {code}"),
        Some((None, Some(signal))) => format!("signal {signal}"),
        _ => "unknown status".to_owned(),
    }
}
