//! The error of a later request about a person who has logged in.

/// The meaning of a failed refresh for the person's access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The provider no longer vouches for the person. Their grants must end.
    #[error("the provider no longer vouches for the person: {0}")]
    Denied(String),
    /// The provider rejects this gateway. The operator must act, and the person keeps access for the
    /// grace period.
    #[error("the provider rejects this gateway: {0}")]
    Misconfigured(String),
    /// The provider gave no usable answer. The person keeps access for the grace period.
    #[error("no answer of the provider: {0}")]
    NoAnswer(String),
}
