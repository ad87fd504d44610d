//! The bridge between the clients of an instance and one server process. There is an implementation for each
//! pairing of protocol eras, in the folder `bridge`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, Ready};

use super::connection::Connection;
use super::listener::Listener;
use super::session::Session;
use crate::access::grants::Admission;
use crate::messages::error::RpcError;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Envelope};
use crate::messages::meta::Asked;
use crate::messages::param_headers::ParamHeaders;
use crate::messages::payload::Payload;
use crate::messages::stream::Stream;
use crate::messages::translate::subscription::Filter;
use crate::process::call::{ResponseHandler, ResponseOptions};
use crate::process::{Process, ServerMessageHandler, submit};

/// A request of a client.
pub struct ClientRequest<'a> {
    /// The message.
    pub text: &'a str,
    /// The envelope of the message.
    pub envelope: &'a Envelope<'a>,
    /// The session, if the client has a handshake.
    pub session: Option<&'a Arc<Session>>,
    /// The metadata of a request of 2026-07-28.
    pub asked: Option<&'a Asked<'a>>,
    /// The user of a request of 2026-07-28, if there is a gateway.
    pub principal: Option<Arc<str>>,
}

/// The outcome of the preparation of a request.
pub enum Prepared<'a> {
    /// The request as it is sent to the process, except for its id and its progress token.
    Request {
        /// The message.
        text: Cow<'a, str>,
        /// The response handler, if the response must be changed.
        handler: Option<Arc<dyn ResponseHandler>>,
        /// The messages that the server may send before the response.
        options: ResponseOptions,
    },
    /// The proxy has handled the request in place of the server. The result is empty.
    Done,
}

/// The preparation of a request, which most bridges complete at once.
pub type Preparation<'a> =
    Either<Ready<Result<Prepared<'a>, RpcError>>, BoxFuture<'a, Result<Prepared<'a>, RpcError>>>;

/// A request that resumes a suspended call.
pub struct Retry<'a> {
    /// The message.
    pub text: &'a str,
    /// The envelope of the message.
    pub envelope: &'a Envelope<'a>,
    /// The metadata of the request.
    pub asked: &'a Asked<'a>,
    /// The stream of the response.
    pub stream: &'a Arc<Stream>,
    /// The access that the request depends on.
    pub admission: Option<&'a Admission>,
}

/// The outcome of a request that resumes a suspended call.
pub enum Resumption {
    /// The call continues in `process` under `id`.
    Call {
        /// The process that executes the call.
        process: Arc<Process>,
        /// The id of the call at the process.
        id: u64,
    },
    /// The response: further questions, or the result of a call that completed meanwhile.
    Response(Payload),
}

/// The bridge between the clients of an instance and one process. It handles what the server sends, and prepares
/// what the clients send.
pub trait Bridge: ServerMessageHandler {
    /// Returns the connection to the process.
    fn connection(&self) -> &Connection;

    /// Returns the process.
    fn process(&self) -> &Arc<Process> {
        &self.connection().process
    }

    /// Makes a new process ready for requests: sends `notifications/initialized` on behalf of the clients, unless it
    /// was sent already.
    fn make_ready(self: Arc<Self>) -> BoxFuture<'static, ()>;

    /// Restores in a new process what the clients have subscribed to or set. It has completed its handshake.
    fn restore(self: Arc<Self>);

    /// Removes from the process the state that only `session` needed, which has ended.
    fn forget_session(&self, _session: &Session) {}

    /// Fails requests of the server that no client has answered for `timeout`.
    fn expire(&self, _timeout: Duration) {}

    /// Prepares a request for the process, or answers it in place of the server.
    fn prepare<'a>(&'a self, request: &'a ClientRequest<'a>) -> Preparation<'a>;

    /// Returns the input for the process: a prepared request under the id `id`. Returns `None` if the call was
    /// suspended before it was sent.
    fn input(
        &self,
        id: u64,
        (text, envelope): (&str, &Envelope<'_>),
        _options: &ResponseOptions,
    ) -> Option<Bytes> {
        let token = envelope.params.and_then(message::asked_progress);
        Some(submit::renumbered(JsonEdit::of(text), (envelope.id, token), id))
    }

    /// Returns the input for the process: a notification of a client. Returns `None` if the server does not accept
    /// it.
    fn notification(&self, text: &str, envelope: &Envelope<'_>) -> Option<Bytes>;

    /// Moves the queued requests of the server for the client of `session` to `stream`, which it is about to read.
    /// Returns a future if the next request of the client should wait until the server has the answers.
    fn deliver(&self, _session: &Session, _stream: &Arc<Stream>) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// Forwards a client's response to the server. Returns `true` if the server was waiting for it.
    fn respond(&self, _text: &str, _envelope: &Envelope<'_>) -> bool {
        false
    }

    /// Records progress of a client on a request of the server. `params` are those of the notification.
    fn progress(&self, _params: &str) {}

    /// Returns the parameters of tools that a client of 2026-07-28 repeats in headers. Bypasses the cache if `again`.
    fn param_headers(&self, _again: bool) -> BoxFuture<'_, Arc<ParamHeaders>> {
        Box::pin(async { Arc::default() })
    }

    /// Resumes a suspended call with the answers of its client.
    fn resume<'a>(&'a self, _retry: Retry<'a>) -> BoxFuture<'a, Result<Resumption, RpcError>> {
        Box::pin(async { Err(RpcError::invalid_params("no call is suspended here")) })
    }

    /// Returns the part of a subscription's filter that the server supports.
    fn supported(&self, filter: Filter) -> BoxFuture<'_, Filter> {
        Box::pin(async { filter })
    }

    /// Begins a subscription of a client of 2026-07-28, which is not in the list of clients yet.
    fn listen(&self, _listener: &Arc<Listener>) {}

    /// Ends a subscription, whose client has left.
    fn unlisten(&self, _listener: &Listener) {}
}

/// The factory of the bridges of one server, with the state that they share.
pub trait Connector: Send + Sync {
    /// Creates the bridge for `connection`.
    fn connect(&self, connection: Connection) -> Arc<dyn Bridge>;

    /// Fails suspended calls whose time is over.
    fn expire(&self);

    /// Returns the `requestState` that a shared server issued to `principal`, of which the client presents `sealed`.
    fn request_state(&self, principal: Option<&str>, sealed: &str) -> Result<String, RpcError>;
}
