//! Messages to a process. One that does not read its input is ended, since the proxy holds that in memory.

use std::sync::Arc;

use bytes::Bytes;

use super::activity::Activity;
use super::lifecycle::Lifecycle;
use super::recent_notifications::RecentNotifications;
use super::stdin::Stdin;

/// The unread input in bytes above which new calls are rejected.
const BACKED_UP: usize = 32 << 20;

/// The unread input in bytes above which the process is ended.
const MOST_UNREAD: usize = 2 * BACKED_UP;

/// The writer of the messages to one process.
pub struct InputWriter {
    server: Arc<str>,
    stdin: Stdin,
    /// Notifications that the server may still answer with an error.
    pub(super) notifications: RecentNotifications,
    activity: Arc<Activity>,
    lifecycle: Arc<Lifecycle>,
}

impl InputWriter {
    pub(super) fn new(
        server: Arc<str>,
        stdin: Stdin,
        activity: Arc<Activity>,
        lifecycle: Arc<Lifecycle>,
    ) -> Self {
        let notifications = RecentNotifications::default();
        Self { server, stdin, notifications, activity, lifecycle }
    }

    /// Writes a line, whole or not at all.
    pub async fn send(&self, line: Bytes) {
        self.activity.sent(line.len());
        self.stdin.write(line).await;
        self.end_if_unread();
    }

    /// Writes a line without waiting for other writers.
    pub fn post(&self, line: Bytes) {
        self.activity.sent(line.len());
        self.stdin.post(line);
        self.end_if_unread();
    }

    /// Writes a notification, whole or not at all. The next request will have the id `next`.
    pub async fn notify(&self, line: Bytes, next: u64) {
        self.notifications.add(next);
        self.send(line).await;
    }

    /// Writes a notification without waiting for other writers. The next request will have the id `next`.
    pub fn post_notification(&self, line: Bytes, next: u64) {
        self.notifications.add(next);
        self.post(line);
    }

    /// Returns `true` while the server has much unread input.
    #[must_use]
    pub fn is_backed_up(&self) -> bool {
        self.stdin.waiting() > BACKED_UP
    }

    /// Returns `true` if the process has not read everything that was written.
    pub(super) fn is_unread(&self) -> bool {
        self.stdin.is_unread()
    }

    /// Closes the input, which tells the process to exit.
    pub(super) fn close(&self) {
        self.stdin.close();
    }

    fn end_if_unread(&self) {
        if self.stdin.waiting() > MOST_UNREAD && !self.lifecycle.is_ending() {
            log::warn!(server = &*self.server; "server \"{}\" is ended: it does not read its input", self.server);
            self.lifecycle.end();
        }
    }
}
