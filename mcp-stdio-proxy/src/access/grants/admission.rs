//! The admission of a request by an access token.

use std::sync::Arc;

use super::{Access, Grant};
use crate::clock::now_ms;

/// An admitted request and the time of its admission.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(super) access: Arc<Access>,
    /// The time of admission, an instant of [`now_ms`].
    pub(super) at: u64,
}

/// The reason why an admitted request is terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// The grant or the access token was revoked.
    #[error("the access of this client was revoked")]
    Revoked,
    /// The revocation status is unknown.
    #[error("the revocation status of this access is unknown; retry")]
    Unknown,
}

impl Admission {
    /// Creates the admission of a request that arrives now.
    #[must_use]
    pub fn now(access: &Arc<Access>) -> Self {
        Self { access: Arc::clone(access), at: now_ms() }
    }

    /// Returns the grant that authorizes the request.
    #[must_use]
    pub fn grant(&self) -> &Arc<Grant> {
        &self.access.grant
    }

    /// Returns the reason why the request may not continue, if there is one.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        if self.access.has_ended() {
            return Some(Over::Revoked);
        }
        self.access.lease.left(self.at).is_none().then_some(Over::Unknown)
    }

    /// Waits until the grant or the access token is revoked.
    pub async fn revoked(&self) {
        self.access.ended.cancelled().await;
    }
}
