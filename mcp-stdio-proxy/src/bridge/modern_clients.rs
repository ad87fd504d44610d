//! Delivery of notifications to clients of 2026-07-28: only on the stream of the request that a message is about, or
//! of a subscription (Streamable HTTP, "Receiving Messages").

use std::sync::Arc;

use gateway_contract::revision::Era;

use crate::instances::bridge::ClientRequest;
use crate::instances::connection::Connection;
use crate::instances::listener::Listener;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::payload::Payload;
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::{log, subscription};

/// Notifications of 2025-11-25 that have no meaning in 2026-07-28.
const WITHDRAWN: [&str; 2] = ["notifications/elicitation/complete", "notifications/tasks/status"];

/// Forwards a notification that is neither a log message nor about a subscription: to the only request that it can
/// belong to.
pub(super) fn tell(connection: &Connection, line: &Line, method: &str) {
    if subscription::is_change(method) || connection.key.is_shared() || WITHDRAWN.contains(&method)
    {
        return;
    }
    if let [call] = connection.process.calls.addressees().as_slice() {
        push(connection, &call.stream, Payload::from(line));
    }
}

/// Forwards a log message to the request that wants it. On stdio the message does not name the request, so it is
/// dropped if there is more than one.
pub(super) fn tell_log(connection: &Connection, line: &Line, envelope: &Envelope<'_>) {
    // The only call in flight may be another user's than the one that the message is about.
    if connection.key.is_shared() {
        return;
    }
    let mut calls = connection.process.calls.addressees();
    if connection.era == Era::Modern {
        // A server of this revision logs only for requests that ask for it.
        calls.retain(|call| call.options.log.is_some());
    }
    let level = log::level_of(envelope.params);
    if let [call] = calls.as_slice()
        && call.options.log.is_some_and(|least| least <= level)
    {
        push(connection, &call.stream, Payload::from(line));
    }
}

/// Forwards a notification to a subscription, under the subscription's id.
pub(super) fn tell_listener(
    connection: &Connection,
    listener: &Listener,
    line: &Line,
    envelope: &Envelope<'_>,
) {
    if let Some(edit) = subscription::tagged(line.text(), envelope, &listener.id) {
        push(connection, &listener.stream, edit.payload(line));
    }
}

fn push(connection: &Connection, stream: &Arc<Stream>, payload: Payload) {
    stream.push(payload, Weight::Light);
    connection.process.pressure.note(stream);
}

/// Returns the minimum level of log messages that a request wants.
pub(super) fn log_level(request: &ClientRequest<'_>) -> Option<usize> {
    request.asked?.log_level().and_then(log::level)
}
