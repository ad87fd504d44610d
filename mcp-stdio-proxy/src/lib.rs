//! Serves MCP servers that speak stdio over Streamable HTTP, revisions 2024-11-05 to 2026-07-28.
//!
//! A request arrives at `http`, which checks its headers and finds its seat in the `hub`. The seat consists of
//! a `session` and a `room`, the server instance that it shares with others of the same owner. The room has a
//! `child`, the server process, started by its `backend` as configured in the `catalogue`. The request is
//! written to the child under an id of the proxy (`child::calls`). The response goes to the `stream` of the
//! request or of the session. Only the envelope of a message is parsed (`protocol`). Where client and server
//! are of different eras, `translate` converts the messages, after `probe` has detected the server's era.

pub mod app;
pub mod audit;
pub mod backend;
pub mod catalogue;
pub mod check;
pub mod child;
pub mod cli;
pub mod grants;
mod health;
mod healthcheck;
pub mod http;
pub mod hub;
pub mod identity;
pub mod inner;
pub mod logs;
pub mod metrics;
pub mod parking;
pub mod probe;
pub mod protocol;
pub mod report;
pub mod room;
pub mod session;
pub mod settings;
pub mod stream;
mod sync;
pub mod translate;
pub mod unavailable;
mod unguessable;
