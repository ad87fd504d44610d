//! The decision of `/verify` on a bearer token (RFC 6750) for one server (RFC 8707, RFC 9728 §5.1).

use std::sync::Arc;

use super::cached_token::{CachedToken, Part};
use crate::{
    metrics::Decision,
    model::{Catalogue, McpServer, Scopes, UnixTime},
    oauth::{Challenge, ChallengeError, Error, Identity, Operation, Origin, Verifier},
};

/// The target of a request: the address at which a server is published.
#[derive(Clone, Copy, Debug)]
pub struct RequestTarget<'a> {
    /// The canonical `host` or `host:port`.
    pub authority: &'a str,
    /// The path without the query, which starts with `/`.
    pub path: &'a str,
}

/// The response to a denied request.
#[derive(Debug)]
pub enum BearerError {
    /// No server has the requested URL.
    NoServer,
    /// Status 401, with a challenge.
    Unauthorized(Challenge),
    /// Status 403, with a challenge.
    InsufficientScope(Challenge),
    /// Status 403, without a challenge: no other token would allow the tool.
    ToolDenied,
    /// Status 503: the store or a signature failed, although the token may be valid.
    Unavailable(Error),
}

/// The reason that a request is denied.
enum Denial {
    /// The request has no bearer token.
    NoToken,
    /// The token is not valid for this server, with the `error_description`.
    Token(Decision, &'static str),
    /// The token lacks a scope.
    Scope(Challenge),
    /// The access policy denies the tool.
    Tool,
    /// A failure prevented the decision.
    Fault(Error),
}

impl Denial {
    fn decision(&self) -> Decision {
        match self {
            Self::NoToken => Decision::NoToken,
            Self::Token(decision, _) => *decision,
            Self::Scope(_) => Decision::InsufficientScope,
            Self::Tool => Decision::NotAllowed,
            Self::Fault(_) => Decision::Unavailable,
        }
    }

    fn at(self, server: &McpServer) -> BearerError {
        let unauthorized = |error| BearerError::Unauthorized(Challenge::of(server, error));
        match self {
            Self::NoToken => unauthorized(None),
            Self::Token(_, description) => {
                unauthorized(Some(ChallengeError { code: "invalid_token", description }))
            }
            Self::Scope(challenge) => BearerError::InsufficientScope(challenge),
            Self::Tool => BearerError::ToolDenied,
            Self::Fault(error) => BearerError::Unavailable(error),
        }
    }
}

impl Verifier {
    /// Decides on an `operation` at `target` with this `Authorization` header.
    ///
    /// Returns the identity to pass to the upstream server if the request is allowed.
    pub async fn verify(
        &self,
        target: RequestTarget<'_>,
        authorization: Option<&[u8]>,
        operation: &Operation,
    ) -> Result<Arc<Identity>, BearerError> {
        self.verify_from(target, authorization, operation, None::<fn() -> Origin<'static>>).await
    }

    /// Decides like [`Verifier::verify`], and notes the use of the grant by `origin`.
    pub async fn verify_from<'a>(
        &self,
        target: RequestTarget<'_>,
        authorization: Option<&[u8]>,
        operation: &Operation,
        origin: Option<impl Fn() -> Origin<'a>>,
    ) -> Result<Arc<Identity>, BearerError> {
        let catalogue = self.core.catalogue();
        let Some(server) = catalogue.at(target.authority, target.path) else {
            self.core.metrics.no_server();
            return Err(BearerError::NoServer);
        };
        let now = self.core.now();
        let verified = match authorization.and_then(bearer_token) {
            None => Err(Denial::NoToken),
            Some(token) => self.cached(token, now).map_err(|decision| {
                let why = "the token is malformed, expired or from another issuer";
                Denial::Token(decision, why)
            }),
        };
        let (token, decided) = match verified {
            Ok(token) => {
                let decided = self.judge((&catalogue, server), &token, operation, now).await;
                (Some(token), decided)
            }
            Err(denial) => (None, Err(denial)),
        };
        let decision = decided.as_ref().map_or_else(Denial::decision, |_| Decision::Admitted);
        if let (Decision::Admitted, Some(token), Some(origin)) = (decision, &token, &origin) {
            self.uses.note(token, now, origin);
        }
        self.note(server, operation, token.as_deref(), (decision, origin));
        decided.map_err(|denial| denial.at(server))
    }

    /// Decides on a request with a token of this issuer that has not expired.
    async fn judge(
        &self,
        (catalogue, server): (&Arc<Catalogue>, &McpServer),
        token: &CachedToken,
        operation: &Operation,
        now: UnixTime,
    ) -> Result<Arc<Identity>, Denial> {
        if !token.is_for(&server.resource) {
            return Err(Denial::Token(Decision::OtherServer, "the token is for another server"));
        }
        let live = self.core.store.grants.is_still_live(&token.liveness, || token.claims()).await;
        if !live.map_err(|error| Denial::Fault(error.into()))? {
            return Err(Denial::Token(Decision::Revoked, "the token was revoked"));
        }
        // Some tokens live for months: a change of the policy must take effect before they expire.
        let judged = self.judgement(token, (catalogue, server), now).await;
        let judgement = judged.map_err(Denial::Fault)?;
        if !judgement.is_allowed() {
            // The token may be good once the provider answers.
            if judgement.are_stale {
                return Err(Denial::Fault(Error::FactsUnknown));
            }
            let why = "this account is no longer allowed to use this server";
            return Err(Denial::Token(Decision::NotAllowed, why));
        }
        if !operation.is_admitted(&judgement.verdict, server) {
            return Err(Denial::Tool);
        }
        let capped = judgement.capped(token.text(Part::Scope));
        let held = server.scopes.list_with_included(&capped);
        let needed = operation.needs(server);
        if !needed.are_in(&held) {
            let held = Scopes::parse(&capped).unwrap_or_default();
            return Err(Denial::Scope(Challenge::to_step_up(server, &needed, &held)));
        }
        self.identity(token, server, (&held, &judgement), now).map_err(Denial::Fault)
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
