//! Calls that are suspended until their client has answered questions of the server (MCP "Multi Round-Trip
//! Requests").

mod binding;
mod request_state;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::messages::json_edit::JsonEdit;
use crate::messages::stream::Stream;
use crate::messages::translate::input::Question;
use crate::messages::{error, ids};
use crate::process::Process;
pub(super) use binding::Binding;
use request_state::{InvalidState, RequestState, RequestStates};

/// The maximum number of calls per server that wait for a retry.
const CALLS: usize = 256;
/// The maximum number of calls per user that wait for a retry.
const CALLS_OF_A_USER: usize = 32;
/// The number of redeemed states that are remembered, so that a client learns why its state is rejected.
const REMEMBERED: usize = 1024;

/// A suspended call.
pub(super) struct SuspendedCall {
    /// The process that executes the call.
    pub(super) process: Arc<Process>,
    /// The id of the call at the process.
    pub(super) call: u64,
    /// The questions of the server.
    pub(super) questions: Vec<Question>,
    /// The way in which the client answers.
    pub(super) answers: Answers,
}

/// The way in which the client of a suspended call answers.
pub(super) enum Answers {
    /// The questions are being collected, to be asked together.
    Collecting,
    /// By a retry of the request, with the answers and a `requestState` (2026-07-28).
    Retry(Retry),
    /// By responses to requests on its stream (earlier revisions).
    Responses(Round),
}

/// The retry that a suspended call waits for.
pub(super) struct Retry {
    /// The user and the request of the call.
    pub(super) binding: Binding,
    /// The stream that receives a response that arrives while the call is suspended.
    pub(super) stream: Arc<Stream>,
    /// `true` if the process has not received the call yet, because its questions came first.
    pub(super) is_unsent: bool,
    /// The time at which the call fails.
    until: Instant,
}

/// The input round that a suspended call waits for.
pub(super) struct Round {
    /// The number of the session.
    pub(super) session: u64,
    /// The stream of the call.
    pub(super) stream: Arc<Stream>,
    /// The request as the server received it, except for its id and its progress token.
    pub(super) request: Arc<str>,
    /// The `requestState` of the server as JSON text.
    pub(super) state: Option<String>,
}

/// The reason why a call cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResumeError {
    /// The state is invalid.
    #[error(transparent)]
    State(#[from] InvalidState),
    /// The answers of the client do not match the questions.
    #[error("an answer in inputResponses does not fit what was asked")]
    Unfit,
    /// The state was redeemed before.
    #[error("this requestState was used before; send the request again without it")]
    Used,
    /// The call no longer exists.
    #[error("the call that this requestState is for has ended; send the request again without it")]
    Lost,
}

#[derive(Default)]
struct Store {
    calls: HashMap<u64, SuspendedCall>,
    /// The numbers of calls whose state was redeemed, the oldest first.
    used: VecDeque<u64>,
}

/// The suspended calls of one server.
pub(super) struct SuspendedCalls {
    states: RequestStates,
    timeout: Duration,
    next: AtomicU64,
    store: Mutex<Store>,
}

impl SuspendedCalls {
    /// Creates storage for the calls of `server`. Each may wait for a retry for `timeout`.
    pub(super) fn new(server: &str, timeout: Duration) -> Self {
        let states = RequestStates::new(server);
        Self { states, timeout, next: AtomicU64::new(1), store: Mutex::default() }
    }

    /// Returns the seal of the request states of the server.
    pub(super) fn states(&self) -> &RequestStates {
        &self.states
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a call that does not wait for a retry yet.
    pub(super) fn add(&self, call: SuspendedCall) {
        let number = self.number();
        self.store.lock().calls.insert(number, call);
    }

    /// Applies `change` to the newest call for which `is_meant` returns `true`.
    pub(super) fn change<R>(
        &self,
        is_meant: impl Fn(&SuspendedCall) -> bool,
        change: impl FnOnce(&mut SuspendedCall) -> R,
    ) -> Option<R> {
        let mut store = self.store.lock();
        let meant = store.calls.iter_mut().filter(|(_, call)| is_meant(call));
        meant.max_by_key(|(number, _)| **number).map(|(_, call)| change(call))
    }

    /// Calls `each` with all calls.
    pub(super) fn for_each(&self, mut each: impl FnMut(&mut SuspendedCall)) {
        self.store.lock().calls.values_mut().for_each(&mut each);
    }

    /// Returns the number of calls for which `is_meant` returns `true`.
    pub(super) fn count(&self, is_meant: impl Fn(&SuspendedCall) -> bool) -> usize {
        self.store.lock().calls.values().filter(|call| is_meant(call)).count()
    }

    /// Removes a call for which `is_meant` returns `true`, and returns it.
    pub(super) fn take(&self, is_meant: impl Fn(&SuspendedCall) -> bool) -> Option<SuspendedCall> {
        self.store.lock().calls.extract_if(|_, call| is_meant(call)).next().map(|(_, call)| call)
    }

    /// Suspends a call until its client retries. Returns the state for the client, or the call itself if a limit is
    /// reached.
    pub(super) fn suspend(
        &self,
        (process, call): (Arc<Process>, u64),
        questions: Vec<Question>,
        (binding, stream): (Binding, Arc<Stream>),
        is_unsent: bool,
    ) -> Result<String, Box<SuspendedCall>> {
        let number = self.number();
        let until = Instant::now() + self.timeout;
        let retry = Retry { binding, stream, is_unsent, until };
        let suspended = SuspendedCall { process, call, questions, answers: Answers::Retry(retry) };
        let state = RequestState::new(number, self.timeout, binding);
        let Some(state) = self.states.seal(&state) else { return Err(suspended.into()) };
        let mut store = self.store.lock();
        let retries = || store.calls.values().filter_map(SuspendedCall::retry);
        let theirs = retries().filter(|one| one.binding.is_of_same_user(&binding));
        if theirs.count() >= CALLS_OF_A_USER || retries().count() >= CALLS {
            return Err(suspended.into());
        }
        store.calls.insert(number, suspended);
        Ok(state)
    }

    /// Removes and returns the call for the sealed `state`, if `binding` matches and `fits` accepts the answers to
    /// its questions. A state can be redeemed only once.
    pub(super) fn redeem(
        &self,
        state: &str,
        binding: &Binding,
        fits: impl FnOnce(&[Question]) -> bool,
    ) -> Result<SuspendedCall, ResumeError> {
        let state = self.states.open(state)?;
        state.check(binding)?;
        let mut store = self.store.lock();
        let Some(call) = store.calls.remove(&state.number) else {
            let is_used = store.used.contains(&state.number);
            return Err(if is_used { ResumeError::Used } else { ResumeError::Lost });
        };
        if !fits(&call.questions) {
            store.calls.insert(state.number, call);
            return Err(ResumeError::Unfit);
        }
        store.used.push_back(state.number);
        if store.used.len() > REMEMBERED {
            store.used.pop_front();
        }
        Ok(call)
    }

    /// Fails the calls whose client has not retried in time, and drops those that have ended otherwise.
    pub(super) fn expire(&self) {
        let now = Instant::now();
        let is_over = |call: &SuspendedCall| {
            !call.process.is_live()
                || match &call.answers {
                    Answers::Retry(retry) => retry.until <= now,
                    Answers::Collecting => false,
                    Answers::Responses(_) => !call.process.calls.has(call.call),
                }
        };
        let mut store = self.store.lock();
        let over: Vec<_> = store.calls.extract_if(|_, call| is_over(call)).collect();
        drop(store);
        for (_, call) in over {
            call.give_up();
        }
    }
}

impl SuspendedCall {
    /// Returns the retry that the call waits for, if it does.
    pub(super) fn retry(&self) -> Option<&Retry> {
        if let Answers::Retry(retry) = &self.answers { Some(retry) } else { None }
    }

    /// Returns the input round that the call waits for, if it does.
    pub(super) fn round(&self) -> Option<&Round> {
        if let Answers::Responses(round) = &self.answers { Some(round) } else { None }
    }

    /// Returns `true` if this is the call `call` of `process`.
    pub(super) fn is(&self, process: &Arc<Process>, call: u64) -> bool {
        self.call == call && Arc::ptr_eq(&self.process, process)
    }

    /// Fails a call whose client has not retried in time. The questions of the server get errors, so that it does
    /// not wait indefinitely. A call that waits for responses fails by its own timeout.
    pub(super) fn give_up(self) {
        let Answers::Retry(retry) = &self.answers else { return };
        // The call is removed first, since the server would otherwise answer it.
        if self.process.calls.take(self.call).is_some() && !retry.is_unsent {
            self.process.cancel(self.call, "the client has not answered in time");
        }
        for question in &self.questions {
            refuse(&self.process, &question.id, error::INTERNAL, "the client has not answered");
        }
    }

    /// Removes the question with the id `id` of the server.
    pub(super) fn withdraw(&mut self, id: &str) {
        self.questions.retain(|question| !ids::same(&question.id, id));
    }
}

/// Answers a question with an error, so that the server does not wait indefinitely.
pub(super) fn refuse(process: &Process, id: &str, code: i32, why: &str) {
    process.post(JsonEdit::of(&error::answer(id, code, why)).input());
}
