//! The calls of modern clients that are tasks of a legacy server, with the last request about each task (2025-11-25
//! "Tasks"). A call stays in flight under its id, so that timeouts, progress and questions of the server
//! apply to it.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::messages::line::Line;

/// The number of entries from which on those of calls that have ended are removed.
const MANY: usize = 256;

/// The calls of one process that are, or may become, tasks. Each has at most one request at the server.
#[derive(Default)]
pub struct TaskCalls(Mutex<HashMap<u64, TaskCall>>);

/// A call and its task. The map has it under the id of the last request that was sent for it.
pub(super) struct TaskCall {
    /// The id of the call.
    pub(super) call: u64,
    /// `true` if the server supports `tasks/cancel`.
    pub(super) may_cancel: bool,
    pub(super) step: Step,
}

/// The last request that was sent for a call, with the id of the task as JSON text.
pub(super) enum Step {
    /// The call itself. If the server does not know the method, this request is sent instead, which creates a task.
    Plain(Line),
    /// The call as a request that creates a task.
    Creating,
    /// The call as a request that creates a task, after the call was cancelled.
    Cancelled,
    /// `tasks/get`, to be sent after the poll interval.
    Pausing(Box<str>),
    /// `tasks/get`.
    Polling(Box<str>),
    /// `tasks/result`.
    Fetching(Box<str>),
}

impl Step {
    fn task(&self) -> Option<&str> {
        match self {
            Self::Pausing(task) | Self::Polling(task) | Self::Fetching(task) => Some(task),
            Self::Plain(_) | Self::Creating | Self::Cancelled => None,
        }
    }
}

/// The way to cancel the task of a call.
pub(super) enum Cancellation {
    /// The call is no task.
    NoTask,
    /// The id of the task is not known yet. The task is cancelled once it is.
    Later,
    /// The task has this id, as JSON text.
    Now { task: Box<str>, may_cancel: bool },
}

impl TaskCalls {
    /// Registers the last request that was sent for a call. Entries of calls that are not in flight, as `is_open` tells,
    /// are removed when there are many.
    pub(super) fn insert(&self, request: u64, one: TaskCall, is_open: impl Fn(u64) -> bool) {
        let mut all = self.0.lock();
        if all.len() >= MANY {
            all.retain(|_, one| is_open(one.call));
        }
        all.insert(request, one);
    }

    /// Removes the call that waits for the answer to `request`, and returns it.
    pub(super) fn remove(&self, request: u64) -> Option<TaskCall> {
        let mut all = self.0.lock();
        // Hashing costs more than the usual case of no tasks.
        if all.is_empty() { None } else { all.remove(&request) }
    }

    /// Returns the id of the call whose task has the id `task`, as JSON text.
    pub fn call_of(&self, task: &str) -> Option<u64> {
        let all = self.0.lock();
        all.values().find(|one| one.step.task() == Some(task)).map(|one| one.call)
    }

    /// Removes the call `call`, which is cancelled, unless the id of its task is not known yet.
    pub(super) fn begin_cancel(&self, call: u64) -> Cancellation {
        let mut all = self.0.lock();
        let found = all.iter().find(|(_, one)| one.call == call).map(|(request, _)| *request);
        let Some((request, one)) = found.and_then(|id| Some((id, all.remove(&id)?))) else {
            return Cancellation::NoTask;
        };
        match one.step {
            Step::Plain(_) => Cancellation::NoTask,
            Step::Creating | Step::Cancelled => {
                all.insert(request, TaskCall { step: Step::Cancelled, ..one });
                Cancellation::Later
            }
            Step::Pausing(task) | Step::Polling(task) | Step::Fetching(task) => {
                Cancellation::Now { task, may_cancel: one.may_cancel }
            }
        }
    }

    /// Records that the poll interval of the task registered under `request` is over. Returns the id of its call, and that
    /// of the task as JSON text. Returns `None` if the call has ended meanwhile.
    pub(super) fn begin_poll(&self, request: u64) -> Option<(u64, Box<str>)> {
        let mut all = self.0.lock();
        let one = all.get_mut(&request)?;
        let Step::Pausing(task) = &one.step else { return None };
        let task = task.clone();
        one.step = Step::Polling(task.clone());
        Some((one.call, task))
    }
}
