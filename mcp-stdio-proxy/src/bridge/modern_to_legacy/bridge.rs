//! The bridge of clients of 2026-07-28 to a legacy server.

use std::borrow::Cow;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, ready};
use parking_lot::Mutex;

use super::responses::handler;
use super::unasked::Unasked;
use crate::bridge::modern_clients::{self, log_level};
use crate::bridge::notifications::concerns_one_user;
use crate::bridge::requests::answer_ping;
use crate::bridge::suspended::{SuspendedCalls, refuse};
use crate::bridge::tools::Tools;
use crate::instances::bridge::{Bridge, ClientRequest, Preparation, Prepared, Resumption, Retry};
use crate::instances::connection::Connection;
use crate::instances::listener::Listener;
use crate::messages::error::{self, RpcError};
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::param_headers::ParamHeaders;
use crate::messages::translate::subscription::{self, Filter};
use crate::messages::translate::{input, request as requests};
use crate::process::call::{Input, ResponseOptions};
use crate::process::{Process, ServerMessageHandler};

/// The methods whose response may ask the client for input ("Supported Requests").
const ASKABLE: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// The bridge of clients of 2026-07-28 to a legacy server.
pub(in crate::bridge) struct ModernToLegacy {
    pub(super) connection: Connection,
    pub(super) suspended: Arc<SuspendedCalls>,
    pub(super) tools: Tools,
    /// Questions of the server that no client request could carry yet.
    pub(super) unasked: Unasked,
    /// The log level of the process.
    pub(super) level: Mutex<Option<usize>>,
    pub(super) me: Weak<Self>,
}

impl ModernToLegacy {
    pub(in crate::bridge) fn new(
        connection: Connection,
        suspended: Arc<SuspendedCalls>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            connection,
            suspended,
            tools: Tools::default(),
            unasked: Unasked::default(),
            level: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    fn handle_request(&self, envelope: &Envelope<'_>) {
        let process = &self.connection.process;
        if envelope.method == "ping" {
            return answer_ping(process, envelope.id);
        }
        match input::Kind::of(&envelope.method) {
            Some(kind) => self.ask(kind, envelope),
            None => refuse(
                process,
                envelope.id,
                error::METHOD_NOT_FOUND,
                "no client accepts this request",
            ),
        }
    }

    fn handle_notification(&self, line: &Line, envelope: &Envelope<'_>) {
        match &*envelope.method {
            "notifications/cancelled" => {
                if let Some(id) = envelope.params.and_then(message::cancelled_request) {
                    self.withdraw_question(id);
                }
            }
            "notifications/message" => modern_clients::tell_log(&self.connection, line, envelope),
            method => {
                if method == "notifications/tools/list_changed" {
                    self.tools.invalidate();
                }
                if subscription::is_change(method) {
                    self.tell_listeners(line, envelope);
                } else {
                    modern_clients::tell(&self.connection, line, method);
                }
            }
        }
    }
}

impl ServerMessageHandler for ModernToLegacy {
    fn handle(&self, process: &Arc<Process>, line: &Line, envelope: &Envelope<'_>) {
        match envelope.kind {
            Kind::Request => self.handle_request(envelope),
            Kind::Response => log::debug!("{}: a response to no request", process.server),
            Kind::Notification => self.handle_notification(line, envelope),
        }
    }
}

impl Bridge for ModernToLegacy {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn make_ready(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if self.connection.send_initialized().await {
                self.restore();
            }
        })
    }

    fn restore(self: Arc<Self>) {
        self.restore_subscriptions();
    }

    fn expire(&self, timeout: Duration) {
        self.unasked.expire(&self.connection.process, timeout);
    }

    fn prepare<'a>(&'a self, request: &'a ClientRequest<'a>) -> Preparation<'a> {
        let envelope = request.envelope;
        let input = ASKABLE.contains(&&*envelope.method).then(|| {
            let (method, params) = (&*envelope.method, envelope.params.unwrap_or_default());
            Arc::new(Input { method: method.into(), params: params.into() })
        });
        let options = ResponseOptions { log: log_level(request), input, is_suspended: false };
        let handler = Some(handler(&self.connection, &envelope.method));
        let text = Cow::Borrowed(request.text);
        Either::Left(ready(Ok(Prepared::Request { text, handler, options })))
    }

    fn input(
        &self,
        id: u64,
        (text, envelope): (&str, &Envelope<'_>),
        options: &ResponseOptions,
    ) -> Option<Bytes> {
        if options.input.is_some() && self.ask_first(id) {
            return None;
        }
        if let Some(level) = options.log {
            self.lower_level(level);
        }
        Some(self.request(id, text, envelope))
    }

    fn notification(&self, text: &str, envelope: &Envelope<'_>) -> Option<Bytes> {
        let is_refused = self.connection.key.is_shared() && concerns_one_user(envelope);
        (!is_refused).then(|| requests::to_legacy(text, envelope).input())
    }

    fn param_headers(&self, again: bool) -> BoxFuture<'_, Arc<ParamHeaders>> {
        Box::pin(self.tools.param_headers(&self.connection, again))
    }

    fn resume<'a>(&'a self, retry: Retry<'a>) -> BoxFuture<'a, Result<Resumption, RpcError>> {
        Box::pin(self.resume_call(retry))
    }

    fn supported(&self, filter: Filter) -> BoxFuture<'_, Filter> {
        Box::pin(self.subscribe(filter))
    }

    fn listen(&self, listener: &Arc<Listener>) {
        Self::acknowledge(listener);
    }

    fn unlisten(&self, listener: &Listener) {
        self.unsubscribe(listener);
    }
}
