//! The authorization endpoint: request, login, consent (RFC 6749 §4.1, RFC 8628).

pub(in crate::oauth) mod consent;
pub(in crate::oauth) mod consent_page;
pub(in crate::oauth) mod device;
mod device_decision;
pub(in crate::oauth) mod idempotency;
pub(in crate::oauth) mod login;
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

/// Browser sessions: who is logged in, and what they allowed before.
#[derive(Clone)]
pub struct Sessions {
    pub(super) core: Arc<Core>,
}

/// Authorization requests: their checks and their error responses.
#[derive(Clone)]
pub struct Requests {
    pub(super) core: Arc<Core>,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
}

/// Pending authorizations, and the answers to their steps.
#[derive(Clone)]
pub struct Pending {
    pub(super) core: Arc<Core>,
}

/// The flow from an authorization request over login and consent to its outcome.
#[derive(Clone)]
pub struct ConsentFlow {
    pub(super) core: Arc<Core>,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
    pub(super) requests: Requests,
    pub(super) pending: Pending,
}
