//! A request of the proxy itself to a server, with a bound on the time (MCP "Timeouts").

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use super::Child;
use super::call::{Call, Terms};
use super::time::Time;
use crate::protocol::splice;
use crate::stream::{First, Stream};

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The child is gone, or has no room for a request.
    Gone,
    /// It did not answer in time.
    Late,
}

impl Child {
    /// Asks `method` with `params`, the text of an object, and waits for the answer as a message.
    pub async fn errand(
        &self,
        method: &str,
        params: &str,
        within: Duration,
    ) -> Result<Bytes, Failed> {
        let (id, stream) = (self.calls.next_id(), Stream::answers(1));
        let call = Call {
            id: id.to_string().into(),
            token: None,
            stream: Arc::clone(&stream),
            session: 0,
            time: Time::default(),
            tools: None,
            taker: None,
            terms: Terms::default(),
            admission: None,
        };
        self.calls.add(id, call).map_err(|_| Failed::Gone)?;
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.send(splice::line(&text, &mut [])).await;
        let first = poll_fn(|cx| match stream.poll_first(cx) {
            Poll::Ready(First::Answer(payload)) => Poll::Ready(Ok(payload.to_bytes())),
            Poll::Ready(_) => Poll::Ready(Err(Failed::Gone)),
            Poll::Pending => Poll::Pending,
        });
        let answer = tokio::time::timeout(within, first).await;
        if answer.is_err() {
            drop(self.calls.take(id));
        }
        let answer = answer.map_err(|_| Failed::Late)?;
        // What ended has answered all with an error of our own.
        if self.has_ended() { Err(Failed::Gone) } else { answer }
    }
}
