//! Serves MCP servers that speak stdio over Streamable HTTP, revisions 2024-11-05 to 2026-07-28.
//!
//! A request arrives at `http`, which checks its headers and finds its binding in the `registry`. The binding consists of
//! a `session` and a `instance`, the server instance that it shares with others of the same owner. The instance has a
//! `process`, the server process, started by its `server` as configured in the `catalogue`. The request is
//! written to the process under an id of the proxy (`process::calls`). The response goes to the `stream` of the
//! request or of the session. Only the envelope of a message is parsed (`protocol`). Where client and server
//! are of different eras, `translate` converts the messages, after `probe` has detected the server's era.

pub mod access;
pub mod app;
pub mod bridge;
mod clock;
pub mod config;
mod healthcheck;
pub mod http;
pub mod instances;
pub mod messages;
pub mod operations;
pub mod process;
mod random;
pub mod sessions;
