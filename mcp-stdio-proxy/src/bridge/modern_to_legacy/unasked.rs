//! Questions of the server that no call in flight can carry.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::messages::error;
use crate::messages::ids;
use crate::messages::translate::input::Question;
use crate::process::Process;

use crate::bridge::suspended::refuse;

/// The maximum number of questions that wait for a client request, per instance.
const UNASKED: usize = 32;

/// The questions that wait for a client request, with the time of each.
#[derive(Default)]
pub(super) struct Unasked(Mutex<Vec<(Question, Instant)>>);

impl Unasked {
    /// Queues questions of `process`. Those beyond the limit are refused.
    pub(super) fn add(&self, process: &Process, questions: Vec<Question>) {
        let mut queue = self.0.lock();
        for question in questions {
            if queue.len() >= UNASKED {
                let why = "too many questions wait for a client";
                refuse(process, &question.id, error::INTERNAL, why);
            } else {
                queue.push((question, Instant::now()));
            }
        }
    }

    /// Removes all questions and returns them.
    pub(super) fn take(&self) -> Vec<Question> {
        self.0.lock().drain(..).map(|(question, _)| question).collect()
    }

    /// Removes the question with the id `id` of the server.
    pub(super) fn withdraw(&self, id: &str) {
        self.0.lock().retain(|(question, _)| !ids::same(&question.id, id));
    }

    /// Answers the questions that have waited for `timeout` with an error.
    pub(super) fn expire(&self, process: &Process, timeout: Duration) {
        let is_overdue = |(_, since): &mut (Question, Instant)| since.elapsed() > timeout;
        let expired: Vec<_> = self.0.lock().extract_if(.., is_overdue).collect();
        for (question, _) in expired {
            refuse(process, &question.id, error::INTERNAL, "no client has answered");
        }
    }
}
