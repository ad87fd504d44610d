//! The authorization endpoint: request checks, login and consent (RFC 6749 §4.1, RFC 8628 §3.3).

mod consent;
pub(in crate::oauth) mod consent_form;
pub(in crate::oauth) mod consent_page;
pub(in crate::oauth) mod device;
mod device_decision;
mod first_step;
pub(in crate::oauth) mod flow_state;
pub(in crate::oauth) mod idempotency;
mod issuance;
pub(in crate::oauth) mod login;
mod login_code;
pub(in crate::oauth) mod login_session;
pub(in crate::oauth) mod outcome;
pub(in crate::oauth) mod pending;
pub(in crate::oauth) mod pkce;
pub(in crate::oauth) mod prompt;
pub(in crate::oauth) mod remembered_consent;
pub(in crate::oauth) mod request;
pub(in crate::oauth) mod server_choice;

use std::sync::Arc;

use crate::oauth::{Clients, Core};

/// Browser sessions: login sessions and remembered consents.
#[derive(Clone)]
pub struct Sessions {
    pub(super) core: Arc<Core>,
}

/// Authorization requests: parameter checks and error responses.
pub struct Requests {
    pub(super) core: Arc<Core>,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
}

/// Pending authorizations, sealed into the browser, and the idempotent outcomes of their steps.
pub struct Pending {
    pub(super) core: Arc<Core>,
}

/// The steps of an authorization flow: consent page, login and outcome. The module `flow_state` has its states.
pub struct ConsentFlow {
    pub(super) core: Arc<Core>,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
    pub(super) requests: Requests,
    pub(super) pending: Pending,
}
