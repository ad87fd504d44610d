//! The state of the subscriptions of an instance at a modern server.

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::refused::Refused;

/// The subscriptions of an instance.
#[derive(Default)]
pub(super) struct Watching {
    /// Held while a subscription is opened.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) state: Mutex<State>,
}

/// The state of the subscriptions.
#[derive(Default)]
pub(super) struct State {
    /// The current subscription.
    pub(super) heard: Option<u64>,
    /// The subscription that is being opened, and the channel for its outcome.
    pub(super) asked: Option<(u64, oneshot::Sender<Result<(), Refused>>)>,
}

impl Watching {
    /// Forgets the subscriptions at the last process.
    pub(super) fn reset(&self) {
        *self.state.lock() = State::default();
    }

    /// Records that the server has acknowledged the subscription `id`.
    pub(super) fn acknowledged(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some((_, waiting)) = state.asked.take_if(|(asked, _)| *asked == id) {
            state.heard = Some(id);
            // The task that opens it may have ended.
            let _told = waiting.send(Ok(()));
        }
    }

    /// Records that the server has ended the subscription `id`.
    pub(super) fn ended(&self, id: u64, why: Refused) {
        let mut state = self.state.lock();
        state.heard.take_if(|heard| *heard == id);
        if let Some((_, waiting)) = state.asked.take_if(|(asked, _)| *asked == id) {
            let _told = waiting.send(Err(why));
        }
    }
}
