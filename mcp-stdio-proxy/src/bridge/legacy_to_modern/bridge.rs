//! The bridge of legacy clients to a modern server.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, ready};

use super::subscription::Subscription;
use crate::bridge::delivery::tell;
use crate::bridge::notifications::is_withdrawn;
use crate::bridge::suspended::SuspendedCalls;
use crate::instances::bridge::{Bridge, ClientRequest, Preparation};
use crate::instances::connection::Connection;
use crate::instances::session::Session;
use crate::messages::ids;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::stream::Stream;
use crate::messages::translate::{request, subscription};
use crate::process::{Process, ServerMessageHandler};

/// The bridge of legacy clients to a modern server.
pub(in crate::bridge) struct LegacyToModern {
    pub(super) connection: Connection,
    pub(super) suspended: Arc<SuspendedCalls>,
    /// The `_meta` of each request to the process, built from the clients' `initialize`.
    pub(super) envelope: String,
    /// The subscription of all sessions at the server.
    pub(super) subscription: Subscription,
    pub(super) me: Weak<Self>,
}

impl LegacyToModern {
    pub(in crate::bridge) fn new(
        connection: Connection,
        suspended: Arc<SuspendedCalls>,
    ) -> Arc<Self> {
        let initialize = connection.key.initialize.as_ref();
        let envelope = request::envelope_of(initialize.map_or("{}", |one| &one.params));
        Arc::new_cyclic(|me| Self {
            connection,
            suspended,
            envelope,
            subscription: Subscription::default(),
            me: Weak::clone(me),
        })
    }
}

impl ServerMessageHandler for LegacyToModern {
    fn handle(&self, process: &Arc<Process>, line: &Line, read: &Envelope<'_>) {
        let tag = read.params.and_then(subscription::tag);
        let tag = tag.map(|tag| ids::number(tag).unwrap_or_default());
        match (read.kind, &*read.method, tag) {
            // "The server MUST NOT write JSON-RPC requests to stdout."
            (Kind::Request, ..) => log::debug!("{}: a request, in 2026-07-28", process.server),
            (Kind::Response, ..) => self.unsubscribed(read.id, read.error),
            (_, "notifications/cancelled", _) => {
                let id = read.params.and_then(message::cancelled_request);
                self.unsubscribed(id.unwrap_or_default(), None);
            }
            (_, "notifications/subscriptions/acknowledged", tag) => {
                self.subscription.acknowledged(tag.unwrap_or_default());
            }
            // No legacy client has asked for it.
            (_, "notifications/tasks", _) => log::debug!("{}: news of a task", process.server),
            (_, _, Some(tag)) => self.tell_of_change(tag, line, read),
            (_, _, None) => tell(&self.connection, line, read),
        }
    }
}

impl Bridge for LegacyToModern {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn make_ready(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }

    fn restore(self: Arc<Self>) {
        self.subscribe_in_background();
    }

    fn prepare<'a>(&'a self, request: &'a ClientRequest<'a>) -> Preparation<'a> {
        Either::Right(Box::pin(self.translate(request)))
    }

    fn notification(&self, text: &str, envelope: &Envelope<'_>) -> Option<Bytes> {
        let is_shared = self.connection.key.is_shared();
        let has_token = || envelope.params.and_then(message::asked_progress).is_some();
        let is_refused = is_withdrawn(&envelope.method) || (is_shared && has_token());
        (!is_refused).then(|| JsonEdit::of(text).input())
    }

    fn deliver(&self, session: &Session, stream: &Arc<Stream>) -> Option<BoxFuture<'static, ()>> {
        self.deliver_questions(session.serial, stream);
        None
    }

    fn respond(&self, _text: &str, envelope: &Envelope<'_>) -> bool {
        ids::number(envelope.id).is_some_and(|id| self.answer_question(id, envelope))
    }
}
