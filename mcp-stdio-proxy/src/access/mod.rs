//! The access of callers: signed identities, grants that may be revoked, and audit events.

pub mod audit;
pub mod grants;
pub mod identity;
