//! The input of a process. Only whole lines are written, even if a writer is dropped (stdio transport).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use rustix::io::ioctl_fionread;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The memory overhead of a queued line in addition to its bytes.
const OVERHEAD: usize = 512;

/// The write end of the pipe. The fair mutex keeps lines in order.
#[derive(Clone)]
pub(super) struct Stdin {
    pipe: Arc<Mutex<Option<pipe::Sender>>>,
    /// The size of the lines that wait for the process to read.
    waiting: Arc<AtomicUsize>,
}

impl Stdin {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let pipe = Arc::new(Mutex::new(Some(pipe::Sender::from_owned_fd(fd)?)));
        Ok(Self { pipe, waiting: Arc::default() })
    }

    /// Returns the number of queued bytes, excluding those in the pipe.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Writes `line`. Once the lock on the pipe is acquired, the whole line is written, even if the caller is
    /// dropped; before that, nothing is written. A full pipe delays the callers (backpressure).
    pub(super) async fn write(&self, line: Bytes) {
        let queued = Queued::new(self, &line);
        self.write_in_turn(line, queued).await;
    }

    async fn write_in_turn(&self, line: Bytes, queued: Queued) {
        let guard = Arc::clone(&self.pipe).lock_owned().await;
        if let Some((guard, rest)) = write_now(guard, line) {
            tokio::spawn(write_rest(guard, rest, queued));
        }
    }

    /// Queues `line` without waiting. If the pipe is free, the write happens immediately, so that later
    /// writes of the caller follow it.
    pub(super) fn post(&self, line: Bytes) {
        let Ok(guard) = Arc::clone(&self.pipe).try_lock_owned() else {
            let (stdin, queued) = (self.clone(), Queued::new(self, &line));
            tokio::spawn(async move { stdin.write_in_turn(line, queued).await });
            return;
        };
        if let Some((guard, rest)) = write_now(guard, line) {
            let queued = Queued::new(self, &rest);
            tokio::spawn(write_rest(guard, rest, queued));
        }
    }

    /// Returns `true` if the process has not read everything that was written.
    pub(super) fn is_unread(&self) -> bool {
        // A writer is waiting for space in the pipe.
        let Ok(pipe) = self.pipe.try_lock() else { return true };
        pipe.as_ref().is_some_and(|pipe| ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0))
    }

    /// Closes the pipe, which tells the process to exit ("Shutdown": close the input first).
    pub(super) fn close(&self) {
        if let Ok(mut guard) = self.pipe.try_lock() {
            *guard = None;
        } else {
            let stdin = self.clone();
            tokio::spawn(async move { *stdin.pipe.lock().await = None });
        }
    }
}

/// A queued line, counted until it is written or dropped.
struct Queued {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl Queued {
    fn new(stdin: &Stdin, line: &Bytes) -> Self {
        let bytes = line.len() + OVERHEAD;
        stdin.waiting.fetch_add(bytes, Ordering::Relaxed);
        Self { waiting: Arc::clone(&stdin.waiting), bytes }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

type Guard = OwnedMutexGuard<Option<pipe::Sender>>;

/// Writes as much as the pipe accepts and returns the remainder. A failed write needs no error here: the
/// reader notices that the process has exited and fails all pending calls.
fn write_now(mut guard: Guard, mut line: Bytes) -> Option<(Guard, Bytes)> {
    while !line.is_empty() {
        match guard.as_ref()?.try_write(&line) {
            Ok(written) => line.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some((guard, line)),
            Err(_) => {
                *guard = None;
                return None;
            }
        }
    }
    None
}

async fn write_rest(mut guard: Guard, mut line: Bytes, _queued: Queued) {
    loop {
        let Some(pipe) = guard.as_ref() else { return };
        if pipe.writable().await.is_err() {
            return;
        }
        match write_now(guard, line) {
            Some((again, rest)) => (guard, line) = (again, rest),
            None => return,
        }
    }
}
