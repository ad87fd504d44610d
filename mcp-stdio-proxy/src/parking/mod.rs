//! Calls of a legacy server that wait for input of a modern client: the call stays open, the client
//! gets the questions and a sealed state, and comes back with both (MCP "Multi Round-Trip Requests").

mod binding;
mod seal;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::child::Child;
use crate::protocol::{error, ids, splice};
use crate::stream::Stream;
use crate::translate::input::Question;
pub use binding::Binding;
pub use seal::Broken;
use seal::{Seal, Ticket};

/// Calls of one server that may wait at once.
const CALLS: usize = 256;
/// Calls of one user that may wait at once.
const CALLS_OF_A_USER: usize = 32;
/// What is remembered of calls that no longer wait, so that a client learns what became of its own.
const REMEMBERED: usize = 1024;

/// A call that waits.
pub struct Parked {
    /// The process.
    pub child: Arc<Child>,
    /// The id of the call at the process.
    pub call: u64,
    /// What the server wants to know.
    pub questions: Vec<Question>,
    /// Where the answer goes if it comes while the call waits.
    pub stream: Arc<Stream>,
    /// Whose call it is, and which.
    pub binding: Binding,
    /// Whether the process has not been sent the call yet: it had asked before.
    pub held: bool,
}

/// Why a call cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state is not one that can be taken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// What the client answers is no answer to what was asked.
    #[error("an answer in inputResponses does not fit what was asked")]
    Unfit,
    /// It was brought back before.
    #[error("this requestState was used before; send the request again without it")]
    Used,
    /// The call is no longer there.
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

/// The calls of one server that wait.
pub struct Parking {
    seal: Option<Seal>,
    patience: Duration,
    next: AtomicU64,
    lot: Mutex<Lot>,
}

impl Parking {
    /// Room for calls of `server`, each of which may wait for `patience`.
    #[must_use]
    pub fn new(server: &str, patience: Duration) -> Self {
        Self { seal: Seal::new(server), patience, next: AtomicU64::new(1), lot: Mutex::default() }
    }

    /// Lets `parked` wait; the state with which its client comes back. It is given back if there is no
    /// room.
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

    /// Takes the call that `state` is for, if `binding` is the one it was made for and `fits` says that
    /// its questions are answered as they can be. A state is good once.
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

    /// Returns the `requestState` of a server, as it is given to `principal`.
    pub fn bind(&self, principal: Option<&str>, state: &str) -> Option<String> {
        self.seal.as_ref()?.close_for(principal, state)
    }

    /// Returns the `requestState` of a server that `principal` was given as `state`.
    pub fn unbind(&self, principal: Option<&str>, state: &str) -> Result<String, Broken> {
        self.seal.as_ref().ok_or(Broken::Altered)?.open_for(principal, state)
    }

    /// Adds a question to the call of `child` that began to wait last, if it is of one user or the only
    /// one; whether there is such a call.
    pub fn add(&self, child: &Child, question: Question, of_one_user: bool) -> bool {
        let mut lot = self.lot.lock();
        let theirs = lot.waiting.iter_mut().filter(|(_, one)| one.parked.child.pid == child.pid);
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_unstable_by_key(|(number, _)| **number);
        let is_plain = of_one_user || theirs.len() == 1;
        let Some((_, waiting)) = theirs.pop().filter(|_| is_plain) else { return false };
        waiting.parked.questions.push(question);
        true
    }

    /// Takes back the question that `child` calls `id`.
    pub fn withdraw(&self, child: &Child, id: &str) {
        let mut lot = self.lot.lock();
        let theirs = lot.waiting.values_mut().filter(|one| one.parked.child.pid == child.pid);
        theirs.for_each(|one| one.parked.questions.retain(|question| !ids::same(&question.id, id)));
    }

    /// Gives up the calls that have waited too long, and forgets those whose process has ended.
    pub fn expire(&self) {
        let now = Instant::now();
        let over = |one: &Waiting| one.until <= now || !one.parked.child.is_live();
        let gone: Vec<Waiting> =
            self.lot.lock().waiting.extract_if(|_, one| over(one)).map(|(_, one)| one).collect();
        for one in gone {
            one.parked.give_up();
        }
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.lot.lock().waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Parked {
    /// Ends the call: its client has not come back.
    pub fn give_up(self) {
        // First, or the server would still answer a call that nobody waits for.
        if self.child.calls.take(self.call).is_some() && !self.held {
            self.child.cancel(self.call, "the client has not come back");
        }
        for question in &self.questions {
            refuse(&self.child, &question.id, error::INTERNAL, "the client has not answered");
        }
    }
}

/// Answers a question with an error, so that the server does not wait for ever.
pub fn refuse(child: &Child, id: &str, code: i32, why: &str) {
    child.post(splice::line(&error::answer(id, code, why), &mut []));
}
