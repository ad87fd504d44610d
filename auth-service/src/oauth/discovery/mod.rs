//! Discovery documents of the authorization server (RFC 8414) and of each server (RFC 9728).

pub(in crate::oauth) mod protected_resource;
pub(in crate::oauth) mod server_metadata;

use std::sync::Arc;

use crate::oauth::Core;

/// Builder of the discovery documents and of the page of each server.
#[derive(Clone)]
pub struct Discovery {
    pub(super) core: Arc<Core>,
}
