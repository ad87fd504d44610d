//! Clients of 2026-07-28 on a legacy server. Questions of the server become the result of the call during which they
//! arise, and tools that run only as tasks are run by the proxy.

mod bridge;
mod log_level;
mod questions;
mod responses;
mod retry;
mod subscriptions;
mod tasks;
mod unasked;

pub(super) use bridge::ModernToLegacy;
