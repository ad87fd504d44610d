//! Legacy clients on a modern server: rewrites requests, and answers those that the server cannot (MCP "Compatibility
//! Matrix", legacy client and modern server).

mod bridge;
mod input_rounds;
mod requests;
mod responses;
mod subscription;
mod subscriptions;

pub(super) use bridge::LegacyToModern;
