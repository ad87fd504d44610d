//! Servers and their instances: start, handshake, era detection, health and the end.

pub mod era_probe;
pub mod health;
pub mod instance;
pub mod server;
pub mod session;
pub mod unavailable;
