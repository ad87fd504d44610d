//! Calls of a legacy server that are suspended for input of a modern client. The client receives the
//! questions with a sealed state, and retries with answers and state (MCP "Multi Round-Trip Requests").

mod binding;
mod seal;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::messages::stream::Stream;
use crate::messages::translate::input::Question;
use crate::messages::{error, ids, splice};
use crate::process::Process;
pub use binding::Binding;
pub use seal::Broken;
use seal::{Seal, Ticket};

/// The maximum number of suspended calls per server.
const CALLS: usize = 256;
/// The maximum number of suspended calls per user.
const CALLS_OF_A_USER: usize = 32;
/// The number of redeemed states that are remembered, so that a client learns why its state is rejected.
const REMEMBERED: usize = 1024;

/// A suspended call.
pub struct Parked {
    /// The process that executes the call.
    pub process: Arc<Process>,
    /// The id of the call at the process.
    pub call: u64,
    /// The questions of the server.
    pub questions: Vec<Question>,
    /// The stream that receives a response that arrives while the call is suspended.
    pub stream: Arc<Stream>,
    /// The user and the request of the call.
    pub binding: Binding,
    /// `true` if the process has not received the call yet, because its questions came first.
    pub held: bool,
}

/// The reason why a call cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state is invalid.
    #[error(transparent)]
    Broken(#[from] Broken),
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

struct Waiting {
    parked: Parked,
    until: Instant,
}

#[derive(Default)]
struct Lot {
    waiting: HashMap<u64, Waiting>,
    used: VecDeque<u64>,
}

/// The suspended calls of one server.
pub struct Parking {
    seal: Option<Seal>,
    patience: Duration,
    next: AtomicU64,
    lot: Mutex<Lot>,
}

impl Parking {
    /// Creates storage for the calls of `server`, each of which may be suspended for `patience`.
    #[must_use]
    pub fn new(server: &str, patience: Duration) -> Self {
        Self { seal: Seal::new(server), patience, next: AtomicU64::new(1), lot: Mutex::default() }
    }

    /// Suspends `parked` and returns the state for its client. Returns the call itself if a limit is reached.
    pub fn park(&self, parked: Parked) -> Result<String, Parked> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let until = Instant::now() + self.patience;
        let ticket = Ticket::new(number, self.patience, parked.binding);
        let Some(state) = self.seal.as_ref().and_then(|seal| seal.close(&ticket)) else {
            return Err(parked);
        };
        let mut lot = self.lot.lock();
        let whose = parked.binding.principal;
        let theirs = lot.waiting.values().filter(|one| one.parked.binding.principal == whose);
        if lot.waiting.len() >= CALLS || theirs.count() >= CALLS_OF_A_USER {
            return Err(parked);
        }
        lot.waiting.insert(number, Waiting { parked, until });
        Ok(state)
    }

    /// Removes and returns the call for `state`, if `binding` matches and `fits` accepts the answers to its
    /// questions. A state can be redeemed only once.
    pub fn redeem(
        &self,
        state: &str,
        binding: &Binding,
        fits: impl FnOnce(&[Question]) -> bool,
    ) -> Result<Parked, Refused> {
        let seal = self.seal.as_ref().ok_or(Refused::Broken(Broken::Altered))?;
        let ticket = seal.open(state)?;
        ticket.check(binding)?;
        let mut lot = self.lot.lock();
        let Some(waiting) = lot.waiting.remove(&ticket.number) else {
            let used = lot.used.contains(&ticket.number);
            return Err(if used { Refused::Used } else { Refused::Lost });
        };
        if !fits(&waiting.parked.questions) {
            lot.waiting.insert(ticket.number, waiting);
            return Err(Refused::Unfit);
        }
        lot.used.push_back(ticket.number);
        if lot.used.len() > REMEMBERED {
            lot.used.pop_front();
        }
        Ok(waiting.parked)
    }

    /// Seals the `requestState` of a server for `principal`.
    pub fn bind(&self, principal: Option<&str>, state: &str) -> Option<String> {
        self.seal.as_ref()?.close_for(principal, state)
    }

    /// Returns the `requestState` of a server that was sealed for `principal` as `state`.
    pub fn unbind(&self, principal: Option<&str>, state: &str) -> Result<String, Broken> {
        self.seal.as_ref().ok_or(Broken::Altered)?.open_for(principal, state)
    }

    /// Adds a question to the most recently suspended call of `process`, if the process serves one user or this
    /// is its only call. Returns `true` if there was such a call.
    pub fn add(&self, process: &Process, question: Question, of_one_user: bool) -> bool {
        let mut lot = self.lot.lock();
        let theirs =
            lot.waiting.iter_mut().filter(|(_, one)| one.parked.process.pid == process.pid);
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_unstable_by_key(|(number, _)| **number);
        let is_plain = of_one_user || theirs.len() == 1;
        let Some((_, waiting)) = theirs.pop().filter(|_| is_plain) else { return false };
        waiting.parked.questions.push(question);
        true
    }

    /// Withdraws the question with the id `id` of `process`.
    pub fn withdraw(&self, process: &Process, id: &str) {
        let mut lot = self.lot.lock();
        let theirs = lot.waiting.values_mut().filter(|one| one.parked.process.pid == process.pid);
        theirs.for_each(|one| one.parked.questions.retain(|question| !ids::same(&question.id, id)));
    }

    /// Fails the calls whose time is over, and drops those whose process has ended.
    pub fn expire(&self) {
        let now = Instant::now();
        let over = |one: &Waiting| one.until <= now || !one.parked.process.is_live();
        let gone: Vec<Waiting> =
            self.lot.lock().waiting.extract_if(|_, one| over(one)).map(|(_, one)| one).collect();
        for one in gone {
            one.parked.give_up();
        }
    }

    /// Returns the number of suspended calls.
    pub fn len(&self) -> usize {
        self.lot.lock().waiting.len()
    }

    /// Returns `true` if no call is suspended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Parked {
    /// Fails the call, because its client has not retried in time.
    pub fn give_up(self) {
        // The call is removed first, since the server would otherwise answer it.
        if self.process.calls.take(self.call).is_some() && !self.held {
            self.process.cancel(self.call, "the client has not answered in time");
        }
        for question in &self.questions {
            refuse(&self.process, &question.id, error::INTERNAL, "the client has not answered");
        }
    }
}

/// Answers a question with an error, so that the server does not wait indefinitely.
pub fn refuse(process: &Process, id: &str, code: i32, why: &str) {
    process.post(splice::line(&error::answer(id, code, why), &mut []));
}
