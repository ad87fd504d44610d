//! A request in flight at a server process, and its state until the answer.

use std::sync::Arc;

use super::time::Time;
use crate::access::audit::ToolCall;
use crate::access::grants::Admission;
use crate::config::catalogue::tool_view::ToolView;
use crate::messages::error;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::stream::Stream;

/// A request in flight. Several may have the same id of a client; the id at the server is unique.
pub struct Call {
    /// The client's id, as JSON text.
    pub id: Box<str>,
    /// The client's progress token, as JSON text.
    pub token: Option<Box<str>>,
    /// The stream of the answer.
    pub stream: Arc<Stream>,
    /// The number of the session that sent it.
    pub session: u64,
    /// The times at which it was sent and last made progress.
    pub time: Time,
    /// The filter for a list of tools in the answer.
    pub tools: Option<Arc<ToolView>>,
    /// The response handler, unless the answer goes to the stream unchanged.
    pub handler: Option<Arc<dyn ResponseHandler>>,
    /// The options that a client of 2026-07-28 has chosen.
    pub options: ResponseOptions,
    /// The access that it depends on, if the gateway states it.
    pub admission: Option<Admission>,
    /// The audit record of a tool call.
    pub record: Option<Arc<ToolCall>>,
}

/// The request with which a client resumes a suspended call.
pub struct RetryRequest {
    /// Its id, as JSON text.
    pub id: Box<str>,
    /// Its progress token, as JSON text.
    pub token: Option<Box<str>>,
    /// The stream of the answer.
    pub stream: Arc<Stream>,
    /// The least level of log messages.
    pub log: Option<usize>,
    /// The access that it depends on, if the gateway states it.
    pub admission: Option<Admission>,
}

/// A call in flight that a message of the server may belong to.
pub struct Addressee {
    /// The id of the call at the server.
    pub id: u64,
    /// The stream for messages before the answer.
    pub stream: Arc<Stream>,
    /// The options that its client has chosen.
    pub options: ResponseOptions,
}

/// A response handler, which turns the answer of a call into something else.
pub trait ResponseHandler: Send + Sync {
    /// Handles the answer `line` to `call`, of which `envelope` is the envelope.
    fn handle(&self, call: Call, line: &Line, envelope: &Envelope<'_>);
}

/// The options of a request of 2026-07-28: what the server may send before the answer.
#[derive(Clone, Default)]
pub struct ResponseOptions {
    /// The minimum level of log messages, as an index into `translate::log::LEVELS`.
    pub log: Option<usize>,
    /// The request, if the answer may ask the client for input first.
    pub input: Option<Arc<Input>>,
    /// `true` while the call is suspended: the client has a question to answer.
    pub is_suspended: bool,
}

/// The content of a request that a client may have to send again.
pub struct Input {
    /// The name of the method.
    pub method: Box<str>,
    /// The parameters, as JSON text.
    pub params: Box<str>,
}

/// The state of a call before it was suspended.
pub struct Suspended {
    /// The client's id, as JSON text.
    pub id: Box<str>,
    /// The stream that the answer was expected on.
    pub stream: Arc<Stream>,
    /// The content of the request.
    pub input: Arc<Input>,
}

impl Call {
    /// Returns a request of the proxy itself, whose answer goes to `stream` as it is.
    #[must_use]
    pub fn of_proxy(stream: Arc<Stream>) -> Self {
        Self {
            // Nothing reads the id of the answer.
            id: "0".into(),
            token: None,
            stream,
            session: 0,
            time: Time::default(),
            tools: None,
            handler: None,
            options: ResponseOptions::default(),
            admission: None,
            record: None,
        }
    }

    /// Answers the call with an error.
    pub fn fail(self, code: i32, message: &str) {
        if let Some(record) = &self.record {
            record.failed(code);
        }
        self.stream.answer(error::answer(&self.id, code, message).into());
    }
}
