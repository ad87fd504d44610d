//! The decisions of `/verify` and their labels.

/// The decision of `/verify` about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request is forwarded to the server.
    Admitted,
    /// The request has no token.
    NoToken,
    /// The token is malformed or from another issuer.
    Invalid,
    /// The token has expired.
    Expired,
    /// The audience of the token is another server.
    OtherServer,
    /// The token or its grant was revoked.
    Revoked,
    /// The user may no longer log in, or may no longer use this server.
    NotAllowed,
    /// The token lacks a scope.
    InsufficientScope,
    /// The decision is impossible at the moment, for instance because Redis does not answer.
    Unavailable,
}

pub(super) const DECISIONS: [&str; 9] = [
    "admitted",
    "no_token",
    "invalid",
    "expired",
    "other_server",
    "revoked",
    "not_allowed",
    "insufficient_scope",
    "unavailable",
];

impl Decision {
    /// Returns the value of the `decision` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        DECISIONS.get(self as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_in_the_order_of_their_labels() {
        for (decision, label) in [
            (Decision::Admitted, "admitted"),
            (Decision::OtherServer, "other_server"),
            (Decision::Unavailable, "unavailable"),
        ] {
            assert_eq!(decision.as_str(), label);
        }
    }
}
