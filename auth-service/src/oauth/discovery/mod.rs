//! Discovery documents (RFC 8414, RFC 9728).

pub(in crate::oauth) mod protected_resource;
pub(in crate::oauth) mod server_metadata;

use std::sync::Arc;

use crate::oauth::Core;

/// Discovery documents and pages.
#[derive(Clone)]
pub struct Discovery {
    pub(super) core: Arc<Core>,
}
