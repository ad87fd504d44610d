//! A request that was admitted on the strength of an access token.

use std::sync::Arc;

use super::{Access, Grant, Until};
use crate::sync::now_ms;

/// A request that was admitted, and since when.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(super) access: Arc<Access>,
    /// A moment of [`now_ms`].
    pub(super) at: u64,
}

/// Why an admitted request is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// Its grant, or its access token, was revoked.
    #[error("the access of this client was revoked")]
    Revoked,
    /// Nobody can tell.
    #[error("whether the access of this client was revoked cannot be checked now; try again")]
    Unknown,
}

impl Admission {
    /// A request that is admitted now.
    #[must_use]
    pub fn now(access: &Arc<Access>) -> Self {
        Self { access: Arc::clone(access), at: now_ms() }
    }

    /// The grant that it rests on.
    #[must_use]
    pub fn grant(&self) -> &Arc<Grant> {
        &self.access.grant
    }

    /// Returns why it may not go on, if so.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        if self.access.has_ended() {
            return Some(Over::Revoked);
        }
        self.access.lease.left(self.at).is_none().then_some(Over::Unknown)
    }

    /// Waits until its grant or its access token is revoked.
    pub async fn revoked(&self) {
        self.access.ended.cancelled().await;
    }

    /// Returns the end of a stream that a client can open again.
    #[must_use]
    pub fn until(&self) -> Until {
        Until::of_stream(self)
    }

    /// Returns the end of a stream with the answer to a call, which may outlive the access token.
    #[must_use]
    pub fn until_answered(&self) -> Until {
        Until::of_call(self)
    }
}
