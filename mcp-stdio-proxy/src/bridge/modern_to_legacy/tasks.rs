//! Calls of modern clients to tools that a legacy server runs only as tasks. The proxy creates the task and answers the
//! call with its result (2025-11-25 "Tasks").

use std::time::Duration;

use bytes::Bytes;

use super::bridge::ModernToLegacy;
use crate::messages::message::{self, Envelope};
use crate::messages::object::may_say;
use crate::messages::translate::request as requests;
use crate::messages::translate::task_call::{self, CALLS, CANCEL};
use crate::process::submit;
use crate::process::time::MAXIMUM_FACTOR;

/// The maximum time that a server is asked to keep a task. The timers of Node.js overflow at 25 days.
const LONGEST_TTL: Duration = Duration::from_hours(24);

impl ModernToLegacy {
    /// Returns the request `text` as it is sent to the process under the id `id`: without what only 2026-07-28 has, and
    /// as a request that creates a task if the tool needs one. If that is unknown, the error of the server decides.
    pub(super) fn request(&self, id: u64, text: &str, read: &Envelope<'_>) -> Bytes {
        let token = read.params.and_then(message::asked_progress);
        let edit = requests::to_legacy(text, read);
        let line = submit::renumbered(edit, (read.id, token), id);
        if read.method != "tools/call" || !self.runs_tools_as_tasks() {
            return line;
        }
        let name = read.params.and_then(message::tool_name).unwrap_or_default();
        let need = self.tools.task_tools().and_then(|tools| tools.need(&name));
        let task = || task_call::as_task(&line, self.task_ttl());
        let Some(task) = (need != Some(false)).then(task).flatten() else { return line };
        let (process, may_cancel) = (&self.connection.process, self.connection.info.offers(CANCEL));
        if need == Some(true) {
            process.calls.tasks.add(process, id, may_cancel);
            return task;
        }
        process.calls.tasks.add_if_refused(process, id, &task, may_cancel);
        line
    }

    /// Returns `true` if the server has declared that it runs tools as tasks.
    fn runs_tools_as_tasks(&self) -> bool {
        let info = &self.connection.info;
        may_say(&info.capabilities, "tasks") && info.offers(CALLS)
    }

    /// Returns the time for which the server is asked to keep a task. It is longer than a call may take, even with
    /// questions to the client.
    fn task_ttl(&self) -> Duration {
        let longest =
            self.connection.request_timeout.map(|one| one.saturating_mul(2 * MAXIMUM_FACTOR));
        longest.unwrap_or(LONGEST_TTL).clamp(Duration::from_mins(1), LONGEST_TTL)
    }
}
