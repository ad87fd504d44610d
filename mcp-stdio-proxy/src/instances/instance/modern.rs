//! What a server says unasked, for clients of 2026-07-28: only on the stream of the request that it is
//! about, or of one that listens (Streamable HTTP, "Receiving Messages").

use std::sync::Arc;

use bytes::Bytes;
use gateway_contract::revision::Era;

use super::ServerInstance;
use crate::messages::error;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::splice::{self, Payload};
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::{input, log, subscription};
use crate::parking::refuse;
use crate::process::Process;

/// Notifications of 2025-11-25 that mean nothing in 2026-07-28.
const WITHDRAWN: [&str; 2] = ["notifications/elicitation/complete", "notifications/tasks/status"];

impl ServerInstance {
    pub(super) fn heard_for_modern(
        &self,
        process: &Arc<Process>,
        line: &Bytes,
        envelope: &Envelope<'_>,
    ) {
        let legacy = self.pairing.server == Era::Legacy;
        match (envelope.kind, &*envelope.method) {
            (Kind::Request, method) if legacy => self.asked(process, method, envelope),
            // "The server MUST NOT write JSON-RPC requests to stdout."
            (Kind::Request, _) => ::log::debug!("{}: a request, in 2026-07-28", process.server),
            (Kind::Response, _) => self.end_listener(process, envelope.id, Some(line)),
            (Kind::Notification, "notifications/cancelled") => self.taken_back(process, envelope),
            (Kind::Notification, "notifications/message") => self.log(process, line, envelope),
            (Kind::Notification, method) => {
                if method == "notifications/tools/list_changed" {
                    self.forget_mirrors();
                }
                self.notified(process, line, envelope);
            }
        }
    }

    fn asked(&self, process: &Arc<Process>, method: &str, envelope: &Envelope<'_>) {
        if method == "ping" {
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id);
            return process.post(splice::line(&answer, &mut []));
        }
        match input::Kind::of(method) {
            Some(kind) => self.question(process, kind, envelope),
            None => refuse(
                process,
                envelope.id,
                error::METHOD_NOT_FOUND,
                "no client accepts this request",
            ),
        }
    }

    /// A server with a handshake no longer wants an answer; one of 2026-07-28 ends a subscription.
    fn taken_back(&self, process: &Process, envelope: &Envelope<'_>) {
        let Some(id) = envelope.params.and_then(message::cancelled_request) else { return };
        if self.pairing.server == Era::Legacy {
            self.withdraw_question(process, id);
        } else {
            self.end_listener(process, id, None);
        }
    }

    fn notified(&self, process: &Process, line: &Bytes, envelope: &Envelope<'_>) {
        if let (Era::Modern, Some(tag)) =
            (self.pairing.server, envelope.params.and_then(subscription::tag))
        {
            return self.tell_listener(process, tag, line, envelope);
        }
        if subscription::is_change(&envelope.method) {
            if self.pairing.server == Era::Legacy {
                self.tell_listeners(process, line, envelope);
            }
        } else if !self.is_shared() && !WITHDRAWN.contains(&&*envelope.method) {
            tell_only(process, line);
        }
    }

    /// A log message goes to the request that wants it. On stdio it does not say which that is: where
    /// there is more than one, it is nobody's.
    fn log(&self, process: &Process, line: &Bytes, envelope: &Envelope<'_>) {
        // The only call in flight may be another user's than the one it is about.
        if self.is_shared() {
            return;
        }
        let mut calls = process.calls.addressees();
        if self.pairing.server == Era::Modern {
            // A server of this revision logs for those alone who have asked for it.
            calls.retain(|call| call.options.log.is_some());
        }
        let level = log::level_of(envelope.params);
        if let [call] = calls.as_slice()
            && call.options.log.is_some_and(|least| least <= level)
        {
            deliver(process, &call.stream, line);
        }
    }
}

/// What is not known goes to the only request it can be about.
fn tell_only(process: &Process, line: &Bytes) {
    if let [call] = process.calls.addressees().as_slice() {
        deliver(process, &call.stream, line);
    }
}

fn deliver(process: &Process, stream: &Arc<Stream>, line: &Bytes) {
    stream.push(Payload::from(line.clone()), Weight::Light);
    process.pressure.note(stream);
}
