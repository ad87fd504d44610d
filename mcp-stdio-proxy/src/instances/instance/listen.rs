//! Clients of 2026-07-28 that listen for changes: what they hear, whatever becomes of the process
//! (MCP "Subscriptions"; stdio transport, "Unexpected Termination").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_contract::revision::Era;
use parking_lot::Mutex;
use serde_json::Value;

use super::ServerInstance;
use super::listener::Listener;
use crate::instances::unavailable::Unavailable;
use crate::messages::ids;
use crate::messages::message::{self, Envelope};
use crate::messages::splice::Payload;
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::subscription::{self, Filter};
use crate::process::Process;

/// Clients that may listen at once, per instance.
const LISTENERS: usize = 64;
/// The maximum time that a server may take to acknowledge a subscription to a resource.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client that listens, as long as it does.
pub struct Listening {
    instance: Arc<ServerInstance>,
    /// The client.
    pub listener: Arc<Listener>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.instance.unlisten(&self.listener);
    }
}

impl ServerInstance {
    /// Begins to tell a client of the changes that `filter` names; `text` is its request, `envelope`.
    pub async fn listen(
        self: &Arc<Self>,
        process: &Process,
        filter: Filter,
        text: &str,
        envelope: &Envelope<'_>,
    ) -> Result<Listening, Unavailable> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let legacy = self.pairing.server == Era::Legacy;
        let filter = if legacy { self.subscribe(process, filter).await } else { filter };
        let listener = Arc::new(Listener {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            id: envelope.id.into(),
            text: if legacy { "" } else { text }.into(),
            stream: Stream::answers(1),
            at: Mutex::default(),
            filter,
        });
        {
            let mut listeners = self.listeners.lock();
            if listeners.len() >= LISTENERS {
                return Err(Unavailable::Busy { what: "too many clients listen" });
            }
            if legacy {
                // "as the first message"; nothing else gets in between.
                let first = subscription::acknowledged(&listener.id, &listener.filter);
                listener.stream.push(first.into(), Weight::Heavy);
            }
            listeners.push(Arc::clone(&listener));
        }
        if !legacy {
            listener.ask(process);
        }
        Ok(Listening { instance: Arc::clone(self), listener })
    }

    /// Asks a legacy server to tell of resources; those of which it will not are left out.
    async fn subscribe(&self, process: &Process, filter: Filter) -> Filter {
        let Some(greeting) = self.greeting() else { return Filter::default() };
        let mut offered = filter.offered(&greeting);
        let asked = offered.uris.iter().map(|uri| async move {
            let answer =
                process.request("resources/subscribe", &uri_params(uri), PATIENCE).await.ok();
            let agreed = answer.as_ref().and_then(|answer| message::parse(answer.text()).ok());
            agreed.is_some_and(|envelope| envelope.result.is_some())
        });
        let mut agreed = futures_util::future::join_all(asked).await.into_iter();
        offered.uris.retain(|_| agreed.next() == Some(true));
        offered
    }

    /// A client listens no longer.
    fn unlisten(&self, listener: &Listener) {
        let mut listeners = self.listeners.lock();
        let before = listeners.len();
        listeners.retain(|one| one.serial != listener.serial);
        let Some(process) = self.live().filter(|_| listeners.len() < before) else { return };
        if self.pairing.server == Era::Modern {
            let at = listener.at.lock();
            if at.pid == process.pid {
                process.cancel(at.id, "the client has left");
            }
            return;
        }
        let others = |uri: &String| listeners.iter().any(|one| one.filter.uris.contains(uri));
        for uri in listener.filter.uris.iter().filter(|uri| !others(uri)) {
            post_uri(&process, "resources/unsubscribe", uri);
        }
    }

    /// Tells a new process what the clients listen for: "streams must also be re-established after
    /// restart".
    pub(super) fn listen_again(&self, process: &Process) {
        for listener in self.listeners.lock().iter() {
            if self.pairing.server == Era::Modern {
                listener.ask(process);
            } else {
                listener
                    .filter
                    .uris
                    .iter()
                    .for_each(|uri| post_uri(process, "resources/subscribe", uri));
            }
        }
    }

    /// Returns `true` if clients listen.
    pub fn is_listened_to(&self) -> bool {
        !self.listeners.lock().is_empty()
    }

    /// Ends all of them in order.
    pub(super) fn end_listening(&self) {
        for listener in self.listeners.lock().drain(..) {
            listener.end();
        }
    }

    /// A legacy server tells of a change.
    pub(super) fn tell_listeners(&self, process: &Process, line: &Bytes, envelope: &Envelope<'_>) {
        let Ok(text) = std::str::from_utf8(line) else { return };
        for listener in self.listeners.lock().iter() {
            if listener.filter.wants(envelope)
                && let Some(edit) = subscription::tagged(text, envelope, &listener.id)
            {
                listener.stream.push(Payload::edited(line, vec![edit]), Weight::Light);
                process.pressure.note(&listener.stream);
            }
        }
    }

    /// A server of 2026-07-28 has said something of the subscription that it knows as `tag`.
    pub(super) fn tell_listener(
        &self,
        process: &Process,
        tag: &str,
        line: &Bytes,
        envelope: &Envelope<'_>,
    ) {
        let Some(listener) = self.listener(process, tag) else { return };
        if envelope.method == "notifications/subscriptions/acknowledged" {
            // Once: that the process was replaced is not the client's concern.
            if std::mem::replace(&mut listener.at.lock().acknowledged, true) {
                return;
            }
        }
        let edit = std::str::from_utf8(line)
            .ok()
            .and_then(|text| subscription::tagged(text, envelope, &listener.id));
        if let Some(edit) = edit {
            listener.stream.push(Payload::edited(line, vec![edit]), Weight::Light);
            process.pressure.note(&listener.stream);
        }
    }

    /// A server of 2026-07-28 has ended a subscription, with an answer or by taking it back.
    pub(super) fn end_listener(&self, process: &Process, id: &str, answer: Option<&Bytes>) {
        let Some(listener) = self.listener(process, id) else { return };
        self.listeners.lock().retain(|one| one.serial != listener.serial);
        match answer.and_then(|line| listener.answered(line)) {
            Some(payload) => listener.stream.answer(payload),
            None => listener.end(),
        }
    }

    fn listener(&self, process: &Process, id: &str) -> Option<Arc<Listener>> {
        let id = ids::number(id)?;
        let listeners = self.listeners.lock();
        let known = |one: &&Arc<Listener>| {
            let at = one.at.lock();
            (at.pid, at.id) == (process.pid, id)
        };
        listeners.iter().find(known).cloned()
    }
}

fn uri_params(uri: &str) -> String {
    format!("{{\"uri\":{}}}", Value::from(uri))
}

/// Sends a request about a resource and ignores the answer.
pub(super) fn post_uri(process: &Process, method: &str, uri: &str) {
    process.submit_ignoring(method, &uri_params(uri));
}
