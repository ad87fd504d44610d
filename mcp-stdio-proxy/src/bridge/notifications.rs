//! Notifications of clients that a process must not receive.

use crate::messages::message::{self, Envelope};

/// Returns `true` for notifications that a modern server does not accept. `ClientNotification` of 2026-07-28
/// has only the cancellation.
pub(super) fn is_withdrawn(notification: &str) -> bool {
    matches!(
        notification,
        "notifications/initialized"
            | "notifications/progress"
            | "notifications/roots/list_changed"
            | "notifications/tasks/status"
    )
}

/// Returns `true` if a process of several users must not receive the notification, because it would concern all of
/// them. The progress tokens of such a process are those of the proxy, and would name calls of other users.
pub(super) fn concerns_one_user(envelope: &Envelope<'_>) -> bool {
    is_withdrawn(&envelope.method) || envelope.params.and_then(message::asked_progress).is_some()
}
