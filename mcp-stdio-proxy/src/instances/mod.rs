//! Servers and their instances: start, handshake, era detection, health, clients, and the end.

pub mod bridge;
pub mod clients;
pub mod connection;
pub mod era_probe;
mod handshake;
pub mod health;
pub mod held_grants;
pub mod initialize;
pub mod instance;
pub mod key;
mod lifetime;
pub mod listen;
pub mod listener;
pub mod server;
pub mod session;
mod start;
pub mod unavailable;
