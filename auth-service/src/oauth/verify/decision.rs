//! The decision of `/verify` on a bearer token (RFC 6750) for one server (RFC 8707, RFC 9728 §5.1).

use std::sync::Arc;

use super::seen_token::{Part, SeenToken};
use crate::{
    metrics::Decision,
    model::{McpServer, Scopes, UnixTime},
    oauth::{Challenge, Error, Identity, Operation, Verifier},
};

/// The response to a denied request.
#[derive(Debug)]
pub enum BearerError {
    /// No server has the requested URL.
    NoServer,
    /// Status 401, with a challenge.
    Unauthorized(Challenge),
    /// Status 403, with a challenge.
    InsufficientScope(Challenge),
    /// Status 503: the store or a signature failed, although the token may be valid.
    Unavailable(Error),
}

/// The reason that a request is denied.
enum Refused {
    /// The request has no bearer token.
    NoToken,
    /// The token is not valid for this server, with the `error_description`.
    Token(Decision, &'static str),
    /// The token lacks a scope.
    Scope(Challenge),
    /// A failure prevented the decision.
    Fault(Error),
}

impl Refused {
    fn decision(&self) -> Decision {
        match self {
            Self::NoToken => Decision::NoToken,
            Self::Token(decision, _) => *decision,
            Self::Scope(_) => Decision::InsufficientScope,
            Self::Fault(_) => Decision::Unavailable,
        }
    }

    fn at(self, server: &McpServer) -> BearerError {
        let unauthorized = |error| BearerError::Unauthorized(Challenge::of(server, error));
        match self {
            Self::NoToken => unauthorized(None),
            Self::Token(_, why) => unauthorized(Some(("invalid_token", why))),
            Self::Scope(challenge) => BearerError::InsufficientScope(challenge),
            Self::Fault(error) => BearerError::Unavailable(error),
        }
    }
}

impl Verifier {
    /// Decides on an `operation` at `path` on `authority` with this `Authorization` header.
    ///
    /// Returns the identity to pass to the upstream server if the request is allowed.
    pub async fn verify(
        &self,
        (authority, path): (&str, &str),
        authorization: Option<&[u8]>,
        operation: &Operation,
    ) -> Result<Arc<Identity>, BearerError> {
        let catalogue = self.core.catalogue();
        let Some(server) = catalogue.at(authority, path) else {
            self.core.metrics.no_server();
            return Err(BearerError::NoServer);
        };
        let now = self.core.now();
        let seen = match authorization.and_then(bearer_token) {
            None => Err(Refused::NoToken),
            Some(token) => self.seen(token, now).map_err(|decision| {
                let why = "the token is malformed, expired or from another issuer";
                Refused::Token(decision, why)
            }),
        };
        let (seen, decided) = match seen {
            Ok(seen) => {
                let decided = self.judge(server, &seen, operation, now).await;
                (Some(seen), decided)
            }
            Err(refused) => (None, Err(refused)),
        };
        let decision = decided.as_ref().map_or_else(Refused::decision, |_| Decision::Admitted);
        self.note(server, operation, seen.as_deref(), decision);
        decided.map_err(|refused| refused.at(server))
    }

    /// Decides on a request with a token of this issuer that has not expired.
    async fn judge(
        &self,
        server: &McpServer,
        seen: &SeenToken,
        operation: &Operation,
        now: UnixTime,
    ) -> Result<Arc<Identity>, Refused> {
        if !seen.is_for(&server.resource) {
            return Err(Refused::Token(Decision::OtherServer, "the token is for another server"));
        }
        let live = self.core.store.is_still_live(&seen.sighting, || seen.ids()).await;
        if !live.map_err(|error| Refused::Fault(error.into()))? {
            return Err(Refused::Token(Decision::Revoked, "the token was revoked"));
        }
        // Some tokens live for months: a change of the policy must take effect before they expire.
        if !self.core.may_still_log_in(seen.person()) || !server.admits(seen.person()) {
            let why = "this account is no longer allowed to use this server";
            return Err(Refused::Token(Decision::NotAllowed, why));
        }
        let held = server.scopes.list_with_included(seen.text(Part::Scope));
        let needed = operation.needs(server);
        if !needed.are_in(&held) {
            let held = Scopes::parse(seen.text(Part::Scope)).unwrap_or_default();
            return Err(Refused::Scope(Challenge::to_step_up(server, &needed, &held)));
        }
        self.identity(seen, server, &held, now).map_err(Refused::Fault)
    }
}

/// Returns the token of an `Authorization` header with the scheme `Bearer`.
///
/// The scheme is case-insensitive (RFC 9110 §11.1).
fn bearer_token(header: &[u8]) -> Option<&[u8]> {
    let (scheme, mut token) = header.split_at_checked(b"bearer ".len())?;
    while let [b' ', rest @ ..] | [rest @ .., b' '] = token {
        token = rest;
    }
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_without_case() {
        assert_eq!(bearer_token(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer_token(b"bEARER  abc "), Some(&b"abc"[..]));
        assert_eq!(bearer_token(b"Bearer "), Some(&b""[..]));
        assert_eq!(bearer_token(b"Basic abc"), None);
        assert_eq!(bearer_token(b"Bearers abc"), None);
        assert_eq!(bearer_token(b"Bearer"), None);
    }
}
