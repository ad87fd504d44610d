//! Routing of server-initiated messages to a session and a stream (Streamable HTTP, "Sending Messages to the
//! Server" §6, "Listening for Messages").

use std::sync::Arc;

use bytes::Bytes;
use gateway_contract::revision::Era;

use super::ServerInstance;
use crate::instances::session::Session;
use crate::messages::line::Line;
use crate::messages::message::{Envelope, Kind};
use crate::messages::splice::{self, Payload};
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::log as levels;
use crate::messages::translate::subscription::{self, UPDATED};
use crate::process::{Process, ServerMessageHandler};

impl ServerMessageHandler for ServerInstance {
    fn handle(&self, process: &Arc<Process>, line: &Line, envelope: &Envelope<'_>) {
        let line = line.bytes();
        if self.pairing.clients == Era::Modern {
            return self.heard_for_modern(process, line, envelope);
        }
        if self.is_upgraded() {
            return self.heard_upgraded(process, line, envelope);
        }
        match (envelope.kind, &*envelope.method) {
            (Kind::Response, _) => log::debug!("{}: a response to no request", process.server),
            // A connected client does not prove that the session is alive, so the proxy answers itself.
            (Kind::Request, "ping") => {
                let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id);
                process.post(splice::line(&answer, &mut []));
            }
            (Kind::Request, _) => self.ask(process, line, envelope),
            (_, "notifications/cancelled") => self.withdraw(process, line, envelope),
            _ => self.tell(process, line, envelope),
        }
    }
}

impl ServerInstance {
    /// Forwards a notification to the only call it can belong to, otherwise once to each session.
    pub(super) fn tell(&self, process: &Process, line: &Bytes, envelope: &Envelope<'_>) {
        let payload = Payload::from(line.clone());
        let mut calls = process.calls.streams();
        calls.retain(|(session, _)| *session != 0);
        // A change notification concerns every session and outlives the call.
        let change = envelope.method.ends_with("list_changed") || envelope.method == UPDATED;
        if self.is_shared() {
            return self.tell_all(process, &calls, &payload, envelope);
        }
        let is_log = envelope.method == "notifications/message" && self.sessions() > 1;
        if is_log {
            let hears = self.hears(levels::level_of(envelope.params));
            if let [(serial, stream)] = calls.as_slice() {
                let is_meant = |one: &Arc<Session>| one.serial != *serial || hears(one);
                if self.sessions.lock().iter().all(is_meant) {
                    self.tell_caller(process, &calls, (*serial, stream), &payload);
                }
                return;
            }
            return self.tell_sessions(process, &calls, &payload, hears);
        }
        if let ([(serial, stream)], false) = (calls.as_slice(), change) {
            return self.tell_caller(process, &calls, (*serial, stream), &payload);
        }
        let uri = (envelope.method == UPDATED && self.sessions() > 1)
            .then(|| envelope.params.and_then(subscription::uri))
            .flatten();
        let is_known = |uri: &String| self.sessions.lock().iter().any(|one| one.watches(uri));
        match uri.filter(is_known) {
            Some(uri) => self.tell_sessions(process, &calls, &payload, |one| one.watches(&uri)),
            None => self.tell_sessions(process, &calls, &payload, |_| true),
        }
    }

    /// Forwards a notification to the only call it can belong to, otherwise to the session of that call.
    fn tell_caller(
        &self,
        process: &Process,
        calls: &[(u64, Arc<Stream>)],
        (serial, stream): (u64, &Arc<Stream>),
        payload: &Payload,
    ) {
        if stream.is_read() && stream.push(payload.clone(), Weight::Light) {
            process.pressure.note(stream);
        } else {
            self.tell_sessions(process, calls, payload, |one| one.serial == serial);
        }
    }

    /// Forwards notifications that belong to no single user: list changes to everyone, and resource updates
    /// to the subscribers. For any other notification the user is unknown, even if only one user has a call
    /// in flight. The notification may belong to a call that has just ended.
    fn tell_all(
        &self,
        process: &Process,
        calls: &[(u64, Arc<Stream>)],
        payload: &Payload,
        envelope: &Envelope<'_>,
    ) {
        if envelope.method == UPDATED {
            let Some(uri) = envelope.params.and_then(subscription::uri) else { return };
            self.tell_sessions(process, calls, payload, |session| session.watches(&uri));
        } else if subscription::is_change(&envelope.method) {
            self.tell_sessions(process, calls, payload, |_| true);
        }
    }

    /// Sends a message once to each session that `is_meant`. It goes to the standing stream or, if that has
    /// no reader, to the stream of a call. If neither has a reader, the message is queued on the standing
    /// stream.
    pub(super) fn tell_sessions(
        &self,
        process: &Process,
        calls: &[(u64, Arc<Stream>)],
        payload: &Payload,
        is_meant: impl Fn(&Session) -> bool,
    ) {
        for session in self.sessions.lock().iter().filter(|session| is_meant(session)) {
            let own = |(serial, stream): &&(u64, Arc<Stream>)| {
                *serial == session.serial && stream.is_read()
            };
            let call = calls.iter().find(own).filter(|_| !session.standing.is_read());
            let said = call.filter(|(_, stream)| stream.push(payload.clone(), Weight::Light));
            let stream = said.map_or(&session.standing, |(_, stream)| stream);
            if said.is_none() {
                stream.push(payload.clone(), Weight::Light);
            }
            process.pressure.note(stream);
        }
    }
}
