//! Client registration, metadata and authentication.
//!
//! Implements RFC 7591, RFC 7592, RFC 7523 and draft-ietf-oauth-client-id-metadata-document.

pub(in crate::oauth) mod authentication;
pub(in crate::oauth) mod bundled_documents;
pub(in crate::oauth) mod id_document;
pub(in crate::oauth) mod jwks;
pub(in crate::oauth) mod management;
pub(in crate::oauth) mod members;
pub(in crate::oauth) mod metadata;
pub(in crate::oauth) mod preregistration;
pub(in crate::oauth) mod private_key_jwt;
pub(in crate::oauth) mod public_url;
pub(in crate::oauth) mod redirect_uri;
pub(in crate::oauth) mod registration;

use std::sync::Arc;

use crate::oauth::Core;

/// Registry of clients, both registered ones and those described by a metadata document.
///
/// Looks up, registers, manages and authenticates clients.
#[derive(Clone)]
pub struct Clients {
    pub(super) core: Arc<Core>,
}
