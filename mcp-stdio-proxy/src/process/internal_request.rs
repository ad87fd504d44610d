//! Requests of the proxy itself to a server, with a timeout (MCP "Timeouts").

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Process;
use super::call::Call;
use super::submit;
use crate::messages::line::Line;
use crate::messages::stream::{First, Stream};

/// The maximum time that a package runner may take to execute a server.
const INSTALLATION: Duration = Duration::from_mins(10);
/// The interval between checks whether it has.
const POLL: Duration = Duration::from_millis(50);

/// A reason for an internal request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The process has ended, or accepts no more requests.
    Gone,
    /// The timeout has passed.
    Late,
}

impl Process {
    /// Sends a request and waits for the answer. `params` is an object as JSON text.
    pub async fn request(
        &self,
        method: &str,
        params: &str,
        within: Duration,
    ) -> Result<Line, Failed> {
        ask(self, method, params, sleep(within)).await
    }

    /// Sends the first request to a process. The timeout begins when the package runner has executed the server.
    pub async fn first_request(
        &self,
        method: &str,
        params: &str,
        within: Duration,
    ) -> Result<Line, Failed> {
        ask(self, method, params, overdue(self, within)).await
    }

    /// Returns `true` while the package runner has not executed the server, so that the input is still in the pipe.
    #[must_use]
    pub fn is_being_installed(&self) -> bool {
        let start = &self.start;
        let is_settled = start.is_settled() || self.has_ended();
        start.following.is_some() && !is_settled && self.input.is_unread()
    }

    /// Waits until the package runner has executed the server, as far as that can be seen without a request.
    pub async fn executed(&self) {
        let start = Instant::now();
        while self.is_live() && !self.start.is_executed() && start.elapsed() < INSTALLATION {
            sleep(POLL).await;
        }
    }
}

/// Sends a request and waits for the answer, until `overdue` resolves.
async fn ask(
    process: &Process,
    method: &str,
    params: &str,
    overdue: impl Future<Output = ()>,
) -> Result<Line, Failed> {
    let stream = Stream::answers(1);
    let id = process.register(Call::of_proxy(Arc::clone(&stream))).map_err(|_| Failed::Gone)?;
    process.send(submit::request(id, method, params)).await;
    let first = poll_fn(|cx| match stream.poll_first(cx) {
        Poll::Ready(First::Answer(payload)) => {
            Poll::Ready(Line::new(payload.to_bytes()).ok_or(Failed::Gone))
        }
        Poll::Ready(_) => Poll::Ready(Err(Failed::Gone)),
        Poll::Pending => Poll::Pending,
    });
    let answer = tokio::select! {
        biased;
        answer = first => answer,
        () = overdue => {
            drop(process.calls.take(id));
            return Err(Failed::Late);
        }
    };
    // A process that ended has failed all calls with an error of the proxy.
    if process.has_ended() { Err(Failed::Gone) } else { answer }
}

/// Resolves once the server has had `within` to answer.
async fn overdue(process: &Process, within: Duration) {
    let start = Instant::now();
    let mut read = start;
    while read.elapsed() < within {
        sleep(POLL.min(within)).await;
        if process.is_being_installed() && start.elapsed() < INSTALLATION {
            read = Instant::now();
        }
    }
}
