//! Serves MCP servers that speak stdio over Streamable HTTP, revisions 2024-11-05 to 2026-07-28.
//!
//! A request comes in at `http`, which checks its headers and finds its seat in the `hub`: a
//! `session`, and the `room` it shares with others of the same owner. The room has a `child`, the
//! server process, started by its `backend` as the `catalogue` says. The request is written to the
//! child under an id of our own (`child::calls`), and what comes back goes to the `stream` of the
//! request, or of the session. Of a message only the envelope is read (`protocol`);
//! where client and server are of different eras it is translated (`translate`), after `probe` has
//! found out of which the server is.

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
