//! Audit events of the protocol.

use gateway_contract::audit::{EventKind, Outcome};

use super::{Core, Error, ErrorCode, GrantFault};
use crate::{
    model::{AuthorizationRequest, Caller, Client, ClientId, Draft, Grant, ResourceUri, User},
    store::AuditEntry,
};

impl Core {
    /// Returns a draft of an event of this moment.
    #[must_use]
    pub fn draft(&self, kind: EventKind) -> Draft<'_> {
        self.store.audit.draft(kind)
    }

    /// Returns the event of `draft` for the store, or `None` if its kind is not recorded.
    #[must_use]
    pub fn entry(&self, draft: Draft<'_>) -> Option<AuditEntry> {
        self.store.audit.entry(draft)
    }

    /// Returns a draft about a grant. The person of the grant is the one whom the act concerns.
    #[must_use]
    pub fn draft_about(&self, kind: EventKind, grant: &Grant) -> Draft<'_> {
        self.draft(kind).about(grant).servers(&self.server_names(&grant.resources))
    }

    /// Returns a draft about a client.
    #[must_use]
    pub fn draft_of_client(&self, kind: EventKind, client: &Client) -> Draft<'_> {
        self.draft(kind).client(&client.id, client.display_name())
    }

    /// Returns a draft about an authorization request of a person.
    pub(in crate::oauth) fn draft_of_request(
        &self,
        kind: EventKind,
        request: &AuthorizationRequest,
        caller: &Caller,
    ) -> Draft<'_> {
        let servers = self.server_names(&request.resources);
        let draft = self.draft(kind).client(&request.client_id, &request.client_name);
        draft.servers(&servers).from(caller)
    }

    /// Returns the names of servers, and the URLs of those that the catalogue lacks.
    #[must_use]
    pub fn server_names(&self, resources: &[ResourceUri]) -> String {
        let catalogue = self.catalogue();
        let name = |resource: &ResourceUri| {
            let server = catalogue.by_resource(resource);
            server.map_or(resource.as_str().to_owned(), |server| server.name.as_str().to_owned())
        };
        resources.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    /// Notes that the login of a person was refused, or failed.
    pub(in crate::oauth) fn tell_login(
        &self,
        (user, request): (Option<&User>, &AuthorizationRequest),
        caller: &Caller,
        (outcome, reason): (Outcome, &str),
    ) {
        let mut draft = self.draft_of_request(EventKind::LoginCompleted, request, caller);
        if let Some(user) = user {
            draft = draft.actor(user);
        }
        self.store.audit.tell(match outcome {
            Outcome::Failed => draft.failed(reason),
            Outcome::Denied | Outcome::Ok => draft.denied(reason),
        });
    }

    /// Notes that a request of a client was refused. Failures of the gateway are not refusals, and neither are
    /// requests that the client is meant to repeat. A replay has an event of its own.
    pub fn tell_refused(
        &self,
        kind: EventKind,
        error: &Error,
        client: Option<&ClientId>,
        caller: &Caller,
    ) {
        let is_refusal = matches!(
            error.code(),
            ErrorCode::InvalidClient
                | ErrorCode::InvalidGrant
                | ErrorCode::InvalidToken
                | ErrorCode::UnauthorizedClient
                | ErrorCode::AccessDenied
        );
        if !is_refusal || matches!(error, Error::InvalidGrant(GrantFault::Replayed)) {
            return;
        }
        let reason = match error {
            Error::InvalidGrant(fault) => format!("{}: {fault}", error.code().as_str()),
            _ => error.code().as_str().to_owned(),
        };
        let mut draft = self.draft(kind).denied(&reason).from(caller);
        if let Some(client) = client {
            draft = draft.client(client, "");
        }
        self.store.audit.tell(draft);
    }
}
