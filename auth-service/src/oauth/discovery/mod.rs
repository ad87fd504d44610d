//! Discovery documents (RFC 8414, RFC 9728).

pub(in crate::oauth) mod protected_resource;
pub(in crate::oauth) mod server_metadata;
