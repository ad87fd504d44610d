//! One request that waits for an answer of a child, and what becomes of it meanwhile.

use std::sync::Arc;

use bytes::Bytes;

use super::time::Time;
use crate::audit::ToolCall;
use crate::catalogue::tool_view::ToolView;
use crate::grants::Admission;
use crate::protocol::error;
use crate::protocol::message::Envelope;
use crate::stream::Stream;

/// A request in flight. The id the client gave it may be in flight more than once; ours is not.
pub struct Call {
    /// The text of the client's id.
    pub id: Box<str>,
    /// The text of the client's progress token.
    pub token: Option<Box<str>>,
    /// Where the answer goes.
    pub stream: Arc<Stream>,
    /// The session that asked.
    pub session: u64,
    /// When it was sent, and last made progress.
    pub time: Time,
    /// What the client may see of a list of tools.
    pub tools: Option<Arc<ToolView>>,
    /// Who takes the answer, if it does not go to the stream as it is.
    pub taker: Option<Arc<dyn Taker>>,
    /// What a client of 2026-07-28 has asked for.
    pub terms: Terms,
    /// What it rests on, if the gateway says that.
    pub admission: Option<Admission>,
    /// The record of a call of a tool.
    pub record: Option<Arc<ToolCall>>,
}

/// The request with which a client comes back to a call.
pub struct Resumed {
    /// The text of its id.
    pub id: Box<str>,
    /// The text of its progress token.
    pub token: Option<Box<str>>,
    /// Where the answer goes.
    pub stream: Arc<Stream>,
    /// The least level of log messages.
    pub log: Option<usize>,
    /// What it rests on, if the gateway says that.
    pub admission: Option<Admission>,
}

/// A call in flight, as a message that comes before its answer finds it.
pub struct Addressee {
    /// Our id.
    pub id: u64,
    /// Where messages go.
    pub stream: Arc<Stream>,
    /// What its client has asked for.
    pub terms: Terms,
}

/// Takes the answer of a call, to make something else of it.
pub trait Taker: Send + Sync {
    /// The server has answered `call` with `line`, which is `envelope`.
    fn take(&self, call: Call, line: &Bytes, envelope: &Envelope<'_>);
}

/// What may come before the answer, in 2026-07-28.
#[derive(Clone, Default)]
pub struct Terms {
    /// Log messages of this level or above: an index into `translate::log::LEVELS`.
    pub log: Option<usize>,
    /// The request, if the answer may be that input of the client is needed first.
    pub input: Option<Arc<Input>>,
    /// Whether the client has such a question now, and the call waits for it.
    pub parked: bool,
}

/// A request that a client may have to send again.
pub struct Input {
    /// The method.
    pub method: Box<str>,
    /// The text of its parameters.
    pub params: Box<str>,
}

/// What a call was before it began to wait for its client.
pub struct Open {
    /// The text of the client's id.
    pub id: Box<str>,
    /// Where the answer would have gone.
    pub stream: Arc<Stream>,
    /// The request.
    pub input: Arc<Input>,
}

impl Call {
    /// Returns a request of the proxy itself, whose answer goes to `stream` as it is.
    #[must_use]
    pub fn of_proxy(stream: Arc<Stream>) -> Self {
        Self {
            // The answer keeps an id of ours, which nothing reads.
            id: "0".into(),
            token: None,
            stream,
            session: 0,
            time: Time::default(),
            tools: None,
            taker: None,
            terms: Terms::default(),
            admission: None,
            record: None,
        }
    }

    /// Answers with an error.
    pub fn fail(self, code: i32, message: &str) {
        if let Some(record) = &self.record {
            record.failed(code);
        }
        self.stream.answer(error::answer(&self.id, code, message).into());
    }
}
