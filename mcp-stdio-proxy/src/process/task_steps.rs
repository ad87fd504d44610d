//! Calls of modern clients that a legacy server runs as tasks: creates the task, polls it, and fetches its result, which
//! answers the call (2025-11-25 "Tasks").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::Process;
use super::respond::Attribution;
use super::submit;
use super::task_calls::{Cancellation, Step, TaskCall, TaskCalls};
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::translate::task_call::{self, Next};

impl TaskCalls {
    /// Registers the call `call`, which is about to be sent as a request that creates a task.
    pub fn add(&self, process: &Process, call: u64, may_cancel: bool) {
        self.note(process, call, TaskCall { call, may_cancel, step: Step::Creating });
    }

    /// Registers the call `call`, which is about to be sent as it is. If the server does not know the method, and so has
    /// not run the tool, `again` is sent, which creates a task.
    pub fn add_if_refused(&self, process: &Process, call: u64, again: &Bytes, may_cancel: bool) {
        let again = again.slice(..again.trim_ascii_end().len());
        if let Some(again) = Line::new(again) {
            self.note(process, call, TaskCall { call, may_cancel, step: Step::Plain(again) });
        }
    }

    /// Cancels the task of the call `call`: "the `tasks/cancel` request MUST be used instead". Returns `false` if the
    /// call is no task.
    pub(super) fn cancel(&self, process: &Process, call: u64) -> bool {
        match self.begin_cancel(call) {
            Cancellation::NoTask => return false,
            Cancellation::Later => {}
            Cancellation::Now { task, may_cancel } => post_cancel(process, &task, may_cancel),
        }
        true
    }

    /// Attributes the response to the request `id` if that is about a task. Returns `None` if it is not, or if the
    /// response is that of the call itself.
    pub(super) fn attribute(
        &self,
        process: &Arc<Process>,
        (id, line): (u64, &Line),
        read: &Envelope<'_>,
    ) -> Option<Attribution> {
        let one = self.remove(id)?;
        let (call, may_cancel) = (one.call, one.may_cancel);
        match one.step {
            Step::Plain(again) => {
                let code = read.error.and_then(message::error_code);
                if code != Some(error::METHOD_NOT_FOUND.into()) || !process.calls.has(call) {
                    return None;
                }
                self.submit_again(process, call, &again, may_cancel);
            }
            Step::Creating => match read.result.and_then(task_call::created) {
                Some((task, next)) => self.advance(process, (call, task.into()), next, may_cancel),
                // The server rejected it, or answered at once.
                None => return Some(finish(process, call, line, read)),
            },
            Step::Cancelled => {
                if let Some((task, _)) = read.result.and_then(task_call::created) {
                    post_cancel(process, task, may_cancel);
                }
            }
            Step::Polling(task) => match read.result.and_then(task_call::next) {
                Some(next) => self.advance(process, (call, task), next, may_cancel),
                None => fail_unknown(process, call),
            },
            Step::Fetching(_) => return Some(finish(process, call, line, read)),
            // No request is in flight: a stray answer.
            step @ Step::Pausing(_) => self.note(process, id, TaskCall { step, ..one }),
        }
        Some(Attribution::Internal)
    }

    fn note(&self, process: &Process, request: u64, one: TaskCall) {
        self.insert(request, one, |call| process.calls.has(call));
    }

    /// Sends the call again, as a request that creates a task.
    fn submit_again(&self, process: &Process, call: u64, again: &Line, may_cancel: bool) {
        let id = process.calls.next_id();
        let text = again.text();
        let Ok(read) = message::parse(text) else { return fail_unknown(process, call) };
        let line = submit::renumbered(JsonEdit::of(text), (read.id, None), id);
        self.note(process, id, TaskCall { call, may_cancel, step: Step::Creating });
        process.post(line);
        self.cancel_if_ended(process, call);
    }

    /// Polls the task of a call, or fetches its result.
    fn advance(
        &self,
        process: &Arc<Process>,
        (call, task): (u64, Box<str>),
        next: Next,
        may_cancel: bool,
    ) {
        let id = process.calls.next_id();
        match next {
            Next::Result => {
                let line = about(id, "tasks/result", &task);
                self.note(process, id, TaskCall { call, may_cancel, step: Step::Fetching(task) });
                process.post(line);
            }
            Next::Wait(interval) => {
                self.note(process, id, TaskCall { call, may_cancel, step: Step::Pausing(task) });
                poll_later(process, id, interval);
            }
        }
        self.cancel_if_ended(process, call);
    }

    /// Cancels the task of the call `call` if the call has ended meanwhile.
    fn cancel_if_ended(&self, process: &Process, call: u64) {
        if !process.calls.has(call) {
            self.cancel(process, call);
        }
    }
}

/// Returns the request `method` about the task with the id `task`, as JSON text.
fn about(id: u64, method: &str, task: &str) -> Bytes {
    submit::request(id, method, &format!(r#"{{"taskId":{task}}}"#))
}

fn post_cancel(process: &Process, task: &str, may_cancel: bool) {
    if may_cancel {
        process.post(about(process.calls.next_id(), "tasks/cancel", task));
    }
}

/// Polls the task registered under `id` after `interval`, unless the call ends before.
fn poll_later(process: &Arc<Process>, id: u64, interval: Duration) {
    let process = Arc::downgrade(process);
    tokio::spawn(async move {
        sleep(interval).await;
        let Some(process) = process.upgrade().filter(|process| process.is_live()) else { return };
        let tasks = &process.calls.tasks;
        let Some((call, task)) = tasks.begin_poll(id) else { return };
        // The call may have ended without a cancellation.
        if process.calls.has(call) {
            process.post(about(id, "tasks/get", &task));
        } else {
            tasks.cancel(&process, call);
        }
    });
}

/// Attributes the result or the error of a task to its call.
fn finish(process: &Process, call: u64, line: &Line, read: &Envelope<'_>) -> Attribution {
    let Some(call) = process.calls.take(call) else { return Attribution::Internal };
    let unrelated = read.result.and_then(|result| task_call::unrelated(line.text(), result));
    match unrelated.map(Line::from) {
        Some(line) => Attribution::Task(call, line),
        None => Attribution::Call(call),
    }
}

/// Fails a call whose task has an unknown state.
fn fail_unknown(process: &Process, call: u64) {
    if let Some(call) = process.calls.take(call) {
        let server = &process.server;
        let why = format!("server \"{server}\" did not report the state of the task of this call");
        call.fail(error::INTERNAL, &why);
    }
}
