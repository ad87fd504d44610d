//! Delivery of server-initiated messages to legacy clients: to which session and on which stream a message goes
//! (Streamable HTTP, "Sending Messages to the Server" §6, "Listening for Messages").

use std::sync::Arc;

use super::log_levels::hears;
use crate::instances::connection::Connection;
use crate::instances::session::Session;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::payload::Payload;
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::log as levels;
use crate::messages::translate::subscription::{self, UPDATED};

/// The sessions and the streams of the calls in flight.
type Streams = [(u64, Arc<Stream>)];

/// Forwards a notification to the only call it can belong to, otherwise once to each session.
pub(super) fn tell(connection: &Connection, line: &Line, envelope: &Envelope<'_>) {
    let payload = Payload::from(line);
    let clients = &connection.clients;
    let mut calls = connection.process.calls.streams();
    calls.retain(|(session, _)| *session != 0);
    if connection.key.is_shared() {
        return tell_all(connection, &calls, &payload, envelope);
    }
    let sessions = clients.sessions().len();
    if envelope.method == "notifications/message" && sessions > 1 {
        return tell_log(connection, &calls, &payload, envelope);
    }
    // A change notification concerns every session and outlives the call.
    let change = envelope.method.ends_with("list_changed") || envelope.method == UPDATED;
    if let ([(serial, stream)], false) = (calls.as_slice(), change) {
        return tell_caller(connection, &calls, (*serial, stream), &payload);
    }
    let uri = (envelope.method == UPDATED && sessions > 1)
        .then(|| envelope.params.and_then(subscription::uri))
        .flatten();
    let is_known = |uri: &String| clients.sessions().iter().any(|one| one.watches(uri));
    match uri.filter(is_known) {
        Some(uri) => tell_sessions(connection, &calls, &payload, |one| one.watches(&uri)),
        None => tell_sessions(connection, &calls, &payload, |_| true),
    }
}

/// Forwards a log message to the sessions that want its level, and to the only call it can belong to.
fn tell_log(connection: &Connection, calls: &Streams, payload: &Payload, envelope: &Envelope<'_>) {
    let hears = hears(&connection.clients, levels::level_of(envelope.params));
    let [(serial, stream)] = calls else {
        return tell_sessions(connection, calls, payload, hears);
    };
    let is_meant = |one: &Arc<Session>| one.serial != *serial || hears(one);
    if connection.clients.sessions().iter().all(is_meant) {
        tell_caller(connection, calls, (*serial, stream), payload);
    }
}

/// Forwards a notification to the only call it can belong to, otherwise to the session of that call.
fn tell_caller(
    connection: &Connection,
    calls: &Streams,
    (serial, stream): (u64, &Arc<Stream>),
    payload: &Payload,
) {
    if stream.is_read() && stream.push(payload.clone(), Weight::Light) {
        connection.process.pressure.note(stream);
    } else {
        tell_sessions(connection, calls, payload, |one| one.serial == serial);
    }
}

/// Forwards notifications that belong to no single user: list changes to everyone, and resource updates
/// to the subscribers. For any other notification the user is unknown, even if only one user has a call
/// in flight. The notification may belong to a call that has just ended.
fn tell_all(connection: &Connection, calls: &Streams, payload: &Payload, envelope: &Envelope<'_>) {
    if envelope.method == UPDATED {
        let Some(uri) = envelope.params.and_then(subscription::uri) else { return };
        tell_sessions(connection, calls, payload, |session| session.watches(&uri));
    } else if subscription::is_change(&envelope.method) {
        tell_sessions(connection, calls, payload, |_| true);
    }
}

/// Sends a message once to each session that `is_meant`. It goes to the standing stream or, if that has
/// no reader, to the stream of a call. If neither has a reader, the message is queued on the standing
/// stream.
pub(super) fn tell_sessions(
    connection: &Connection,
    calls: &Streams,
    payload: &Payload,
    is_meant: impl Fn(&Session) -> bool,
) {
    for session in connection.clients.sessions().iter().filter(|session| is_meant(session)) {
        let own =
            |(serial, stream): &&(u64, Arc<Stream>)| *serial == session.serial && stream.is_read();
        let call = calls.iter().find(own).filter(|_| !session.standing.is_read());
        let said = call.filter(|(_, stream)| stream.push(payload.clone(), Weight::Light));
        let stream = said.map_or(&session.standing, |(_, stream)| stream);
        if said.is_none() {
            stream.push(payload.clone(), Weight::Light);
        }
        connection.process.pressure.note(stream);
    }
}
