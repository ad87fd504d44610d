//! Audit events in the words of the reader.

use gateway_contract::audit::{Event, EventKind, Outcome, Person};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Language, account::When};
use crate::{model::UnixTime, store::AuditedEvent};

impl Language {
    /// Returns a kind of event in words.
    pub(in crate::http) fn event(self, kind: EventKind) -> &'static str {
        match kind {
            EventKind::LoginCompleted => self.audit_login_completed(),
            EventKind::LoginEnded => self.audit_login_ended(),
            EventKind::LoginCodeCreated => self.audit_login_code_created(),
            EventKind::ConsentGiven => self.audit_consent_given(),
            EventKind::ConsentDenied => self.audit_consent_denied(),
            EventKind::ConsentRemembered => self.audit_consent_remembered(),
            EventKind::ConsentForgotten => self.audit_consent_forgotten(),
            EventKind::ClientRegistered => self.audit_client_registered(),
            EventKind::ClientUpdated => self.audit_client_updated(),
            EventKind::ClientDeleted => self.audit_client_deleted(),
            EventKind::ClientRefused => self.audit_client_refused(),
            EventKind::ClientReadmitted => self.audit_client_readmitted(),
            EventKind::GrantCreated => self.audit_grant_created(),
            EventKind::GrantEnded => self.audit_grant_ended(),
            EventKind::GrantsRevoked => self.audit_grants_revoked(),
            EventKind::TokenIssued => self.audit_token_issued(),
            EventKind::TokenRefreshed => self.audit_token_refreshed(),
            EventKind::TokenReplayed => self.audit_token_replayed(),
            EventKind::TokenRevoked => self.audit_token_revoked(),
            EventKind::TokenCreated => self.audit_token_created(),
            EventKind::PersonBlocked => self.audit_person_blocked(),
            EventKind::PersonUnblocked => self.audit_person_unblocked(),
            EventKind::PersonLeft => self.audit_person_left(),
            EventKind::AccessDenied => self.audit_access_denied(),
            EventKind::AccessAdmitted => self.audit_access_admitted(),
            EventKind::ToolCalled => self.audit_tool_called(),
            EventKind::ToolRefused => self.audit_tool_refused(),
            EventKind::ServerAdded => self.audit_server_added(),
            EventKind::ServerChanged => self.audit_server_changed(),
            EventKind::ServerRemoved => self.audit_server_removed(),
            EventKind::ServerFailed => self.audit_server_failed(),
            EventKind::SessionStarted => self.audit_session_started(),
            EventKind::SessionEnded => self.audit_session_ended(),
            EventKind::PolicyReloaded => self.audit_policy_reloaded(),
            EventKind::BackupCreated => self.audit_backup_created(),
            EventKind::BackupRestored => self.audit_backup_restored(),
            EventKind::RateLimited => self.audit_rate_limited(),
            EventKind::AuditLost => self.audit_audit_lost(),
        }
    }

    /// Returns an outcome in a word.
    pub(in crate::http) fn result(self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Ok => self.audit_ok(),
            Outcome::Denied => self.audit_denied(),
            Outcome::Failed => self.audit_failed(),
        }
    }
}

/// An event as a row of a list.
pub(in crate::http) struct EventRow<'a> {
    /// The event.
    pub(in crate::http) of: &'a Event<'static>,
    /// The time of the event.
    pub(in crate::http) at: When,
    /// The kind in words.
    pub(in crate::http) kind: &'static str,
    /// The outcome in a word.
    pub(in crate::http) result: &'static str,
}

impl<'a> EventRow<'a> {
    /// Returns the row of an event in a language, as seen from `now`.
    pub(in crate::http) fn of(audited: &'a AuditedEvent, t: Language, now: UnixTime) -> Self {
        let at = OffsetDateTime::parse(&audited.event.time, &Rfc3339);
        let at = at.map_or(now, |at| UnixTime(at.unix_timestamp()));
        let of = &audited.event;
        let (kind, result) = (t.event(of.event), t.result(of.outcome));
        Self { of, at: When::seen(at, now), kind, result }
    }

    /// Returns the class of the badge with the outcome.
    pub(in crate::http) const fn class(&self) -> &'static str {
        match self.of.outcome {
            Outcome::Ok => "ok",
            Outcome::Denied => "warn",
            Outcome::Failed => "bad",
        }
    }

    /// Returns the name of the client, or its id.
    pub(in crate::http) fn client(&self) -> &str {
        let client = self.of.client.as_ref();
        client.map_or("", |one| if one.name.is_empty() { &one.id } else { &one.name })
    }

    /// Returns who acted, and whom the act concerned.
    pub(in crate::http) fn people(&self) -> String {
        match (&self.of.actor, &self.of.target) {
            (Some(actor), Some(target)) => format!("{} → {}", name(actor), name(target)),
            (Some(one), None) | (None, Some(one)) => name(one).to_owned(),
            (None, None) => String::new(),
        }
    }
}

fn name<'a>(person: &'a Person<'static>) -> &'a str {
    if person.name.is_empty() { &person.sub } else { &person.name }
}
