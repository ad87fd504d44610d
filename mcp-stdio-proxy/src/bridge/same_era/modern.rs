//! Clients and a server of 2026-07-28: messages pass unchanged, except for what would tie a shared process to one
//! user.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, ready};
use parking_lot::Mutex;

use super::shared::binding_handler;
use crate::bridge::modern_clients::{self, log_level};
use crate::bridge::notifications::concerns_one_user;
use crate::bridge::suspended::SuspendedCalls;
use crate::bridge::tools::Tools;
use crate::instances::bridge::{Bridge, ClientRequest, Preparation, Prepared};
use crate::instances::connection::Connection;
use crate::instances::listener::Listener;
use crate::messages::ids;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::param_headers::ParamHeaders;
use crate::messages::payload::Payload;
use crate::messages::translate::subscription;
use crate::process::call::ResponseOptions;
use crate::process::{Process, ServerMessageHandler, submit};

/// The bridge of clients of 2026-07-28 to a server of that revision.
pub(in crate::bridge) struct ModernBridge {
    connection: Connection,
    /// The seal for the request states of a shared server.
    suspended: Arc<SuspendedCalls>,
    tools: Tools,
    /// Open subscriptions, by the id of their request at the server.
    subscriptions: Mutex<HashMap<u64, Arc<Listener>>>,
}

impl ModernBridge {
    pub(in crate::bridge) fn new(
        connection: Connection,
        suspended: Arc<SuspendedCalls>,
    ) -> Arc<Self> {
        let (tools, subscriptions) = (Tools::default(), Mutex::default());
        Arc::new(Self { connection, suspended, tools, subscriptions })
    }

    fn subscription(&self, tag: &str) -> Option<Arc<Listener>> {
        self.subscriptions.lock().get(&ids::number(tag)?).cloned()
    }

    /// Forwards a notification of the subscription that the server knows as `tag`.
    fn tell_listener(&self, tag: &str, line: &Line, envelope: &Envelope<'_>) {
        let Some(listener) = self.subscription(tag) else { return };
        let is_first =
            envelope.method != "notifications/subscriptions/acknowledged" || listener.acknowledge();
        if is_first {
            modern_clients::tell_listener(&self.connection, &listener, line, envelope);
        }
    }

    /// Ends the subscription `id`, which the server has ended: by a response or by a cancellation.
    fn end_listener(&self, id: &str, response: Option<&Line>) {
        let Some(id) = ids::number(id) else { return };
        let Some(listener) = self.subscriptions.lock().remove(&id) else { return };
        self.connection.clients.unlisten(&listener);
        match response.and_then(|line| ended(&listener, line)) {
            Some(payload) => listener.stream.answer(payload),
            None => listener.end(),
        }
    }
}

/// Returns the response `line` to a subscription under the client's id.
fn ended(listener: &Listener, line: &Line) -> Option<Payload> {
    let envelope = message::parse(line.text()).ok()?;
    let tag = envelope.result.and_then(subscription::tag);
    let edit = JsonEdit::of(line.text()).replace(envelope.id, &*listener.id);
    let edit = tag.into_iter().fold(edit, |edit, tag| edit.replace(tag, &*listener.id));
    Some(edit.payload(line))
}

impl ServerMessageHandler for ModernBridge {
    fn handle(&self, process: &Arc<Process>, line: &Line, envelope: &Envelope<'_>) {
        let tag = envelope.params.and_then(subscription::tag);
        match (envelope.kind, &*envelope.method, tag) {
            // "The server MUST NOT write JSON-RPC requests to stdout."
            (Kind::Request, ..) => log::debug!("{}: a request, in 2026-07-28", process.server),
            (Kind::Response, ..) => self.end_listener(envelope.id, Some(line)),
            (_, "notifications/cancelled", _) => {
                if let Some(id) = envelope.params.and_then(message::cancelled_request) {
                    self.end_listener(id, None);
                }
            }
            (_, "notifications/message", _) => {
                modern_clients::tell_log(&self.connection, line, envelope);
            }
            (_, method, tag) => {
                if method == "notifications/tools/list_changed" {
                    self.tools.invalidate();
                }
                match tag {
                    Some(tag) => self.tell_listener(tag, line, envelope),
                    None => modern_clients::tell(&self.connection, line, method),
                }
            }
        }
    }
}

impl Bridge for ModernBridge {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn make_ready(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }

    /// Opens the subscriptions again: "streams must also be re-established after restart".
    fn restore(self: Arc<Self>) {
        for listener in self.connection.clients.listeners().iter() {
            self.listen(listener);
        }
    }

    fn prepare<'a>(&'a self, request: &'a ClientRequest<'a>) -> Preparation<'a> {
        let is_shared = self.connection.key.is_shared();
        let handler = is_shared.then(|| binding_handler(&self.suspended, request)).flatten();
        let options = ResponseOptions { log: log_level(request), ..ResponseOptions::default() };
        let text = Cow::Borrowed(request.text);
        Either::Left(ready(Ok(Prepared::Request { text, handler, options })))
    }

    fn notification(&self, text: &str, envelope: &Envelope<'_>) -> Option<Bytes> {
        let is_refused = self.connection.key.is_shared() && concerns_one_user(envelope);
        (!is_refused).then(|| JsonEdit::of(text).input())
    }

    fn param_headers(&self, again: bool) -> BoxFuture<'_, Arc<ParamHeaders>> {
        Box::pin(self.tools.param_headers(&self.connection, again))
    }

    fn listen(&self, listener: &Arc<Listener>) {
        let Ok(envelope) = message::parse(&listener.text) else { return };
        let token = envelope.params.and_then(message::asked_progress);
        self.connection.process.submit_unregistered(|id| {
            self.subscriptions.lock().insert(id, Arc::clone(listener));
            submit::renumbered(JsonEdit::of(&listener.text), (envelope.id, token), id)
        });
    }

    fn unlisten(&self, listener: &Listener) {
        let is_meant = |one: &mut Arc<Listener>| one.serial == listener.serial;
        let ended = self.subscriptions.lock().extract_if(|_, one| is_meant(one)).next();
        if let Some((id, _)) = ended {
            self.connection.process.cancel(id, "the client has left");
        }
    }
}
