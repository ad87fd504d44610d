//! The end of a child: its input closed, then TERM, then KILL, to its whole process group
//! (stdio transport, "Shutdown").

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::time::{sleep, timeout};

use super::Child;
use super::nursery::Nursery;

/// How long each step of the end may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the closed input to TERM.
    pub eof: Duration,
    /// From TERM to KILL.
    pub term: Duration,
}

/// The same at the end of the proxy, for which an orchestrator grants some seconds.
const HASTE: Patience =
    Patience { eof: Duration::from_millis(800), term: Duration::from_millis(700) };

impl Default for Patience {
    /// At least what the official SDKs grant: servers remove their lock files when their input ends.
    fn default() -> Self {
        Self { eof: Duration::from_secs(3), term: Duration::from_secs(2) }
    }
}

/// The process group of a child. Dropping it kills what is left, so that no path out of the
/// supervisor leaves a process behind.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn of(pid: u32) -> Self {
        Self(i32::try_from(pid).ok().and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The only failure is that nobody is left.
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

/// Waits for the end of a process, whoever brings it about, and leaves nothing of it behind.
pub(super) struct Supervisor {
    pub(super) child: Arc<Child>,
    pub(super) group: Group,
    pub(super) patience: Patience,
    pub(super) nursery: Arc<Nursery>,
}

impl Supervisor {
    pub(super) async fn run(self, mut process: tokio::process::Child) {
        let ended = tokio::select! {
            status = process.wait() => status.ok(),
            () = self.child.ending.cancelled() => None,
        };
        let status = match ended {
            Some(status) => Some(status),
            None => self.stop(&mut process).await,
        };
        self.child.exited(&describe(status));
        // What the process started may outlive it.
        if !self.group.is_empty() {
            self.group.signal(Signal::TERM);
            if !self.emptied().await {
                self.group.signal(Signal::KILL);
                self.emptied().await;
            }
        }
        self.child.gone.cancel();
    }

    async fn stop(&self, process: &mut tokio::process::Child) -> Option<ExitStatus> {
        self.child.stdin.close();
        tokio::select! {
            biased;
            status = process.wait() => return status.ok(),
            () = self.late(self.patience.eof, HASTE.eof) => self.group.signal(Signal::TERM),
        }
        tokio::select! {
            biased;
            status = process.wait() => return status.ok(),
            () = self.late(self.patience.term, HASTE.term) => self.group.signal(Signal::KILL),
        }
        process.wait().await.ok()
    }

    /// Waits for `patience`, but no longer than `in_haste` once the proxy ends.
    async fn late(&self, patience: Duration, in_haste: Duration) {
        let hasty = async {
            self.nursery.haste.cancelled().await;
            sleep(in_haste).await;
        };
        let _first = timeout(patience, hasty).await;
    }

    /// Waits until no process of the group is left.
    async fn emptied(&self) -> bool {
        let emptied = async {
            let mut pause = Duration::from_millis(1);
            loop {
                self.nursery.reap();
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
            () = self.late(self.patience.term, HASTE.term) => false,
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
