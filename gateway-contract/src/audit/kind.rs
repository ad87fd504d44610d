//! The kinds of audit events.

use serde::{Deserialize, Serialize};

/// The kind of an audit event, as `noun.verb`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
pub enum EventKind {
    /// A person logged in with a provider or a login code, or was refused.
    #[serde(rename = "login.completed")]
    LoginCompleted,
    /// A login session ended: by the person, an operator or the provider.
    #[serde(rename = "login.ended")]
    LoginEnded,
    /// The operator created a login code.
    #[serde(rename = "login_code.created")]
    LoginCodeCreated,
    /// A person allowed a client what it asked for.
    #[serde(rename = "consent.given")]
    ConsentGiven,
    /// A person cancelled the request of a client.
    #[serde(rename = "consent.denied")]
    ConsentDenied,
    /// A consent was stored, so that the person is not asked again.
    #[serde(rename = "consent.remembered")]
    ConsentRemembered,
    /// A remembered consent was deleted.
    #[serde(rename = "consent.forgotten")]
    ConsentForgotten,
    /// A client registered, or the operator registered it.
    #[serde(rename = "client.registered")]
    ClientRegistered,
    /// A registration was changed (RFC 7592).
    #[serde(rename = "client.updated")]
    ClientUpdated,
    /// A registration was deleted.
    #[serde(rename = "client.deleted")]
    ClientDeleted,
    /// An administrator refused a client, for everybody.
    #[serde(rename = "client.refused")]
    ClientRefused,
    /// An administrator admitted a refused client again.
    #[serde(rename = "client.readmitted")]
    ClientReadmitted,
    /// A grant was made, with its first tokens.
    #[serde(rename = "grant.created")]
    GrantCreated,
    /// One grant was revoked.
    #[serde(rename = "grant.ended")]
    GrantEnded,
    /// All grants of a person, a client, a server or of everybody were revoked.
    #[serde(rename = "grants.revoked")]
    GrantsRevoked,
    /// An access token was issued. Off by default.
    #[serde(rename = "token.issued")]
    TokenIssued,
    /// A refresh token was used. Off by default.
    #[serde(rename = "token.refreshed")]
    TokenRefreshed,
    /// A spent refresh token or code was presented again, which ended the grant.
    #[serde(rename = "token.replayed")]
    TokenReplayed,
    /// One access token was revoked.
    #[serde(rename = "token.revoked")]
    TokenRevoked,
    /// A personal token was created.
    #[serde(rename = "token.created")]
    TokenCreated,
    /// An administrator blocked a person.
    #[serde(rename = "person.blocked")]
    PersonBlocked,
    /// An administrator unblocked a person.
    #[serde(rename = "person.unblocked")]
    PersonUnblocked,
    /// A person lost access, because their provider or the access policy says so.
    #[serde(rename = "person.left")]
    PersonLeft,
    /// A request to a server or to the token endpoint was refused.
    #[serde(rename = "access.denied")]
    AccessDenied,
    /// A request to a server was admitted. Off by default.
    #[serde(rename = "access.admitted")]
    AccessAdmitted,
    /// A tool was called.
    #[serde(rename = "tool.called")]
    ToolCalled,
    /// A call of a tool was refused by its server's rules.
    #[serde(rename = "tool.refused")]
    ToolRefused,
    /// A server was added to the catalogue.
    #[serde(rename = "server.added")]
    ServerAdded,
    /// A server of the catalogue was changed.
    #[serde(rename = "server.changed")]
    ServerChanged,
    /// A server was removed from the catalogue.
    #[serde(rename = "server.removed")]
    ServerRemoved,
    /// A process of a server ended without being asked to.
    #[serde(rename = "server.failed")]
    ServerFailed,
    /// An MCP session was opened.
    #[serde(rename = "session.started")]
    SessionStarted,
    /// An MCP session ended.
    #[serde(rename = "session.ended")]
    SessionEnded,
    /// The access file was read again.
    #[serde(rename = "policy.reloaded")]
    PolicyReloaded,
    /// A backup was written.
    #[serde(rename = "backup.created")]
    BackupCreated,
    /// A backup was restored.
    #[serde(rename = "backup.restored")]
    BackupRestored,
    /// Requests were refused by a rate limit. Written once for each window.
    #[serde(rename = "rate.limited")]
    RateLimited,
    /// Events were dropped because the writer could not keep up.
    #[serde(rename = "audit.lost")]
    AuditLost,
}

impl EventKind {
    /// Every kind of event, in the order of the documentation.
    pub const ALL: [Self; 38] = [
        Self::LoginCompleted,
        Self::LoginEnded,
        Self::LoginCodeCreated,
        Self::ConsentGiven,
        Self::ConsentDenied,
        Self::ConsentRemembered,
        Self::ConsentForgotten,
        Self::ClientRegistered,
        Self::ClientUpdated,
        Self::ClientDeleted,
        Self::ClientRefused,
        Self::ClientReadmitted,
        Self::GrantCreated,
        Self::GrantEnded,
        Self::GrantsRevoked,
        Self::TokenIssued,
        Self::TokenRefreshed,
        Self::TokenReplayed,
        Self::TokenRevoked,
        Self::TokenCreated,
        Self::PersonBlocked,
        Self::PersonUnblocked,
        Self::PersonLeft,
        Self::AccessDenied,
        Self::AccessAdmitted,
        Self::ToolCalled,
        Self::ToolRefused,
        Self::ServerAdded,
        Self::ServerChanged,
        Self::ServerRemoved,
        Self::ServerFailed,
        Self::SessionStarted,
        Self::SessionEnded,
        Self::PolicyReloaded,
        Self::BackupCreated,
        Self::BackupRestored,
        Self::RateLimited,
        Self::AuditLost,
    ];

    /// Returns the name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginCompleted => "login.completed",
            Self::LoginEnded => "login.ended",
            Self::LoginCodeCreated => "login_code.created",
            Self::ConsentGiven => "consent.given",
            Self::ConsentDenied => "consent.denied",
            Self::ConsentRemembered => "consent.remembered",
            Self::ConsentForgotten => "consent.forgotten",
            Self::ClientRegistered => "client.registered",
            Self::ClientUpdated => "client.updated",
            Self::ClientDeleted => "client.deleted",
            Self::ClientRefused => "client.refused",
            Self::ClientReadmitted => "client.readmitted",
            Self::GrantCreated => "grant.created",
            Self::GrantEnded => "grant.ended",
            Self::GrantsRevoked => "grants.revoked",
            Self::TokenIssued => "token.issued",
            Self::TokenRefreshed => "token.refreshed",
            Self::TokenReplayed => "token.replayed",
            Self::TokenRevoked => "token.revoked",
            Self::TokenCreated => "token.created",
            Self::PersonBlocked => "person.blocked",
            Self::PersonUnblocked => "person.unblocked",
            Self::PersonLeft => "person.left",
            Self::AccessDenied => "access.denied",
            Self::AccessAdmitted => "access.admitted",
            Self::ToolCalled => "tool.called",
            Self::ToolRefused => "tool.refused",
            Self::ServerAdded => "server.added",
            Self::ServerChanged => "server.changed",
            Self::ServerRemoved => "server.removed",
            Self::ServerFailed => "server.failed",
            Self::SessionStarted => "session.started",
            Self::SessionEnded => "session.ended",
            Self::PolicyReloaded => "policy.reloaded",
            Self::BackupCreated => "backup.created",
            Self::BackupRestored => "backup.restored",
            Self::RateLimited => "rate.limited",
            Self::AuditLost => "audit.lost",
        }
    }

    /// Returns `true` for a kind that is written only if the settings name it.
    #[must_use]
    pub const fn is_off_by_default(self) -> bool {
        matches!(self, Self::TokenIssued | Self::TokenRefreshed | Self::AccessAdmitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_written_under_its_name_and_read_back() {
        for kind in EventKind::ALL {
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text, format!("\"{}\"", kind.as_str()));
            assert_eq!(serde_json::from_str::<EventKind>(&text).unwrap(), kind);
        }
    }
}
