//! Requests of a legacy server to modern clients. They are returned as the result of the call during which
//! they arise, and the call is suspended until its client retries (MCP "Multi Round-Trip Requests").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::unasked::Unasked;
use super::{Owner, ServerInstance};
use crate::messages::error;
use crate::messages::ids;
use crate::messages::message::Envelope;
use crate::messages::stream::Stream;
use crate::messages::translate::input::{Kind, Question, required};
use crate::messages::translate::task_call::related;
use crate::parking::{Binding, Parked, refuse};
use crate::process::Process;
use crate::process::call::Addressee;

/// The time to collect further questions of a call, since servers may send several at once.
const BREATH: Duration = Duration::from_millis(10);

/// The maximum number of questions that wait for a client request, per instance.
const UNASKED: usize = 32;

impl ServerInstance {
    /// Handles a question of the server.
    pub(super) fn question(&self, process: &Arc<Process>, kind: Kind, envelope: &Envelope<'_>) {
        // Servers reuse the ids of requests; the names of their questions must be unique.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let refused = |why: &str| refuse(process, envelope.id, error::INTERNAL, why);
        if self.is_shared() {
            return refused("clients of a shared server accept no requests");
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let question = Question::new(kind, envelope.id, envelope.params, number);
        let mut calls = process.calls.addressees();
        calls.retain(|call| call.options.input.is_some());
        let task = envelope.params.and_then(related);
        if let Some(id) = task.and_then(|task| process.calls.tasks.call_of(task)) {
            calls.retain(|call| call.id == id);
        }
        // The addressee is unknown, and the callers may be different people.
        let of_one_user = self.owner != Owner::Anonymous;
        if !of_one_user && calls.len() > 1 {
            return refused(
                "several clients have requests in flight, and the intended one is unknown",
            );
        }
        let call = calls.into_iter().next();
        let declared = self.initialize.as_ref().map_or("{}", |initialize| &initialize.capabilities);
        if let Some(missing) = kind.lacks(declared, envelope.params.unwrap_or("{}")) {
            if let Some(call) = call {
                fail(process, &call, &missing);
            }
            return refused("the client has not declared that it can answer this");
        }
        match call {
            Some(call) => self.gather(process, &call, question),
            None if self.server.parking.add(process, question.clone(), of_one_user) => {}
            None => self.keep_questions(process, vec![question]),
        }
    }

    /// Queues questions until a client sends a request whose response can carry them.
    fn keep_questions(&self, process: &Process, questions: Vec<Question>) {
        let mut unasked = self.to_legacy.unasked.lock();
        for question in questions {
            if unasked.len() >= UNASKED {
                let why = "too many questions wait for a client";
                refuse(process, &question.id, error::INTERNAL, why);
            } else {
                unasked.push(Unasked { question, pid: process.pid, since: Instant::now() });
            }
        }
    }

    /// Answers the call `id`, which `process` has not received yet, with the queued questions. Returns `false`
    /// if there are none.
    pub fn ask_first(&self, process: &Arc<Process>, id: u64) -> bool {
        let waiting: Vec<_> = {
            let mut unasked = self.to_legacy.unasked.lock();
            unasked.extract_if(.., |one| one.pid == process.pid).map(|one| one.question).collect()
        };
        if waiting.is_empty() {
            return false;
        }
        self.park_with(process, id, waiting, true);
        true
    }

    /// Answers the questions that have waited for a client for `patience` with an error.
    pub(super) fn expire_questions(&self, process: &Process, patience: Duration) {
        let overdue = |one: &mut Unasked| one.since.elapsed() > patience;
        let expired: Vec<_> = self.to_legacy.unasked.lock().extract_if(.., overdue).collect();
        for one in expired {
            refuse(process, &one.question.id, error::INTERNAL, "no client has answered");
        }
    }

    /// Drops the pending requests and questions of a process that has ended.
    pub(super) fn forget_questions(&self) {
        self.same_era.asks.lock().clear();
        self.to_legacy.unasked.lock().clear();
    }

    /// Collects a question for a short time, in case more arrive.
    fn gather(&self, process: &Arc<Process>, call: &Addressee, question: Question) {
        let mut gathered = self.to_legacy.gathered.lock();
        let questions = gathered.entry((process.pid, call.id)).or_default();
        questions.push(question);
        if questions.len() > 1 {
            return;
        }
        let (instance, process, call) = (self.me.clone(), Arc::clone(process), call.id);
        tokio::spawn(async move {
            tokio::time::sleep(BREATH).await;
            if let Some(instance) = instance.upgrade() {
                instance.park(&process, call);
            }
        });
    }

    /// Answers the call with the collected questions and suspends it.
    fn park(&self, process: &Arc<Process>, call: u64) {
        let questions =
            self.to_legacy.gathered.lock().remove(&(process.pid, call)).unwrap_or_default();
        if !questions.is_empty() {
            self.park_with(process, call, questions, false);
        }
    }

    fn park_with(&self, process: &Arc<Process>, call: u64, questions: Vec<Question>, held: bool) {
        let holding = Stream::answers(1);
        let Some(open) = process.calls.park(call, &holding) else {
            // The call was answered meanwhile, but the server is still waiting.
            return self.keep_questions(process, questions);
        };
        let user = self.user.as_deref();
        let binding = Binding::new(user, &open.input.method, &open.input.params);
        let asking = questions.clone();
        let process = Arc::clone(process);
        let parked = Parked { process, call, questions, stream: holding, binding, held };
        match self.server.parking.park(parked) {
            Ok(state) => {
                open.stream.answer(required(&open.id, &asking, Some(&state)).into());
            }
            Err(parked) => {
                parked.give_up();
                let why = "too many requests wait for their clients";
                open.stream.answer(error::answer(&open.id, error::INTERNAL, why).into());
            }
        }
    }

    /// Withdraws the request `id`, which the server has cancelled.
    pub(super) fn withdraw_question(&self, process: &Process, id: &str) {
        for ((pid, _), questions) in self.to_legacy.gathered.lock().iter_mut() {
            if *pid == process.pid {
                questions.retain(|question| !ids::same(&question.id, id));
            }
        }
        self.to_legacy
            .unasked
            .lock()
            .retain(|one| one.pid != process.pid || !ids::same(&one.question.id, id));
        self.server.parking.withdraw(process, id);
    }
}

/// Fails a call that needs a capability that the client has not declared.
fn fail(process: &Process, call: &Addressee, missing: &Value) {
    let Some(taken) = process.calls.take_of(call.id, &call.stream) else { return };
    process.cancel(call.id, "the client cannot answer");
    taken.stream.answer(lacking(&taken.id, missing).into());
}

/// Returns the error for a missing capability. "If processing a request requires a capability the client did
/// not include in `io.modelcontextprotocol/clientCapabilities`, the server MUST return" this.
pub(super) fn lacking(id: &str, missing: &Value) -> String {
    let why = "the server needs a capability that the client has not declared";
    let data = json!({ "requiredCapabilities": missing });
    error::answer_with(id, error::MISSING_CAPABILITY, why, &data)
}
