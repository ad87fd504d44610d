//! The input of a child: whole lines only, whatever becomes of those who write (stdio transport).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use rustix::io::ioctl_fionread;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// What a waiting line needs beside its bytes.
const OVERHEAD: usize = 512;

/// The writing end; a waiting queue of its own keeps lines in order.
#[derive(Clone)]
pub(super) struct Stdin {
    pipe: Arc<Mutex<Option<pipe::Sender>>>,
    /// The bytes of the lines that wait for the child to read.
    waiting: Arc<AtomicUsize>,
}

impl Stdin {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let pipe = Arc::new(Mutex::new(Some(pipe::Sender::from_owned_fd(fd)?)));
        Ok(Self { pipe, waiting: Arc::default() })
    }

    /// Returns how many bytes wait for the child to read, without those in the pipe.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Hands over `line`. Once the pipe is ours the line is written whole, even if the caller is
    /// dropped; until then nothing of it is. A full pipe makes the callers wait.
    pub(super) async fn write(&self, line: Bytes) {
        let waits = Waits::new(self, &line);
        self.write_in_turn(line, waits).await;
    }

    async fn write_in_turn(&self, line: Bytes, waits: Waits) {
        let guard = Arc::clone(&self.pipe).lock_owned().await;
        if let Some((guard, rest)) = write_now(guard, line) {
            tokio::spawn(write_rest(guard, rest, waits));
        }
    }

    /// Hands over `line` without waiting: at once if nobody else is writing, so that what the
    /// caller says next comes after it.
    pub(super) fn post(&self, line: Bytes) {
        let Ok(guard) = Arc::clone(&self.pipe).try_lock_owned() else {
            let (stdin, waits) = (self.clone(), Waits::new(self, &line));
            tokio::spawn(async move { stdin.write_in_turn(line, waits).await });
            return;
        };
        if let Some((guard, rest)) = write_now(guard, line) {
            let waits = Waits::new(self, &rest);
            tokio::spawn(write_rest(guard, rest, waits));
        }
    }

    /// Returns `true` if the child has not read all that was written.
    pub(super) fn is_unread(&self) -> bool {
        // Somebody waits for room in the pipe.
        let Ok(pipe) = self.pipe.try_lock() else { return true };
        pipe.as_ref().is_some_and(|pipe| ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0))
    }

    /// Closes the pipe, which tells the child to end ("Shutdown": close the input first).
    pub(super) fn close(&self) {
        if let Ok(mut guard) = self.pipe.try_lock() {
            *guard = None;
        } else {
            let stdin = self.clone();
            tokio::spawn(async move { *stdin.pipe.lock().await = None });
        }
    }
}

/// A line that waits, counted until it is written or dropped.
struct Waits {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl Waits {
    fn new(stdin: &Stdin, line: &Bytes) -> Self {
        let bytes = line.len() + OVERHEAD;
        stdin.waiting.fetch_add(bytes, Ordering::Relaxed);
        Self { waiting: Arc::clone(&stdin.waiting), bytes }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
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

async fn write_rest(mut guard: Guard, mut line: Bytes, _waits: Waits) {
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
