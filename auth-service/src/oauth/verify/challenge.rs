//! The challenge of `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1).

use crate::model::{McpServer, Scopes};

/// The `error` and `error_description` of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeError {
    /// The error code (RFC 6750 §3.1).
    pub code: &'static str,
    /// The description for the developer of the client.
    pub description: &'static str,
}

/// The `WWW-Authenticate` challenge of a server (RFC 6750 §3, RFC 9728 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    resource_metadata: String,
    scope: String,
    error: Option<ChallengeError>,
}

impl Challenge {
    pub(in crate::oauth) fn of(server: &McpServer, error: Option<ChallengeError>) -> Self {
        let scope = server.scopes.basic.to_string();
        Self { resource_metadata: server.resource.metadata_url(), scope, error }
    }

    /// Builds a step-up challenge for the scopes that the operation needs.
    ///
    /// The scopes of the current token are included, because a client may replace that token with the
    /// new one (MCP 2025-11-25, "Runtime Insufficient Scope Errors").
    pub(in crate::oauth) fn to_step_up(server: &McpServer, needed: &Scopes, held: &Scopes) -> Self {
        let error = ChallengeError {
            code: "insufficient_scope",
            description: "the token lacks a scope that this request requires",
        };
        let scope = needed.union(&held.intersection(&server.scopes.known())).to_string();
        Self { scope, ..Self::of(server, Some(error)) }
    }

    pub(in crate::oauth) fn beginning(resource_metadata: &str) -> String {
        format!("Bearer resource_metadata=\"{resource_metadata}\"")
    }

    /// Returns the error, or `None` if the request had no token.
    ///
    /// RFC 6750 §3.1: a response to such a request "SHOULD NOT include an error code".
    #[must_use]
    pub fn error(&self) -> Option<ChallengeError> {
        self.error
    }

    /// Returns the value of the `WWW-Authenticate` header.
    ///
    /// URLs and scopes contain no quotes or backslashes, so nothing is escaped.
    #[must_use]
    pub fn header(&self) -> String {
        let mut header = Self::beginning(&self.resource_metadata);
        if !self.scope.is_empty() {
            header.extend([", scope=\"", &self.scope, "\""]);
        }
        if let Some(ChallengeError { code, description }) = self.error {
            header.extend([", error=\"", code, "\", error_description=\"", description, "\""]);
        }
        header
    }
}
