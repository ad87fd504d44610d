//! The token endpoint and the token lifecycle (RFC 6749 §4, §6; RFC 7009; RFC 7662).

pub(in crate::oauth) mod access_token;
pub(in crate::oauth) mod authorization_code;
pub(in crate::oauth) mod client_credentials;
pub(in crate::oauth) mod device_code;
pub(in crate::oauth) mod import;
pub(in crate::oauth) mod introspection;
pub(in crate::oauth) mod personal_access;
pub(in crate::oauth) mod refresh_token;
pub(in crate::oauth) mod response;
pub(in crate::oauth) mod revocation;

use std::sync::Arc;

use crate::oauth::{Clients, Core};

/// Issuer of tokens.
///
/// Redeems grants, rotates refresh tokens, and revokes and introspects tokens. Also mints personal
/// access tokens and imports those of the predecessor.
pub struct TokenIssuer {
    pub(super) core: Arc<Core>,
    pub(super) clients: Clients,
}
