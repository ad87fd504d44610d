//! `/verify`: the access decision for each request to an MCP server.

pub(in crate::oauth) mod audit;
pub(in crate::oauth) mod cached_token;
pub(in crate::oauth) mod challenge;
pub(in crate::oauth) mod decision;
pub(in crate::oauth) mod first_level;
pub(in crate::oauth) mod identity;
mod judgement;
mod judging;
pub(in crate::oauth) mod operation;
pub(in crate::oauth) mod token_cache;
pub(in crate::oauth) mod trusted_proxy;
pub(in crate::oauth) mod uses;

use std::sync::Arc;

use self::{identity::Identities, token_cache::TokenCache, uses::Uses};
use crate::oauth::Core;

/// Verifier of access tokens and source of the identity headers for the upstream servers.
///
/// It caches verified tokens and signed identities.
pub struct Verifier {
    pub(super) core: Arc<Core>,
    /// The cache of tokens with a verified signature.
    pub(super) cache: TokenCache,
    /// The cache of identities that were signed for servers.
    pub(super) identities: Identities,
    /// The last uses of grants that are still to be written.
    pub(super) uses: Uses,
}
