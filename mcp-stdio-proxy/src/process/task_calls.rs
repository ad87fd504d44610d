//! Calls of modern clients that a legacy server runs as tasks (2025-11-25 "Tasks"). A call stays in flight under its
//! id, so that timeouts, progress and questions of the server apply to it. The requests about its task are registered
//! here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Process;
use super::reader::answer;
use super::submit;
use crate::messages::error;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::translate::task_call::{self, Next};

/// The number of entries from which on those of calls that have ended are removed.
const MANY: usize = 256;

/// The calls of one process that are, or may become, tasks. Each has at most one request at the server.
#[derive(Default)]
pub(super) struct TaskCalls(Mutex<HashMap<u64, TaskCall>>);

/// A call and its task. The map has it under the id of the last request that was sent for it.
struct TaskCall {
    /// The id of the call.
    call: u64,
    /// `true` if the server supports `tasks/cancel`.
    may_cancel: bool,
    step: Step,
}

/// The last request that was sent for a call, with the id of the task as JSON text.
enum Step {
    /// The call itself. If the server does not know the method, this line is sent instead, which creates a task.
    Plain(Bytes),
    /// The call as a request that creates a task.
    Making,
    /// The call as a request that creates a task, after the call was cancelled.
    Cancelled,
    /// `tasks/get`, to be sent after the poll interval.
    Pausing(Box<str>),
    /// `tasks/get`.
    Asking(Box<str>),
    /// `tasks/result`.
    Fetching(Box<str>),
}

/// Returns the request `method` about the task with the id `task`, as JSON text.
fn about(id: u64, method: &str, task: &str) -> Bytes {
    submit::request(id, method, &format!(r#"{{"taskId":{task}}}"#))
}

impl Step {
    fn task(&self) -> Option<&str> {
        match self {
            Self::Pausing(task) | Self::Asking(task) | Self::Fetching(task) => Some(task),
            Self::Plain(_) | Self::Making | Self::Cancelled => None,
        }
    }
}

impl Process {
    /// Registers the call `call`, which is about to be sent as a task.
    pub fn make_task(&self, call: u64, may_cancel: bool) {
        self.note_task(call, TaskCall { call, may_cancel, step: Step::Making });
    }

    /// Registers the call `call`, which is about to be sent as it is. If the server does not know the method, and so has
    /// not run the tool, `again` is sent, which creates a task.
    pub fn make_task_if_refused(&self, call: u64, again: Bytes, may_cancel: bool) {
        self.note_task(call, TaskCall { call, may_cancel, step: Step::Plain(again) });
    }

    fn note_task(&self, request: u64, one: TaskCall) {
        let mut all = self.task_calls.0.lock();
        if all.len() >= MANY {
            all.retain(|_, one| self.calls.has(one.call));
        }
        all.insert(request, one);
    }

    /// Returns the id of the call whose task has the id `task`, as JSON text.
    pub fn call_of_task(&self, task: &str) -> Option<u64> {
        let all = self.task_calls.0.lock();
        all.values().find(|one| one.step.task() == Some(task)).map(|one| one.call)
    }

    /// Cancels the task of the call `call`: "the `tasks/cancel` request MUST be used instead". Returns `false` if the
    /// call is no task.
    pub(super) fn cancel_task(&self, call: u64) -> bool {
        let mut all = self.task_calls.0.lock();
        let found = all.iter().find(|(_, one)| one.call == call).map(|(request, _)| *request);
        let Some(one) = found.and_then(|request| all.remove(&request)) else { return false };
        match one.step {
            Step::Plain(_) => return false,
            Step::Making | Step::Cancelled => {
                // The id of the task is not known yet.
                let waiting = TaskCall { step: Step::Cancelled, ..one };
                all.extend(found.map(|request| (request, waiting)));
            }
            Step::Pausing(task) | Step::Asking(task) | Step::Fetching(task) => {
                drop(all);
                self.post_cancel(&task, one.may_cancel);
            }
        }
        true
    }

    fn post_cancel(&self, task: &str, may_cancel: bool) {
        if may_cancel {
            self.post(about(self.calls.next_id(), "tasks/cancel", task));
        }
    }

    /// Handles the answer to the request `id` if that is about a task. Returns `false` if it is not, or if the answer is
    /// that of the call itself.
    pub(super) fn take_of_task(
        self: &Arc<Self>,
        id: u64,
        line: &Line,
        read: &Envelope<'_>,
    ) -> bool {
        let Some(one) = self.task_calls.0.lock().remove(&id) else { return false };
        let (call, may_cancel) = (one.call, one.may_cancel);
        match one.step {
            Step::Plain(again) => {
                let code = read.error.and_then(message::error_code);
                if code != Some(error::METHOD_NOT_FOUND.into()) || !self.calls.has(call) {
                    return false;
                }
                self.make_again(call, &again, may_cancel);
            }
            Step::Making => match read.result.and_then(task_call::created) {
                Some((task, next)) => self.go_on(call, task.into(), next, may_cancel),
                // The server rejected it, or answered at once.
                None => self.finish(call, line, read),
            },
            Step::Cancelled => {
                if let Some((task, _)) = read.result.and_then(task_call::created) {
                    self.post_cancel(task, may_cancel);
                }
            }
            Step::Asking(task) => match read.result.and_then(task_call::next) {
                Some(next) => self.go_on(call, task, next, may_cancel),
                None => self.lose(call),
            },
            Step::Fetching(_) => self.finish(call, line, read),
            // No request is in flight: a stray answer.
            step @ Step::Pausing(_) => {
                self.note_task(id, TaskCall { step, ..one });
            }
        }
        true
    }

    /// Sends the call again, as a task.
    fn make_again(&self, call: u64, again: &Bytes, may_cancel: bool) {
        let id = self.calls.next_id();
        let text = std::str::from_utf8(again).unwrap_or_default();
        let Ok(read) = message::parse(text) else { return self.lose(call) };
        let line = submit::renumbered(text.trim_end(), (read.id, None), id, Vec::new());
        self.note_task(id, TaskCall { call, may_cancel, step: Step::Making });
        self.post(line);
        self.end_if_left(call);
    }

    fn go_on(self: &Arc<Self>, call: u64, task: Box<str>, next: Next, may_cancel: bool) {
        let id = self.calls.next_id();
        match next {
            Next::Result => {
                let line = about(id, "tasks/result", &task);
                self.note_task(id, TaskCall { call, may_cancel, step: Step::Fetching(task) });
                self.post(line);
            }
            Next::Wait(interval) => {
                self.note_task(id, TaskCall { call, may_cancel, step: Step::Pausing(task) });
                self.ask_later(id, interval);
            }
        }
        self.end_if_left(call);
    }

    /// Polls the task registered under `id` after `interval`, unless the call ends before.
    fn ask_later(self: &Arc<Self>, id: u64, interval: Duration) {
        let process = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(interval).await;
            let Some(process) = process.upgrade().filter(|process| process.is_live()) else {
                return;
            };
            let request = {
                let mut all = process.task_calls.0.lock();
                let Some(one) = all.get_mut(&id) else { return };
                let Step::Pausing(task) = &one.step else { return };
                let request = about(id, "tasks/get", task);
                one.step = Step::Asking(task.clone());
                (request, one.call)
            };
            // The call may have ended without a cancellation.
            if process.calls.has(request.1) {
                process.post(request.0);
            } else {
                process.cancel_task(request.1);
            }
        });
    }

    /// Cancels the task of the call `call` if the call has ended meanwhile.
    fn end_if_left(&self, call: u64) {
        if !self.calls.has(call) {
            self.cancel_task(call);
        }
    }

    /// Answers the call with the result or the error of its task.
    fn finish(&self, call: u64, line: &Line, read: &Envelope<'_>) {
        let Some(call) = self.calls.take(call) else { return };
        let unrelated = read.result.and_then(|result| task_call::unrelated(line.text(), result));
        let Some(unrelated) = unrelated.map(Line::from) else {
            return answer(call, line, read);
        };
        match message::parse(unrelated.text()) {
            Ok(read) => answer(call, &unrelated, &read),
            Err(_) => answer(call, line, read),
        }
    }

    /// Fails a call whose task has an unknown state.
    fn lose(&self, call: u64) {
        if let Some(call) = self.calls.take(call) {
            let server = &self.server;
            let why =
                format!("server \"{server}\" did not report the state of the task of this call");
            call.fail(error::INTERNAL, &why);
        }
    }
}
