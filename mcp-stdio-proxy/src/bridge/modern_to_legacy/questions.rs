//! Requests of a legacy server to modern clients. They are returned as the result of the call during which
//! they arise, and the call is suspended until its client retries (MCP "Multi Round-Trip Requests").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::bridge::ModernToLegacy;
use super::responses::lacking;
use crate::bridge::suspended::{Answers, Binding, SuspendedCall, refuse};
use crate::instances::key::Owner;
use crate::messages::error;
use crate::messages::message::Envelope;
use crate::messages::stream::Stream;
use crate::messages::translate::input::{Kind, Question, required};
use crate::messages::translate::task_call::related;
use crate::process::call::Addressee;

/// The time to collect further questions of a call, since servers may send several at once.
const COLLECTION: Duration = Duration::from_millis(10);

impl ModernToLegacy {
    /// Handles a question of the server.
    pub(super) fn ask(&self, kind: Kind, envelope: &Envelope<'_>) {
        // Servers reuse the ids of requests; the names of their questions must be unique.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (process, key) = (&self.connection.process, &self.connection.key);
        let refused = |why: &str| refuse(process, envelope.id, error::INTERNAL, why);
        if key.is_shared() {
            return refused("clients of a shared server accept no requests");
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let question = Question::new(kind, envelope.id, envelope.params, number);
        let calls = self.addressees(envelope);
        // The addressee is unknown, and the callers may be different people.
        if !self.has_one_user() && calls.len() > 1 {
            return refused(
                "several clients have requests in flight, and the intended one is unknown",
            );
        }
        let call = calls.into_iter().next();
        if let Some(missing) = kind.lacks(key.declared(), envelope.params.unwrap_or("{}")) {
            if let Some(call) = call {
                self.fail(&call, &missing);
            }
            return refused("the client has not declared that it can answer this");
        }
        match call {
            Some(call) => self.collect(&call, question),
            None => self.ask_suspended(question),
        }
    }

    fn has_one_user(&self) -> bool {
        self.connection.key.owner != Owner::Anonymous
    }

    /// Returns the calls that a question can belong to, the newest first.
    fn addressees(&self, envelope: &Envelope<'_>) -> Vec<Addressee> {
        let process = &self.connection.process;
        let mut calls = process.calls.addressees();
        calls.retain(|call| call.options.input.is_some());
        let task = envelope.params.and_then(related);
        if let Some(id) = task.and_then(|task| process.calls.tasks.call_of(task)) {
            calls.retain(|call| call.id == id);
        }
        calls
    }

    /// Fails a call that needs a capability that the client has not declared.
    fn fail(&self, call: &Addressee, missing: &Value) {
        let process = &self.connection.process;
        let Some(taken) = process.calls.take_of(call.id, &call.stream) else { return };
        process.cancel(call.id, "the client cannot answer");
        taken.stream.answer(lacking(&taken.id, missing).into());
    }

    /// Adds a question to the newest call that waits for a retry, if the process serves one user or this is its only
    /// such call. Otherwise queues it until a client sends a request whose response can carry it.
    fn ask_suspended(&self, question: Question) {
        let process = &self.connection.process;
        let is_ours =
            |one: &SuspendedCall| one.retry().is_some() && Arc::ptr_eq(&one.process, process);
        if !self.has_one_user() && self.suspended.count(is_ours) != 1 {
            return self.unasked.add(process, vec![question]);
        }
        let mut question = Some(question);
        self.suspended.change(is_ours, |one| one.questions.extend(question.take()));
        self.unasked.add(process, question.into_iter().collect());
    }

    /// Collects a question for a short time, in case more arrive.
    fn collect(&self, call: &Addressee, question: Question) {
        let (process, id) = (&self.connection.process, call.id);
        let mut question = Some(question);
        let is_collecting =
            |one: &SuspendedCall| matches!(one.answers, Answers::Collecting) && one.is(process, id);
        self.suspended.change(is_collecting, |one| one.questions.extend(question.take()));
        let Some(question) = question else { return };
        self.suspended.add(SuspendedCall {
            process: Arc::clone(process),
            call: id,
            questions: vec![question],
            answers: Answers::Collecting,
        });
        let bridge = self.me.clone();
        tokio::spawn(async move {
            tokio::time::sleep(COLLECTION).await;
            if let Some(bridge) = bridge.upgrade() {
                bridge.suspend_collected(id);
            }
        });
    }

    /// Answers the call `id` with the collected questions and suspends it.
    fn suspend_collected(&self, id: u64) {
        let process = &self.connection.process;
        let collected = self
            .suspended
            .take(|one| matches!(one.answers, Answers::Collecting) && one.is(process, id));
        if let Some(one) = collected.filter(|one| !one.questions.is_empty()) {
            self.suspend(id, one.questions, false);
        }
    }

    /// Answers the call `id`, which the process has not received yet, with the queued questions. Returns `false`
    /// if there are none.
    pub(super) fn ask_first(&self, id: u64) -> bool {
        let queued = self.unasked.take();
        let has_questions = !queued.is_empty();
        if has_questions {
            self.suspend(id, queued, true);
        }
        has_questions
    }

    fn suspend(&self, id: u64, questions: Vec<Question>, is_unsent: bool) {
        let process = &self.connection.process;
        let interim = Stream::answers(1);
        let Some(open) = process.calls.suspend(id, &interim) else {
            // The call was answered meanwhile, but the server is still waiting.
            return self.unasked.add(process, questions);
        };
        let user = self.connection.key.user.as_deref();
        let binding = Binding::new(user, &open.input.method, &open.input.params);
        let call = (Arc::clone(process), id);
        let asked = questions.clone();
        match self.suspended.suspend(call, questions, (binding, interim), is_unsent) {
            Ok(state) => {
                open.stream.answer(required(&open.id, &asked, Some(&state)).into());
            }
            Err(suspended) => {
                suspended.give_up();
                let why = "too many requests wait for their clients";
                open.stream.answer(error::answer(&open.id, error::INTERNAL, why).into());
            }
        }
    }

    /// Withdraws the question `id`, which the server has cancelled.
    pub(super) fn withdraw_question(&self, id: &str) {
        let process = &self.connection.process;
        self.unasked.withdraw(id);
        self.suspended.for_each(|one| {
            if Arc::ptr_eq(&one.process, process) && one.round().is_none() {
                one.withdraw(id);
            }
        });
    }
}
