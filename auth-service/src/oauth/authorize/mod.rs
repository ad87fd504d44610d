//! The authorization endpoint: request, login, consent (RFC 6749 §4.1, RFC 8628).

pub(in crate::oauth) mod consent;
pub(in crate::oauth) mod consent_page;
pub(in crate::oauth) mod device;
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
