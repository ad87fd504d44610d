//! A request of the proxy itself to a server, with a bound on the time (MCP "Timeouts").

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::sleep;

use super::Child;
use super::call::Call;
use super::shortcut::Following;
use super::submit;
use crate::stream::{First, Stream};

/// How long a finder may take to execute a server.
const INSTALLATION: Duration = Duration::from_mins(10);
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

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
        self.ask(method, params, sleep(within)).await
    }

    /// Asks a process the first thing. While a finder has not executed the server, the time does not count.
    pub async fn first_errand(
        &self,
        method: &str,
        params: &str,
        within: Duration,
    ) -> Result<Bytes, Failed> {
        self.ask(method, params, self.overdue(within)).await
    }

    /// Resolves once the process has had `within` for what it was sent.
    async fn overdue(&self, within: Duration) {
        let start = Instant::now();
        let mut read = start;
        while read.elapsed() < within {
            sleep(LOOK.min(within)).await;
            if self.is_being_installed() && start.elapsed() < INSTALLATION {
                read = Instant::now();
            }
        }
    }

    /// Waits until a finder has executed the server, as far as can be told of one that was asked nothing.
    pub async fn executed(&self) {
        let start = Instant::now();
        let is_seen = || self.following.as_ref().is_none_or(Following::has_seen);
        while self.is_live() && !is_seen() && start.elapsed() < INSTALLATION {
            sleep(LOOK).await;
        }
    }

    async fn ask(
        &self,
        method: &str,
        params: &str,
        overdue: impl Future<Output = ()>,
    ) -> Result<Bytes, Failed> {
        let stream = Stream::answers(1);
        let id = self.register(Call::of_proxy(Arc::clone(&stream))).map_err(|_| Failed::Gone)?;
        self.send(submit::request(id, method, params)).await;
        let first = poll_fn(|cx| match stream.poll_first(cx) {
            Poll::Ready(First::Answer(payload)) => Poll::Ready(Ok(payload.to_bytes())),
            Poll::Ready(_) => Poll::Ready(Err(Failed::Gone)),
            Poll::Pending => Poll::Pending,
        });
        let answer = tokio::select! {
            biased;
            answer = first => answer,
            () = overdue => {
                drop(self.calls.take(id));
                return Err(Failed::Late);
            }
        };
        // What ended has answered all with an error of our own.
        if self.has_ended() { Err(Failed::Gone) } else { answer }
    }
}
