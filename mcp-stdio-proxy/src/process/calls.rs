//! The requests in flight at one process. Their ids at the server are the proxy's own (JSON-RPC 2.0 §5).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::call::{Addressee, Call, RetryRequest, Suspended};
use super::task_calls::TaskCalls;
use super::time::Time;
use crate::access::grants::{Admission, Over};
use crate::messages::error;
use crate::messages::ids;
use crate::messages::stream::Stream;

/// A reason not to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The process has ended.
    #[error("the server process has ended")]
    Gone,
    /// Too many requests are in flight.
    #[error("too many requests are in flight")]
    Full,
}

/// The requests in flight at one process.
pub struct Calls {
    /// `None` once the process has ended. No request is accepted from then on.
    open: Mutex<Option<HashMap<u64, Call>>>,
    next: AtomicU64,
    limit: usize,
    /// The requests that are tasks of the server.
    pub tasks: TaskCalls,
}

impl Calls {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            open: Mutex::new(Some(HashMap::new())),
            next: AtomicU64::new(1),
            limit,
            tasks: TaskCalls::default(),
        }
    }

    /// Returns the id of the next request.
    pub(super) fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the id that the next request will have.
    pub(super) fn upcoming(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Registers `call` under `id`.
    pub fn add(&self, id: u64, call: Call) -> Result<(), SubmitError> {
        let mut open = self.open.lock();
        let open = open.as_mut().ok_or(SubmitError::Gone)?;
        if open.len() >= self.limit {
            return Err(SubmitError::Full);
        }
        open.insert(id, call);
        Ok(())
    }

    /// Removes the call `id` and returns it.
    pub fn take(&self, id: u64) -> Option<Call> {
        self.open.lock().as_mut()?.remove(&id)
    }

    /// Removes the only call in flight and returns it, if there is just one.
    pub(super) fn take_only(&self) -> Option<Call> {
        let mut open = self.open.lock();
        let open = open.as_mut().filter(|open| open.len() == 1)?;
        open.drain().next().map(|(_, call)| call)
    }

    /// Returns `true` if the call `id` is in flight.
    pub fn has(&self, id: u64) -> bool {
        self.open.lock().as_ref().is_some_and(|open| open.contains_key(&id))
    }

    /// Restarts the time of the call `id`, which was sent again.
    pub fn touch(&self, id: u64) {
        if let Some(call) = self.open.lock().as_mut().and_then(|open| open.get_mut(&id)) {
            call.time = Time::default();
        }
    }

    /// Returns the number of requests in flight.
    pub fn len(&self) -> usize {
        self.open.lock().as_ref().map_or(0, HashMap::len)
    }

    /// Returns `true` if no request is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records progress of the call `id`. Returns its stream and its progress token.
    pub(super) fn progress(&self, id: u64) -> Option<(Arc<Stream>, Box<str>)> {
        let mut open = self.open.lock();
        let call = open.as_mut()?.get_mut(&id)?;
        call.time.restart();
        Some((Arc::clone(&call.stream), call.token.clone()?))
    }

    /// Removes the call `id` and returns it, if its answer is still expected on `stream`.
    pub fn take_of(&self, id: u64, stream: &Arc<Stream>) -> Option<Call> {
        let mut open = self.open.lock();
        let open = open.as_mut()?;
        open.get(&id).filter(|call| Arc::ptr_eq(&call.stream, stream))?;
        open.remove(&id)
    }

    /// Suspends the call `id` until its client answers. Messages go to `interim` meanwhile.
    pub fn suspend(&self, id: u64, interim: &Arc<Stream>) -> Option<Suspended> {
        let mut open = self.open.lock();
        let call = open.as_mut()?.get_mut(&id)?;
        let input = Arc::clone(call.options.input.as_ref()?);
        call.options.is_suspended = true;
        call.token = None;
        let stream = std::mem::replace(&mut call.stream, Arc::clone(interim));
        Some(Suspended { id: call.id.clone(), stream, input })
    }

    /// Resumes the call `id` with the id, the token and the stream of a new request. Returns `true` if it is still in
    /// flight.
    pub fn resume(&self, id: u64, with: RetryRequest) -> bool {
        let mut open = self.open.lock();
        let Some(call) = open.as_mut().and_then(|open| open.get_mut(&id)) else { return false };
        (call.id, call.token, call.stream) = (with.id, with.token, with.stream);
        call.options.log = with.log;
        call.admission = with.admission;
        call.options.is_suspended = false;
        call.time = Time::default();
        true
    }

    /// Removes the newest call of `session` with the client's id `client_id`. Returns it with its id at the server.
    pub fn take_named(&self, session: u64, client_id: &str) -> Option<(u64, Call)> {
        let mut open = self.open.lock();
        let open = open.as_mut()?;
        let named = |call: &Call| call.session == session && ids::same(&call.id, client_id);
        let id = *open.iter().filter(|(_, call)| named(call)).map(|(id, _)| id).max()?;
        Some((id, open.remove(&id)?))
    }

    /// Removes the overdue calls and returns them: those without progress for longer than `patience`, and those past
    /// the maximum. Suspended calls are not among them.
    pub fn take_overdue(&self, patience: Duration) -> Vec<(u64, Call)> {
        self.open
            .lock()
            .as_mut()
            .map(|open| {
                let late = |call: &Call| !call.options.is_suspended && call.time.is_over(patience);
                open.extract_if(|_, call| late(call)).collect()
            })
            .unwrap_or_default()
    }

    /// Removes the calls whose access was revoked, or may have been, and returns them.
    pub fn take_revoked(&self) -> Vec<(u64, Over, Call)> {
        let mut open = self.open.lock();
        let over = |call: &Call| call.admission.as_ref().and_then(Admission::over);
        let calls = open.as_mut().map(|open| open.extract_if(|_, call| over(call).is_some()));
        let calls = calls.into_iter().flatten();
        // The feed may have recovered since the call was removed.
        let why = |call: &Call| over(call).unwrap_or(Over::Unknown);
        calls.map(|(id, call)| (id, why(&call), call)).collect()
    }

    /// Returns the sessions and streams of the calls in flight, newest first. Streams with a reader come before those
    /// without.
    pub fn streams(&self) -> Vec<(u64, Arc<Stream>)> {
        let open = self.open.lock();
        let mut calls: Vec<_> = open.iter().flatten().collect();
        calls.sort_by_key(|(id, call)| (!call.stream.is_read(), std::cmp::Reverse(**id)));
        calls.into_iter().map(|(_, call)| (call.session, Arc::clone(&call.stream))).collect()
    }

    /// Returns the calls of clients of 2026-07-28 that a message may belong to, newest first. Suspended calls are not
    /// among them.
    pub fn addressees(&self) -> Vec<Addressee> {
        let open = self.open.lock();
        let theirs = open
            .iter()
            .flatten()
            .filter(|(_, call)| call.session != 0 && !call.options.is_suspended);
        let mut calls: Vec<_> = theirs
            .map(|(id, call)| {
                let (stream, options) = (Arc::clone(&call.stream), call.options.clone());
                Addressee { id: *id, stream, options }
            })
            .collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.id));
        calls
    }

    /// Answers every call with an error, and accepts no more.
    pub(super) fn fail_all(&self, message: &str) {
        for call in self.open.lock().take().into_iter().flat_map(HashMap::into_values) {
            call.fail(error::INTERNAL, message);
        }
    }

    /// Answers every call in flight with an error, and accepts more.
    pub(super) fn fail_open(&self, message: &str) {
        let calls: Vec<Call> = self
            .open
            .lock()
            .as_mut()
            .map(|open| open.drain().map(|(_, call)| call).collect())
            .unwrap_or_default();
        for call in calls {
            call.fail(error::INTERNAL, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, session: u64) -> Call {
        Call { id: id.into(), session, ..Call::of_proxy(Stream::answers(1)) }
    }

    #[test]
    fn the_same_client_id_twice_is_two_calls_and_a_cancel_takes_the_newest_of_the_session() {
        let calls = Calls::new(10);
        for (id, session) in [(1, 1), (2, 1), (3, 2)] {
            calls.add(id, call("1", session)).unwrap();
        }
        assert!(calls.take_named(1, "\"1\"").is_none());
        assert_eq!(calls.take_named(1, "1.0").unwrap().0, 2);
        assert_eq!(calls.take_named(1, "1").unwrap().0, 1);
        assert!(calls.take_named(1, "1").is_none());
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn a_child_that_is_gone_answers_all_and_takes_no_more() {
        let calls = Calls::new(1);
        calls.add(1, call("1", 1)).unwrap();
        assert_eq!(calls.add(2, call("2", 1)).err(), Some(SubmitError::Full));
        let stream = Arc::clone(&calls.streams()[0].1);
        calls.fail_all("gone");
        assert!(stream.is_closed());
        assert_eq!(calls.add(3, call("3", 1)).err(), Some(SubmitError::Gone));
    }
}
