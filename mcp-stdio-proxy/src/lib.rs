//! Serves MCP servers that speak stdio over Streamable HTTP, revisions 2024-11-05 to 2026-07-28.
//!
//! A request arrives at [`http`], which checks it and finds its server instance in the registry of [`sessions`]. An
//! instance ([`instances`]) owns a server [`process`], started as [`config`] says, and the clients that share it. The
//! [`bridge`] between the two prepares the request, which is written under an id of the proxy. The response is
//! attributed, filtered, translated and delivered under the client's id (`process::respond`). Only envelopes are
//! parsed, and [`messages`] are changed in place. `docs/PROXY.md` is the map.

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
