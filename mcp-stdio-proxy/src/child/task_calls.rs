//! Calls of modern clients that a legacy server runs as tasks (2025-11-25 "Tasks"). A call stays in flight under its
//! id, so that its time, its progress and questions of the server find it; the requests about its task are
//! registered here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Child;
use super::reader::answer;
use crate::protocol::error;
use crate::protocol::message::{self, Envelope};
use crate::translate::task_call::{self, Next};

/// From so many on, those that no call waits for are forgotten.
const MANY: usize = 256;

/// The calls of one process that are, or may become, tasks. Each has at most one request at the server.
#[derive(Default)]
pub(super) struct TaskCalls(Mutex<HashMap<u64, TaskCall>>);

/// A call, under the id of the last request that was sent for it.
struct TaskCall {
    /// The id of the call.
    call: u64,
    /// Whether the server takes `tasks/cancel`.
    may_cancel: bool,
    step: Step,
}

/// The last request that was sent for a call. The text is that of the id of the task.
enum Step {
    /// The call itself. If the server refuses it as an unknown method, this line is sent, which makes a task.
    Plain(Bytes),
    /// The one that makes a task.
    Making,
    /// The same, and the call was cancelled meanwhile.
    Cancelled,
    /// `tasks/get`, which was answered; it is sent again later.
    Pausing(Box<str>),
    /// `tasks/get`.
    Asking(Box<str>),
    /// `tasks/result`.
    Fetching(Box<str>),
}

impl Step {
    fn task(&self) -> Option<&str> {
        match self {
            Self::Pausing(task) | Self::Asking(task) | Self::Fetching(task) => Some(task),
            Self::Plain(_) | Self::Making | Self::Cancelled => None,
        }
    }
}

impl Child {
    /// Notes that the call `call` is about to be sent as a task.
    pub fn make_task(&self, call: u64, may_cancel: bool) {
        self.note_task(call, TaskCall { call, may_cancel, step: Step::Making });
    }

    /// Notes that the call `call` is about to be sent, and `again`, which makes a task, if the server does not know
    /// the method: it has not run the tool then.
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

    /// Returns the id of the call whose task is `task`, the text of its id.
    pub fn call_of_task(&self, task: &str) -> Option<u64> {
        let all = self.task_calls.0.lock();
        all.values().find(|one| one.step.task() == Some(task)).map(|one| one.call)
    }

    /// Tells the server that the result of the call `call` is not wanted, if that is a task: "the `tasks/cancel`
    /// request MUST be used instead". Returns `false` if it is none.
    pub(super) fn cancel_task(&self, call: u64) -> bool {
        let mut all = self.task_calls.0.lock();
        let found = all.iter().find(|(_, one)| one.call == call).map(|(request, _)| *request);
        let Some(one) = found.and_then(|request| all.remove(&request)) else { return false };
        match one.step {
            Step::Plain(_) => return false,
            Step::Making | Step::Cancelled => {
                // The task has no name yet.
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
            self.post(task_call::request(self.calls.next_id(), "tasks/cancel", task));
        }
    }

    /// Takes the answer to the request `id` if it is about a task. Returns `false` if it is not, or is the answer to
    /// the call `id` itself.
    pub(super) fn take_of_task(
        self: &Arc<Self>,
        id: u64,
        line: &Bytes,
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
                // It was refused, or done at once.
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
            // It was answered before.
            step @ Step::Pausing(_) => {
                self.note_task(id, TaskCall { step, ..one });
            }
        }
        true
    }

    /// Sends the call that the server refused once more, as a task.
    fn make_again(&self, call: u64, again: &Bytes, may_cancel: bool) {
        let id = self.calls.next_id();
        let text = std::str::from_utf8(again).unwrap_or_default();
        let Some(line) = task_call::renumbered(text, id) else { return self.lose(call) };
        self.note_task(id, TaskCall { call, may_cancel, step: Step::Making });
        self.post(line);
        self.end_if_left(call);
    }

    fn go_on(self: &Arc<Self>, call: u64, task: Box<str>, next: Next, may_cancel: bool) {
        let id = self.calls.next_id();
        match next {
            Next::Result => {
                let line = task_call::request(id, "tasks/result", &task);
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

    /// Asks for the state of the task registered under `id` after `interval`, unless the call ends before.
    fn ask_later(self: &Arc<Self>, id: u64, interval: Duration) {
        let child = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(interval).await;
            let Some(child) = child.upgrade().filter(|child| child.is_live()) else { return };
            let request = {
                let mut all = child.task_calls.0.lock();
                let Some(one) = all.get_mut(&id) else { return };
                let Step::Pausing(task) = &one.step else { return };
                let request = task_call::request(id, "tasks/get", task);
                one.step = Step::Asking(task.clone());
                (request, one.call)
            };
            // It may have ended without being cancelled.
            if child.calls.has(request.1) {
                child.post(request.0);
            } else {
                child.cancel_task(request.1);
            }
        });
    }

    /// Cancels the task of a call that was ended while its answer was taken.
    fn end_if_left(&self, call: u64) {
        if !self.calls.has(call) {
            self.cancel_task(call);
        }
    }

    /// Answers the call with what its task has come to.
    fn finish(&self, call: u64, line: &Bytes, read: &Envelope<'_>) {
        let Some(call) = self.calls.take(call) else { return };
        let text = std::str::from_utf8(line).unwrap_or_default();
        let unrelated = read.result.and_then(|result| task_call::unrelated(text, result));
        let Some(unrelated) = unrelated.map(Bytes::from) else {
            return answer(call, line, read);
        };
        match message::parse(std::str::from_utf8(&unrelated).unwrap_or_default()) {
            Ok(read) => answer(call, &unrelated, &read),
            Err(_) => answer(call, line, read),
        }
    }

    /// Ends a call whose task the server does not tell of.
    fn lose(&self, call: u64) {
        if let Some(call) = self.calls.take(call) {
            let server = &self.server;
            let why =
                format!("server \"{server}\" does not tell what became of the task of this call");
            call.fail(error::INTERNAL, &why);
        }
    }
}
