//! The input of a child: whole lines only, whatever becomes of those who write (stdio transport).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use rustix::io::ioctl_fionread;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The writing end; a waiting queue of its own keeps lines in order.
#[derive(Clone)]
pub(super) struct Stdin(Arc<Mutex<Option<pipe::Sender>>>);

impl Stdin {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Some(pipe::Sender::from_owned_fd(fd)?)))))
    }

    /// Hands over `line`. Once the pipe is ours the line is written whole, even if the caller is
    /// dropped; until then nothing of it is. A full pipe makes the callers wait.
    pub(super) async fn write(&self, line: Bytes) {
        let guard = Arc::clone(&self.0).lock_owned().await;
        if let Some((guard, rest)) = write_now(guard, line) {
            tokio::spawn(write_rest(guard, rest));
        }
    }

    /// Hands over `line` without waiting: at once if nobody else is writing, so that what the
    /// caller says next comes after it.
    pub(super) fn post(&self, line: Bytes) {
        let Ok(guard) = Arc::clone(&self.0).try_lock_owned() else {
            let stdin = self.clone();
            tokio::spawn(async move { stdin.write(line).await });
            return;
        };
        if let Some((guard, rest)) = write_now(guard, line) {
            tokio::spawn(write_rest(guard, rest));
        }
    }

    /// Returns `true` if the child has not read all that was written.
    pub(super) fn is_unread(&self) -> bool {
        // Somebody waits for room in the pipe.
        let Ok(pipe) = self.0.try_lock() else { return true };
        pipe.as_ref().is_some_and(|pipe| ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0))
    }

    /// Closes the pipe, which tells the child to end ("Shutdown": close the input first).
    pub(super) fn close(&self) {
        if let Ok(mut guard) = self.0.try_lock() {
            *guard = None;
        } else {
            let stdin = self.clone();
            tokio::spawn(async move { *stdin.0.lock().await = None });
        }
    }
}

type Guard = OwnedMutexGuard<Option<pipe::Sender>>;

/// Writes what the pipe takes at once, and returns what is left. A failed write needs no report
/// here: the reader sees that the child is gone and answers all who wait.
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

async fn write_rest(mut guard: Guard, mut line: Bytes) {
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
