//! What the measuring programs share: a small HTTP client that checks what it gets, the figures of
//! `/proc`, medians, tables.

pub mod flood;
pub mod http;
pub mod mcp;
pub mod process;
pub mod proxy;
pub mod stats;
pub mod store;
pub mod verify;
