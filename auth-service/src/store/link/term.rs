//! The term of a master: the time for which one node is known as the master.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::RedisError;
use tokio::sync::Notify;

use super::{
    node::Address,
    quorum::Quorum,
    replication::{Effect, Replicas},
    sentinels::Survey,
};

/// The time for which the answer of the Sentinels is used without asking again.
const FRESH: Duration = Duration::from_secs(1);

/// The time for which a replica that the Sentinels considered away need not confirm writes.
const CURRENT: Duration = Duration::from_secs(2);

/// The error codes of a node that is not a usable master (any more).
const NOT_A_MASTER: [&str; 3] = ["READONLY", "MASTERDOWN", "LOADING"];

/// The current term, and what is known about its master.
#[derive(Default)]
pub(in crate::store) struct CurrentTerm {
    state: Mutex<State>,
    doubted: Notify,
}

/// The place of the master in one term.
#[derive(Clone)]
pub(super) struct Place {
    /// The address of the master, unless the URL names it.
    pub(super) address: Option<Address>,
    /// The number of the term.
    pub(super) term: u64,
}

#[derive(Default)]
struct State {
    /// The number of terms so far.
    term: u64,
    address: Option<Address>,
    epoch: u64,
    /// The time at which the Sentinels were asked. `None` if their answer is in doubt.
    asked: Option<Instant>,
    /// The time at which a majority of the Sentinels was asked about the replicas.
    surveyed: Option<Instant>,
    replicas: Replicas,
    /// The end of the time for which a majority has confirmed the master of this term.
    confirmed: Option<Instant>,
}

impl CurrentTerm {
    /// Returns the number of the term.
    pub(super) fn number(&self) -> u64 {
        self.state.lock().term
    }

    /// Returns the place of the master as far as it is known.
    pub(super) fn place(&self) -> Place {
        self.state.lock().place()
    }

    /// Returns the place of the master if the Sentinels were asked about it lately.
    pub(super) fn fresh_place(&self) -> Option<Place> {
        let state = self.state.lock();
        state.asked.is_some_and(|asked| asked.elapsed() < FRESH).then(|| state.place())
    }

    /// Returns the place of the master if the Sentinels were asked about it since `since`.
    pub(super) fn place_since(&self, since: Instant) -> Option<Place> {
        let state = self.state.lock();
        state.asked.is_some_and(|asked| asked >= since).then(|| state.place())
    }

    /// Notes an answer of the Sentinels, who were asked at `asked`. Another master begins another term.
    pub(super) fn learn(&self, survey: &Survey, asked: Instant) {
        let mut state = self.state.lock();
        state.asked = Some(asked);
        // A minority that is cut off may still name the master from before.
        if survey.epoch < state.epoch && !survey.is_of_majority() {
            return;
        }
        state.epoch = survey.epoch;
        if state.address.as_ref() != Some(&survey.master) {
            if state.address.is_some() {
                log::warn!("the Redis master is now {}", survey.address());
            }
            let old = state.address.replace(survey.master.clone());
            state.replicas.succeed(old, &survey.master);
            state.end();
        }
        if survey.is_of_majority() {
            state.surveyed = Some(asked);
        }
        state.replicas.learn(survey);
    }

    /// Returns the place of the master, and the replicas that call themselves masters and may be being promoted.
    pub(super) fn unknown_leaders(&self) -> (Place, Vec<Address>) {
        let state = self.state.lock();
        (state.place(), state.replicas.unknown_leaders())
    }

    /// Notes that the node at `address` is an earlier master, by what it said in `term`.
    pub(super) fn depose(&self, term: u64, address: &Address) {
        let mut state = self.state.lock();
        if state.term == term {
            state.replicas.depose(address);
        }
    }

    /// Notes the number of replicas that are connected to the master of `term`.
    pub(super) fn meet(&self, term: u64, connected: Option<usize>) {
        let mut state = self.state.lock();
        if let Some(connected) = connected.filter(|_| state.term == term) {
            state.replicas.meet(connected);
        }
    }

    /// Waits until the address of the master is in doubt.
    pub(super) async fn doubted(&self) {
        self.doubted.notified().await;
    }

    /// Has the Sentinels asked again before the next connection.
    pub(super) fn doubt(&self, term: u64) {
        let mut state = self.state.lock();
        if state.term == term {
            state.asked = None;
            self.doubted.notify_one();
        }
    }

    /// Handles an error of a connection of `term`. Returns `true` if the connection is unusable. If
    /// the node is no master any more, all other connections of this term are unusable, too.
    pub(in crate::store) fn failed(&self, term: u64, error: &RedisError) -> bool {
        if error.code().is_some_and(|code| NOT_A_MASTER.contains(&code)) {
            self.end(term);
            return true;
        }
        let is_lost = error.is_io_error() || error.is_unrecoverable_error();
        if is_lost {
            self.doubt(term);
        }
        is_lost
    }

    /// Ends `term`, because its node is no usable master any more.
    pub(super) fn end(&self, term: u64) {
        let mut state = self.state.lock();
        if state.term == term {
            log::warn!("Redis is not a usable master any more; all connections to it are renewed");
            state.end();
            state.asked = None;
            self.doubted.notify_one();
        }
    }

    /// Returns the replicas that must confirm an operation over a connection of `term`. Returns `None` if
    /// that term is over.
    pub(super) fn quorum(&self, term: u64, effect: Effect) -> Option<Quorum> {
        let state = self.state.lock();
        let is_current = state.surveyed.is_some_and(|asked| asked.elapsed() < CURRENT);
        (state.term == term).then(|| state.replicas.quorum(effect, is_current))
    }

    /// Returns the number of replicas that must confirm the invalidation lease, or `None` if `term` is
    /// over. It is 0 unless another node can replace the master.
    pub(in crate::store) fn needed_for_lease(&self, term: u64) -> Option<usize> {
        let state = self.state.lock();
        (state.term == term).then(|| state.replicas.needed_for_reads())
    }

    /// Notes that a majority confirmed the master of `term`, until `end`.
    pub(in crate::store) fn confirm(&self, term: u64, end: Instant) {
        let mut state = self.state.lock();
        if state.term == term {
            state.confirmed = Some(end);
        }
    }

    /// Returns `true` if what a connection of `term` has read until now is the word of the master:
    /// no other node has replaced it and acknowledged a revocation since.
    pub(super) fn is_confirmed(&self, term: u64) -> bool {
        let state = self.state.lock();
        state.term == term
            && (state.replicas.needed_for_reads() == 0
                || state.confirmed.is_some_and(|end| Instant::now() < end))
    }
}

impl State {
    fn place(&self) -> Place {
        Place { address: self.address.clone(), term: self.term }
    }

    fn end(&mut self) {
        self.term += 1;
        self.confirmed = None;
    }
}
