//! Legacy clients on a legacy server: messages are forwarded without translation. The roots, subscriptions and log
//! levels of several sessions are merged.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, ready};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::roots_state::Roots;
use super::server_request::ServerRequest;
use crate::bridge::delivery::tell;
use crate::bridge::notifications::concerns_one_user;
use crate::bridge::requests::answer_ping;
use crate::instances::bridge::{Bridge, ClientRequest, Preparation, Prepared};
use crate::instances::connection::Connection;
use crate::instances::session::Session;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{Envelope, Kind};
use crate::messages::stream::Stream;
use crate::process::call::{ResponseHandler, ResponseOptions};
use crate::process::{Process, ServerMessageHandler};

/// The bridge of legacy clients to a legacy server.
pub(in crate::bridge) struct LegacyBridge {
    pub(super) connection: Connection,
    /// Pending requests of the server to its clients, by the id at the client.
    pub(super) requests: Mutex<HashMap<u64, ServerRequest>>,
    /// Notified when a client has answered one of `requests`.
    pub(super) answered: Notify,
    pub(super) roots: Roots,
    me: Weak<Self>,
}

impl LegacyBridge {
    pub(in crate::bridge) fn new(connection: Connection) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            connection,
            requests: Mutex::default(),
            answered: Notify::new(),
            roots: Roots::default(),
            me: Weak::clone(me),
        })
    }

    /// Returns `request` as it is, with the response `handler`.
    pub(super) fn unchanged<'a>(
        request: &ClientRequest<'a>,
        handler: Option<Arc<dyn ResponseHandler>>,
    ) -> Prepared<'a> {
        let options = ResponseOptions::default();
        Prepared::Request { text: Cow::Borrowed(request.text), handler, options }
    }
}

impl ServerMessageHandler for LegacyBridge {
    fn handle(&self, process: &Arc<Process>, line: &Line, envelope: &Envelope<'_>) {
        match (envelope.kind, &*envelope.method) {
            (Kind::Response, _) => log::debug!("{}: a response to no request", process.server),
            (Kind::Request, "ping") => answer_ping(process, envelope.id),
            (Kind::Request, _) => self.ask(line, envelope),
            (_, "notifications/cancelled") => self.withdraw(line, envelope),
            _ => tell(&self.connection, line, envelope),
        }
    }
}

impl Bridge for LegacyBridge {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn make_ready(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let wanted = self.roots_wanted();
            if self.connection.send_initialized().await {
                Arc::clone(&self).restore();
            }
            Self::wait_for_roots(wanted).await;
        })
    }

    fn restore(self: Arc<Self>) {
        self.restore_sessions();
    }

    fn forget_session(&self, session: &Session) {
        self.fail_requests_to(session);
        self.remove_state_of(session);
    }

    fn expire(&self, timeout: Duration) {
        self.expire_requests(timeout);
    }

    fn prepare<'a>(&'a self, request: &'a ClientRequest<'a>) -> Preparation<'a> {
        Either::Left(ready(self.keep_state(request)))
    }

    fn notification(&self, text: &str, envelope: &Envelope<'_>) -> Option<Bytes> {
        let is_refused = self.connection.key.is_shared() && concerns_one_user(envelope);
        (!is_refused).then(|| JsonEdit::of(text).input())
    }

    fn deliver(&self, session: &Session, stream: &Arc<Stream>) -> Option<BoxFuture<'static, ()>> {
        let open = self.deliver_requests(session, stream);
        if open.is_empty() && !self.roots.are_settling() {
            return None;
        }
        let bridge = self.me.upgrade()?;
        Some(Box::pin(async move { bridge.wait_for_answers(&open).await }))
    }

    fn respond(&self, text: &str, envelope: &Envelope<'_>) -> bool {
        self.forward_response(text, envelope)
    }

    fn progress(&self, params: &str) {
        self.record_progress(params);
    }
}
