//! The state of the subscription of an instance at a modern server.

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::messages::error::RpcError;

/// The subscription of an instance.
#[derive(Default)]
pub(super) struct Subscription {
    /// Held while a subscription is opened.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// The state of the subscription.
#[derive(Default)]
struct State {
    /// The current subscription.
    current: Option<u64>,
    /// The subscription that is being opened, and the channel for its outcome.
    opening: Option<(u64, oneshot::Sender<Result<(), RpcError>>)>,
}

impl Subscription {
    /// Returns the id of the current subscription.
    pub(super) fn current(&self) -> Option<u64> {
        self.state.lock().current
    }

    /// Records that the instance has no subscription.
    pub(super) fn clear(&self) {
        self.state.lock().current = None;
    }

    /// Records that the subscription `id` is being opened. Returns the channel for its outcome.
    pub(super) fn open(&self, id: u64) -> oneshot::Receiver<Result<(), RpcError>> {
        let (outcome, opened) = oneshot::channel();
        self.state.lock().opening = Some((id, outcome));
        opened
    }

    /// Records that the subscription was not opened in time.
    pub(super) fn abandon(&self) {
        self.state.lock().opening = None;
    }

    /// Records that the server has acknowledged the subscription `id`.
    pub(super) fn acknowledged(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some((_, outcome)) = state.opening.take_if(|(opening, _)| *opening == id) {
            state.current = Some(id);
            // The task that opens it may have ended.
            let _told = outcome.send(Ok(()));
        }
    }

    /// Records that the server has ended the subscription `id`.
    pub(super) fn ended(&self, id: u64, why: RpcError) {
        let mut state = self.state.lock();
        state.current.take_if(|current| *current == id);
        if let Some((_, outcome)) = state.opening.take_if(|(opening, _)| *opening == id) {
            let _told = outcome.send(Err(why));
        }
    }
}
